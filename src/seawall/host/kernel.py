"""System calls that Python has no name for.  Each raises OSError, named after what was being done."""

import ctypes
import os
from pathlib import Path

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 0x20
MS_BIND, MS_MOVE, MS_REC, MS_PRIVATE = 0x1000, 0x2000, 0x4000, 0x40000
MNT_DETACH = 2

_libc = ctypes.CDLL(None, use_errno=True)


def unshare(kinds: int) -> None:
    """Leave for new namespaces; a new PID namespace is for the next child."""
    _check(_libc.unshare(kinds), "unshare")


def setns(path: Path) -> None:
    """Join the namespace that is mounted, or shown by /proc, at `path`."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        join(descriptor, str(path))
    finally:
        os.close(descriptor)


def join(descriptor: int, what: str) -> None:
    """Join the namespace of an open descriptor."""
    _check(_libc.setns(descriptor, 0), what)


def mount(source: str | None, target: Path, kind: str | None, flags: int, data: str | None = None) -> None:
    words = [None if word is None else os.fsencode(word) for word in (source, str(target), kind)]
    _check(_libc.mount(*words, flags, None if data is None else data.encode()), f"mount {target}")


def unmount(target: Path) -> None:
    """At once for everybody who comes later; who is in there stays."""
    _check(_libc.umount2(bytes(target), MNT_DETACH), f"umount {target}")


def sync_filesystem(path: Path) -> None:
    """Return when the disk has all that was written to the filesystem of a folder."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _check(_libc.syncfs(descriptor), f"sync {path}")
    finally:
        os.close(descriptor)


def _check(status: int, what: str) -> None:
    if status != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), what)
