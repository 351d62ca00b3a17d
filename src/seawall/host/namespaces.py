"""Network namespaces pinned as files, so that they outlive the agent: run/netns/NAME, run/userns/NAME.

A namespace of a task belongs to a user namespace of its own: root in there is nobody out here and cannot
touch a link or a rule.  Sockets in a namespace are made by one thread that steps in and out (2.8 us).
"""

import contextlib
import ctypes
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from seawall.host.nursery import Nursery, Settings

CLONE_NEWNET = 0x40000000
CLONE_NEWUSER = 0x10000000
MS_BIND = 0x1000
MNT_DETACH = 2

_libc = ctypes.CDLL(None, use_errno=True)


class IdMap(NamedTuple):
    """Ids 0..size-1 of a namespace are `first`..`first`+size-1 outside of it."""

    first: int
    size: int


class Namespaces:
    """The pinned namespaces under `run_dir`.  One thread at a time; nothing here may be awaited within.

    Every method raises OSError when the kernel refuses.
    """

    def __init__(self, run_dir: Path) -> None:
        self._net = run_dir / "netns"
        self._user = run_dir / "userns"
        self._net.mkdir(parents=True, exist_ok=True)
        self._user.mkdir(parents=True, exist_ok=True)
        self._nurseries: dict[IdMap, Nursery] = {}
        self._home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    def path(self, name: str) -> Path:
        return self._net / name

    def user_path(self, name: str) -> Path:
        return self._user / name

    def names(self) -> frozenset[str]:
        """All network namespaces that stand, whoever pinned them."""
        return frozenset(path.name for path in self._net.iterdir() if _is_pinned(path))

    def sweep(self) -> None:
        """Clear away what an agent that was killed within `create` or `remove` left behind."""
        standing = self.names()
        for path in [*self._net.iterdir(), *self._user.iterdir()]:
            if path.name not in standing:
                _unpin(path)

    def prepare(self, id_map: IdMap) -> None:
        """Have owned namespaces ready before somebody wants one."""
        self._nurseries.setdefault(id_map, Nursery(*id_map)).prepare()

    def create(self, name: str, id_map: IdMap | None = None, settings: Settings = ()) -> Settings:
        """Pin a new network namespace; with `id_map`, one owned by a new user namespace.

        A namespace that stands already is left as it is.  `settings` are what will be written under
        /proc/sys/net next; returns those that are there already.
        """
        if _is_pinned(self.path(name)):
            return ()
        if id_map is None:
            with self._stepping_out():
                _check(_libc.unshare(CLONE_NEWNET), "unshare")
                _pin(Path("/proc/thread-self/ns/net"), self.path(name))
            return ()
        _unpin(self.user_path(name))  # left by an agent that was killed half-way
        return self._create_owned(name, id_map, settings)

    def remove(self, name: str) -> None:
        """Let go of a namespace; the kernel takes it down when its last process and socket are gone."""
        _unpin(self.path(name))
        _unpin(self.user_path(name))

    @contextlib.contextmanager
    def inside(self, name: str) -> Iterator[None]:
        """Run a block within a namespace.  Never await in it: the whole thread has moved."""
        with self._stepping_out():
            _enter(self.path(name))
            yield

    def unnamed(self) -> int:
        """A descriptor of a new namespace, which lasts as long as that."""
        with self._stepping_out():
            _check(_libc.unshare(CLONE_NEWNET), "unshare")
            return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    @contextlib.contextmanager
    def inside_of(self, descriptor: int) -> Iterator[None]:
        """As `inside`, for an unnamed one."""
        with self._stepping_out():
            _check(_libc.setns(descriptor, CLONE_NEWNET), "setns")
            yield

    def socket_in(
        self, name: str, family: int = socket.AF_INET, type: int = socket.SOCK_STREAM, proto: int = 0
    ) -> socket.socket:
        """A socket that belongs to the namespace for good, wherever it is used."""
        with self.inside(name):
            return socket.socket(family, type, proto)

    def close(self) -> None:
        for nursery in self._nurseries.values():
            nursery.close()
        self._nurseries.clear()
        os.close(self._home)

    @contextlib.contextmanager
    def _stepping_out(self) -> Iterator[None]:
        try:
            yield
        finally:
            _check(_libc.setns(self._home, CLONE_NEWNET), "setns")

    def _create_owned(self, name: str, id_map: IdMap, settings: Settings) -> Settings:
        nursery = self._nurseries.setdefault(id_map, Nursery(*id_map))
        with nursery.take(settings) as newborn:
            _pin(Path(f"/proc/self/fd/{newborn.user}"), self.user_path(name))
            _pin(Path(f"/proc/self/fd/{newborn.network}"), self.path(name))
            return newborn.settings


def task_id_map() -> IdMap:
    """Ids for a task: all that this user namespace has but its root, at most 65,536."""
    first, _, count = max(
        (tuple(int(field) for field in line.split()) for line in _lines(Path("/proc/self/uid_map"))),
        key=lambda entry: entry[2],
    )
    start = max(first, 1)
    return IdMap(start, min(65536, first + count - start))


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


def _pin(source: Path, target: Path) -> None:
    target.touch()
    _check(_libc.mount(bytes(source), bytes(target), None, MS_BIND, None), f"mount {target}")


def _unpin(path: Path) -> None:
    if _is_pinned(path):
        _check(_libc.umount2(bytes(path), MNT_DETACH), f"umount {path}")
    path.unlink(missing_ok=True)


def _is_pinned(path: Path) -> bool:
    """True for a mount; a bare file is what a killed agent left before it mounted."""
    try:
        return path.stat().st_dev != path.parent.stat().st_dev
    except FileNotFoundError:
        return False


def _enter(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _check(_libc.setns(descriptor, CLONE_NEWNET), f"setns {path}")
    finally:
        os.close(descriptor)


def _check(status: int, what: str) -> None:
    if status != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), what)
