"""remove everything the API knows: tasks, networks, definitions, images

A running Seawall starts anew as on its first day; one that is down gets its state directory emptied.
"""

import argparse
import contextlib

from seawall.app.answer import answer
from seawall.app.failure import USAGE, CommandFailed
from seawall.app.running import NotRunning, read_process, read_running
from seawall.app.state_files import remove
from seawall.host.world import find_world

DATABASES = ("state.db", "logs.db", "metrics.db")
OURS = frozenset(
    {
        *(f"{name}{tail}" for name in DATABASES for tail in ("", "-wal", "-shm", "-journal")),
        *("state.lock", "control.json", "control.pid", "world.pid", "world.new", "pasta.pid"),
        *("agent.sock", "exec.sock"),
        *("control.log", "agent.log", "up.log"),
        *("run", "tls", "images", "tasks", "registry", "s3", "access-logs"),
    }
)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="do not ask; needed when Seawall is down")


def run(args: argparse.Namespace) -> int:
    try:
        running = read_running(args.state_dir)
    except NotRunning:
        return empty_state_dir(args)
    import httpx

    reply = httpx.post(
        f"{running.url}/_seawall/reset",
        headers={"Authorization": f"Bearer {running.control_token}"},
        timeout=120,
    )
    if reply.status_code != 200:
        raise CommandFailed(f"the running Seawall refused: {reply.text.strip()}")
    answer(args.output, {"reset": True}, ["Everything is gone; the default VPC is new."])
    return 0


def empty_state_dir(args: argparse.Namespace) -> int:
    if not args.yes:
        raise CommandFailed(
            f"Seawall is down. `seawall reset --yes` removes what it keeps in {args.state_dir}.", status=USAGE
        )
    if read_process(args.state_dir) is not None:
        raise CommandFailed(
            f"the Seawall in {args.state_dir} is not ready yet: wait, or `seawall down` first"
        )
    if find_world(args.state_dir) is not None:
        raise CommandFailed(f"a world still runs in {args.state_dir}: `seawall down` first")
    remove(path for path in sorted(args.state_dir.glob("*")) if path.name in OURS)
    text = f"Everything that Seawall kept in {args.state_dir} is gone."
    with contextlib.suppress(OSError):  # there are files of others in it, or it is not there
        args.state_dir.rmdir()
    answer(args.output, {"reset": True}, [text])
    return 0
