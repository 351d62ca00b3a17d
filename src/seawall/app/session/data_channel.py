"""One session: a WebSocket that speaks Session Manager's protocol on one side, a command on the other.

Both directions are numbered.  The client acknowledges what it gets, and drops what comes before its plugin is
ready: what is not acknowledged is sent again.  Source: the published Session Manager plugin.
"""

import asyncio
import contextlib
import json
import socket
import time
import uuid
from collections import deque
from collections.abc import Iterable
from typing import Any

from seawall.app.exec_call import RECEIVE, Heard
from seawall.app.session import agent_message as am
from seawall.app.session.agent_message import AgentMessage
from seawall.app.session.websocket import BINARY, WebSocket
from seawall.program.exec import Ended, Input, Output, Refused, Resize, frame

AGENT_VERSION = "3.3.0.0"
RESEND_S = 0.3
MOST_UNACKNOWLEDGED = 512  # messages; then the command waits
LARGEST_PAYLOAD = 1024  # as the SSM agent cuts output
IDLE_S = 20 * 60


class DataChannel:
    """command   a connection on which a command has been asked for"""

    def __init__(self, client: WebSocket, command: socket.socket, session_id: str) -> None:
        self._client = client
        self._command = command
        self._session_id = session_id
        self._sent: deque[AgentMessage] = deque()
        self._next_out = 0
        self._next_in = 0
        self._early: dict[int, AgentMessage] = {}
        self._room = asyncio.Event()
        self._shaken = asyncio.Event()
        self._active_at = time.monotonic()

    async def run(self) -> None:
        """Until the command has ended, the client has gone, or nothing happened for long."""
        work = [
            asyncio.ensure_future(each)
            for each in (self._from_client(), self._from_command(), self._resend(), self._until_idle())
        ]
        try:
            await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
            for each in work:
                if each.done() and each.exception() is not None:
                    each.result()
        finally:
            for each in work:
                each.cancel()
            await asyncio.gather(*work, return_exceptions=True)

    async def _from_client(self) -> None:
        await self._say(am.HANDSHAKE_REQUEST, _handshake())
        while True:
            got = await self._client.receive()
            if got.kind != BINARY:
                continue
            message = am.unpack(got.data)
            if message.kind == am.ACKNOWLEDGE:
                self._acknowledged(json.loads(message.payload)["AcknowledgedMessageSequenceNumber"])
            elif message.kind == am.INPUT:
                await self._acknowledge(message)
                if not await self._take_in_order(message):
                    return

    async def _take_in_order(self, message: AgentMessage) -> bool:
        if message.sequence >= self._next_in:
            self._early[message.sequence] = message
        while self._next_in in self._early:
            now = self._early.pop(self._next_in)
            self._next_in += 1
            if not await self._take(now):
                return False
        return True

    async def _take(self, message: AgentMessage) -> bool:
        """False when the client wants no more."""
        self._active_at = time.monotonic()
        loop = asyncio.get_running_loop()
        if message.payload_type == am.HANDSHAKE_RESPONSE:
            done = {"HandshakeTimeToComplete": 1_000_000, "CustomerMessage": ""}
            await self._say(am.HANDSHAKE_COMPLETE, json.dumps(done).encode())
        self._shaken.set()  # a client that knows no handshake begins with what it has to say
        if message.payload_type == am.SIZE:
            size = json.loads(message.payload)
            told = Resize(rows=int(size["rows"]), columns=int(size["cols"]))
            await loop.sock_sendall(self._command, frame(told))
        elif message.payload_type == am.DATA and message.payload:
            await loop.sock_sendall(self._command, frame(Input(data=message.payload)))
        elif message.payload_type == am.FLAG:
            return int.from_bytes(message.payload, "big") != am.TERMINATE
        return True

    async def _from_command(self) -> None:
        heard, loop = Heard(), asyncio.get_running_loop()
        await self._shaken.wait()
        while data := await loop.sock_recv(self._command, RECEIVE):
            for message in heard.messages(data):
                if isinstance(message, Output):
                    self._active_at = time.monotonic()
                    for part in _parts(message.data):
                        await self._say(am.DATA, part)
                elif isinstance(message, (Ended, Refused)):
                    await self._end("" if isinstance(message, Ended) else message.text)
                    return
        await self._end("the host agent went away")

    async def _end(self, text: str) -> None:
        """Everything first, then that it is over."""
        while self._sent:
            self._room.clear()
            await self._room.wait()
        closed = {
            "MessageId": str(uuid.uuid4()),
            "CreatedDate": str(_now_ms()),
            "DestinationId": self._session_id,
            "SessionId": self._session_id,
            "MessageType": am.CHANNEL_CLOSED,
            "SchemaVersion": 1,
            "Output": text,
        }
        await self._send(AgentMessage(am.CHANNEL_CLOSED, json.dumps(closed).encode(), flags=am.SYN_FIN))
        with contextlib.suppress(OSError):
            await self._client.close()

    async def _until_idle(self) -> None:
        left = float(IDLE_S)
        while left > 0:
            await asyncio.sleep(left)
            left = self._active_at + IDLE_S - time.monotonic()
        self._sent.clear()  # whoever is away for so long acknowledges nothing
        await self._end("Session terminated due to inactivity.")

    async def _resend(self) -> None:
        while True:
            await asyncio.sleep(RESEND_S)
            if self._sent and _now_ms() - self._sent[0].created_ms > RESEND_S * 1000:
                await self._client.send(self._sent[0].pack())

    async def _say(self, payload_type: int, payload: bytes) -> None:
        while len(self._sent) >= MOST_UNACKNOWLEDGED:
            self._room.clear()
            await self._room.wait()
        flags = 1 if self._next_out == 0 else 0
        message = AgentMessage(am.OUTPUT, payload, payload_type, self._next_out, flags)
        message = message._replace(id=uuid.uuid4(), created_ms=_now_ms())
        self._next_out += 1
        self._sent.append(message)
        await self._client.send(message.pack())

    async def _acknowledge(self, message: AgentMessage) -> None:
        content = {
            "AcknowledgedMessageType": message.kind,
            "AcknowledgedMessageId": str(message.id),
            "AcknowledgedMessageSequenceNumber": message.sequence,
            "IsSequentialMessage": True,
        }
        await self._send(AgentMessage(am.ACKNOWLEDGE, json.dumps(content).encode(), flags=am.SYN_FIN))

    async def _send(self, message: AgentMessage) -> None:
        await self._client.send(message._replace(id=uuid.uuid4(), created_ms=_now_ms()).pack())

    def _acknowledged(self, sequence: int) -> None:
        self._sent = deque(message for message in self._sent if message.sequence != sequence)
        self._room.set()


def _handshake() -> bytes:
    action: dict[str, Any] = {
        "ActionType": "SessionType",
        "ActionParameters": {"SessionType": "InteractiveCommands", "Properties": {}},
    }
    return json.dumps({"AgentVersion": AGENT_VERSION, "RequestedClientActions": [action]}).encode()


def _parts(data: bytes) -> Iterable[bytes]:
    return (data[at : at + LARGEST_PAYLOAD] for at in range(0, len(data), LARGEST_PAYLOAD))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
