"""Aliases: names for keys, that can be pointed at others."""

import re
from typing import Any

from msgspec.structs import replace

from seawall.api.kms.key import page_of
from seawall.api.kms.names import alias_arn, find_key, pending_deletion, require_own
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.kms_key import KmsAlias, KmsKey
from seawall.store.store import Transaction
from seawall.wire.errors import ApiError

_NAME = re.compile(r"alias/[a-zA-Z0-9:/_-]+")


@operation("kms", "CreateAlias")
def create_alias(call: Call, params: Params) -> dict[str, Any]:
    name = _own_name(params["AliasName"])
    with call.write() as txn:
        key = _target(call, txn, params["TargetKeyId"])
        if txn.find(KmsAlias, name):
            text = f"An alias with the name {alias_arn(call, name)} already exists"
            raise ApiError("AlreadyExistsException", text)
        txn.put(KmsAlias(id=name, key_id=key.id, created_at=call.now, updated_at=call.now))
    return {}


@operation("kms", "UpdateAlias")
def update_alias(call: Call, params: Params) -> dict[str, Any]:
    name = _own_name(params["AliasName"])
    with call.write() as txn:
        alias = _find(call, txn, name)
        key = _target(call, txn, params["TargetKeyId"])
        txn.put(replace(alias, key_id=key.id, updated_at=call.now))
    return {}


@operation("kms", "DeleteAlias")
def delete_alias(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        txn.delete(KmsAlias, _find(call, txn, _own_name(params["AliasName"])).id)
    return {}


@operation("kms", "ListAliases")
def list_aliases(call: Call, params: Params) -> dict[str, Any]:
    wanted = params.get("KeyId")
    if wanted is None:
        aliases = call.store.all(KmsAlias)
    else:
        aliases = call.store.referrers(KmsAlias, find_key(call, call.store, wanted, aliases=False).ref)
    page, marker = page_of(aliases, params, 50)
    shown = [
        {
            "AliasName": alias.id,
            "AliasArn": alias_arn(call, alias.id),
            "TargetKeyId": alias.key_id,
            "CreationDate": alias.created_at,
            "LastUpdatedDate": alias.updated_at,
        }
        for alias in page
    ]
    return {"Aliases": shown, "Truncated": marker is not None} | ({"NextMarker": marker} if marker else {})


def _own_name(name: str) -> str:
    """An alias's name that the customer may use.  Raises ApiError."""
    if not name.startswith("alias/") or name == "alias/":
        raise ApiError("ValidationException", "Invalid identifier")
    if not _NAME.fullmatch(name):
        raise ApiError("InvalidAliasNameException", f"{name} contains invalid characters for an alias")
    if name.startswith("alias/aws/"):
        raise ApiError("NotAuthorizedException", "The alias/aws/ prefix is reserved for AWS managed keys")
    return name


def _find(call: Call, txn: Transaction, name: str) -> KmsAlias:
    alias = txn.find(KmsAlias, name)
    if alias is None:
        raise ApiError("NotFoundException", f"Alias {alias_arn(call, name)} is not found.")
    return alias


def _target(call: Call, txn: Transaction, wanted: str) -> KmsKey:
    if wanted.startswith("alias/"):
        raise ApiError("ValidationException", "Aliases must refer to keys. Not aliases")
    key = require_own(call, find_key(call, txn, wanted, aliases=False))
    if key.state == "PendingDeletion":
        raise pending_deletion(call, key)
    return key
