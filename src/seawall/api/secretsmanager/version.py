"""Versions of a secret's value, and the staging labels that say which is which."""

import uuid
from typing import Any

from msgspec.structs import replace

from seawall.api.kms.cipher import InvalidCiphertext, decrypt, encrypt
from seawall.api.kms.managed import managed_key
from seawall.api.kms.names import find_key, require_usable
from seawall.api.params import Params
from seawall.api.registry import Call
from seawall.api.secretsmanager.names import secret_arn
from seawall.model.kms_key import KmsKey
from seawall.model.secret import Secret, SecretVersion
from seawall.store.store import Reader, Transaction
from seawall.wire.errors import ApiError

CURRENT, PREVIOUS = "AWSCURRENT", "AWSPREVIOUS"
MOST_STAGES = 20  # of all versions together
MOST_VERSIONS = 100  # deprecated ones beyond this are forgotten


def given_value(params: Params) -> tuple[bytes, bool] | None:
    """The value in a request and whether it is binary; None when there is none.  Raises ApiError."""
    text, binary = params.get("SecretString"), params.get("SecretBinary")
    if text is not None and binary is not None:
        raise ApiError(
            "InvalidParameterException",
            "You can't specify both a binary secret value and a string secret value in the same secret.",
        )
    if text is not None:
        return text.encode(), False
    return (binary, True) if binary is not None else None


def add_version(
    call: Call,
    txn: Transaction,
    secret: Secret,
    value: tuple[bytes, bool],
    token: str | None,
    stages: tuple[str, ...] = (CURRENT,),
) -> tuple[Secret, str]:
    """The secret with a new version, and that version's id.  The first version is always current.

    The same token with the same value does nothing.  Raises ApiError ResourceExistsException for another,
    LimitExceededException for too many labels.
    """
    version_id = token or str(uuid.uuid4())
    known = secret.version(version_id)
    if known is not None:
        if (open_version(call, txn, secret, known), known.binary) != value:
            raise ApiError(
                "ResourceExistsException",
                f"You can't use ClientRequestToken {version_id} because that value is already in use for a"
                f" version of secret {secret_arn(call, secret)}.",
            )
        return secret, version_id
    if not secret.versions and CURRENT not in stages:
        stages = (CURRENT, *stages)
    key = _key(call, txn, secret)
    version = SecretVersion(
        id=version_id,
        sealed=encrypt(key, value[0], _context(call, secret, version_id)),
        binary=value[1],
        key_id=key.id,
        stages=(),
        created_at=call.now,
    )
    secret = replace(secret, versions=(*secret.versions, version), last_changed_at=call.now)
    for stage in stages:
        secret = move_stage(secret, stage, version_id)
    require_few_stages(secret)
    return _without_oldest(secret), version_id


def move_stage(secret: Secret, stage: str, to: str | None) -> Secret:
    """Put a stage on version `to` alone; on none when None.  What AWSCURRENT leaves becomes AWSPREVIOUS."""
    before = secret.staged(stage)
    if before is not None and before.id == to:
        return secret
    versions = tuple(
        replace(v, stages=(*v.stages, stage) if v.id == to else tuple(s for s in v.stages if s != stage))
        for v in secret.versions
    )
    secret = replace(secret, versions=versions)
    if stage == CURRENT and before is not None:
        return move_stage(secret, PREVIOUS, before.id)
    return secret


def require_few_stages(secret: Secret) -> None:
    """Raises ApiError LimitExceededException; its text is how AWS describes it, not known from an answer."""
    if sum(len(version.stages) for version in secret.versions) > MOST_STAGES:
        raise ApiError(
            "LimitExceededException",
            "The request failed because it would exceed one of the Secrets Manager quotas.",
        )


def open_version(call: Call, reader: Reader, secret: Secret, version: SecretVersion) -> bytes:
    """The value in the clear.  Raises ApiError when its key cannot be used."""
    key = reader.find(KmsKey, version.key_id)
    if key is None:
        raise ApiError("DecryptionFailure", "Secrets Manager can't decrypt the secret value.")
    try:
        require_usable(call, key)
        return decrypt(key, version.sealed, _context(call, secret, version.id))
    except ApiError as error:
        raise ApiError("DecryptionFailure", error.message) from None
    except InvalidCiphertext:
        raise ApiError("DecryptionFailure", "Secrets Manager can't decrypt the secret value.") from None


def shown_value(call: Call, reader: Reader, secret: Secret, version: SecretVersion) -> dict[str, Any]:
    """As GetSecretValue shows a version."""
    plain = open_version(call, reader, secret, version)
    value = {"SecretBinary": plain} if version.binary else {"SecretString": plain.decode()}
    return {
        "ARN": secret_arn(call, secret),
        "Name": secret.id,
        "VersionId": version.id,
        "VersionStages": list(version.stages),
        "CreatedDate": version.created_at,
    } | value


def _key(call: Call, txn: Transaction, secret: Secret) -> KmsKey:
    if secret.kms_key_id is None:
        return managed_key(call, txn, "secretsmanager")
    try:
        return require_usable(call, find_key(call, txn, secret.kms_key_id))
    except ApiError as error:
        raise ApiError("EncryptionFailure", error.message) from None


def _context(call: Call, secret: Secret, version_id: str) -> dict[str, str]:
    return {"SecretARN": secret_arn(call, secret), "SecretVersionId": version_id}


def _without_oldest(secret: Secret) -> Secret:
    """Deprecated versions go, the oldest first, when there are too many of all."""
    surplus = len(secret.versions) - MOST_VERSIONS
    deprecated = [v.id for v in secret.versions if not v.stages]
    gone = set(deprecated[: max(surplus, 0)])
    return replace(secret, versions=tuple(v for v in secret.versions if v.id not in gone))
