"""Policies of an identity, role, user or group: inline ones, and managed ones attached to it.

Pure changes of documents; `identity_policy_operations` finds and stores them.
"""

from typing import Any, NamedTuple, TypeVar

from msgspec.structs import replace

from seawall.api.iam.document import check_identity_policy
from seawall.api.iam.names import limit_exceeded, no_such_entity
from seawall.api.iam.policy import find_policy
from seawall.model.group import Group
from seawall.model.role import Role
from seawall.model.user import User
from seawall.store.store import Reader
from seawall.wire.errors import ApiError

Identity = TypeVar("Identity", Role, User, Group)


class Limits(NamedTuple):
    word: str  # "role", "user" or "group", in error texts
    quota: str  # the name of the quota on attached policies
    inline_characters: int  # of all inline policies together, white space not counted


ROLE = Limits("role", "PoliciesPerRole", 10_240)
USER = Limits("user", "PoliciesPerUser", 2_048)
GROUP = Limits("group", "PoliciesPerGroup", 5_120)
MOST_ATTACHED = 10


def with_inline(identity: Identity, name: str, document: str, limits: Limits) -> Identity:
    """Raises ApiError MalformedPolicyDocument or LimitExceeded."""
    check_identity_policy(document)
    policies = {**identity.inline_policies, name: document}
    if sum(len("".join(text.split())) for text in policies.values()) > limits.inline_characters:
        raise limit_exceeded(
            f"Maximum policy size of {limits.inline_characters} bytes exceeded"
            f" for {limits.word} {identity.id}"
        )
    return replace(identity, inline_policies=policies)


def inline_document(identity: Role | User | Group, name: str, limits: Limits) -> str:
    """Raises ApiError NoSuchEntity."""
    if name not in identity.inline_policies:
        raise no_such_entity(f"The {limits.word} policy with name {name} cannot be found.")
    return identity.inline_policies[name]


def without_inline(identity: Identity, name: str, limits: Limits) -> Identity:
    """Raises ApiError NoSuchEntity."""
    inline_document(identity, name, limits)
    kept = {other: text for other, text in identity.inline_policies.items() if other != name}
    return replace(identity, inline_policies=kept)


def with_attached(reader: Reader, identity: Identity, arn: str, limits: Limits) -> Identity:
    """Raises ApiError when there is no such policy or the identity has too many; repeating is no error."""
    if not arn.startswith("arn:"):
        raise ApiError("InvalidInput", f"ARN {arn} is not valid.")
    policy = find_policy(reader, arn)
    if policy.id in identity.attached_policies:
        return identity
    if len(identity.attached_policies) >= MOST_ATTACHED:
        raise limit_exceeded(f"Cannot exceed quota for {limits.quota}: {MOST_ATTACHED}")
    return replace(identity, attached_policies=(*identity.attached_policies, policy.id))


def without_attached(identity: Identity, arn: str) -> Identity:
    """Raises ApiError NoSuchEntity."""
    if arn not in identity.attached_policies:
        raise no_such_entity(f"Policy {arn} was not found.")
    kept = tuple(other for other in identity.attached_policies if other != arn)
    return replace(identity, attached_policies=kept)


def attached_below(identity: Role | User | Group, path_prefix: str) -> list[str]:
    """The ARNs of attached policies whose path begins so, in order."""
    return sorted(arn for arn in identity.attached_policies if _path(arn).startswith(path_prefix))


def describe_attached(arns: list[str]) -> list[dict[str, Any]]:
    return [{"PolicyName": arn.rsplit("/", 1)[-1], "PolicyArn": arn} for arn in arns]


def _path(arn: str) -> str:
    """The path in a policy's ARN: "/" or "/a/b/"."""
    inside = arn.split(":", 5)[5].removeprefix("policy")
    return inside[: inside.rindex("/") + 1]
