"""Permissions boundaries: the most that an identity's own policies can allow it."""

from typing import Any

from msgspec.structs import replace

from seawall.api.iam.names import find_user, no_such_entity
from seawall.api.iam.policy import find_policy
from seawall.api.iam.role import changeable_role
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.role import Role
from seawall.model.user import User


@operation("iam", "PutRolePermissionsBoundary")
def put_role_permissions_boundary(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        boundary = find_policy(txn, params["PermissionsBoundary"]).id
        txn.put(replace(changeable_role(txn, params["RoleName"]), permissions_boundary=boundary))
    return {}


@operation("iam", "PutUserPermissionsBoundary")
def put_user_permissions_boundary(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        boundary = find_policy(txn, params["PermissionsBoundary"]).id
        txn.put(replace(find_user(txn, params["UserName"]), permissions_boundary=boundary))
    return {}


@operation("iam", "DeleteRolePermissionsBoundary")
def delete_role_permissions_boundary(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        role = changeable_role(txn, params["RoleName"])
        _refuse_none(role, "Role")
        txn.put(replace(role, permissions_boundary=None))
    return {}


@operation("iam", "DeleteUserPermissionsBoundary")
def delete_user_permissions_boundary(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        user = find_user(txn, params["UserName"])
        _refuse_none(user, "User")
        txn.put(replace(user, permissions_boundary=None))
    return {}


def _refuse_none(identity: Role | User, noun: str) -> None:
    if identity.permissions_boundary is None:
        raise no_such_entity(f"{noun} {identity.id} does not have a permissions boundary.")
