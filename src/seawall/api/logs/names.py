"""How the operations of CloudWatch Logs find a group or stream, and what they say when there is none."""

from datetime import datetime, timedelta, timezone

from seawall.api.params import Params
from seawall.api.registry import Call
from seawall.model.arn import parse_arn
from seawall.model.log_group import LogGroup
from seawall.model.log_stream import LogStream, log_stream_id
from seawall.store.log_events import LogEvents
from seawall.store.store import Reader
from seawall.wire.errors import ApiError

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def milliseconds(when: datetime) -> int:
    """Since 1970, as CloudWatch Logs gives all times."""
    return (when - EPOCH) // timedelta(milliseconds=1)


def log_events(call: Call) -> LogEvents:
    events: LogEvents = call.resources["log_events"]
    return events


def find_group(reader: Reader, name: str) -> LogGroup:
    """Raises ApiError ResourceNotFoundException."""
    group = reader.find(LogGroup, name)
    if group is None:
        raise ApiError("ResourceNotFoundException", "The specified log group does not exist.")
    return group


def find_stream(reader: Reader, group: str, name: str) -> LogStream:
    """Raises ApiError ResourceNotFoundException."""
    stream = reader.find(LogStream, log_stream_id(group, name))
    if stream is None:
        raise ApiError("ResourceNotFoundException", "The specified log stream does not exist.")
    return stream


def group_from_params(call: Call, params: Params) -> LogGroup:
    """The group that `logGroupName` or `logGroupIdentifier` (a name or an ARN) names."""
    name, identifier = params.get("logGroupName"), params.get("logGroupIdentifier")
    if (name is None) == (identifier is None):
        raise ApiError(
            "InvalidParameterException",
            "Exactly one of logGroupName or logGroupIdentifier must be specified.",
        )
    return find_group(call.store, name if name is not None else group_name(call, identifier))


def group_name(call: Call, identifier: str) -> str:
    """The group's name in a name or an ARN (without the final ":*", which the service's model refuses).

    Raises ApiError InvalidParameterException for an ARN of something else.
    """
    if not identifier.startswith("arn:"):
        return identifier
    arn = parse_arn(identifier)
    if arn is None or arn.service != "logs" or not arn.resource.startswith("log-group:"):
        raise ApiError("InvalidParameterException", f"Invalid ARN: {identifier}")
    if (arn.region, arn.account) != (call.region, call.account):
        raise ApiError("ResourceNotFoundException", "The specified log group does not exist.")
    return arn.resource.removeprefix("log-group:")


def group_arn(call: Call, name: str) -> str:
    return call.arn(f"log-group:{name}", service="logs")


def expiry(group: LogGroup, now: datetime) -> int:
    """Events with a time (milliseconds) below this are beyond the group's retention."""
    if group.retention_in_days is None:
        return 0
    return milliseconds(now - timedelta(days=group.retention_in_days))
