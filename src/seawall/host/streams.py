"""A stream over a connected socket, which whoever is cancelled over opening it leaves to nobody.

When its caller is cancelled just after the handshake, asyncio says good-bye to the other side: that goes on
behind the caller's back, for up to half a minute.  Were the socket closed meanwhile, the loop would go on
with its number, which the kernel gives to whatever is opened next: a process to wait for, another connection.

uvloop closes the number itself.  It does not tell the socket so where the other side has reset the connection
before it could be made a stream: that would close the number once more when it is forgotten.
"""

import asyncio
import os
import socket
import ssl
from typing import cast

_LIMIT = 65536  # asyncio's own


class _Protocol(asyncio.StreamReaderProtocol):
    """Knows its transport as soon as there is one, which those who wait for it hear only later."""

    made: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.made = cast(asyncio.WriteTransport, transport)  # as each loop's is, of whatever class
        super().connection_made(transport)


async def open_stream(
    connection: socket.socket,
    *,
    tls: ssl.SSLContext | None = None,
    server_hostname: str | None = None,
    limit: int = _LIMIT,
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """As `asyncio.open_connection`; the socket is closed when it fails or is cancelled.  Raises OSError."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=limit, loop=loop)
    protocol = _Protocol(reader, loop=loop)
    inode = _inode(connection)
    try:
        transport, _ = await loop.create_connection(
            lambda: protocol, sock=connection, ssl=tls, server_hostname=server_hostname
        )
    except BaseException:
        if protocol.made is not None:
            protocol.made.abort()
        _disown(connection, inode)
        connection.close()  # which no transport reads any more
        raise
    _disown(connection, inode)
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)


def _disown(connection: socket.socket, inode: int | None) -> None:
    """Have it forget its number if that has been closed, or is something else's by now."""
    if _inode(connection) != inode:
        connection.detach()


def _inode(connection: socket.socket) -> int | None:
    try:
        return os.fstat(connection.fileno()).st_ino
    except OSError:
        return None
