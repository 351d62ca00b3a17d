"""Conditional requests and ranges.  Source: RFC 9110, sections 13 and 14, and the S3 API reference."""

import re
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from seawall.store.objects import ObjectFacts
from seawall.wire.errors import ApiError

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def modified_at(facts: ObjectFacts) -> datetime:
    """To the second, as HTTP tells it."""
    return datetime.fromtimestamp(int(facts.modified), timezone.utc)


def check_read(facts: ObjectFacts, given: Mapping[str, Any]) -> None:
    """`given` may hold IfMatch, IfNoneMatch, IfModifiedSince, IfUnmodifiedSince.

    Raises ApiError: PreconditionFailed (412) or NotModified (304).
    """
    when = modified_at(facts)
    match, none_match = given.get("IfMatch"), given.get("IfNoneMatch")
    since, unmodified = given.get("IfModifiedSince"), given.get("IfUnmodifiedSince")
    if match is not None:
        if not _names(match, facts.etag):
            raise failed("If-Match")
    elif unmodified is not None and when > unmodified:
        raise failed("If-Unmodified-Since")
    if none_match is not None:
        if _names(none_match, facts.etag):
            raise _not_modified()
    elif since is not None and when <= since:
        raise _not_modified()


def check_write(before: ObjectFacts | None, match: str | None, none_match: str | None) -> None:
    """IfMatch and IfNoneMatch of a request that would write.  Raises ApiError."""
    if none_match is not None:
        if none_match != "*":
            raise ApiError(
                "NotImplemented",
                "A header you provided implies functionality that is not implemented",
                status=501,
                members={"Header": "If-None-Match"},
            )
        if before is not None:
            raise failed("If-None-Match")
    if match is not None:
        if before is None:
            raise ApiError("NoSuchKey", "The specified key does not exist.", status=404)
        if not _names(match, before.etag):
            raise failed("If-Match")


def failed(condition: str) -> ApiError:
    return ApiError(
        "PreconditionFailed",
        "At least one of the pre-conditions you specified did not hold",
        status=412,
        members={"Condition": condition},
    )


def _not_modified() -> ApiError:
    return ApiError("NotModified", "Not Modified", status=304)


def _names(header: str, etag: str) -> bool:
    wanted = [each.strip().removeprefix("W/").strip('"') for each in header.split(",")]
    return "*" in wanted or etag in wanted


def range_of(header: str | None, size: int) -> tuple[int, int] | None:
    """First byte and length; None for the whole: no range, or one that is not understood.

    Raises ApiError InvalidRange (416).
    """
    found = _RANGE.fullmatch(header or "")
    if found is None or (not found[1] and not found[2]):
        return None
    if not found[1]:
        length = min(int(found[2]), size)
        first = size - length
    else:
        first = int(found[1])
        last = min(int(found[2]), size - 1) if found[2] else size - 1
        if found[2] and int(found[2]) < first:
            return None
        length = last - first + 1
    if length <= 0 or first >= size:
        raise ApiError(
            "InvalidRange",
            "The requested range is not satisfiable",
            status=416,
            members={"RangeRequested": header, "ActualObjectSize": size},
        )
    return first, length
