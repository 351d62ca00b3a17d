"""The log lines of one engine, which sends them over a socket of the node's folder.

While no agent takes them they wait in the engine.  Taken, they are in the world's memory until they are
passed on (`spool`), so that an agent that is killed loses at most what was on its way between the two.  The
socket outlives it: an engine that nobody listens to tries again without a pause, with a processor to itself.
"""

import asyncio
import contextlib
import os
import socket
from pathlib import Path
from typing import cast

from seawall.host.balancer.configuration import LONGEST_LINE
from seawall.host.balancer.spool import Spool
from seawall.host.held_sockets import HeldSockets

LOGS = "log"  # as a kind of held sockets
GATHERED_S = 0.02  # between looks at what an engine tells line by line: each look costs more than a request
_MANY = 1 << 15  # bytes at once: there is more
_LEVEL = b"<6>"  # info: requests and connections; what the engine says of itself has other levels


class LogTap:
    """id      the user that may connect
    spool   where lines wait
    """

    def __init__(self, path: Path, id: int, spool: Spool, held: HeldSockets) -> None:
        self._path = path
        self._held = held
        self._id = id
        self._spool = spool
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        """Raises OSError."""
        if self._server is not None:
            return
        name = name_of_socket(self._path.parent.name)
        listener = self._held.obtain(name, self._listen, lambda held: self._path.is_socket())
        self._server = await asyncio.start_unix_server(self._receive, sock=listener, limit=2 * LONGEST_LINE)

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

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._writers:
            writer.transport.abort()

    async def _receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        transport = cast(asyncio.Transport, writer.transport)
        rest = b""
        try:
            with contextlib.suppress(OSError):
                while piece := await reader.read(1 << 18):
                    *whole, rest = (rest + piece).split(b"\n")
                    self._spool.add([line[len(_LEVEL) :] for line in whole if line.startswith(_LEVEL)])
                    if len(piece) < _MANY:
                        transport.pause_reading()
                        await asyncio.sleep(GATHERED_S)
                        transport.resume_reading()
        finally:
            self._writers.discard(writer)
            writer.transport.abort()


def name_of_socket(node: str) -> str:
    """By which that of a node is held."""
    return f"{LOGS}/{node}"
