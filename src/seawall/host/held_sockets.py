"""Sockets that outlive the agent which made them, with all that waits in them.

A process beside the agent has each of them too.  While no agent runs, packets and connections wait in the
kernel; the next agent is given the sockets and goes on where the one before was killed.  An agent whose
holder dies starts another and gives it what it has.

A socket keeps its network namespace in being.  So one that is held is closed by `let_go`, and what an agent
that was killed did not come to let go of, the next one does.
"""

import asyncio
import errno
import fcntl
import logging
import os
import socket
import sys
from collections.abc import Callable, Collection
from pathlib import Path

from seawall.host import socket_holder
from seawall.host.namespaces import Namespaces
from seawall.host.socket_holder import END, KEEP, LET_GO, LONGEST

PATIENCE_S = 1.0  # with a holder that takes nothing
_SIOCGSKNS = 0x894C  # opens the network namespace of a socket

log = logging.getLogger("seawall.held_sockets")


class HeldSockets:
    """Each has a name KIND/...  Before `connect`, and without a holder, none outlives the agent.

    path   where the holder is met
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._holder: socket.socket | None = None
        self._child: int | None = None  # the holder, where it was started here
        self._held: dict[str, socket.socket] = {}
        self._unasked: set[str] = set()  # names of what an agent before this one had

    def connect(self) -> None:
        """Take over what an agent before this one had.  Within the loop that will run."""
        try:
            self._holder, started = self._reach()
            # What one that was just started is sent waits for it, also when this agent dies before it runs.
            there = {} if started else self._all_of(self._holder)
        except OSError as error:
            log.error("held_sockets.no_holder", extra={"error": str(error)})
            self._hang_up()
            return
        for name, found in there.items():
            if name in self._held:
                found.close()
            else:
                self._held[name] = found
                self._unasked.add(name)
        for name, held in self._held.items():
            if name not in there and held.fileno() >= 0:
                self._send(KEEP, name, held)
        asyncio.get_running_loop().add_reader(self._holder, self._hear)

    def close(self) -> None:
        """Leave all to the next agent."""
        self._hang_up()
        for name in self._unasked:
            self._held.pop(name).close()
        self._unasked.clear()

    def has(self, name: str) -> bool:
        """Whether an agent before this one had it, and nobody has asked for it yet."""
        return name in self._unasked

    def obtain(
        self, name: str, make: Callable[[], socket.socket], fits: Callable[[socket.socket], bool]
    ) -> socket.socket:
        """What an agent before this one had by that name, if it still fits; else a new one.

        It is held until `let_go`.  Raises what `make` raises.
        """
        if self.has(name):
            self._unasked.discard(name)
            if fits(self._held[name]):
                return self._held[name]
        self.let_go(name)
        try:
            made = make()
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            self._agree()  # that may be one which was let go of just now
            made = make()
        self._held[name] = made
        self._send(KEEP, name, made)
        return made

    def let_go(self, name: str) -> None:
        """Close it, here and where it is held."""
        held = self._held.pop(name, None)
        self._unasked.discard(name)
        if held is not None:
            held.close()
            self._send(LET_GO, name)

    def let_go_of_unasked(self, kind: str, but: Collection[str] = ()) -> None:
        """What an agent before this one had by names KIND/..., and nobody has asked for or will."""
        for name in [name for name in self._unasked if name.startswith(f"{kind}/") and name not in but]:
            self.let_go(name)

    def _reach(self) -> tuple[socket.socket, bool]:
        """A connection to the holder, which is started where there is none, and whether it was."""
        started = False
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        connection.settimeout(PATIENCE_S)
        folder = os.open(self._path.parent, os.O_PATH | os.O_DIRECTORY)
        place = f"/proc/self/fd/{folder}/{self._path.name}"  # a Unix path has 108 bytes at most
        try:
            try:
                connection.connect(place)
            except (FileNotFoundError, ConnectionRefusedError):
                self._start(place)
                started = True
                connection.connect(place)
        except OSError:
            connection.close()
            raise
        finally:
            os.close(folder)
        return connection, started

    def _start(self, place: str) -> None:
        """It can be connected to before it runs."""
        self._path.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(place)
            self._path.chmod(0o600)
            listener.listen()
            os.set_inheritable(listener.fileno(), True)
            program = [sys.executable, "-I", "-S", str(socket_holder.__file__)]
            nothing = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 1)]
            self._child = os.posix_spawn(
                sys.executable,
                [*program, str(listener.fileno()), str(self._path)],
                os.environ,
                file_actions=nothing,
                setsid=True,
            )

    @staticmethod
    def _all_of(holder: socket.socket) -> dict[str, socket.socket]:
        found: dict[str, socket.socket] = {}
        while True:
            frame, descriptors, _, _ = socket.recv_fds(holder, LONGEST, 1, socket.MSG_CMSG_CLOEXEC)
            if frame == END:
                return found
            if not descriptors:
                raise ConnectionResetError(errno.ECONNRESET, "it died")
            found[frame[1:].decode()] = socket.socket(fileno=descriptors[0])

    def _send(self, word: bytes, name: str, held: socket.socket | None = None) -> None:
        if self._holder is None:
            return
        descriptors = [held.fileno()] if held is not None else []
        try:
            socket.send_fds(self._holder, [word + name.encode()], descriptors)
        except (ConnectionError, TimeoutError) as error:  # of its death the loop hears, too
            log.warning("held_sockets.not_taken", extra={"socket": name, "error": str(error)})

    def _agree(self) -> None:
        """Return when the holder has done all it was told."""
        if self._holder is None:
            return
        self._send(END, "all")
        try:
            while self._holder.recv(LONGEST) == END:  # its first word, which nobody has waited for
                pass
        except OSError as error:
            log.warning("held_sockets.no_word", extra={"error": str(error)})

    def _hear(self) -> None:
        assert self._holder is not None
        try:
            word = self._holder.recv(LONGEST)
        except OSError:
            word = b""
        if not word:
            self._holder_died()

    def _holder_died(self) -> None:
        log.warning("held_sockets.holder_died")
        self._hang_up()
        if self._child is not None:
            os.waitpid(self._child, 0)
            self._child = None
        self.connect()

    def _hang_up(self) -> None:
        if self._holder is not None:
            asyncio.get_running_loop().remove_reader(self._holder)
            self._holder.close()
            self._holder = None


def is_in(namespaces: Namespaces, namespace: str, held: socket.socket) -> bool:
    """Whether a socket is of the namespace that has this name now, not of one that had it before."""
    try:
        descriptor = fcntl.ioctl(held, _SIOCGSKNS)
    except OSError:
        return False
    try:
        own, named = os.fstat(descriptor), namespaces.path(namespace).stat()
    except FileNotFoundError:
        return False
    finally:
        os.close(descriptor)
    return (own.st_dev, own.st_ino) == (named.st_dev, named.st_ino)
