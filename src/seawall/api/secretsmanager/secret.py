"""Secrets: create, describe, list, change, delete and restore, tag."""

import re
import secrets
import string
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from seawall.api.page import InvalidToken, take_page
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.api.secretsmanager.filters import matches
from seawall.api.secretsmanager.names import find_secret, living_secret, secret_arn
from seawall.api.secretsmanager.version import add_version, given_value
from seawall.model.resource import Tags
from seawall.model.secret import Secret
from seawall.wire.errors import ApiError, NotImplementedHere

MOST_TAGS = 50
RECOVERY_DAYS = 30
_NAME = re.compile(r"[A-Za-z0-9/_+=.@!-]+")
_SUFFIX_LETTERS = string.ascii_letters + string.digits
_ALONE = "one region"


@operation(
    "secretsmanager",
    "CreateSecret",
    refused={
        "AddReplicaRegions": _ALONE,
        "ForceOverwriteReplicaSecret": _ALONE,
        "Type": "there are no external secrets",
        "CrossAccountPrimaryARN": "one account",
    },
    note="Values are encrypted with KMS keys of this Seawall, in the state directory's database.",
)
def create_secret(call: Call, params: Params) -> dict[str, Any]:
    name = params["Name"]
    if not _NAME.fullmatch(name):
        raise ApiError(
            "ValidationException",
            "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following:"
            " -/_+=.@!",
        )
    if params.get("AddReplicaRegions") or params.get("ForceOverwriteReplicaSecret"):
        raise NotImplementedHere("CreateSecret: Seawall has one region, so there are no replicas.")
    value, token = given_value(params), params.get("ClientRequestToken")
    with call.write() as txn:
        found = txn.find(Secret, name)
        if found is not None:
            return _created_before(call, found, token)
        secret = Secret(
            id=name,
            suffix="".join(secrets.choice(_SUFFIX_LETTERS) for _ in range(6)),
            description=params.get("Description"),
            kms_key_id=params.get("KmsKeyId"),
            created_at=call.now,
            last_changed_at=call.now,
            tags=_checked_tags(_tags(params.get("Tags") or ())),
        )
        version_id = None
        if value is not None:
            secret, version_id = add_version(call, txn, secret, value, token)
        txn.put(secret, expect=0)
    return _told(call, secret, version_id)


def _created_before(call: Call, found: Secret, token: str | None) -> dict[str, Any]:
    """A repeated request is answered like the first.  Raises ApiError for any other."""
    if found.deletion_date is not None:
        raise ApiError(
            "InvalidRequestException",
            "You can't create this secret because a secret with this name is already scheduled for deletion.",
        )
    if token is not None and found.version(token) is not None:
        return _told(call, found, token)
    raise ApiError(
        "ResourceExistsException", f"The operation failed because the secret {found.id} already exists."
    )


def _told(call: Call, secret: Secret, version_id: str | None = None) -> dict[str, Any]:
    told = {"ARN": secret_arn(call, secret), "Name": secret.id}
    return told | ({"VersionId": version_id} if version_id else {})


@operation("secretsmanager", "UpdateSecret", refused={"Type": "there are no external secrets"})
def update_secret(call: Call, params: Params) -> dict[str, Any]:
    value, token, version_id = given_value(params), params.get("ClientRequestToken"), None
    with call.write() as txn:
        secret = living_secret(call, txn, params["SecretId"])
        if params.get("Description") is not None:
            secret = replace(secret, description=params["Description"], last_changed_at=call.now)
        if params.get("KmsKeyId") is not None:
            secret = replace(secret, kms_key_id=params["KmsKeyId"] or None, last_changed_at=call.now)
        if value is not None:
            secret, version_id = add_version(call, txn, secret, value, token)
        txn.put(secret)
    return _told(call, secret, version_id)


@operation("secretsmanager", "DescribeSecret")
def describe_secret(call: Call, params: Params) -> dict[str, Any]:
    secret = find_secret(call, call.store, params["SecretId"])
    stages = {version.id: list(version.stages) for version in secret.versions if version.stages}
    return _described(secret, call) | ({"VersionIdsToStages": stages} if stages else {})


@operation("secretsmanager", "ListSecrets")
def list_secrets(call: Call, params: Params) -> dict[str, Any]:
    deleted_too = params.get("IncludePlannedDeletion", False)
    wanted = [
        secret
        for secret in call.store.all(Secret)
        if (secret.deletion_date is None or (deleted_too and secret.deletion_date > call.now))
        and matches(secret, params.get("Filters") or ())
    ]
    by = params.get("SortBy", "created-date")

    def place(secret: Secret) -> str:
        return f"{_sorted_by(secret, by)} {secret.id}"

    wanted.sort(key=place)
    descending = params.get("SortOrder", "desc" if "SortBy" not in params else "asc") == "desc"
    page, token = _page(wanted, params, place, descending)
    shown = []
    for secret in page:
        stages = {version.id: list(version.stages) for version in secret.versions if version.stages}
        shown.append(_described(secret, call) | ({"SecretVersionsToStages": stages} if stages else {}))
    return {"SecretList": shown} | ({"NextToken": token} if token else {})


def _page(wanted: list[Secret], params: Params, place: Any, descending: bool) -> Any:
    """A page of secrets in order of place; a descending list is one of places read backwards."""
    limit, token = params.get("MaxResults", 100), params.get("NextToken")
    try:
        if not descending:
            return take_page(wanted, limit, token, place)
        order = {secret.id: f"{number:09d}" for number, secret in enumerate(reversed(wanted))}
        return take_page(wanted[::-1], limit, token, lambda secret: order[secret.id])
    except InvalidToken:
        raise ApiError("InvalidNextTokenException", "The NextToken value is invalid.") from None


def _sorted_by(secret: Secret, by: str) -> str:
    times = {
        "created-date": secret.created_at,
        "last-changed-date": secret.last_changed_at,
        "last-accessed-date": _last_accessed(secret),
    }
    return str(times.get(by) or "")


def _last_accessed(secret: Secret) -> Any:
    days = [version.last_accessed_on for version in secret.versions if version.last_accessed_on]
    return max(days, default=None)


def _described(secret: Secret, call: Call) -> dict[str, Any]:
    known = {
        "Description": secret.description,
        "KmsKeyId": secret.kms_key_id,
        "LastAccessedDate": _last_accessed(secret),
        "DeletedDate": secret.deleted_at,
    }
    return {
        "ARN": secret_arn(call, secret),
        "Name": secret.id,
        "LastChangedDate": secret.last_changed_at,
        "CreatedDate": secret.created_at,
        "Tags": [{"Key": key, "Value": value} for key, value in secret.tags.items()],
    } | {member: value for member, value in known.items() if value is not None}


@operation("secretsmanager", "DeleteSecret")
def delete_secret(call: Call, params: Params) -> dict[str, Any]:
    window, force = params.get("RecoveryWindowInDays"), params.get("ForceDeleteWithoutRecovery", False)
    if window is not None and force:
        raise ApiError(
            "InvalidParameterException",
            "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
        )
    if window is not None and not 7 <= window <= 30:
        raise ApiError(
            "InvalidParameterException",
            "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).",
        )
    with call.write() as txn:
        secret = find_secret(call, txn, params["SecretId"])
        if force:
            txn.delete(Secret, secret.id)
            return _told(call, secret) | {"DeletionDate": call.now}
        if secret.deletion_date is not None:
            raise ApiError(
                "InvalidRequestException",
                "You can't perform this operation on the secret because it was already scheduled for"
                " deletion.",
            )
        due = call.now + timedelta(days=window if window is not None else RECOVERY_DAYS)
        txn.put(replace(secret, deleted_at=call.now, deletion_date=due))
    return _told(call, secret) | {"DeletionDate": due}


@operation("secretsmanager", "RestoreSecret")
def restore_secret(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        secret = find_secret(call, txn, params["SecretId"])
        txn.put(replace(secret, deleted_at=None, deletion_date=None))
    return _told(call, secret)


@operation("secretsmanager", "TagResource")
def tag_resource(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        secret = living_secret(call, txn, params["SecretId"])
        txn.put(replace(secret, tags=_checked_tags({**secret.tags, **_tags(params["Tags"])})))
    return {}


@operation("secretsmanager", "UntagResource")
def untag_resource(call: Call, params: Params) -> dict[str, Any]:
    gone = params["TagKeys"]
    with call.write() as txn:
        secret = living_secret(call, txn, params["SecretId"])
        txn.put(replace(secret, tags={key: v for key, v in secret.tags.items() if key not in gone}))
    return {}


def _tags(given: Any) -> Tags:
    return {tag.get("Key", ""): tag.get("Value", "") for tag in given}


def _checked_tags(tags: Tags) -> Tags:
    if len(tags) > MOST_TAGS:
        raise ApiError("InvalidParameterException", f"The number of tags exceeds the limit of {MOST_TAGS}.")
    if any(key.lower().startswith("aws:") for key in tags):
        raise ApiError("InvalidParameterException", "Tag keys must not start with 'aws:'.")
    return tags
