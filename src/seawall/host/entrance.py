"""Running a program inside a world with the terminal of whoever asks."""

import hashlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from seawall.host.kernel import CLONE_NEWNS, MS_BIND, join, mount, setns, unshare

JOIN_ORDER = ("user", "mnt", "net", "ipc", "uts", "pid")


class NoEntrance(Exception):
    """The world or the namespace is gone."""


def enter(pid: int, state_dir: Path, argv: Sequence[str], netns: str | None, resolv_conf: str | None) -> int:
    """Run a program in the world of process `pid`; returns its exit status, 128 + n for signal n.

    netns        a named namespace of the world; None: the world's own
    resolv_conf  the text of /etc/resolv.conf for the program alone
    Raises NoEntrance.
    """
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        try:
            _go_inside(pid, state_dir, netns, resolv_conf)
            grandchild = os.fork()  # only a child of ours is in the world's PID namespace
        except OSError as error:
            os.write(write, f"{error.filename or 'world'}: {error.strerror}".encode())
            os._exit(1)
        if grandchild == 0:
            _become(argv, write)
        os.close(write)
        os._exit(_status(_wait_through_signals(grandchild)))
    os.close(write)
    with os.fdopen(read) as pipe:
        trouble = pipe.read()
    status = _status(_wait_through_signals(child))
    if trouble:
        raise NoEntrance(trouble)
    return status


def _go_inside(pid: int, state_dir: Path, netns: str | None, resolv_conf: str | None) -> None:
    proc = Path("/proc") / str(pid)
    # Opened before the first step: after it /proc is another one.
    namespaces = [(proc / "ns" / kind, os.open(proc / "ns" / kind, os.O_RDONLY)) for kind in JOIN_ORDER]
    root = os.open(proc / "root", os.O_RDONLY)
    here = Path.cwd()
    for path, descriptor in namespaces:
        join(descriptor, str(path))
    os.fchdir(root)
    os.chroot(".")
    _chdir_if_possible(here)
    os.setgid(0)
    os.setuid(0)
    if netns is not None:
        setns(state_dir / "run/netns" / netns)
    if resolv_conf is not None:
        _own_resolv_conf(state_dir, resolv_conf)


def _chdir_if_possible(path: Path) -> None:
    try:
        os.chdir(path)
    except OSError:
        os.chdir("/")


def _own_resolv_conf(state_dir: Path, text: str) -> None:
    """A mount namespace of its own, in which /etc/resolv.conf is another file."""
    unshare(CLONE_NEWNS)
    file = state_dir / "run" / f"resolv-{hashlib.sha256(text.encode()).hexdigest()[:16]}.conf"
    file.write_text(text)
    target = Path("/etc/resolv.conf").resolve()
    if target.exists():
        mount(str(file), target, None, MS_BIND)


def _become(argv: Sequence[str], trouble: int) -> NoReturn:
    os.set_inheritable(trouble, False)
    try:
        os.execvp(argv[0], list(argv))
    except OSError as error:
        print(f"seawall: {argv[0]}: {error.strerror}", file=sys.stderr)
        os._exit(127)


def _wait_through_signals(pid: int) -> int:
    """Wait for a child; signals that would end us are handed on to it instead."""

    def hand_on(number: int, frame: object) -> None:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return

    before = {number: signal.signal(number, hand_on) for number in (signal.SIGTERM, signal.SIGHUP)}
    # The terminal tells the child itself.
    before[signal.SIGINT] = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return os.waitpid(pid, 0)[1]
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _status(waited: int) -> int:
    code = os.waitstatus_to_exitcode(waited)
    return 128 - code if code < 0 else code
