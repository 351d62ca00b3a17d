"""run a command in a container of a running task

TASK is a task's id, the beginning of one, or an ARN; CONTAINER may be left out where the task has only one.
The task needs no network for it, and enableExecuteCommand is not asked for: this is its host's owner, not
the API.  The exit status is the command's.
Example:  seawall exec 3fb2 web -it -- /bin/sh
"""

import argparse
import contextlib
import fcntl
import os
import selectors
import signal
import socket
import struct
import sys
import termios
import threading
import tty
from collections.abc import Callable, Iterator
from typing import Any

from seawall.app.exec_call import RECEIVE, Heard, dial
from seawall.app.failure import NOT_RUNNING, USAGE, CommandFailed
from seawall.app.running import read_running
from seawall.program.exec import MOST_DATA, Ended, Input, Output, Refused, Resize, Start, frame

TAKES_PROGRAM = True


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("task", metavar="TASK")
    parser.add_argument("container", metavar="CONTAINER", nargs="?")
    parser.add_argument("-i", "--interactive", action="store_true", help="pass on what is typed or piped in")
    parser.add_argument("-t", "--tty", action="store_true", help="give it a terminal")
    parser.add_argument("--root", action="store_true", help="as root instead of the container's user")


def run(args: argparse.Namespace) -> int:
    from seawall.app.clients import Clients  # boto3 takes a while to import
    from seawall.app.task_logs import find_task

    if not args.tail:
        raise CommandFailed("say what to run: seawall exec TASK CONTAINER -it -- /bin/sh", status=USAGE)
    if args.tty and not os.isatty(0):
        raise CommandFailed("-t: the input is not a terminal", status=USAGE)
    task = find_task(Clients(read_running(args.state_dir)), args.task)
    rows, columns = _size() if args.tty else (24, 80)
    start = Start(
        task=task["taskArn"].rpartition("/")[2],
        container=_container(task, args.container),
        command=tuple(args.tail),
        terminal=args.tty,
        rows=rows,
        columns=columns,
        as_root=args.root,
        environment=(("TERM", os.environ.get("TERM", "xterm")),) if args.tty else (),
    )
    with dial(args.state_dir, start) as connection:
        return _talk(connection, interactive=args.interactive, terminal=args.tty)


def _container(task: dict[str, Any], wanted: str | None) -> str:
    names = [container["name"] for container in task["containers"]]
    if wanted is None and len(names) == 1:
        return str(names[0])
    if wanted is None or wanted not in names:
        raise CommandFailed(
            f"{wanted or 'say which container'}: the task has {', '.join(names)}", status=USAGE
        )
    return wanted


def _talk(connection: socket.socket, *, interactive: bool, terminal: bool) -> int:
    """Pass on in both directions until the command has ended; returns its status."""
    heard, sending = Heard(), threading.Lock()

    def send(message: Input | Resize) -> None:
        with sending:
            connection.sendall(frame(message))

    with contextlib.ExitStack() as stack:
        waiting = stack.enter_context(selectors.DefaultSelector())
        waiting.register(connection, selectors.EVENT_READ)
        resized = None
        if terminal:
            stack.enter_context(_raw())
            resized = stack.enter_context(_resizes())
            waiting.register(resized, selectors.EVENT_READ)
        if interactive:
            threading.Thread(target=_send_input, args=(send,), daemon=True).start()
        else:
            send(Input(data=b""))
        while True:
            for key, _ in waiting.select():
                if key.fileobj is connection:
                    status = _hear(heard, connection.recv(RECEIVE))
                    if status is not None:
                        return status
                elif resized is not None:
                    resized.recv(4096)
                    rows, columns = _size()
                    send(Resize(rows=rows, columns=columns))


def _send_input(send: Callable[[Input], None]) -> None:
    """All of it; in a thread of its own, since not every kind of file can be waited for."""
    with contextlib.suppress(OSError):  # the command has ended
        while True:
            data = os.read(0, MOST_DATA)
            send(Input(data=data))
            if not data:
                return


def _hear(heard: Heard, data: bytes) -> int | None:
    """Print what the command said; its exit status once it is told."""
    if not data:
        raise CommandFailed("the host agent went away, and the command with it", status=NOT_RUNNING)
    for message in heard.messages(data):
        if isinstance(message, Output):
            to = sys.stdout.buffer if message.stream == 1 else sys.stderr.buffer
            to.write(message.data)
            to.flush()
        elif isinstance(message, Ended):
            return message.status
        elif isinstance(message, Refused):
            raise CommandFailed(message.text)
    return None


@contextlib.contextmanager
def _raw() -> Iterator[None]:
    """Every key goes to the command, ^C too."""
    before = termios.tcgetattr(0)
    tty.setraw(0)
    try:
        yield
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)


@contextlib.contextmanager
def _resizes() -> Iterator[socket.socket]:
    """Readable whenever the window has changed."""
    wakes, woken = socket.socketpair()
    wakes.setblocking(False)
    before = signal.signal(signal.SIGWINCH, lambda *_: None)
    old = signal.set_wakeup_fd(wakes.fileno(), warn_on_full_buffer=False)
    try:
        with wakes, woken:
            yield woken
    finally:
        signal.set_wakeup_fd(old)
        signal.signal(signal.SIGWINCH, before)


def _size() -> tuple[int, int]:
    rows, columns, _, _ = struct.unpack("HHHH", fcntl.ioctl(0, termios.TIOCGWINSZ, b"\0" * 8))
    return rows or 24, columns or 80
