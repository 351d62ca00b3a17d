"""The control plane's end of the world's Unix socket: hands programs down, brings facts up, fetches sockets.

It reconnects for ever: the agent may be killed and come back at any time.  Only the newest program waits
to be sent, since a program is the whole desired state.
"""

import array
import asyncio
import logging
import os
import socket
import struct
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import msgspec

from seawall.program.change import host_change
from seawall.program.host import HostProgram
from seawall.program.messages import (
    Announce,
    Apply,
    Connect,
    Connections,
    CountConnections,
    Counters,
    Done,
    Event,
    Fact,
    Listen,
    Observe,
    ReadCounters,
    ReadUsage,
    Refused,
    Reply,
    Request,
    Revise,
    State,
    Usages,
)
from seawall.program.report import Counter, TaskUsage
from seawall.program.task import TaskProgram

log = logging.getLogger("seawall.agent_link")

RETRY_S = 0.05
REFUSED_S = 1.0  # before a program that the agent could not take is given to it again
_HEAD = struct.Struct(">I")


class AgentRefused(Exception):
    """The agent could not do what was asked; the text is its own."""


class AgentLink:
    """Implements `controllers.host_port.HostPort`; run `serve()` as a task."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._listeners: list[Callable[[Fact | State], None]] = []
        self._waiting: HostProgram | None = None
        self._wake = asyncio.Event()
        self._connected = asyncio.Event()
        self._socket: socket.socket | None = None
        self._send_lock = asyncio.Lock()
        self._numbers = 0
        self._world: str | None = None
        self._serving: str | None = None  # the world in which this control plane listens
        self._replies: dict[int, asyncio.Future[tuple[Reply, int | None]]] = {}
        self._background: set[asyncio.Task[None]] = set()
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(Reply | Event)

    def apply(self, program: HostProgram) -> None:
        self._waiting = program
        self._wake.set()

    def announce(self, task: TaskProgram, revision: int) -> None:
        """Sent before whatever is done next in this process."""
        self._in_background(self._announce(Announce(task=task, revision=revision)))

    async def _announce(self, announcement: Announce) -> None:
        try:
            await self._ask(announcement)
        except (AgentRefused, OSError) as error:
            log.debug("agent.unannounced", extra={"task": announcement.task.id, "error": str(error)})

    def on_event(self, listener: Callable[[Fact | State], None]) -> None:
        self._listeners.append(listener)

    async def connected(self) -> None:
        """Return once the agent has been heard."""
        await self._connected.wait()

    async def listen(
        self, namespace: str, address: str, port: int, *, udp: bool = False, more: bool = False
    ) -> socket.socket:
        """A listening socket made inside a namespace.  Raises AgentRefused, ConnectionError.

        more   tasks count on others, too, which follow
        """
        return await self._fetch(Listen(namespace=namespace, address=address, port=port, udp=udp, more=more))

    async def connect(self, namespace: str, address: str, port: int, timeout_s: float = 5.0) -> socket.socket:
        """A connected TCP socket made inside a namespace.  Raises AgentRefused, ConnectionError."""
        return await self._fetch(
            Connect(namespace=namespace, address=address, port=port, timeout_s=timeout_s)
        )

    async def counters(self, namespace: str) -> tuple[Counter, ...]:
        """What the packet policy of a namespace has counted.  Raises AgentRefused, ConnectionError."""
        await self._connected.wait()
        reply, _ = await self._ask(ReadCounters(namespace=namespace))
        return reply.body.counters if isinstance(reply.body, Counters) else ()

    def read_usage(self, then: Callable[[tuple[TaskUsage, ...] | None], None]) -> None:
        """What every task uses; `then` is called later, with None when it could not be read."""
        self._in_background(self._read_usage(then))

    async def _read_usage(self, then: Callable[[tuple[TaskUsage, ...] | None], None]) -> None:
        try:
            reply, _ = await self._ask(ReadUsage())
        except (AgentRefused, OSError) as error:
            log.debug("agent.usage_unread", extra={"error": str(error)})
            then(None)
            return
        then(reply.body.usages if isinstance(reply.body, Usages) else None)

    def count_connections(self, namespace: str, then: Callable[[int | None], None]) -> None:
        """How many connections go through it; `then` is called later, with None when it could not be told."""
        self._in_background(self._count_connections(namespace, then))

    async def _count_connections(self, namespace: str, then: Callable[[int | None], None]) -> None:
        try:
            reply, _ = await self._ask(CountConnections(namespace=namespace))
        except (AgentRefused, OSError) as error:
            log.debug("agent.connections_uncounted", extra={"namespace": namespace, "error": str(error)})
            then(None)
            return
        then(reply.body.open if isinstance(reply.body, Connections) else None)

    def read_counters(self, namespace: str, then: Callable[[tuple[Counter, ...] | None], None]) -> None:
        """The same for who cannot wait: `then` is called later, with None when it could not be read."""
        self._in_background(self._read_counters(namespace, then))

    async def _read_counters(
        self, namespace: str, then: Callable[[tuple[Counter, ...] | None], None]
    ) -> None:
        try:
            reply, _ = await self._ask(ReadCounters(namespace=namespace))
        except (AgentRefused, OSError) as error:
            log.debug("agent.counters_unread", extra={"namespace": namespace, "error": str(error)})
            then(None)
            return
        then(reply.body.counters if isinstance(reply.body, Counters) else None)

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        begun = asyncio.ensure_future(work)
        self._background.add(begun)
        begun.add_done_callback(self._background.discard)

    async def serve(self) -> None:
        """Stay connected until cancelled."""
        while True:
            try:
                with await self._dial() as connection:
                    await self._converse(connection)
            except (OSError, EOFError) as error:
                log.debug("agent.away", extra={"error": str(error)})
            await asyncio.sleep(RETRY_S)

    async def _dial(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.setblocking(False)
        # A Unix path has 108 bytes at most; going through the folder's descriptor makes any depth fit.
        folder = os.open(self._path.parent, os.O_PATH | os.O_DIRECTORY)
        try:
            await asyncio.get_running_loop().sock_connect(
                connection, f"/proc/self/fd/{folder}/{self._path.name}"
            )
        except BaseException:
            connection.close()
            raise
        finally:
            os.close(folder)
        return connection

    async def _converse(self, connection: socket.socket) -> None:
        self._socket = connection
        reader = asyncio.create_task(self._read(connection))
        reader.add_done_callback(lambda _: self._give_up_replies())  # whoever waits for one hears of the end
        sender: asyncio.Task[None] | None = None
        try:
            reply, _ = await self._ask(Observe(serving=self._serving))
            if not isinstance(reply.body, State):
                raise EOFError(f"the agent answered {reply.body!r} to Observe")
            self._world = reply.body.world
            self._connected.set()
            sender = asyncio.create_task(self._send_programs())
            await reader
        finally:
            self._socket = None
            self._connected.clear()
            tasks = [task for task in (reader, sender) if task is not None]
            for task in tasks:
                task.cancel()
            self._give_up_replies()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _give_up_replies(self) -> None:
        for waiting in self._replies.values():
            if not waiting.done():
                waiting.set_exception(ConnectionError("the agent went away"))
                waiting.exception()  # of who is cancelled at the same time nobody asks for it
        self._replies.clear()

    async def _send_programs(self) -> None:
        """The first program of a connection goes whole, the others as what differs.

        One that the agent could not take, for lack of room perhaps, is given to it again.
        """
        sent: HostProgram | None = None
        while True:
            if self._wake.is_set():  # given while the one before was under way
                await asyncio.sleep(0)  # what was asked before it was given is sent before it
            await self._wake.wait()
            self._wake.clear()
            program, self._waiting = self._waiting, None
            if program is None:
                continue
            try:
                await self._send_program(sent, program)
                sent = program
            except AgentRefused as refusal:
                log.error("agent.program_refused", extra={"error": str(refusal)})
                sent = None
                await asyncio.sleep(REFUSED_S)
                self.apply(self._waiting or program)

    async def _send_program(self, sent: HostProgram | None, program: HostProgram) -> None:
        if sent is not None:
            try:
                await self._ask(Revise(change=host_change(sent, program)))
                return
            except AgentRefused as refusal:
                log.warning("agent.revision_refused", extra={"error": str(refusal)})
        await self._ask(Apply(program=program))

    async def _fetch(self, body: Listen | Connect) -> socket.socket:
        await self._connected.wait()
        reply, descriptor = await self._ask(body)
        if descriptor is None:
            raise AgentRefused(f"no descriptor came with {reply.body!r}")
        if isinstance(body, Listen) and not body.more:
            self._serving = self._world
        fetched = socket.socket(fileno=descriptor)
        fetched.setblocking(False)
        return fetched

    async def _ask(
        self,
        body: Apply
        | Revise
        | Announce
        | Observe
        | ReadCounters
        | CountConnections
        | ReadUsage
        | Listen
        | Connect,
    ) -> tuple[Reply, int | None]:
        if self._socket is None:
            raise ConnectionError("the agent is away")
        self._numbers += 1
        number = self._numbers
        future: asyncio.Future[tuple[Reply, int | None]] = asyncio.get_running_loop().create_future()
        self._replies[number] = future
        frame = self._encoder.encode(Request(number=number, body=body))
        async with self._send_lock:
            await asyncio.get_running_loop().sock_sendall(self._socket, _HEAD.pack(len(frame)) + frame)
        reply, descriptor = await future
        if isinstance(reply.body, Refused):
            raise AgentRefused(reply.body.text)
        return reply, descriptor

    async def _read(self, connection: socket.socket) -> None:
        buffer = bytearray()
        descriptors: list[int] = []
        while True:
            await _receive(connection, buffer, descriptors)
            while len(buffer) >= _HEAD.size:
                (length,) = _HEAD.unpack_from(buffer)
                if len(buffer) < _HEAD.size + length:
                    break
                frame = bytes(buffer[_HEAD.size : _HEAD.size + length])
                del buffer[: _HEAD.size + length]
                self._hear(self._decoder.decode(frame), descriptors)

    def _hear(self, message: Reply | Event, descriptors: list[int]) -> None:
        if isinstance(message, Event):
            self._tell(message.body)
            return
        if isinstance(message.body, State):
            # Told here, in the order of arrival: a fact right behind it is newer and must not be told first.
            self._tell(message.body)
        carries = isinstance(message.body, Done) and message.body.descriptor
        descriptor = descriptors.pop(0) if carries and descriptors else None
        future = self._replies.pop(message.number, None)
        if future is not None and not future.done():
            future.set_result((message, descriptor))
        elif descriptor is not None:
            os.close(descriptor)

    def _tell(self, fact: Fact | State) -> None:
        for listener in self._listeners:
            listener(fact)


async def _receive(connection: socket.socket, buffer: bytearray, descriptors: list[int]) -> None:
    """Read what is there, with the descriptors that travel along.  Raises EOFError at the end."""
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(connection, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(connection)
    room = array.array("i").itemsize * 8
    data, ancillary, _, _ = connection.recvmsg(262144, socket.CMSG_SPACE(room))
    for level, kind, payload in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            numbers = array.array("i")
            numbers.frombytes(payload[: len(payload) - len(payload) % numbers.itemsize])
            descriptors.extend(numbers)
    if not data:
        raise EOFError("the agent closed the connection")
    buffer.extend(data)
