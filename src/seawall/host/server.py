"""The agent's end of the world's Unix socket: one control plane at a time, a newer one replaces the older.

Frames: four bytes of length (big-endian), then msgpack; see seawall.program.messages.
"""

import array
import asyncio
import contextlib
import logging
import os
import socket
import struct
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec

from seawall.program.messages import Event, Fact, Refused, Reply, Request

log = logging.getLogger("seawall.server")

Body = object
Answer = Callable[[Request], Awaitable[tuple[Reply, socket.socket | None]]]
_HEAD = struct.Struct(">I")


class _Outgoing(NamedTuple):
    message: Reply | Event
    carried: socket.socket | None = None
    gone: asyncio.Future[bool] | None = None  # whether it went out, as soon as that is known

    def settle(self, gone: bool) -> None:
        if self.gone is not None and not self.gone.done():
            self.gone.set_result(gone)


class Server:
    """`answer` turns a request into a reply and, for Listen and Connect, the socket that goes with it.

    `gone` is called when a control plane has hung up.
    """

    def __init__(self, path: Path, answer: Answer, gone: Callable[[], None]) -> None:
        self._path = path
        self._gone = gone
        self._answer = answer
        self._connection: socket.socket | None = None
        self._outgoing: asyncio.Queue[_Outgoing] = asyncio.Queue()
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(Request)

    def tell(self, fact: Fact) -> None:
        """Send a fact to whoever is connected; the next `Observe` tells it to those who come later."""
        if self._connection is not None:
            self._outgoing.put_nowait(_Outgoing(Event(body=fact)))

    async def hand(self, fact: Fact) -> bool:
        """The same, and whether all of it is in the hands of who is connected or of the kernel for him."""
        if self._connection is None:
            return False
        gone: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._outgoing.put_nowait(_Outgoing(Event(body=fact), gone=gone))
        return await gone

    @property
    def connected(self) -> bool:
        """Whether anybody hears what is told."""
        return self._connection is not None

    async def serve(self) -> None:
        """Accept for ever."""
        loop = asyncio.get_running_loop()
        conversation: asyncio.Task[None] | None = None
        with listen_at(self._path) as listener:
            while True:
                connection, _ = await loop.sock_accept(listener)
                if conversation is not None:
                    conversation.cancel()
                    await asyncio.gather(conversation, return_exceptions=True)
                conversation = asyncio.create_task(self._converse(connection))

    async def _converse(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self._connection = connection
        outgoing = self._outgoing = asyncio.Queue()
        writer = asyncio.create_task(self._write(connection))
        answering: set[asyncio.Task[None]] = set()
        try:
            while True:
                request = self._decoder.decode(await _frame(connection))
                task = asyncio.create_task(self._respond(request, outgoing))
                answering.add(task)
                task.add_done_callback(answering.discard)
                task.add_done_callback(partial(self._refuse_after_fault, request.number, outgoing))
        except (OSError, EOFError, msgspec.DecodeError) as error:
            log.info("control_plane.gone", extra={"error": str(error)})
        finally:
            if self._connection is connection:
                self._connection = None
            self._gone()
            writer.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await writer
            while not self._outgoing.empty():
                self._outgoing.get_nowait().settle(False)
            connection.close()

    async def _respond(self, request: Request, outgoing: "asyncio.Queue[_Outgoing]") -> None:
        try:
            reply, carried = await self._answer(request)
        except (OSError, asyncio.TimeoutError, LookupError) as error:
            reply, carried = Reply(number=request.number, body=Refused(text=str(error) or repr(error))), None
        self._reply(_Outgoing(reply, carried), outgoing)

    def _reply(self, reply: _Outgoing, outgoing: "asyncio.Queue[_Outgoing]") -> None:
        """Unless who asked has gone: the next one's questions have the same numbers."""
        if self._connection is not None and outgoing is self._outgoing:
            outgoing.put_nowait(reply)
        elif reply.carried is not None:
            reply.carried.close()

    def _refuse_after_fault(
        self, number: int, outgoing: "asyncio.Queue[_Outgoing]", work: "asyncio.Task[None]"
    ) -> None:
        """Who asked would wait for ever, and with it all that is to be told afterwards."""
        if not work.cancelled() and (fault := work.exception()) is not None:
            log.error("server.fault", exc_info=fault)
            self._reply(_Outgoing(Reply(number=number, body=Refused(text=repr(fault)))), outgoing)

    async def _write(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            outgoing = await self._outgoing.get()
            body = self._encoder.encode(outgoing.message)
            frame = _HEAD.pack(len(body)) + body
            try:
                if outgoing.carried is not None:
                    with outgoing.carried as carried:
                        # One byte takes the descriptor along; the rest of the frame follows like any other.
                        await _send_descriptor(connection, frame[:1], carried.fileno())
                    frame = frame[1:]
                await loop.sock_sendall(connection, frame)
                outgoing.settle(True)
            finally:
                outgoing.settle(False)


def listen_at(path: Path) -> socket.socket:
    """Bind through the folder's descriptor: a Unix path has 108 bytes at most, a state directory may not."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        listener.bind(f"/proc/self/fd/{folder}/{path.name}")
    finally:
        os.close(folder)
    path.chmod(0o600)
    listener.listen()
    listener.setblocking(False)
    return listener


async def _frame(connection: socket.socket) -> bytes:
    (length,) = _HEAD.unpack(await _exactly(connection, _HEAD.size))
    return await _exactly(connection, length)


async def _exactly(connection: socket.socket, count: int) -> bytes:
    loop = asyncio.get_running_loop()
    found = bytearray(count)
    view = memoryview(found)
    while view:
        received = await loop.sock_recv_into(connection, view)
        if received == 0:
            raise EOFError("the control plane closed the connection")
        view = view[received:]
    return bytes(found)


async def _send_descriptor(connection: socket.socket, data: bytes, descriptor: int) -> None:
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))]
    while True:
        try:
            connection.sendmsg([data], rights)
            return
        except BlockingIOError:
            writable = asyncio.Event()
            loop = asyncio.get_running_loop()
            loop.add_writer(connection, writable.set)
            try:
                await writable.wait()
            finally:
                loop.remove_writer(connection)
