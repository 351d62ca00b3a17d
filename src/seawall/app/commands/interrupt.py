"""interrupt a Fargate Spot task, as AWS does when it wants the capacity back

TASK is a task's id, the beginning of one, or an ARN.  Its containers get SIGTERM, and are killed when their
stopTimeout is over; a service starts another task.
Example:  seawall interrupt 3fb2
"""

import argparse
import json

from seawall.app.answer import answer
from seawall.app.saved_model import tell_own


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("task", metavar="TASK")


def run(args: argparse.Namespace) -> int:
    said = json.loads(tell_own(args.state_dir, "interrupt", {"task": args.task.rpartition("/")[2]}))
    answer(args.output, said, [f"Task {said['task']} is interrupted."])
    return 0
