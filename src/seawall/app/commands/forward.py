"""make a port of a task or public address reachable on localhost

PORT:TARGET:PORT, e.g. 8080:198.18.0.5:80.  A public address is reached from the internet, through internet
gateway and security groups.  A task's id is reached inside the task itself: no group has a say in that,
as with a shell on the machine it runs on.  Local port 0 takes any free one.
"""

import argparse
import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path

from seawall.app.answer import answer
from seawall.app.dialer import ask
from seawall.app.failure import CommandFailed
from seawall.app.forwarder import forward
from seawall.app.running import read_running
from seawall.app.target import Forward, Place, find_place, parse_forward


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("forward", metavar="PORT:TARGET:PORT")


def run(args: argparse.Namespace) -> int:
    from seawall.app.clients import Clients  # boto3 takes a while to import

    wanted = parse_forward(args.forward)
    place = find_place(wanted.target, Clients(read_running(args.state_dir)))
    with listen(wanted.local_port) as listener:
        port = listener.getsockname()[1]
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours, start_dialer(args.state_dir, wanted, place, theirs) as dialer:
            text = f"127.0.0.1:{port} -> {place.address}:{wanted.port}, {place.words}. Ctrl-C ends it."
            answer(args.output, {"port": port, "address": place.address, "from": place.namespace}, [text])
            sys.stdout.flush()
            try:
                asyncio.run(forward(listener, lambda: ask(ours), report))
            finally:
                dialer.terminate()
    return 0


def listen(port: int) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError as error:
        raise CommandFailed(f"cannot listen on 127.0.0.1:{port}: {os.strerror(error.errno or 0)}") from error


def start_dialer(
    state_dir: Path, wanted: Forward, place: Place, channel: socket.socket
) -> "subprocess.Popen[bytes]":
    """The process that connects from inside the namespace; `channel` is its to close."""
    # fmt: off
    command = [
        sys.executable, "-m", "seawall.app.cli", "--state-dir", str(state_dir),
        "internet", "--namespace", place.namespace, "--",
        sys.executable, "-m", "seawall.app.dialer", str(channel.fileno()), place.address, str(wanted.port),
    ]
    # fmt: on
    with channel:
        environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.Popen(
            command, pass_fds=[channel.fileno()], stdin=subprocess.DEVNULL, env=environment
        )


def report(reason: str) -> None:
    print(f"seawall: no connection: {reason}", file=sys.stderr, flush=True)
