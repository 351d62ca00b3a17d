"""Keys: create, describe, disable, delete after a waiting time."""

import secrets
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from seawall.api.kms.names import find_key, key_arn, new_key_id, pending_deletion, require_own
from seawall.api.kms.policy import checked_policy, default_policy
from seawall.api.page import InvalidToken, take_page
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.kms_key import KmsKey
from seawall.model.resource import Tags
from seawall.wire.errors import ApiError, NotImplementedHere

MOST_TAGS = 50
WAITING_DAYS = 30


@operation(
    "kms",
    "CreateKey",
    stored={"BypassPolicyLockoutSafetyCheck": "a policy that locks its writer out is accepted anyway"},
    refused={
        "KeyUsage": "other than ENCRYPT_DECRYPT",
        "KeySpec": "other than SYMMETRIC_DEFAULT",
        "CustomerMasterKeySpec": "other than SYMMETRIC_DEFAULT",
        "Origin": "other than AWS_KMS",
        "MultiRegion": "one region",
        "CustomKeyStoreId": "there are no custom key stores",
        "XksKeyId": "there are no external key stores",
    },
    note="Keys are in the state directory's database, as readable as everything there.",
)
def create_key(call: Call, params: Params) -> dict[str, Any]:
    _refuse_other_kinds(params)
    policy = params.get("Policy")
    key = KmsKey(
        id=new_key_id(),
        material=secrets.token_bytes(32),
        policy=checked_policy(policy) if policy else default_policy(call),
        description=params.get("Description", ""),
        created_at=call.now,
        tags=checked_tags({tag["TagKey"]: tag["TagValue"] for tag in params.get("Tags") or ()}),
    )
    with call.write() as txn:
        txn.put(key, expect=0)
    return {"KeyMetadata": _metadata(call, key)}


def _refuse_other_kinds(params: Params) -> None:
    only = {
        "KeyUsage": "ENCRYPT_DECRYPT",
        "KeySpec": "SYMMETRIC_DEFAULT",
        "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "Origin": "AWS_KMS",
        "MultiRegion": False,
    }
    for member, served in only.items():
        if params.get(member, served) != served:
            raise NotImplementedHere(f"CreateKey: Seawall serves {member}={served} only.")


@operation("kms", "DescribeKey", stored={"GrantTokens": "there are no grants"})
def describe_key(call: Call, params: Params) -> dict[str, Any]:
    return {"KeyMetadata": _metadata(call, find_key(call, call.store, params["KeyId"]))}


def _metadata(call: Call, key: KmsKey) -> dict[str, Any]:
    known: dict[str, Any] = {
        "AWSAccountId": call.account,
        "KeyId": key.id,
        "Arn": key_arn(call, key.id),
        "CreationDate": key.created_at,
        "Enabled": key.state == "Enabled",
        "Description": key.description,
        "KeyUsage": "ENCRYPT_DECRYPT",
        "KeyState": key.state,
        "Origin": "AWS_KMS",
        "KeyManager": key.manager,
        "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "KeySpec": "SYMMETRIC_DEFAULT",
        "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
        "MultiRegion": False,
    }
    return known | ({"DeletionDate": key.deletion_date} if key.deletion_date else {})


@operation("kms", "ListKeys", stored={"ResourceOwners": "one account: no key is anybody else's"})
def list_keys(call: Call, params: Params) -> dict[str, Any]:
    keys = [k for k in call.store.all(KmsKey) if k.deletion_date is None or k.deletion_date > call.now]
    page, marker = page_of(keys, params, 100)
    shown = [{"KeyId": key.id, "KeyArn": key_arn(call, key.id)} for key in page]
    return {"Keys": shown, "Truncated": marker is not None} | ({"NextMarker": marker} if marker else {})


def page_of(items: list[Any], params: Params, usual: int) -> tuple[list[Any], str | None]:
    """A page of documents ordered by id.  Raises ApiError InvalidMarkerException."""
    try:
        return take_page(items, params.get("Limit", usual), params.get("Marker"), lambda item: item.id)
    except InvalidToken:
        raise ApiError("InvalidMarkerException", "Could not deserialize marker") from None


@operation("kms", "UpdateKeyDescription")
def update_key_description(call: Call, params: Params) -> dict[str, Any]:
    return _change(call, params, description=params["Description"])


@operation("kms", "EnableKey")
def enable_key(call: Call, params: Params) -> dict[str, Any]:
    return _change(call, params, state="Enabled")


@operation("kms", "DisableKey")
def disable_key(call: Call, params: Params) -> dict[str, Any]:
    return _change(call, params, state="Disabled")


def _change(call: Call, params: Params, **changes: Any) -> dict[str, Any]:
    with call.write() as txn:
        key = require_own(call, find_key(call, txn, params["KeyId"], aliases=False))
        if key.state == "PendingDeletion":
            raise pending_deletion(call, key)
        txn.put(replace(key, **changes))
    return {}


@operation("kms", "ScheduleKeyDeletion")
def schedule_key_deletion(call: Call, params: Params) -> dict[str, Any]:
    days = params.get("PendingWindowInDays", WAITING_DAYS)
    if not 7 <= days <= 30:
        raise ApiError(
            "ValidationException",
            f"PendingWindowInDays must be between 7 and 30, was {days}",
        )
    with call.write() as txn:
        key = require_own(call, find_key(call, txn, params["KeyId"], aliases=False))
        if key.state == "PendingDeletion":
            raise pending_deletion(call, key)
        due = call.now + timedelta(days=days)
        txn.put(replace(key, state="PendingDeletion", deletion_date=due))
    return {
        "KeyId": key_arn(call, key.id),
        "DeletionDate": due,
        "KeyState": "PendingDeletion",
        "PendingWindowInDays": days,
    }


@operation("kms", "CancelKeyDeletion")
def cancel_key_deletion(call: Call, params: Params) -> dict[str, Any]:
    """The key comes back disabled."""
    with call.write() as txn:
        key = require_own(call, find_key(call, txn, params["KeyId"], aliases=False))
        if key.state != "PendingDeletion":
            text = f"{key_arn(call, key.id)} is not pending deletion."
            raise ApiError("KMSInvalidStateException", text)
        txn.put(replace(key, state="Disabled", deletion_date=None))
    return {"KeyId": key_arn(call, key.id)}


@operation("kms", "GetKeyRotationStatus", note="Keys are never rotated, and nobody can ask for it.")
def get_key_rotation_status(call: Call, params: Params) -> dict[str, Any]:
    key = find_key(call, call.store, params["KeyId"], aliases=False)
    return {"KeyId": key_arn(call, key.id), "KeyRotationEnabled": False}


@operation("kms", "TagResource")
def tag_resource(call: Call, params: Params) -> dict[str, Any]:
    given = {tag["TagKey"]: tag["TagValue"] for tag in params["Tags"]}
    with call.write() as txn:
        key = require_own(call, find_key(call, txn, params["KeyId"], aliases=False))
        txn.put(replace(key, tags=checked_tags({**key.tags, **given})))
    return {}


@operation("kms", "UntagResource")
def untag_resource(call: Call, params: Params) -> dict[str, Any]:
    gone = params["TagKeys"]
    with call.write() as txn:
        key = require_own(call, find_key(call, txn, params["KeyId"], aliases=False))
        txn.put(replace(key, tags={name: value for name, value in key.tags.items() if name not in gone}))
    return {}


@operation("kms", "ListResourceTags")
def list_resource_tags(call: Call, params: Params) -> dict[str, Any]:
    key = find_key(call, call.store, params["KeyId"], aliases=False)
    params.get("Limit"), params.get("Marker")  # 50 tags are always one page
    return {"Tags": [{"TagKey": k, "TagValue": v} for k, v in key.tags.items()], "Truncated": False}


def checked_tags(tags: Tags) -> Tags:
    if any(key.lower().startswith("aws:") for key in tags):
        raise ApiError("TagException", "Tag keys must not start with 'aws:'.")
    if len(tags) > MOST_TAGS:
        raise ApiError("LimitExceededException", "Tag limit exceeded")
    return tags
