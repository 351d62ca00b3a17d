"""How operations find a key, and what they say when there is none or it cannot be used."""

import re
from uuid import uuid4

from seawall.api.registry import Call
from seawall.model.arn import parse_arn
from seawall.model.kms_key import KmsAlias, KmsKey
from seawall.store.store import Reader
from seawall.wire.errors import ApiError

_UUID = re.compile(r"(mrk-)?[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}")


def key_arn(call: Call, key_id: str) -> str:
    return call.arn(f"key/{key_id}", service="kms")


def alias_arn(call: Call, name: str) -> str:
    return call.arn(name, service="kms")


def new_key_id() -> str:
    return str(uuid4())


def find_key(call: Call, reader: Reader, wanted: str, *, aliases: bool = True) -> KmsKey:
    """The key of an id or ARN, and of an alias or its ARN.  Raises ApiError NotFoundException.

    aliases   whether the operation takes an alias as the key's name
    """
    name = wanted
    if wanted.startswith("arn:"):
        arn = parse_arn(wanted)
        if arn is None or arn.service != "kms" or not arn.resource.startswith(("key/", "alias/")):
            raise ApiError("NotFoundException", f"Invalid arn {wanted}")
        if (arn.region, arn.account) != (call.region, call.account):
            raise ApiError("NotFoundException", f"Invalid arn {arn.region}")
        name = arn.resource.removeprefix("key/")
    if name.startswith("alias/"):
        return _of_alias(call, reader, name, aliases)
    if not _UUID.fullmatch(name):
        raise ApiError("NotFoundException", f"Invalid keyId '{name}'")
    key = reader.find(KmsKey, name)
    if key is None or _is_gone(key, call):
        raise ApiError("NotFoundException", f"Key '{key_arn(call, name)}' does not exist")
    return key


def _of_alias(call: Call, reader: Reader, name: str, aliases: bool) -> KmsKey:
    if not aliases:
        raise ApiError("NotFoundException", f"Invalid keyId '{name}'")
    alias = reader.find(KmsAlias, name)
    if alias is None:
        raise ApiError("NotFoundException", f"Alias {alias_arn(call, name)} is not found.")
    return reader.get(KmsKey, alias.key_id)


def _is_gone(key: KmsKey, call: Call) -> bool:
    return key.deletion_date is not None and key.deletion_date <= call.now


def require_usable(call: Call, key: KmsKey) -> KmsKey:
    """The key, if it may encrypt and decrypt.  Raises ApiError."""
    if key.state == "Disabled":
        raise ApiError("DisabledException", f"{key_arn(call, key.id)} is disabled.")
    if key.state == "PendingDeletion":
        raise pending_deletion(call, key)
    return key


def pending_deletion(call: Call, key: KmsKey) -> ApiError:
    return ApiError("KMSInvalidStateException", f"{key_arn(call, key.id)} is pending deletion.")


def require_own(call: Call, key: KmsKey) -> KmsKey:
    """The key, if it is the customer's to change.  Raises ApiError."""
    if key.manager == "AWS":
        raise ApiError(
            "AccessDeniedException",
            f"User: {call.principal.arn} is not authorized to perform: kms:{call.operation} on resource:"
            f" {key_arn(call, key.id)} because AWS managed keys cannot be changed",
        )
    return key
