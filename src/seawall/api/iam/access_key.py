"""Access keys of IAM users."""

from typing import Any

from msgspec.structs import replace

from seawall.api.iam.names import (
    find_user,
    limit_exceeded,
    no_such_entity,
    own_name,
    page_of,
    whole_second,
)
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.access_key import AccessKey
from seawall.store.ids import new_key_id, new_secret
from seawall.store.store import Reader
from seawall.wire.errors import ApiError

KEYS_PER_USER = 2


def _owner(call: Call, params: Params, reader: Reader) -> str | None:
    """Whose keys are meant: the named user's or the caller's own; None for the account's root."""
    name = params.get("UserName")
    if name is None:
        return None if call.principal.kind == "root" else own_name(call)
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
        txn.put(replace(key, status=status))
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


@operation(
    "iam", "GetAccessKeyLastUsed", note="Kept to a quarter of an hour: a later use is written down only then."
)
def get_access_key_last_used(call: Call, params: Params) -> dict[str, Any]:
    key = call.store.find(AccessKey, params["AccessKeyId"])
    if key is None:
        raise ApiError(
            "AccessDenied",
            f"User: {call.principal.arn} is not authorized to perform: iam:GetAccessKeyLastUsed"
            f" on resource: access key {params['AccessKeyId']}",
            status=403,
        )
    used: dict[str, Any] = {"ServiceName": "N/A", "Region": "N/A"}
    if key.last_used is not None:
        used = {"ServiceName": key.last_used_service, "Region": call.region, "LastUsedDate": key.last_used}
    return {"AccessKeyLastUsed": used} | ({"UserName": key.user} if key.user else {})


def _describe_key(key: AccessKey) -> dict[str, Any]:
    return {
        "UserName": key.user or "root",
        "AccessKeyId": key.id,
        "Status": key.status,
        "CreateDate": key.create_date,
    }
