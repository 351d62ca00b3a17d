"""The log lines of one engine, which sends them over a socket of the node's folder.

While no agent takes them they wait in the engine.  Taken, they are in the world's memory until they are
passed on (`spool`).  The socket outlives the agent, since an engine that nobody listens to tries again
without a pause, with a processor to itself; so do connections, with what waits in them.  An agent that is
killed loses at most what it has just read (`READ_BYTES`) and not yet written down, and the line that ended
beyond it.
"""

import asyncio
import logging
import os
import socket
from functools import partial
from pathlib import Path

from seawall.host.balancer.configuration import LONGEST_LINE, MOST_OLD_WORKERS
from seawall.host.balancer.kept_up import kept_up
from seawall.host.balancer.spool import Spool
from seawall.host.held_sockets import HeldSockets

log = logging.getLogger("seawall.balancer")

LOGS = "log"  # as a kind of held sockets
GATHERED_S = 0.02  # between looks at what an engine tells line by line: each look costs more than a request
READ_BYTES = 16 * 1024  # at once
_LEVEL = b"<6>"  # info: requests and connections; what the engine says of itself has other levels
_CONNECTIONS = 2 * MOST_OLD_WORKERS  # more than there ever are: each worker has one


class LogTap:
    """id      the user that may connect
    spool   where lines wait
    """

    def __init__(self, path: Path, id: int, spool: Spool, held: HeldSockets) -> None:
        self._path = path
        self._held = held
        self._id = id
        self._spool = spool
        self._accepting: asyncio.Task[None] | None = None
        self._receiving: dict[str, asyncio.Task[None]] = {}  # by the connection's name

    def open(self) -> None:
        """Raises OSError."""
        if self._accepting is not None:
            return
        listening, *names = names_of_sockets(self._path.parent.name)
        listener = self._held.obtain(listening, self._listen, lambda held: self._path.is_socket())
        listener.setblocking(False)
        for name in names:
            if self._held.has(name):
                self._receive(name, self._held.obtain(name, socket.socket, lambda held: True))
        self._accepting = asyncio.create_task(kept_up("log tap", lambda: self._accept(listener, names)))

    def _listen(self) -> socket.socket:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._path.unlink(missing_ok=True)
            listener.bind(str(self._path))
            os.chown(self._path, self._id, self._id)
            self._path.chmod(0o600)
            listener.listen()
        except OSError:
            listener.close()
            raise
        return listener

    async def close(self) -> None:
        """The sockets stay."""
        tasks = [task for task in (self._accepting, *self._receiving.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._accepting = None

    async def _accept(self, listener: socket.socket, names: list[str]) -> None:
        loop = asyncio.get_running_loop()
        while True:
            connection, _ = await loop.sock_accept(listener)
            name = next((name for name in names if name not in self._receiving), None)
            if name is None:
                connection.close()
                continue
            self._receive(name, self._held.obtain(name, partial(_itself, connection), lambda held: False))

    def _receive(self, name: str, connection: socket.socket) -> None:
        task = asyncio.create_task(self._take(name, connection))
        self._receiving[name] = task

        def done(ended: asyncio.Task[None]) -> None:
            del self._receiving[name]
            if not ended.cancelled():
                self._held.let_go(name)

        task.add_done_callback(done)

    async def _take(self, name: str, connection: socket.socket) -> None:
        """All it says, until it ends."""
        loop = asyncio.get_running_loop()
        connection.setblocking(False)
        rest = b""
        try:
            while len(rest) <= LONGEST_LINE and (piece := await loop.sock_recv(connection, READ_BYTES)):
                *whole, rest = (rest + piece).split(b"\n")
                self._spool.add([line[len(_LEVEL) :] for line in whole if line.startswith(_LEVEL)])
                if len(piece) < READ_BYTES:
                    await asyncio.sleep(GATHERED_S)
        except OSError as error:
            log.warning("balancer.lines_unread", extra={"balancer": name, "error": str(error)})


def _itself(connection: socket.socket) -> socket.socket:
    return connection


def names_of_sockets(node: str) -> list[str]:
    """By which those of a node are held: the one that listens, then its connections."""
    return [f"{LOGS}/{node}", *(f"{LOGS}/{node}/{number}" for number in range(_CONNECTIONS))]
