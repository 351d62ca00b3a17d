"""Log streams: create, describe, delete."""

from typing import Any

from seawall.api.logs.group import page_of_names
from seawall.api.logs.names import (
    find_group,
    find_stream,
    group_arn,
    group_from_params,
    log_events,
    milliseconds,
)
from seawall.api.page import InvalidToken, take_page
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.log_group import LogGroup
from seawall.model.log_stream import LogStream, log_stream_id
from seawall.store.ids import new_uuid
from seawall.store.log_events import EMPTY, StreamFacts
from seawall.wire.errors import ApiError


@operation("logs", "CreateLogStream")
def create_log_stream(call: Call, params: Params) -> dict[str, Any]:
    name = params["logStreamName"]
    with call.write() as txn:
        group = find_group(txn, params["logGroupName"])
        id = log_stream_id(group.id, name)
        if txn.find(LogStream, id):
            raise ApiError("ResourceAlreadyExistsException", "The specified log stream already exists")
        txn.put(LogStream(id=id, log_group=group.id, name=name, key=new_uuid(), creation_time=call.now))
    return {}


@operation("logs", "DeleteLogStream")
def delete_log_stream(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        group = find_group(txn, params["logGroupName"])
        stream = find_stream(txn, group.id, params["logStreamName"])
        txn.delete(LogStream, stream.id)
    log_events(call).remove([stream.key])
    return {}


@operation("logs", "DescribeLogStreams")
def describe_log_streams(call: Call, params: Params) -> dict[str, Any]:
    group = group_from_params(call, params)
    prefix = params.get("logStreamNamePrefix")
    by_time = params.get("orderBy", "LogStreamName") == "LastEventTime"
    if by_time and prefix is not None:
        raise ApiError(
            "InvalidParameterException", "Cannot order by LastEventTime with a logStreamNamePrefix."
        )
    streams = [s for s in call.store.referrers(LogStream, group.ref) if s.name.startswith(prefix or "")]
    facts = log_events(call).facts(stream.key for stream in streams)
    limit, token = params.get("limit", 50), params.get("nextToken")
    descending = params.get("descending", False)
    if by_time:
        page, rest = _page_by_time(streams, facts, descending, limit, token)
    else:
        page, rest = _page_by_name(streams, descending, limit, token)
    described = [_describe(call, group, stream, facts.get(stream.key, EMPTY)) for stream in page]
    return {"logStreams": described} | ({"nextToken": rest} if rest else {})


def _page_by_name(
    streams: list[LogStream], descending: bool, limit: int, token: str | None
) -> tuple[list[LogStream], str | None]:
    if not descending:
        return page_of_names(streams, limit, token)
    return _page_in_order(list(reversed(streams)), limit, token)


def _page_by_time(
    streams: list[LogStream],
    facts: dict[str, StreamFacts],
    descending: bool,
    limit: int,
    token: str | None,
) -> tuple[list[LogStream], str | None]:
    def last_event(stream: LogStream) -> tuple[int, str]:
        return (facts.get(stream.key, EMPTY).last_event or 0, stream.id)

    return _page_in_order(sorted(streams, key=last_event, reverse=descending), limit, token)


def _page_in_order(
    streams: list[LogStream], limit: int, token: str | None
) -> tuple[list[LogStream], str | None]:
    """Pages of an order that is not by rising name: the token counts how many were shown."""
    numbered = [(f"{place:08d}", stream) for place, stream in enumerate(streams)]
    try:
        page, rest = take_page(numbered, limit, token, lambda item: item[0])
    except InvalidToken:
        raise ApiError("InvalidParameterException", "The specified nextToken is invalid.") from None
    return [stream for _, stream in page], rest


def _describe(call: Call, group: LogGroup, stream: LogStream, facts: StreamFacts) -> dict[str, Any]:
    described = {
        "logStreamName": stream.name,
        "creationTime": milliseconds(stream.creation_time),
        "arn": f"{group_arn(call, group.id)}:log-stream:{stream.name}",
        "storedBytes": 0,  # always 0 since June 2019, says the service's model
    }
    times = {
        "firstEventTimestamp": facts.first_event,
        "lastEventTimestamp": facts.last_event,
        "lastIngestionTime": facts.last_ingestion,
    }
    described |= {name: time for name, time in times.items() if time is not None}
    if facts.last_ingestion is not None:
        described["uploadSequenceToken"] = sequence_token(facts.last_ingestion)
    return described


def sequence_token(ingestion: int) -> str:
    """56 digits, ignored by the service since 2023 but still handed out."""
    return f"496{ingestion:053d}"
