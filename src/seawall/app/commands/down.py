"""stop Seawall and everything that runs in it

What the API knows (networks, definitions, images) is kept and is there at the next `seawall up`; tasks are
stopped, as by a reboot.
"""

import argparse
import os
import signal
from pathlib import Path

from seawall.app.answer import answer
from seawall.app.failure import CommandFailed
from seawall.app.running import await_exit, read_process, remove_running
from seawall.app.uplink import end_uplink
from seawall.host import world


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--timeout", type=float, default=30.0, metavar="SECONDS", help="(default: %(default)s)"
    )


def run(args: argparse.Namespace) -> int:
    was_running = stop_control_plane(args.state_dir, args.timeout)
    # The world outlives a control plane that was killed, so it is ended whether or not one was running.
    end_uplink(args.state_dir)
    world.end_world(args.state_dir)
    remove_running(args.state_dir)
    text = "Seawall is down." if was_running else "No Seawall was running; whatever it left is gone."
    answer(args.output, {"was_running": was_running}, [text])
    return 0


def stop_control_plane(state_dir: Path, timeout_s: float) -> bool:
    """Ask the control plane to end, ready or not, and wait.  False when none ran; raises CommandFailed."""
    process = read_process(state_dir)
    if process is None:
        return False
    pid, started = process
    os.kill(pid, signal.SIGTERM)
    if not await_exit(pid, started, timeout_s):
        raise CommandFailed(f"process {pid} did not end within {timeout_s:g} s")
    return True
