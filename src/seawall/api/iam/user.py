"""IAM users: create, describe, rename, tag, delete."""

from typing import Any

from msgspec.structs import replace

from seawall.api.iam.departed import forget_principal
from seawall.api.iam.names import (
    boundary_member,
    delete_conflict,
    find_user,
    iam_arn,
    listed,
    own_name,
    page_of,
    tags_of,
    whole_second,
)
from seawall.api.iam.policy import find_policy
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.access_key import AccessKey, UserSession
from seawall.model.user import User
from seawall.store.ids import new_key_id
from seawall.store.store import Reader
from seawall.wire.errors import ApiError


@operation("iam", "CreateUser")
def create_user(call: Call, params: Params) -> dict[str, Any]:
    name = params["UserName"]
    user = User(
        id=name,
        user_id=new_key_id("AIDA"),
        path=params.get("Path", "/"),
        create_date=whole_second(call.now),
        permissions_boundary=params.get("PermissionsBoundary"),
        tags=tags_of(params.get("Tags")),
    )
    with call.write() as txn:
        _refuse_taken_name(txn, name)
        if user.permissions_boundary is not None:
            find_policy(txn, user.permissions_boundary)
        txn.put(user)
    return {"User": describe_user(call, user, with_tags=True)}


def _refuse_taken_name(reader: Reader, name: str) -> None:
    """Names of users are told apart without regard to case.  Raises ApiError EntityAlreadyExists."""
    if any(other.id.lower() == name.lower() for other in reader.all(User)):
        raise ApiError("EntityAlreadyExists", f"User with name {name} already exists.", status=409)


@operation("iam", "UpdateUser")
def update_user(call: Call, params: Params) -> dict[str, Any]:
    """A new name or path; keys, groups and policies stay the user's."""
    with call.write() as txn:
        user = find_user(txn, params["UserName"])
        name = params.get("NewUserName") or user.id
        if name.lower() != user.id.lower():
            _refuse_taken_name(txn, name)
        renamed = replace(user, id=name, path=params.get("NewPath") or user.path)
        if name != user.id:
            for key in txn.referrers(AccessKey, user.ref):
                txn.put(replace(key, user=name))
            for session in txn.referrers(UserSession, user.ref):
                txn.put(replace(session, user=name))
            txn.delete(User, user.id)
        txn.put(renamed)
    return {}


@operation("iam", "GetUser")
def get_user(call: Call, params: Params) -> dict[str, Any]:
    name = params.get("UserName")
    if name is None and call.principal.kind == "root":
        return {"User": _describe_root(call)}
    user = find_user(call.store, name or own_name(call))
    return {"User": describe_user(call, user, with_tags=True)}


@operation("iam", "ListUsers")
def list_users(call: Call, params: Params) -> dict[str, Any]:
    prefix = params.get("PathPrefix", "/")
    users = [user for user in call.store.all(User) if user.path.startswith(prefix)]
    page, more = page_of(params, "ListUsers", users, lambda user: user.id)
    return {"Users": [describe_user(call, user) for user in page], **more}


@operation("iam", "DeleteUser")
def delete_user(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        user = find_user(txn, params["UserName"])
        if txn.referrers(AccessKey, user.ref):
            raise delete_conflict("Cannot delete entity, must delete access keys first.")
        if user.attached_policies:
            raise delete_conflict("Cannot delete entity, must detach all policies first.")
        if user.inline_policies:
            raise delete_conflict("Cannot delete entity, must delete policies first.")
        if user.groups:
            raise delete_conflict("Cannot delete entity, must remove users from group first.")
        for session in txn.referrers(UserSession, user.ref):
            txn.delete(UserSession, session.id)
        txn.delete(User, user.id)
        forget_principal(txn, call.arn(user.resource, service="iam", region=""), user.user_id)
    return {}


@operation("iam", "TagUser")
def tag_user(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        user = find_user(txn, params["UserName"])
        txn.put(replace(user, tags=tags_of(params["Tags"], user.tags)))
    return {}


@operation("iam", "UntagUser")
def untag_user(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        user = find_user(txn, params["UserName"])
        gone = params["TagKeys"]
        txn.put(replace(user, tags={key: text for key, text in user.tags.items() if key not in gone}))
    return {}


@operation("iam", "ListUserTags")
def list_user_tags(call: Call, params: Params) -> dict[str, Any]:
    tags = sorted(listed(find_user(call.store, params["UserName"]).tags), key=lambda tag: tag["Key"])
    page, more = page_of(params, "ListUserTags", tags, lambda tag: tag["Key"])
    return {"Tags": page, **more}


def describe_user(call: Call, user: User, *, with_tags: bool = False) -> dict[str, Any]:
    described: dict[str, Any] = {
        "Path": user.path,
        "UserName": user.id,
        "UserId": user.user_id,
        "Arn": iam_arn(call, user.resource),
        "CreateDate": user.create_date,
    }
    described |= boundary_member(user)
    return described | ({"Tags": listed(user.tags)} if with_tags and user.tags else {})


def _describe_root(call: Call) -> dict[str, Any]:
    """The account's root, as GetUser shows it to itself; as old as its first key."""
    keys = [key for key in call.store.all(AccessKey) if key.user is None]
    return {
        "Path": "/",
        "UserName": "root",
        "UserId": call.account,
        "Arn": iam_arn(call, "root"),
        "CreateDate": min((key.create_date for key in keys), default=call.now),
    }
