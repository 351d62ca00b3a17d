"""A denied call asked of the policies once more: which statements deny, and would an Allow help?"""

import json

from msgspec.structs import replace

from seawall.compile.why.permission import EXECUTION_POLICY, Decided, Denial
from seawall.controllers.loop import Context
from seawall.iam.managed_policies import in_force
from seawall.iam.policy.caller import Caller
from seawall.iam.policy.document import Policy, named_policy
from seawall.iam.policy.evaluate import Decision, Policies, Question, decide
from seawall.iam.principal import Principal
from seawall.iam.standing import Standing, standing_of
from seawall.model.role import Role


def decided(denied: Denial, context: Context) -> Decided:
    """Of a role's session; anybody else's call is left as it was said.

    What depends on the request (its source, its endpoint) is not known here: a Deny under such a condition
    stays unnamed.
    """
    role = context.store.find(Role, denied.role)
    if role is None:
        return Decided()
    who = Principal(
        kind="assumed-role",
        account=context.account,
        arn=denied.user,
        user_id=f"{role.role_id}:{denied.user.rpartition('/')[2]}",
        access_key_id="",
    )
    standing = standing_of(context.store, who)
    now = _decide(denied, standing)
    shipped = in_force(context.store, EXECUTION_POLICY)
    attached = EXECUTION_POLICY in role.attached_policies
    by_shipped = (
        shipped is not None
        and not attached
        and _decide(denied, standing, shipped).allowed
        and not now.allowed
    )
    statement = {"Effect": "Allow", "Action": denied.action, "Resource": denied.resource}
    added = named_policy("added", json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    return Decided(
        denying=tuple((m.policy, m.sid or str(m.position)) for m in now.matches) if now.explicit else (),
        shipped=by_shipped,
        helped=_decide(denied, standing, added).allowed,
    )


def _decide(denied: Denial, standing: Standing, *added: Policy) -> Decision:
    with_added = replace(standing, identity=(*standing.identity, *added))
    question = Question(caller=standing.caller, action=denied.action, resource=denied.resource)
    policies = Policies(
        identity=with_added.identity, boundary=with_added.boundary, session=with_added.session
    )
    return decide(question, policies)


def passes(document: str, action: str, resource: str, context: Context) -> bool:
    """Whether a VPC endpoint's policy lets somebody of the account do that."""
    root = Caller(kind="root", account=context.account, arn=f"arn:aws:iam::{context.account}:root")
    question = Question(caller=root, action=action, resource=resource)
    return decide(question, Policies(endpoint=(named_policy("endpoint", document),))).allowed
