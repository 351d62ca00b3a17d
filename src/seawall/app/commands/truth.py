"""say what is enforced, what is only stored, and what is refused

For every operation, and for this machine: a limit that cannot be enforced here is said, not hidden.
"""

import argparse
from pathlib import Path

from seawall.app.answer import answer
from seawall.app.failure import CommandFailed
from seawall.app.running import NotRunning, read_running


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("service", nargs="?", help="only this service, e.g. ecs")


def limits_there(state_dir: Path) -> str | None:
    """What the running Seawall's host agent says about limits; None where none runs or may be asked."""
    import httpx

    try:
        url = read_running(state_dir).url
        return str(httpx.get(f"{url}/_seawall/health", timeout=5).json()["limits"])
    except (NotRunning, PermissionError, httpx.TransportError):
        return None


def run(args: argparse.Namespace) -> int:
    from seawall.app import truth  # imports every operation; the other commands start faster without

    told = truth.tell(args.service, limits_there(args.state_dir))
    if args.service and not told.operations:
        raise CommandFailed(f"nothing of {args.service} is served; `seawall truth` names all that is")
    answer(args.output, told.plain(), told.lines())
    return 0
