"""HTTP with whoever is at the other end of a task's link: little memory, and nothing a task can exhaust.

Limits of rate: those of the ECS agent's task metadata server, 40 requests a second and 60 at once.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import cast

import h11

from seawall.host.metadata.answer import TOO_MANY, Answer, Question

RATE, BURST = 40.0, 60.0
MOST_CONNECTIONS = 64  # of one task at a time
MOST_UNREAD = 256 * 1024  # bytes of answers that somebody asked for and does not read
LONGEST_HEAD = 8 * 1024
LONGEST_BODY = 8 * 1024
IDLE_S = 5.0

log = logging.getLogger("seawall.metadata")


class Allowance:
    """Requests of one task: `BURST` at once, `RATE` a second for long."""

    def __init__(self, now: float) -> None:
        self._left, self._at = BURST, now

    def take(self, now: float) -> bool:
        self._left, self._at = min(BURST, self._left + (now - self._at) * RATE), now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Conversations:
    """All of one task; a factory of protocols for `create_server`."""

    def __init__(self, answer: Callable[[Question], Awaitable[Answer]]) -> None:
        self.answer = answer
        self.allowance = Allowance(asyncio.get_running_loop().time())
        self.open: set[Conversation] = set()

    def __call__(self) -> "Conversation":
        return Conversation(self)

    def close(self) -> None:
        for conversation in tuple(self.open):
            conversation.abort()


class Conversation(asyncio.Protocol):
    """One connection: one request after the other."""

    def __init__(self, among: Conversations) -> None:
        self._among = among
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=LONGEST_HEAD)
        self._transport: asyncio.Transport | None = None
        self._asked: h11.Request | None = None
        self._body = bytearray()
        self._answering: asyncio.Task[None] | None = None
        self._end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._among.open.add(self)
        if len(self._among.open) > MOST_CONNECTIONS:
            self.abort()
        else:
            self._wait()

    def connection_lost(self, error: Exception | None) -> None:
        self._among.open.discard(self)
        self._transport = None
        if self._end is not None:
            self._end.cancel()
        if self._answering is not None:
            self._answering.cancel()

    def data_received(self, data: bytes) -> None:
        self._http.receive_data(data)
        self._go_on()

    def eof_received(self) -> bool:
        """Who asks no more may still wait for an answer."""
        self._http.receive_data(b"")
        self._go_on()
        return True

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _wait(self) -> None:
        """Time begins anew with every question and every answer, not with every byte."""
        if self._end is not None:
            self._end.cancel()
        self._end = asyncio.get_running_loop().call_later(IDLE_S, self.abort)

    def _go_on(self) -> None:
        try:
            while self._answering is None and self._transport is not None:
                event = self._http.next_event()
                if isinstance(event, h11.Request):
                    self._asked, self._body = event, bytearray()
                elif isinstance(event, h11.Data):
                    self._body += event.data
                    if len(self._body) > LONGEST_BODY:
                        self.abort()
                elif isinstance(event, h11.EndOfMessage):
                    self._wait()
                    self._answering = asyncio.ensure_future(self._respond())
                elif event is h11.NEED_DATA or event is h11.PAUSED:
                    return
                elif isinstance(event, h11.ConnectionClosed):
                    self._transport.close()
                    return
        except h11.RemoteProtocolError as error:
            log.debug("metadata.not_http", extra={"error": str(error)})
            self.abort()

    async def _respond(self) -> None:
        assert self._asked is not None
        asked = self._asked
        answer = await self._answer(asked)
        transport = self._transport
        if transport is None:
            return
        headers = [("Content-Type", answer.content_type), ("Content-Length", str(len(answer.body)))]
        parts = [
            self._http.send(h11.Response(status_code=answer.status, headers=headers)),
            self._http.send(h11.Data(data=b"" if asked.method == b"HEAD" else answer.body)),
            self._http.send(h11.EndOfMessage()),
        ]
        transport.write(b"".join(part for part in parts if part))
        self._answering = None
        if self._http.our_state is h11.MUST_CLOSE:
            transport.close()
        elif transport.get_write_buffer_size() > MOST_UNREAD:
            transport.abort()
        else:
            self._http.start_next_cycle()
            self._wait()
            self._go_on()

    async def _answer(self, asked: h11.Request) -> Answer:
        if not self._among.allowance.take(asyncio.get_running_loop().time()):
            return TOO_MANY
        question = Question(asked.method.decode(), asked.target.decode("latin-1"), bytes(self._body))
        return await self._among.answer(question)
