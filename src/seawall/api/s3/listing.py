"""Lists of objects: by prefix, with keys beyond a delimiter rolled up, page by page."""

import base64
import binascii
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import msgspec

from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.api.s3.bucket import owner
from seawall.api.s3.conditions import modified_at
from seawall.api.s3.names import find_bucket, objects
from seawall.store.objects import LAST, StoredObject
from seawall.wire.errors import ApiError

MOST_KEYS = 1000
_STORED = {
    "RequestPayer": "nobody pays",
    "OptionalObjectAttributes": "nothing is ever restored from an archive",
}


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Keys and common prefixes together are at most as many as were asked for.

    last   the last key or prefix of the page, if there is more behind it
    """

    found: list[StoredObject]
    prefixes: list[str]
    last: str | None


def list_page(call: Call, bucket: str, prefix: str, delimiter: str, after: str, most: int) -> Page:
    """What comes after the key or common prefix `after`."""
    found: list[StoredObject] = []
    prefixes: list[str] = []
    place = last = after
    if delimiter and after.endswith(delimiter) and after.startswith(prefix):
        place = after + LAST
    while True:
        batch = objects(call).after(bucket, prefix, place, most + 1)
        for stored in batch:
            cut = stored.key.find(delimiter, len(prefix)) if delimiter else -1
            rolled = stored.key[: cut + len(delimiter)] if cut >= 0 else None
            if rolled is not None and prefixes and rolled == prefixes[-1]:
                continue
            if len(found) + len(prefixes) == most:
                return Page(found=found, prefixes=prefixes, last=last if most else None)
            if rolled is None:
                found.append(stored)
                place = last = stored.key
                continue
            prefixes.append(rolled)
            last, place = rolled, rolled + LAST
            break  # the rest of this prefix is not worth reading
        else:
            if len(batch) <= most:
                return Page(found=found, prefixes=prefixes, last=None)


@operation("s3", "ListObjectsV2", stored=_STORED)
def list_objects_v2(call: Call, params: Params) -> dict[str, Any]:
    token, start = params.get("ContinuationToken"), params.get("StartAfter")
    after = _decoded(token) if token else start or ""
    page, common, encode = _list(call, params, after)
    told: dict[str, Any] = {**common, "KeyCount": len(page.found) + len(page.prefixes)}
    if token:
        told["ContinuationToken"] = token
    if start:
        told["StartAfter"] = encode(start)
    if page.last is not None:
        told["NextContinuationToken"] = base64.urlsafe_b64encode(page.last.encode()).decode()
    whose = {"Owner": owner(call)} if params.get("FetchOwner") else {}
    return told | {"Contents": [_shown(stored, encode) | whose for stored in page.found]}


@operation("s3", "ListObjects", stored=_STORED)
def list_objects(call: Call, params: Params) -> dict[str, Any]:
    marker = params.get("Marker") or ""
    page, common, encode = _list(call, params, marker)
    told: dict[str, Any] = {**common, "Marker": encode(marker)}
    if page.last is not None and params.get("Delimiter"):
        told["NextMarker"] = encode(page.last)
    whose = {"Owner": owner(call)}
    return told | {"Contents": [_shown(stored, encode) | whose for stored in page.found]}


def page_size(wanted: int, argument: str) -> int:
    """At most a thousand; `argument` is what S3 calls it.  Raises ApiError InvalidArgument."""
    if not 0 <= wanted <= 2**31 - 1:
        raise ApiError(
            "InvalidArgument",
            f"Argument {argument} must be an integer between 0 and 2147483647",
            members={"ArgumentName": argument, "ArgumentValue": wanted},
        )
    return min(wanted, MOST_KEYS)


def _list(call: Call, params: Params, after: str) -> tuple[Page, dict[str, Any], Callable[[str], str]]:
    bucket = find_bucket(call, call.store, params["Bucket"], params.get("ExpectedBucketOwner"))
    prefix, delimiter = params.get("Prefix") or "", params.get("Delimiter") or ""
    most = page_size(params.get("MaxKeys", MOST_KEYS), "maxKeys")
    encoding = params.get("EncodingType")
    if encoding not in (None, "url"):
        raise ApiError(
            "InvalidArgument",
            "Invalid Encoding Method specified in Request",
            members={"ArgumentName": "encoding-type", "ArgumentValue": encoding},
        )
    encode: Callable[[str], str] = (
        (lambda text: quote(text, safe="/*-._")) if encoding else (lambda text: text)
    )
    page = list_page(call, bucket.id, prefix, delimiter, after, most)
    common: dict[str, Any] = {
        "Name": bucket.id,
        "Prefix": encode(prefix),
        "MaxKeys": most,
        "IsTruncated": page.last is not None,
        "CommonPrefixes": [{"Prefix": encode(each)} for each in page.prefixes],
    }
    if delimiter:
        common["Delimiter"] = encode(delimiter)
    if encoding:
        common["EncodingType"] = encoding
    return page, common, encode


def _shown(stored: StoredObject, encode: Callable[[str], str]) -> dict[str, Any]:
    facts = stored.facts
    shown: dict[str, Any] = {
        "Key": encode(stored.key),
        "LastModified": modified_at(facts),
        "ETag": f'"{facts.etag}"',
        "Size": facts.size,
        "StorageClass": "STANDARD",
    }
    if facts.checksums:
        shown["ChecksumAlgorithm"] = [name.removeprefix("Checksum") for name in facts.checksums]
        shown["ChecksumType"] = facts.checksum_type
    return shown


def _decoded(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token.encode("ascii")).decode()
    except (binascii.Error, ValueError):
        raise ApiError(
            "InvalidArgument",
            "The continuation token provided is incorrect",
            members={"ArgumentName": "continuation-token"},
        ) from None
