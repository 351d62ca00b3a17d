"""A caller's standing: all policies that speak about them, and what conditions can ask about them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import chain

import msgspec

from seawall.iam.managed_policies import in_force
from seawall.iam.policy.caller import Caller
from seawall.iam.policy.document import Policy, named_policy
from seawall.iam.principal import Principal
from seawall.model.access_key import RoleSession, UserSession
from seawall.model.group import Group
from seawall.model.role import Role
from seawall.model.user import User
from seawall.store.store import Reader


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """boundary, session   None where there is none
    principal_arn       aws:PrincipalArn: the role, not its session
    """

    caller: Caller
    principal_arn: str
    user_id: str
    user_name: str | None = None
    tags: Mapping[str, str] = {}
    identity: tuple[Policy, ...] = ()
    boundary: tuple[Policy, ...] | None = None
    session: tuple[Policy, ...] | None = None
    issued: datetime | None = None  # of temporary credentials
    source_identity: str | None = None


def standing_of(reader: Reader, principal: Principal) -> Standing:
    """Raises PolicyError when a policy in the store is none, which no operation lets in."""
    if principal.kind == "user":
        return _user_standing(reader, principal)
    if principal.kind == "assumed-role":
        return _session_standing(reader, principal)
    caller = Caller(kind="root", account=principal.account, arn=principal.arn)
    return Standing(
        caller=caller,
        principal_arn=principal.arn,
        user_id=principal.user_id,
        issued=_issued(reader, principal),
    )


def _user_standing(reader: Reader, principal: Principal) -> Standing:
    user = reader.find(User, principal.name)
    caller = Caller(kind="user", account=principal.account, arn=principal.arn)
    return Standing(
        caller=caller,
        principal_arn=principal.arn,
        user_id=principal.user_id,
        user_name=principal.name,
        tags=user.tags if user else {},
        identity=identity_policies(reader, user) if user else (),
        boundary=boundary_policy(reader, user) if user else None,
        issued=_issued(reader, principal),
    )


def _session_standing(reader: Reader, principal: Principal) -> Standing:
    role = reader.find(Role, principal.name)
    session = reader.find(RoleSession, principal.access_key_id)
    role_arn = f"arn:aws:iam::{principal.account}:{role.resource}" if role else ""
    return Standing(
        caller=Caller(kind="session", account=principal.account, arn=principal.arn, role_arn=role_arn),
        principal_arn=role_arn or principal.arn,
        user_id=principal.user_id,
        tags=_merged(role.tags if role else {}, session.tags if session else {}),
        identity=identity_policies(reader, role) if role else (),
        boundary=boundary_policy(reader, role) if role else None,
        session=_session_policies(reader, session) if session else None,
        issued=session.issued if session else None,
        source_identity=session.source_identity if session else None,
    )


def identity_policies(reader: Reader, identity: User | Role | Group) -> tuple[Policy, ...]:
    """Inline and attached policies; a user's groups' as well.  A policy that AWS has and Seawall does not
    know (on a service-linked role) says nothing."""
    groups: Iterable[Group] = ()
    if isinstance(identity, User):
        groups = [group for name in identity.groups if (group := reader.find(Group, name))]
    holders: Iterable[User | Role | Group] = chain((identity,), groups)
    return tuple(policy for holder in holders for policy in _own_policies(reader, holder))


def _own_policies(reader: Reader, holder: User | Role | Group) -> Iterable[Policy]:
    for name, text in holder.inline_policies.items():
        yield named_policy(name, text)
    for arn in holder.attached_policies:
        policy = in_force(reader, arn)
        if policy is not None:
            yield policy


def boundary_policy(reader: Reader, identity: User | Role) -> tuple[Policy, ...] | None:
    """The permissions boundary; one that is gone allows nothing."""
    if identity.permissions_boundary is None:
        return None
    policy = in_force(reader, identity.permissions_boundary)
    return (policy,) if policy else ()


def _session_policies(reader: Reader, session: RoleSession) -> tuple[Policy, ...] | None:
    if session.policy is None and not session.policy_arns:
        return None
    given = [named_policy("session policy", session.policy)] if session.policy else []
    return (*given, *(policy for arn in session.policy_arns if (policy := in_force(reader, arn))))


def _issued(reader: Reader, principal: Principal) -> datetime | None:
    session = reader.find(UserSession, principal.access_key_id)
    return session.issued if session else None


def _merged(before: Mapping[str, str], over: Mapping[str, str]) -> dict[str, str]:
    """Tags over tags; their keys are the same without regard to case."""
    taken = {key.lower() for key in over}
    return {**{key: value for key, value in before.items() if key.lower() not in taken}, **over}
