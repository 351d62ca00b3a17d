"""Values: put, get one or many, move staging labels, list versions; random passwords."""

import random
import secrets
import string
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from seawall.api.page import InvalidToken, take_page
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.api.secretsmanager.filters import matches
from seawall.api.secretsmanager.names import find_secret, living_secret, secret_arn
from seawall.api.secretsmanager.version import (
    CURRENT,
    add_version,
    given_value,
    move_stage,
    require_few_stages,
    shown_value,
)
from seawall.model.secret import Secret, SecretVersion
from seawall.store.store import Transaction
from seawall.wire.errors import ApiError

PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"


@operation("secretsmanager", "PutSecretValue", refused={"RotationToken": "there is no rotation"})
def put_secret_value(call: Call, params: Params) -> dict[str, Any]:
    value = given_value(params)
    if value is None:
        raise ApiError("InvalidRequestException", "You must provide either SecretString or SecretBinary.")
    stages = tuple(params.get("VersionStages") or (CURRENT,))
    with call.write() as txn:
        secret = living_secret(call, txn, params["SecretId"])
        secret, id = add_version(call, txn, secret, value, params.get("ClientRequestToken"), stages)
        txn.put(secret)
    version = secret.version(id)
    assert version is not None
    return {
        "ARN": secret_arn(call, secret),
        "Name": secret.id,
        "VersionId": id,
        "VersionStages": list(version.stages),
    }


@operation("secretsmanager", "GetSecretValue")
def get_secret_value(call: Call, params: Params) -> dict[str, Any]:
    id, stage = params.get("VersionId"), params.get("VersionStage")
    with call.write() as txn:
        secret = living_secret(call, txn, params["SecretId"])
        version = _version(secret, id, stage)
        shown = shown_value(call, txn, secret, version)
        _note_access(txn, secret, version, call.now)
    return shown


def _version(secret: Secret, id: str | None, stage: str | None) -> SecretVersion:
    """Raises ApiError when there is no such version, or id and stage are of two."""
    wanted = stage or CURRENT
    version = secret.version(id) if id is not None else secret.staged(wanted)
    if version is None:
        what = f"VersionId: {id}" if id is not None else f"staging label: {wanted}"
        raise ApiError(
            "ResourceNotFoundException",
            f"Secrets Manager can't find the specified secret value for {what}",
        )
    if stage is not None and stage not in version.stages:
        raise ApiError(
            "InvalidRequestException",
            "You provided a VersionStage that is not associated to the provided VersionId.",
        )
    return version


def _note_access(txn: Transaction, secret: Secret, version: SecretVersion, now: datetime) -> None:
    """Once a day, as the API shows no more than the day."""
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if version.last_accessed_on != day:
        seen = replace(version, last_accessed_on=day)
        txn.put(replace(secret, versions=tuple(seen if v is version else v for v in secret.versions)))


@operation("secretsmanager", "BatchGetSecretValue")
def batch_get_secret_value(call: Call, params: Params) -> dict[str, Any]:
    names, filters = params.get("SecretIdList"), params.get("Filters")
    if (names is None) == (filters is None):
        raise ApiError(
            "InvalidParameterException",
            "Either 'SecretIdList' or 'Filters' must be provided, but not both.",
        )
    token: str | None = None
    if filters is not None:
        wanted = [s for s in call.store.all(Secret) if s.deletion_date is None and matches(s, filters)]
        try:
            page, token = take_page(
                wanted, params.get("MaxResults", 20), params.get("NextToken"), lambda secret: secret.id
            )
        except InvalidToken:
            raise ApiError("InvalidNextTokenException", "The NextToken value is invalid.") from None
        names = [secret.id for secret in page]
    elif params.get("MaxResults") is not None:
        raise ApiError(
            "InvalidParameterException",
            "'Filters' not specified. 'Filters' must also be specified when 'MaxResults' is provided.",
        )
    values, errors = [], []
    for name in names or ():
        try:
            values.append(_read(call, name))
        except ApiError as error:
            errors.append({"SecretId": name, "ErrorCode": error.code, "Message": error.message})
    return {"SecretValues": values, "Errors": errors} | ({"NextToken": token} if token else {})


def _read(call: Call, name: str) -> dict[str, Any]:
    """Raises ApiError, also where the caller may not read the secret or use its key."""
    secret = living_secret(call, call.store, name)
    version = _version(secret, None, None)
    for arn in (secret_arn(call, secret), call.arn(f"key/{version.key_id}", service="kms")):
        if arn in call.refused:
            raise call.refused[arn]
    return shown_value(call, call.store, secret, version)


@operation("secretsmanager", "UpdateSecretVersionStage")
def update_secret_version_stage(call: Call, params: Params) -> dict[str, Any]:
    stage, to, source = (
        params["VersionStage"],
        params.get("MoveToVersionId"),
        params.get("RemoveFromVersionId"),
    )
    with call.write() as txn:
        secret = living_secret(call, txn, params["SecretId"])
        for id in (to, source):
            if id is not None and secret.version(id) is None:
                raise ApiError(
                    "ResourceNotFoundException",
                    f"Secrets Manager can't find the specified secret value for VersionId: {id}",
                )
        _check_source(secret, stage, source)
        if to is None and stage == CURRENT:
            raise ApiError(
                "InvalidParameterException",
                f"You can only move staging label {CURRENT} to a different secret version. It can't be"
                " completely removed.",
            )
        moved = move_stage(secret, stage, to)
        require_few_stages(moved)
        txn.put(replace(moved, last_changed_at=call.now))
    return {"ARN": secret_arn(call, secret), "Name": secret.id}


def _check_source(secret: Secret, stage: str, source: str | None) -> None:
    """A label that is somewhere must be taken from there by name.  Raises ApiError."""
    holder = secret.staged(stage)
    if holder is None or source == holder.id:
        return
    if source is None:
        raise ApiError(
            "InvalidParameterException",
            f"The parameter RemoveFromVersionId can't be empty. Staging label {stage} is currently attached"
            f" to version {holder.id}, so you must explicitly reference that version in RemoveFromVersionId.",
        )
    raise ApiError(
        "InvalidParameterException",
        f"Staging label {stage} is currently attached to version {holder.id}, not to version {source}.",
    )


@operation("secretsmanager", "ListSecretVersionIds")
def list_secret_version_ids(call: Call, params: Params) -> dict[str, Any]:
    secret = find_secret(call, call.store, params["SecretId"])
    deprecated_too = params.get("IncludeDeprecated", False)
    versions = sorted((v for v in secret.versions if v.stages or deprecated_too), key=lambda v: v.id)
    try:
        page, token = take_page(
            versions, params.get("MaxResults", 100), params.get("NextToken"), lambda version: version.id
        )
    except InvalidToken:
        raise ApiError("InvalidNextTokenException", "The NextToken value is invalid.") from None
    shown = [
        {
            "VersionId": v.id,
            "CreatedDate": v.created_at,
            "KmsKeyIds": [secret.kms_key_id or "DefaultEncryptionKey"],
        }
        | ({"VersionStages": list(v.stages)} if v.stages else {})
        | ({"LastAccessedDate": v.last_accessed_on} if v.last_accessed_on else {})
        for v in page
    ]
    answer = {"ARN": secret_arn(call, secret), "Name": secret.id, "Versions": shown}
    return answer | ({"NextToken": token} if token else {})


@operation("secretsmanager", "GetRandomPassword")
def get_random_password(call: Call, params: Params) -> dict[str, Any]:
    length, excluded = params.get("PasswordLength", 32), params.get("ExcludeCharacters", "")
    kinds = {
        "ExcludeLowercase": string.ascii_lowercase,
        "ExcludeUppercase": string.ascii_uppercase,
        "ExcludeNumbers": string.digits,
        "ExcludePunctuation": PUNCTUATION,
    }
    included = [letters for member, letters in kinds.items() if not params.get(member, False)]
    if params.get("IncludeSpace", False):
        included.append(" ")
    included = [left for letters in included if (left := "".join(c for c in letters if c not in excluded))]
    every = params.get("RequireEachIncludedType", True)
    if not included or length < 1 or (every and length < len(included)):
        raise ApiError(
            "InvalidParameterException", "Password length is too short based on the required types."
        )
    chosen = [secrets.choice(letters) for letters in included] if every else []
    everything = "".join(included)
    chosen += [secrets.choice(everything) for _ in range(length - len(chosen))]
    random.SystemRandom().shuffle(chosen)
    return {"RandomPassword": "".join(chosen)}
