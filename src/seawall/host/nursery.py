"""Network namespaces made ahead of need, each owned by a user namespace of its own.

A process with threads cannot leave its user namespace, so a small process beside the agent has children that
do.  What they make is nothing but descriptors until somebody pins it: an agent that dies leaves nothing.

This file is also that small process's program: `python -I -S nursery.py SOCKET FIRST-ID IDS`.
"""

import ctypes
import json
import os
import select
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

READY = 8  # namespaces; each takes the kernel 230 kB
PAUSE_S = 0.1  # longer than a launch
_NEW_USER_AND_NETWORK = 0x10000000 | 0x40000000
_LARGEST = 1 << 16
Settings = tuple[tuple[str, str], ...]


class Newborn:
    """Descriptors of a network namespace and of its owner, and the kernel settings it was born with."""

    def __init__(self, user: int, network: int, settings: Settings) -> None:
        self.user, self.network, self.settings = user, network, settings

    def close(self) -> None:
        os.close(self.user)
        os.close(self.network)


class Nursery:
    """Ids 0..`size`-1 of its namespaces are `first`..`first`+`size`-1 outside.  One thread at a time."""

    def __init__(self, first: int, size: int) -> None:
        self._ids = (str(first), str(size))
        self._socket: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._ordered: deque[Settings] = deque()

    @property
    def process(self) -> int | None:
        """The maker, where there is one."""
        return self._process.pid if self._process else None

    def prepare(self, settings: Settings = ()) -> None:
        """See to it that some will be ready, most likely with these settings."""
        while len(self._ordered) < READY:
            self._order(settings)

    @contextmanager
    def take(self, settings: Settings) -> Iterator[Newborn]:
        """One that has no settings but for these names.  Raises OSError where the kernel makes none.

        What it was born with may differ in value: whoever takes it writes those that do.
        """
        names = {name for name, _ in settings}
        self.prepare(settings)
        newborn = self._next()
        while not names.issuperset(name for name, _ in newborn.settings):
            newborn.close()
            self._order(settings)
            newborn = self._next()
        self._order(settings)
        try:
            yield newborn
        finally:
            newborn.close()

    def close(self) -> None:
        """The kernel takes down what nobody took."""
        if self._socket is not None:
            self._socket.close()
        if self._process is not None:
            self._process.wait()
        self._socket = self._process = None
        self._ordered.clear()

    def _order(self, settings: Settings) -> None:
        if self._socket is None:
            self._start()
        assert self._socket is not None
        with suppress(BrokenPipeError):  # the maker died; who waits for this one is told
            self._socket.send(json.dumps(settings).encode())
        self._ordered.append(settings)

    def _start(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [sys.executable, "-I", "-S", __file__, str(theirs.fileno()), *self._ids]
            self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
        self._socket = ours

    def _next(self) -> Newborn:
        assert self._socket is not None
        try:
            text, descriptors, _, _ = socket.recv_fds(self._socket, 1024, 2, socket.MSG_CMSG_CLOEXEC)
        except ConnectionResetError:
            text, descriptors = b"", []
        if len(descriptors) != 2:
            self.close()  # the next to ask begins anew
            raise OSError(f"no namespace with an owner could be made: {text.decode() or 'its maker died'}")
        return Newborn(descriptors[0], descriptors[1], self._ordered.popleft())


def serve(sock: socket.socket, first: str, size: str) -> None:
    """Make one namespace for each request, until nobody is left to ask.

    The one asked for last can wait: who asks has just taken another, and needs the processors for its launch.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    idle = select.poll()  # not select, which takes no number above 1023: whoever begins us may have many
    idle.register(sock, select.POLLIN)
    while request := _request(sock):
        idle.poll(PAUSE_S * 1000)
        said = b"."
        born: tuple[int, ...] = ()
        try:
            born = _bear(libc, json.loads(request), f"0 {first} {size}\n")
        except OSError as error:
            said = str(error).encode()
        try:
            socket.send_fds(sock, [said], born)
        except (BrokenPipeError, ConnectionResetError):  # the agent went meanwhile
            return
        finally:
            for descriptor in born:
                os.close(descriptor)


def _request(sock: socket.socket) -> bytes:
    """Empty when the agent is gone."""
    try:
        return sock.recv(_LARGEST)
    except ConnectionResetError:  # it left namespaces unfetched
        return b""


def _bear(libc: ctypes.CDLL, settings: Iterable[tuple[str, str]], map: str) -> tuple[int, int]:
    told, tell = os.pipe()
    release, hold = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(hold)
        try:
            if libc.unshare(_NEW_USER_AND_NETWORK) != 0:
                raise OSError(ctypes.get_errno(), "unshare")
            for name, value in settings:
                with open(f"/proc/sys/net/{name}", "w") as file:
                    file.write(value)
            os.write(tell, b".")
            os.read(release, 1)  # until it is held by descriptors
        except OSError as error:
            os.write(tell, str(error).encode())
        finally:
            os._exit(0)
    os.close(tell)
    os.close(release)
    try:
        answer = os.read(told, 1024)
        if answer != b".":
            raise OSError(answer.decode() or "the child died")
        for kind in ("uid_map", "gid_map"):
            with open(f"/proc/{child}/{kind}", "w") as file:
                file.write(map)
        flags = os.O_RDONLY | os.O_CLOEXEC
        return os.open(f"/proc/{child}/ns/user", flags), os.open(f"/proc/{child}/ns/net", flags)
    finally:
        os.close(told)
        os.close(hold)
        os.waitpid(child, 0)


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as _sock:
        serve(_sock, sys.argv[2], sys.argv[3])
