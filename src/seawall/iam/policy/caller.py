"""Who asks, and which Principal elements mean them.

Source: "AWS JSON policy elements: Principal" and "NotPrincipal", IAM user guide.
"""

from typing import Literal

import msgspec

from seawall.iam.policy.document import Statement

# How a statement names the caller, and so how far its Allow goes (see `evaluate`):
#   itself    the user, the role's session, the service
#   role      the role of the session
#   anybody   "*"
#   account   the caller's account, which leaves it to the account's own policies
Naming = Literal["itself", "role", "anybody", "account"]


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """arn       of the user, the session or the account's root; "" for services
    role_arn  of the role whose session this is
    service   e.g. "ecs-tasks.amazonaws.com"
    """

    kind: Literal["root", "user", "session", "service"]
    account: str
    arn: str = ""
    role_arn: str = ""
    service: str = ""


def naming(statement: Statement, caller: Caller) -> Naming | None:
    """How a statement of a resource's policy names the caller; None when it does not."""
    if statement.principals is not None:
        found = [how for kind, name in statement.principals if (how := _named(kind, name, caller))]
        order: tuple[Naming, ...] = ("itself", "role", "anybody", "account")
        return next((how for how in order if how in found), None)
    if statement.not_principals is not None:
        spared = any(_named(kind, name, caller) for kind, name in statement.not_principals)
        return None if spared else "anybody"
    return None


def _named(kind: str, name: str, caller: Caller) -> Naming | None:
    if kind == "*":
        return "anybody"
    if kind == "Service":
        return "itself" if caller.kind == "service" and name in (caller.service, "*") else None
    if kind != "AWS" or caller.kind == "service":
        return None
    if name == "*":
        return "anybody"
    if name in (caller.account, f"arn:aws:iam::{caller.account}:root"):
        return "account"
    if name == caller.arn:
        return "itself"
    return "role" if caller.role_arn and name == caller.role_arn else None
