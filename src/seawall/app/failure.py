"""How a command says that it failed, and what its exit status means."""

import json
import sys

FAILED = 1
USAGE = 2
NOT_RUNNING = 3
UNPREPARED = 4  # the machine lacks something


class CommandFailed(Exception):
    """Told to the user as it stands, without a traceback."""

    def __init__(self, text: str, *, status: int = FAILED) -> None:
        super().__init__(text)
        self.text = text
        self.status = status


def print_failure(output: str, failure: CommandFailed) -> int:
    """One line on stderr for people, one object for scripts.  Returns the exit status."""
    if output == "json":
        print(json.dumps({"error": failure.text, "status": failure.status}), file=sys.stderr)
    else:
        print(f"seawall: {failure.text}", file=sys.stderr)
    return failure.status
