"""show what became of tasks and services: ECS events, as EventBridge would deliver them

One line for each version of a task, action of a service and turn of a deployment; with --output json the
events themselves, one a line.  TASK is a task's id, the beginning of one, or an ARN.  About ten thousand
events are kept.
Example:  seawall events --follow
"""

import argparse
import json

from seawall.app.event_line import EventLines
from seawall.app.failure import CommandFailed
from seawall.app.own_stream import own_lines


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "task", nargs="?", default="", metavar="TASK", help="(default: all tasks and services)"
    )
    parser.add_argument("--follow", action="store_true", help="go on with the events to come")
    parser.add_argument(
        "--last",
        type=int,
        metavar="N",
        help="only the last N of the kept ones (default: all; none with --follow)",
    )


def run(args: argparse.Namespace) -> int:
    asked = {"follow": "1"} if args.follow else {}
    last = 0 if args.follow and args.last is None else args.last
    if last is not None:
        asked["last"] = str(max(last, 0))
    lines, wanted, shown = EventLines(), args.task.rpartition("/")[2], 0
    for raw in own_lines(args.state_dir, "events", asked):
        event = json.loads(raw)
        if not wanted or event["detail"].get("taskArn", "").rpartition("/")[2].startswith(wanted):
            print(raw.decode() if args.output == "json" else lines.line(event), flush=True)
            shown += 1
    if wanted and not shown and last is None:
        raise CommandFailed(f"{args.task}: no events are kept of a task whose id begins so")
    return 0
