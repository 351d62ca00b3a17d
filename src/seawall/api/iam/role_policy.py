"""Policies of a role: inline ones, and managed ones attached to it."""

from typing import Any

from msgspec.structs import replace

from seawall.api.iam.document import check_identity_policy
from seawall.api.iam.names import (
    NOT_ENFORCED,
    encoded,
    find_role,
    limit_exceeded,
    no_such_entity,
    page_of,
)
from seawall.api.iam.policy import find_policy
from seawall.api.iam.role import changeable_role
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.wire.errors import ApiError

MOST_INLINE_CHARACTERS = 10_240  # of all inline policies of a role, white space not counted
MOST_ATTACHED = 10


@operation("iam", "PutRolePolicy", note=NOT_ENFORCED)
def put_role_policy(call: Call, params: Params) -> dict[str, Any]:
    name, document = params["PolicyName"], params["PolicyDocument"]
    check_identity_policy(document)
    with call.write() as txn:
        role = changeable_role(txn, params["RoleName"])
        policies = {**role.inline_policies, name: document}
        if sum(len("".join(text.split())) for text in policies.values()) > MOST_INLINE_CHARACTERS:
            raise limit_exceeded(
                f"Maximum policy size of {MOST_INLINE_CHARACTERS} bytes exceeded for role {role.id}"
            )
        txn.put(replace(role, inline_policies=policies))
    return {}


@operation("iam", "GetRolePolicy")
def get_role_policy(call: Call, params: Params) -> dict[str, Any]:
    role, name = find_role(call.store, params["RoleName"]), params["PolicyName"]
    if name not in role.inline_policies:
        raise no_such_entity(f"The role policy with name {name} cannot be found.")
    return {
        "RoleName": role.id,
        "PolicyName": name,
        "PolicyDocument": encoded(role.inline_policies[name]),
    }


@operation("iam", "ListRolePolicies")
def list_role_policies(call: Call, params: Params) -> dict[str, Any]:
    names = sorted(find_role(call.store, params["RoleName"]).inline_policies)
    page, more = page_of(params, "ListRolePolicies", names, str)
    return {"PolicyNames": page, **more}


@operation("iam", "DeleteRolePolicy")
def delete_role_policy(call: Call, params: Params) -> dict[str, Any]:
    name = params["PolicyName"]
    with call.write() as txn:
        role = changeable_role(txn, params["RoleName"])
        if name not in role.inline_policies:
            raise no_such_entity(f"The role policy with name {name} cannot be found.")
        kept = {other: text for other, text in role.inline_policies.items() if other != name}
        txn.put(replace(role, inline_policies=kept))
    return {}


@operation("iam", "AttachRolePolicy", note=NOT_ENFORCED)
def attach_role_policy(call: Call, params: Params) -> dict[str, Any]:
    arn = params["PolicyArn"]
    if not arn.startswith("arn:"):
        raise ApiError("InvalidInput", f"ARN {arn} is not valid.")
    with call.write() as txn:
        role = changeable_role(txn, params["RoleName"])
        policy = find_policy(txn, arn)
        if policy.id not in role.attached_policies:
            if len(role.attached_policies) >= MOST_ATTACHED:
                raise limit_exceeded(f"Cannot exceed quota for PoliciesPerRole: {MOST_ATTACHED}")
            txn.put(replace(role, attached_policies=(*role.attached_policies, policy.id)))
    return {}


@operation("iam", "DetachRolePolicy")
def detach_role_policy(call: Call, params: Params) -> dict[str, Any]:
    arn = params["PolicyArn"]
    with call.write() as txn:
        role = changeable_role(txn, params["RoleName"])
        if arn not in role.attached_policies:
            raise no_such_entity(f"Policy {arn} was not found.")
        txn.put(
            replace(role, attached_policies=tuple(other for other in role.attached_policies if other != arn))
        )
    return {}


@operation("iam", "ListAttachedRolePolicies")
def list_attached_role_policies(call: Call, params: Params) -> dict[str, Any]:
    role, prefix = find_role(call.store, params["RoleName"]), params.get("PathPrefix", "/")
    attached = sorted(arn for arn in role.attached_policies if _path(arn).startswith(prefix))
    page, more = page_of(params, "ListAttachedRolePolicies", attached, str)
    return {
        "AttachedPolicies": [{"PolicyName": arn.rsplit("/", 1)[-1], "PolicyArn": arn} for arn in page],
        **more,
    }


def _path(arn: str) -> str:
    """The path in a policy's ARN: "/" or "/a/b/"."""
    inside = arn.split(":", 5)[5].removeprefix("policy")
    return inside[: inside.rindex("/") + 1]
