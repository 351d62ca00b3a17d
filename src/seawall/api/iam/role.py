"""IAM roles: create, describe, change, tag, delete."""

from typing import Any

from msgspec.structs import replace

from seawall.api.iam.departed import forget_principal
from seawall.api.iam.document import check_trust_policy
from seawall.api.iam.names import (
    boundary_member,
    delete_conflict,
    encoded,
    find_role,
    iam_arn,
    limit_exceeded,
    listed,
    page_of,
    tags_of,
    whole_second,
)
from seawall.api.iam.policy import find_policy
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.access_key import RoleSession
from seawall.model.instance_profile import InstanceProfile
from seawall.model.role import Role
from seawall.store.ids import new_key_id
from seawall.store.store import Reader
from seawall.wire.errors import ApiError

MOST_TRUST_CHARACTERS = 2048  # white space not counted


@operation("iam", "CreateRole")
def create_role(call: Call, params: Params) -> dict[str, Any]:
    document, boundary = params["AssumeRolePolicyDocument"], params.get("PermissionsBoundary")
    _check_trust(document)
    role = Role(
        id=params["RoleName"],
        role_id=new_key_id("AROA"),
        path=params.get("Path", "/"),
        create_date=whole_second(call.now),
        assume_role_policy_document=document,
        description=params.get("Description"),
        max_session_duration=params.get("MaxSessionDuration", 3600),
        permissions_boundary=boundary,
        tags=tags_of(params.get("Tags")),
    )
    with call.write() as txn:
        refuse_taken_name(txn, role.id)
        if boundary is not None:
            find_policy(txn, boundary)
        txn.put(role)
    return {"Role": describe_role(call, role)}


def refuse_taken_name(reader: Reader, name: str) -> None:
    """Names of roles are told apart without regard to case.  Raises ApiError EntityAlreadyExists."""
    if any(other.id.lower() == name.lower() for other in reader.all(Role)):
        raise ApiError("EntityAlreadyExists", f"Role with name {name} already exists.", status=409)


def _check_trust(document: str) -> None:
    check_trust_policy(document)
    if len("".join(document.split())) > MOST_TRUST_CHARACTERS:
        raise limit_exceeded(f"Cannot exceed quota for ACLSizePerRole: {MOST_TRUST_CHARACTERS}")


def changeable_role(reader: Reader, name: str) -> Role:
    """A role that is not AWS's own.  Raises ApiError NoSuchEntity or UnmodifiableEntity."""
    role = find_role(reader, name)
    if role.service_linked:
        raise ApiError(
            "UnmodifiableEntity",
            f"Cannot perform the operation on the protected role '{name}'"
            " - this role is only modifiable by AWS",
        )
    return role


@operation("iam", "GetRole")
def get_role(call: Call, params: Params) -> dict[str, Any]:
    role = find_role(call.store, params["RoleName"])
    tags = {"Tags": listed(role.tags)} if role.tags else {}
    return {"Role": describe_role(call, role) | tags | {"RoleLastUsed": {}}}


@operation("iam", "ListRoles")
def list_roles(call: Call, params: Params) -> dict[str, Any]:
    prefix = params.get("PathPrefix", "/")
    roles = [role for role in call.store.all(Role) if role.path.startswith(prefix)]
    page, more = page_of(params, "ListRoles", roles, lambda role: role.id)
    return {"Roles": [describe_role(call, role) for role in page], **more}


@operation("iam", "DeleteRole", note="Sessions of the role end with it.")
def delete_role(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        role = changeable_role(txn, params["RoleName"])
        if role.attached_policies:
            raise delete_conflict("Cannot delete entity, must detach all policies first.")
        if role.inline_policies:
            raise delete_conflict("Cannot delete entity, must delete policies first.")
        if txn.referrers(InstanceProfile, role.ref):
            raise delete_conflict("Cannot delete entity, must remove roles from instance profile first.")
        for session in txn.referrers(RoleSession, role.ref):
            txn.delete(RoleSession, session.id)
        txn.delete(Role, role.id)
        forget_principal(txn, call.arn(role.resource, service="iam", region=""), role.role_id)
    return {}


@operation("iam", "UpdateRole")
def update_role(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        role = changeable_role(txn, params["RoleName"])
        txn.put(
            replace(
                role,
                description=params.get("Description", role.description),
                max_session_duration=params.get("MaxSessionDuration", role.max_session_duration),
            )
        )
    return {}


@operation("iam", "UpdateRoleDescription")
def update_role_description(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        role = changeable_role(txn, params["RoleName"])
        role = replace(role, description=params["Description"])
        txn.put(role)
    return {"Role": describe_role(call, role)}


@operation("iam", "UpdateAssumeRolePolicy")
def update_assume_role_policy(call: Call, params: Params) -> dict[str, Any]:
    document = params["PolicyDocument"]
    _check_trust(document)
    with call.write() as txn:
        role = changeable_role(txn, params["RoleName"])
        txn.put(replace(role, assume_role_policy_document=document))
    return {}


@operation("iam", "TagRole")
def tag_role(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        role = changeable_role(txn, params["RoleName"])
        txn.put(replace(role, tags=tags_of(params["Tags"], role.tags)))
    return {}


@operation("iam", "UntagRole")
def untag_role(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        role = changeable_role(txn, params["RoleName"])
        gone = params["TagKeys"]
        txn.put(replace(role, tags={key: text for key, text in role.tags.items() if key not in gone}))
    return {}


@operation("iam", "ListRoleTags")
def list_role_tags(call: Call, params: Params) -> dict[str, Any]:
    tags = sorted(listed(find_role(call.store, params["RoleName"]).tags), key=lambda tag: tag["Key"])
    page, more = page_of(params, "ListRoleTags", tags, lambda tag: tag["Key"])
    return {"Tags": page, **more}


def describe_role(call: Call, role: Role) -> dict[str, Any]:
    described: dict[str, Any] = {
        "Path": role.path,
        "RoleName": role.id,
        "RoleId": role.role_id,
        "Arn": iam_arn(call, role.resource),
        "CreateDate": role.create_date,
        "AssumeRolePolicyDocument": encoded(role.assume_role_policy_document),
        "MaxSessionDuration": role.max_session_duration,
    }
    if role.description is not None:
        described["Description"] = role.description
    return described | boundary_member(role)
