"""Listens on localhost and carries each connection to a connection made elsewhere."""

import asyncio
import contextlib
import socket
from collections.abc import Callable

CHUNK = 256 * 1024


async def forward(
    listener: socket.socket, dial: Callable[[], socket.socket], report: Callable[[str], None]
) -> None:
    """Carry every connection that `listener` accepts, for ever.

    dial     blocking; the far connection, or ConnectionError, which is reported and ends the near one
    """
    loop = asyncio.get_running_loop()
    listener.setblocking(False)
    dialing = asyncio.Lock()  # the dialer answers one at a time
    carried: set[asyncio.Task[None]] = set()
    while True:
        near, _ = await loop.sock_accept(listener)
        task = asyncio.create_task(_carry(near, dial, dialing, report))
        carried.add(task)
        task.add_done_callback(carried.discard)


async def _carry(
    near: socket.socket,
    dial: Callable[[], socket.socket],
    dialing: asyncio.Lock,
    report: Callable[[str], None],
) -> None:
    with near:
        try:
            async with dialing:
                far = await asyncio.to_thread(dial)
        except ConnectionError as error:
            report(str(error))
            return
        with far:
            for end in (near, far):  # what came in two pieces must not wait 40 ms for an acknowledgement
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await asyncio.gather(_pump(near, far), _pump(far, near))


async def _pump(source: socket.socket, sink: socket.socket) -> None:
    """Copy until the source says it is done, and say so to the sink; the other direction goes on."""
    loop = asyncio.get_running_loop()
    with contextlib.suppress(ConnectionError, OSError):
        while chunk := await loop.sock_recv(source, CHUNK):
            await loop.sock_sendall(sink, chunk)
    with contextlib.suppress(OSError):  # it may have gone before us
        sink.shutdown(socket.SHUT_WR)
