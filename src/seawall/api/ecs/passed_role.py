"""Roles handed to a task: what a definition may name, and which ones a task can have.

Source: "Task IAM role" of the ECS developer guide; grammar of trust policies in the IAM user guide.
"""

import re

from seawall.api.ecs.moment import Moment
from seawall.api.ecs.names import client_exception
from seawall.iam.trust import TASKS_SERVICE, trusts
from seawall.model.arn import parse_arn
from seawall.model.role import Role
from seawall.store.store import Reader

ROLE_NAME = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)


def check_role_name(account: str, text: str | None) -> None:
    """Refuse what can be no role of this account: neither a name nor an ARN of one.

    Whether there is such a role is asked when a task needs it.  Raises ApiError ClientException.
    """
    if not text:
        return
    arn = parse_arn(text)
    if arn is None:
        valid = ROLE_NAME.fullmatch(text) is not None
    else:
        valid = arn.service == "iam" and arn.account == account and arn.resource.startswith("role/")
    if not valid:
        raise client_exception("Role is not valid")


def passed_role_arn(moment: Moment, reader: Reader, text: str | None) -> str | None:
    """The ARN of a role given by ARN or name; None for none.  Raises ApiError ClientException."""
    if not text:
        return None
    role = _find(moment, reader, text)
    source_arn = moment.arn("*")
    if role is None or not trusts(role, TASKS_SERVICE, account=moment.account, source_arn=source_arn):
        raise client_exception(
            f"ECS was unable to assume the role '{text}' that was provided for this task. Please verify that"
            " the role being passed has the proper trust relationship and permissions and that your IAM user"
            " has permissions to pass this role."
        )
    return moment.arn(role.resource, service="iam", region="")


def _find(moment: Moment, reader: Reader, text: str) -> Role | None:
    arn = parse_arn(text)
    if arn is None:
        return reader.find(Role, text)
    if arn.service != "iam" or arn.account != moment.account or not arn.resource.startswith("role/"):
        return None
    role = reader.find(Role, arn.resource.rsplit("/", 1)[-1])
    return role if role and role.resource == arn.resource else None
