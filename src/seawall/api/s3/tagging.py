"""Tags of objects, and the two forms in which S3 takes tags."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from msgspec.structs import replace

from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.api.s3.names import find_bucket, find_object, objects
from seawall.model.resource import Tags
from seawall.wire.errors import ApiError

MOST_OBJECT_TAGS = 10
_CHECKED = {"ContentMD5": "held against the body before", "ChecksumAlgorithm": "held against the body before"}
_PAYER = {"RequestPayer": "nobody pays"}


def tags_of(given: Iterable[Mapping[str, str]], most: int) -> Tags:
    """[{Key, Value}] as a dict.  Raises ApiError InvalidTag."""
    listed = [(tag["Key"], tag["Value"]) for tag in given]
    return _checked(listed, most)


def tags_of_header(text: str | None) -> Tags:
    """`a=1&b=2` as a dict.  Raises ApiError InvalidTag."""
    return _checked(parse_qsl(text or "", keep_blank_values=True), MOST_OBJECT_TAGS)


def tags_shown(tags: Tags) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _checked(listed: list[tuple[str, str]], most: int) -> Tags:
    tags = dict(listed)
    if len(tags) != len(listed):
        raise ApiError("InvalidTag", "Cannot provide multiple Tags with the same key")
    if any(key.lower().startswith("aws:") for key in tags):
        raise ApiError("InvalidTag", "System tags cannot be added/updated by requester")
    if len(tags) > most:
        raise ApiError("BadRequest", f"Object tags cannot be greater than {most}")
    return tags


@operation("s3", "GetObjectTagging", stored=_PAYER)
def get_object_tagging(call: Call, params: Params) -> dict[str, Any]:
    bucket = find_bucket(call, call.store, params["Bucket"], params.get("ExpectedBucketOwner"))
    return {"TagSet": tags_shown(find_object(call, bucket, params["Key"]).facts.tags)}


@operation("s3", "PutObjectTagging", stored=_CHECKED | _PAYER)
def put_object_tagging(call: Call, params: Params) -> dict[str, Any]:
    return _tag(call, params, tags_of(params["Tagging"]["TagSet"], most=MOST_OBJECT_TAGS))


@operation("s3", "DeleteObjectTagging")
def delete_object_tagging(call: Call, params: Params) -> dict[str, Any]:
    return _tag(call, params, {})


def _tag(call: Call, params: Params, tags: Tags) -> dict[str, Any]:
    bucket = find_bucket(call, call.store, params["Bucket"], params.get("ExpectedBucketOwner"))
    stored = find_object(call, bucket, params["Key"])
    call.refuse_unread()
    objects(call).put(bucket.id, stored.key, stored.file, replace(stored.facts, tags=tags))
    return {}
