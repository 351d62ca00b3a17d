"""Log groups: create, describe, delete, keep for how long, tag."""

from typing import Any

from msgspec.structs import replace

from seawall.api.logs.names import (
    expiry,
    find_group,
    group_arn,
    group_name,
    log_events,
    milliseconds,
)
from seawall.api.page import InvalidToken, take_page
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.log_group import LogGroup
from seawall.model.log_stream import LogStream
from seawall.model.resource import Tags
from seawall.store.store import Reader
from seawall.wire.errors import ApiError, NotImplementedHere

RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
MOST_TAGS = 50


@operation(
    "logs",
    "CreateLogGroup",
    refused={
        "kmsKeyId": "log events are not encrypted under KMS keys",
        "logGroupClass": "only STANDARD is served",
    },
)
def create_log_group(call: Call, params: Params) -> dict[str, Any]:
    name = params["logGroupName"]
    if params.get("kmsKeyId") is not None:
        raise NotImplementedHere("CreateLogGroup: Seawall has no KMS, so kmsKeyId cannot be honoured.")
    if params.get("logGroupClass", "STANDARD") != "STANDARD":
        raise NotImplementedHere("CreateLogGroup: Seawall serves the log group class STANDARD only.")
    with call.write() as txn:
        if txn.find(LogGroup, name):
            raise ApiError("ResourceAlreadyExistsException", "The specified log group already exists")
        txn.put(
            LogGroup(
                id=name,
                creation_time=call.now,
                deletion_protection_enabled=params.get("deletionProtectionEnabled", False),
                tags=_checked_tags(dict(params.get("tags") or {})),
            )
        )
    return {}


@operation("logs", "DeleteLogGroup")
def delete_log_group(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        group = find_group(txn, params["logGroupName"])
        if group.deletion_protection_enabled:
            raise ApiError(
                "ValidationException",
                "The specified log group has deletion protection enabled. Disable it before deletion.",
            )
        streams = txn.referrers(LogStream, group.ref)
        for stream in streams:
            txn.delete(LogStream, stream.id)
        txn.delete(LogGroup, group.id)
    log_events(call).remove(stream.key for stream in streams)
    return {}


@operation(
    "logs",
    "DescribeLogGroups",
    stored={
        "includeLinkedAccounts": "one account: there are no linked ones",
        "accountIdentifiers": "one account: there are no linked ones",
    },
)
def describe_log_groups(call: Call, params: Params) -> dict[str, Any]:
    prefix, pattern = params.get("logGroupNamePrefix"), params.get("logGroupNamePattern")
    if prefix is not None and pattern is not None:
        raise ApiError(
            "InvalidParameterException",
            "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.",
        )
    wanted_class = params.get("logGroupClass")
    identifiers = params.get("logGroupIdentifiers")
    names = None if identifiers is None else {group_name(call, identifier) for identifier in identifiers}
    groups = [
        group
        for group in call.store.all(LogGroup)
        if group.id.startswith(prefix or "")
        and (pattern or "") in group.id
        and wanted_class in (None, group.log_group_class)
        and (names is None or group.id in names)
    ]
    page, token = page_of_names(groups, params.get("limit", 50), params.get("nextToken"))
    answer: dict[str, Any] = {"logGroups": [_describe(call, group) for group in page]}
    return answer | ({"nextToken": token} if token else {})


def page_of_names(items: list[Any], limit: int, token: str | None) -> tuple[list[Any], str | None]:
    """A page of documents ordered by id.  Raises ApiError for a token that is none of ours."""
    try:
        return take_page(items, limit, token, lambda item: item.id)
    except InvalidToken:
        raise ApiError("InvalidParameterException", "The specified nextToken is invalid.") from None


def _describe(call: Call, group: LogGroup) -> dict[str, Any]:
    arn = group_arn(call, group.id)
    keys = [stream.key for stream in call.store.referrers(LogStream, group.ref)]
    described = {
        "logGroupName": group.id,
        "creationTime": milliseconds(group.creation_time),
        "metricFilterCount": 0,
        "arn": f"{arn}:*",
        "logGroupArn": arn,
        "storedBytes": sum(facts.stored_bytes for facts in log_events(call).facts(keys).values()),
        "logGroupClass": group.log_group_class,
        "deletionProtectionEnabled": group.deletion_protection_enabled,
    }
    if group.retention_in_days is not None:
        described["retentionInDays"] = group.retention_in_days
    return described


@operation("logs", "PutLogGroupDeletionProtection")
def put_log_group_deletion_protection(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        group = find_group(txn, group_name(call, params["logGroupIdentifier"]))
        txn.put(replace(group, deletion_protection_enabled=params["deletionProtectionEnabled"]))
    return {}


@operation("logs", "PutRetentionPolicy", note="Expired events are no longer returned, and are removed.")
def put_retention_policy(call: Call, params: Params) -> dict[str, Any]:
    days = params["retentionInDays"]
    if days not in RETENTION_DAYS:
        allowed = ", ".join(map(str, RETENTION_DAYS))
        raise ApiError(
            "InvalidParameterException",
            f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{allowed}]",
        )
    with call.write() as txn:
        group = replace(find_group(txn, params["logGroupName"]), retention_in_days=days)
        txn.put(group)
    keys = [stream.key for stream in call.store.referrers(LogStream, group.ref)]
    log_events(call).expire(keys, expiry(group, call.now))
    return {}


@operation("logs", "DeleteRetentionPolicy")
def delete_retention_policy(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        txn.put(replace(find_group(txn, params["logGroupName"]), retention_in_days=None))
    return {}


@operation("logs", "TagResource")
def tag_resource(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        _tag(call, txn, _tagged_group(call, txn, params["resourceArn"]), dict(params["tags"]))
    return {}


@operation("logs", "TagLogGroup")
def tag_log_group(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        _tag(call, txn, find_group(txn, params["logGroupName"]), dict(params["tags"]))
    return {}


@operation("logs", "UntagResource")
def untag_resource(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        group = _tagged_group(call, txn, params["resourceArn"])
        txn.put(replace(group, tags=_without(group.tags, params["tagKeys"])))
    return {}


@operation("logs", "UntagLogGroup")
def untag_log_group(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        group = find_group(txn, params["logGroupName"])
        txn.put(replace(group, tags=_without(group.tags, params["tags"])))
    return {}


@operation("logs", "ListTagsForResource")
def list_tags_for_resource(call: Call, params: Params) -> dict[str, Any]:
    return {"tags": dict(_tagged_group(call, call.store, params["resourceArn"]).tags)}


@operation("logs", "ListTagsLogGroup")
def list_tags_log_group(call: Call, params: Params) -> dict[str, Any]:
    return {"tags": dict(find_group(call.store, params["logGroupName"]).tags)}


def _tagged_group(call: Call, reader: Reader, arn: str) -> LogGroup:
    if not arn.startswith("arn:"):
        raise ApiError("InvalidParameterException", f"Invalid ARN: {arn}")
    return find_group(reader, group_name(call, arn))


def _tag(call: Call, txn: Any, group: LogGroup, tags: Tags) -> None:
    txn.put(replace(group, tags=_checked_tags({**group.tags, **tags})))


def _checked_tags(tags: Tags) -> Tags:
    if len(tags) > MOST_TAGS:
        raise ApiError("TooManyTagsException", "A resource can have no more than 50 tags.")
    if any(key.lower().startswith("aws:") for key in tags):
        raise ApiError("InvalidParameterException", "Tag keys must not start with 'aws:'.")
    return tags


def _without(tags: Tags, keys: list[str]) -> Tags:
    return {key: value for key, value in tags.items() if key not in keys}
