"""IAM users and their access keys."""

from typing import Any

from msgspec.structs import replace

from seawall.api.iam.names import (
    NOT_ENFORCED,
    delete_conflict,
    find_user,
    iam_arn,
    limit_exceeded,
    listed,
    no_such_entity,
    page_of,
    tags_of,
    whole_second,
)
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.access_key import AccessKey
from seawall.model.user import User
from seawall.store.ids import new_key_id, new_secret
from seawall.store.store import Reader
from seawall.wire.errors import ApiError

KEYS_PER_USER = 2


@operation("iam", "CreateUser", note=NOT_ENFORCED)
def create_user(call: Call, params: Params) -> dict[str, Any]:
    name = params["UserName"]
    user = User(
        id=name,
        user_id=new_key_id("AIDA"),
        path=params.get("Path", "/"),
        create_date=whole_second(call.now),
        tags=tags_of(params.get("Tags")),
    )
    with call.write() as txn:
        if any(other.id.lower() == name.lower() for other in txn.all(User)):
            raise ApiError("EntityAlreadyExists", f"User with name {name} already exists.", status=409)
        txn.put(user)
    return {"User": _describe(call, user, with_tags=True)}


@operation("iam", "GetUser")
def get_user(call: Call, params: Params) -> dict[str, Any]:
    name = params.get("UserName")
    if name is None and call.principal.kind == "root":
        return {"User": _describe_root(call)}
    user = find_user(call.store, name or _own_name(call))
    return {"User": _describe(call, user, with_tags=True)}


@operation("iam", "ListUsers")
def list_users(call: Call, params: Params) -> dict[str, Any]:
    prefix = params.get("PathPrefix", "/")
    users = [user for user in call.store.all(User) if user.path.startswith(prefix)]
    page, more = page_of(params, "ListUsers", users, lambda user: user.id)
    return {"Users": [_describe(call, user) for user in page], **more}


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
        txn.delete(User, user.id)
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


@operation("iam", "ListGroupsForUser", note="There are no groups.")
def list_groups_for_user(call: Call, params: Params) -> dict[str, Any]:
    find_user(call.store, params["UserName"])
    none: list[str] = []
    page, more = page_of(params, "ListGroupsForUser", none, str)
    return {"Groups": page, **more}


def _describe(call: Call, user: User, *, with_tags: bool = False) -> dict[str, Any]:
    described: dict[str, Any] = {
        "Path": user.path,
        "UserName": user.id,
        "UserId": user.user_id,
        "Arn": iam_arn(call, user.resource),
        "CreateDate": user.create_date,
    }
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


def _own_name(call: Call) -> str:
    """The name of the user who calls.  Raises ApiError when the caller is none."""
    if call.principal.kind != "user":
        raise ApiError("ValidationError", "Must specify userName when calling with non-User credentials")
    return call.principal.arn.rsplit("/", 1)[-1]


def _owner(call: Call, params: Params, reader: Reader) -> str | None:
    """Whose keys are meant: the named user's or the caller's own; None for the account's root."""
    name = params.get("UserName")
    if name is None:
        return None if call.principal.kind == "root" else _own_name(call)
    return find_user(reader, name).id


def _keys_of(reader: Reader, owner: str | None) -> list[AccessKey]:
    return [key for key in reader.all(AccessKey) if key.user == owner]


@operation("iam", "CreateAccessKey")
def create_access_key(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        owner = _owner(call, params, txn)
        if len(_keys_of(txn, owner)) >= KEYS_PER_USER:
            raise limit_exceeded(f"Cannot exceed quota for AccessKeysPerUser: {KEYS_PER_USER}")
        key = AccessKey(
            id=new_key_id("AKIA"), secret=new_secret(), user=owner, create_date=whole_second(call.now)
        )
        txn.put(key)
    return {"AccessKey": _describe_key(key) | {"SecretAccessKey": key.secret}}


@operation("iam", "ListAccessKeys")
def list_access_keys(call: Call, params: Params) -> dict[str, Any]:
    keys = _keys_of(call.store, _owner(call, params, call.store))
    page, more = page_of(params, "ListAccessKeys", keys, lambda key: key.id)
    return {"AccessKeyMetadata": [_describe_key(key) for key in page], **more}


@operation("iam", "UpdateAccessKey", note="A key that is not Active no longer opens anything.")
def update_access_key(call: Call, params: Params) -> dict[str, Any]:
    status = params["Status"]
    if status == "Expired":
        raise ApiError("InvalidInput", "Status must be Active or Inactive.")
    with call.write() as txn:
        key = _find_key(call, params, txn)
        txn.put(
            AccessKey(id=key.id, secret=key.secret, user=key.user, status=status, create_date=key.create_date)
        )
    return {}


@operation("iam", "DeleteAccessKey")
def delete_access_key(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        txn.delete(AccessKey, _find_key(call, params, txn).id)
    return {}


def _find_key(call: Call, params: Params, reader: Reader) -> AccessKey:
    owner, id = _owner(call, params, reader), params["AccessKeyId"]
    key = reader.find(AccessKey, id)
    if key is None or key.user != owner:
        raise no_such_entity(f"The Access Key with id {id} cannot be found.")
    return key


def _describe_key(key: AccessKey) -> dict[str, Any]:
    return {
        "UserName": key.user or "root",
        "AccessKeyId": key.id,
        "Status": key.status,
        "CreateDate": key.create_date,
    }
