"""show what a task's containers write

TASK is a task's id, the beginning of one, or an ARN; also a stopped one.  Shown is what the log driver
awslogs put into CloudWatch Logs.  With --follow it goes on until the task has stopped.
Example:  seawall logs 3fb2 web --follow
"""

import argparse
import json
from collections import deque
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import msgspec

from seawall.app.log_feed import LogPlace, LogsAsked
from seawall.app.own_stream import own_lines
from seawall.app.running import read_running

if TYPE_CHECKING:
    from seawall.app.clients import Clients


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("task", metavar="TASK")
    parser.add_argument("container", nargs="?", metavar="CONTAINER", help="(default: all of them)")
    parser.add_argument("--follow", action="store_true", help="go on with what comes")
    parser.add_argument("--last", type=int, metavar="N", help="only the last N of the kept lines")
    parser.add_argument("--times", action="store_true", help="say when each line was written")


def run(args: argparse.Namespace) -> int:
    from seawall.app.clients import Clients  # boto3 takes a while to import
    from seawall.app.task_logs import find_task, log_places

    clients = Clients(read_running(args.state_dir))
    task = find_task(clients, args.task)
    places = log_places(clients, task, args.container)
    last = None if args.last is None else max(args.last, 0)
    if args.follow:
        asked = LogsAsked(task=task["taskArn"].rpartition("/")[2], places=places, last=last)
        raw = own_lines(args.state_dir, "logs", {"asked": msgspec.json.encode(asked).decode()})
        lines: Iterable[Any] = map(json.loads, raw)
    else:
        lines = kept_lines(clients, places)
        if last is not None:
            lines = deque(lines, maxlen=last)
    for line in lines:
        print(
            json.dumps(line) if args.output == "json" else written(line, many=len(places) > 1, args=args),
            flush=args.follow,
        )
    return 0


def kept_lines(clients: "Clients", places: list[LogPlace]) -> Iterator[dict[str, Any]]:
    """All that is there, by time, each group after the other."""
    for group in dict.fromkeys(place.group for place in places):
        containers = {place.stream: place.container for place in places if place.group == group}
        known = [stream for stream in containers if _exists(clients, group, stream)]
        if not known:
            continue
        pages = clients.logs.get_paginator("filter_log_events").paginate(
            logGroupName=group, logStreamNames=known
        )
        for event in (event for page in pages for event in page["events"]):
            yield {
                "container": containers[event["logStreamName"]],
                "timestamp": event["timestamp"],
                "message": event["message"],
            }


def _exists(clients: "Clients", group: str, stream: str) -> bool:
    """A container that has written nothing yet may have no stream, and no group either."""
    try:
        found = clients.logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=stream)
    except clients.logs.exceptions.ResourceNotFoundException:
        return False
    return any(each["logStreamName"] == stream for each in found["logStreams"])


def written(line: dict[str, Any], *, many: bool, args: argparse.Namespace) -> str:
    """The line for people; the container's name before it where there are several."""
    at = datetime.fromtimestamp(line["timestamp"] / 1000, timezone.utc)
    when = f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z  " if args.times else ""
    who = f"{line['container']}  " if many else ""
    return f"{when}{who}{line['message']}"
