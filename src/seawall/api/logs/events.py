"""Log events: put, get by stream, filter by pattern across streams."""

import re
from datetime import timedelta
from itertools import pairwise
from typing import Any, NamedTuple

from seawall.api.logs.filter_pattern import EventTest, InvalidPattern, compile_pattern
from seawall.api.logs.names import (
    expiry,
    find_group,
    find_stream,
    group_from_params,
    log_events,
    milliseconds,
)
from seawall.api.logs.stream import sequence_token
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.log_group import LogGroup
from seawall.model.log_stream import LogStream
from seawall.store.log_events import BEGINNING, END, EVENT_OVERHEAD, LogEvent, Position
from seawall.wire.errors import ApiError

MOST_BYTES = 1_048_576  # in one batch, in one event and in one answer
OLDEST = timedelta(days=14)
NEWEST = timedelta(hours=2)
LONGEST_SPAN = timedelta(hours=24)
SCANNED_AT_ONCE = 10_000  # events one FilterLogEvents call looks at before it answers with what it has
SCANNED_BYTES = 16 * 1_048_576
NO_MASKS = {"unmask": "there are no data protection policies, so nothing is masked"}


@operation(
    "logs",
    "PutLogEvents",
    stored={"sequenceToken": "ignored, as AWS does since 2023"},
)
def put_log_events(call: Call, params: Params) -> dict[str, Any]:
    group = find_group(call.store, params["logGroupName"])
    stream = find_stream(call.store, group.id, params["logStreamName"])
    events = [(event["timestamp"], event["message"]) for event in params["logEvents"]]
    _check_batch(events)
    call.refuse_unread()
    now = milliseconds(call.now)
    oldest, newest = now - OLDEST // _MS, now + NEWEST // _MS
    kept_from = expiry(group, call.now)
    accepted = [event for event in events if max(oldest, kept_from) <= event[0] <= newest]
    if accepted:
        if accepted[-1][0] - accepted[0][0] > LONGEST_SPAN // _MS:
            raise ApiError(
                "InvalidParameterException",
                "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
            )
        log_events(call).append(stream.key, now, accepted)
    if kept_from:
        log_events(call).expire([stream.key], kept_from)
    rejected = _rejected([when for when, _ in events], oldest, newest, kept_from)
    answer: dict[str, Any] = {"nextSequenceToken": sequence_token(now)}
    return answer | ({"rejectedLogEventsInfo": rejected} if rejected else {})


_MS = timedelta(milliseconds=1)


def _check_batch(events: list[tuple[int, str]]) -> None:
    sizes = [len(message.encode()) + EVENT_OVERHEAD for _, message in events]
    if max(sizes) > MOST_BYTES:
        raise ApiError(
            "InvalidParameterException", f"Log event too large: {max(sizes)} bytes exceeds limit of 1048576"
        )
    if sum(sizes) > MOST_BYTES:
        raise ApiError(
            "InvalidParameterException", f"Upload too large: {sum(sizes)} bytes exceeds limit of 1048576"
        )
    times = [when for when, _ in events]
    if any(later < earlier for earlier, later in pairwise(times)):
        raise ApiError(
            "InvalidParameterException",
            "Log events in a single PutLogEvents request must be in chronological order.",
        )


def _rejected(times: list[int], oldest: int, newest: int, kept_from: int) -> dict[str, int]:
    """What is said about events that were not taken; `times` rise, ends are exclusive."""
    info = {}
    if times[0] < oldest:
        info["tooOldLogEventEndIndex"] = sum(when < oldest for when in times)
    if kept_from and times[0] < kept_from:
        info["expiredLogEventEndIndex"] = sum(when < kept_from for when in times)
    if times[-1] > newest:
        info["tooNewLogEventStartIndex"] = sum(when <= newest for when in times)
    return info


class _Cursor(NamedTuple):
    """A GetLogEvents token: forward from after a position, or backward from before it."""

    forward: bool
    position: Position


@operation("logs", "GetLogEvents", stored=NO_MASKS)
def get_log_events(call: Call, params: Params) -> dict[str, Any]:
    group = group_from_params(call, params)
    stream = find_stream(call.store, group.id, params["logStreamName"])
    token, limit = params.get("nextToken"), params.get("limit", 10_000)
    from_head = params.get("startFromHead", False)
    start = max(params.get("startTime", 0), expiry(group, call.now))
    end = params.get("endTime")
    if token is not None:
        cursor = _parse_token(token)
    else:
        cursor = _Cursor(True, BEGINNING) if from_head else _Cursor(False, END)
    found = log_events(call).read(
        [stream.key],
        after=cursor.position if cursor.forward else BEGINNING,
        before=END if cursor.forward else cursor.position,
        start=start,
        end=end,
        limit=limit,
        limit_bytes=MOST_BYTES,
        newest_first=not cursor.forward,
    )
    page = _fitting(found)
    if not cursor.forward:
        page.reverse()
    forward, backward = _tokens(page, cursor)
    return {
        "events": [
            {"timestamp": event.timestamp, "message": event.message, "ingestionTime": event.ingestion}
            for event in page
        ],
        "nextForwardToken": forward,
        "nextBackwardToken": backward,
    }


def _fitting(events: list[LogEvent]) -> list[LogEvent]:
    """As many of the first events as one answer holds."""
    size = 0
    for place, event in enumerate(events):
        size += event.size
        if size > MOST_BYTES and place:
            return events[:place]
    return events


def _tokens(page: list[LogEvent], cursor: _Cursor) -> tuple[str, str]:
    """Forward and backward tokens around a page.  At either end a token leads back to itself."""
    if page:
        after, before = page[-1].position, page[0].position
    elif cursor.forward:
        after, before = cursor.position, _next_to(cursor.position, 1)
    elif cursor.position == END:
        after, before = BEGINNING, Position(0, 0)  # an empty stream: whatever comes is ahead
    else:
        after, before = _next_to(cursor.position, -1), cursor.position
    return f"f/{event_number(after)}/s", f"b/{event_number(before)}/s"


def _next_to(position: Position, step: int) -> Position:
    return Position(position.timestamp, position.id + step)


def event_number(position: Position) -> str:
    """A position as 56 digits: time, then the event's id.  Also the eventId of FilterLogEvents."""
    return f"{position.timestamp + 1:028d}{position.id + 2:028d}"


_NUMBER = re.compile(r"\d{56}")
_TOKEN = re.compile(r"([fb])/(\d{56})/s")


def _position(number: str) -> Position:
    """The position of an event number.  Raises ApiError when it is beyond all time."""
    position = Position(int(number[:28]) - 1, int(number[28:]) - 2)
    if max(position) > max(END):
        raise ApiError("InvalidParameterException", "The specified nextToken is invalid.")
    return position


def _parse_token(token: str) -> _Cursor:
    found = _TOKEN.fullmatch(token)
    if found is None:
        raise ApiError("InvalidParameterException", "The specified nextToken is invalid.")
    return _Cursor(found[1] == "f", _position(found[2]))


@operation(
    "logs",
    "FilterLogEvents",
    stored={**NO_MASKS, "interleaved": "events are always interleaved, as on AWS since 2019"},
    note="An answer may hold fewer events than the limit, or none, and still have a nextToken, as on AWS.",
)
def filter_log_events(call: Call, params: Params) -> dict[str, Any]:
    group = group_from_params(call, params)
    matches = _pattern(params.get("filterPattern", ""))
    keys = [stream.key for stream in _streams(call, params, group)]
    names = {stream.key: stream.name for stream in call.store.referrers(LogStream, group.ref)}
    limit = params.get("limit", 10_000)
    cursor = _filter_cursor(params.get("nextToken"), params.get("startFromHead", True))
    scanned = log_events(call).read(
        keys,
        after=cursor.position if cursor.forward else BEGINNING,
        before=END if cursor.forward else cursor.position,
        start=max(params.get("startTime", 0), expiry(group, call.now)),
        end=params["endTime"] + 1 if "endTime" in params else None,  # here the end is included
        limit=SCANNED_AT_ONCE,
        limit_bytes=SCANNED_BYTES,
        newest_first=not cursor.forward,
    )
    page: list[LogEvent] = []
    size = 0
    last: LogEvent | None = None  # the last event that was looked at, when some are left
    for event in scanned:
        if matches(event.message):
            size += event.size
            if len(page) == limit or (size > MOST_BYTES and page):
                break
            page.append(event)
        last = event
    else:
        if len(scanned) < SCANNED_AT_ONCE and sum(event.size for event in scanned) <= SCANNED_BYTES:
            last = None
    answer: dict[str, Any] = {
        "events": [_filtered(event, names[event.stream_key]) for event in page],
        "searchedLogStreams": [],
    }
    if last:
        direction = "f" if cursor.forward else "b"
        answer["nextToken"] = f"{direction}/{event_number(last.position)}/s"
    return answer


def _pattern(text: str) -> EventTest:
    try:
        return compile_pattern(text)
    except InvalidPattern as error:
        raise ApiError("InvalidParameterException", str(error)) from None


def _filter_cursor(token: str | None, from_head: bool) -> _Cursor:
    if token is not None:
        return _parse_token(token)
    return _Cursor(True, BEGINNING) if from_head else _Cursor(False, END)


def _streams(call: Call, params: Params, group: LogGroup) -> list[LogStream]:
    names, prefix = params.get("logStreamNames"), params.get("logStreamNamePrefix")
    if names is not None and prefix is not None:
        raise ApiError(
            "InvalidParameterException",
            "logStreamNames and logStreamNamePrefix are mutually exclusive parameters.",
        )
    if names is not None:
        return [find_stream(call.store, group.id, name) for name in dict.fromkeys(names)]
    streams = call.store.referrers(LogStream, group.ref)
    return [stream for stream in streams if stream.name.startswith(prefix or "")]


def _filtered(event: LogEvent, stream: str) -> dict[str, Any]:
    return {
        "logStreamName": stream,
        "timestamp": event.timestamp,
        "message": event.message,
        "ingestionTime": event.ingestion,
        "eventId": event_number(event.position),
    }
