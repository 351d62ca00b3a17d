"""The policies of a role."""

from typing import Any

from seawall.api.iam.identity_policy import (
    ROLE,
    attached_below,
    describe_attached,
    inline_document,
    with_attached,
    with_inline,
    without_attached,
    without_inline,
)
from seawall.api.iam.names import NOT_ENFORCED, encoded, find_role, page_of
from seawall.api.iam.role import changeable_role
from seawall.api.params import Params
from seawall.api.registry import Call, operation


@operation("iam", "PutRolePolicy", note=NOT_ENFORCED)
def put_role_policy(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        role = changeable_role(txn, params["RoleName"])
        txn.put(with_inline(role, params["PolicyName"], params["PolicyDocument"], ROLE))
    return {}


@operation("iam", "GetRolePolicy")
def get_role_policy(call: Call, params: Params) -> dict[str, Any]:
    role, name = find_role(call.store, params["RoleName"]), params["PolicyName"]
    document = encoded(inline_document(role, name, ROLE))
    return {"RoleName": role.id, "PolicyName": name, "PolicyDocument": document}


@operation("iam", "ListRolePolicies")
def list_role_policies(call: Call, params: Params) -> dict[str, Any]:
    names = sorted(find_role(call.store, params["RoleName"]).inline_policies)
    page, more = page_of(params, "ListRolePolicies", names, str)
    return {"PolicyNames": page, **more}


@operation("iam", "DeleteRolePolicy")
def delete_role_policy(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        role = changeable_role(txn, params["RoleName"])
        txn.put(without_inline(role, params["PolicyName"], ROLE))
    return {}


@operation("iam", "AttachRolePolicy", note=NOT_ENFORCED)
def attach_role_policy(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        role = changeable_role(txn, params["RoleName"])
        txn.put(with_attached(txn, role, params["PolicyArn"], ROLE))
    return {}


@operation("iam", "DetachRolePolicy")
def detach_role_policy(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        role = changeable_role(txn, params["RoleName"])
        txn.put(without_attached(role, params["PolicyArn"]))
    return {}


@operation("iam", "ListAttachedRolePolicies")
def list_attached_role_policies(call: Call, params: Params) -> dict[str, Any]:
    role = find_role(call.store, params["RoleName"])
    attached = attached_below(role, params.get("PathPrefix", "/"))
    page, more = page_of(params, "ListAttachedRolePolicies", attached, str)
    return {"AttachedPolicies": describe_attached(page), **more}
