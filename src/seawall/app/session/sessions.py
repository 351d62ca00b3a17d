"""The sessions that ExecuteCommand has opened, and where their clients connect."""

import asyncio
import contextlib
import json
import logging
import secrets
import shlex
import time
from pathlib import Path
from typing import NamedTuple

from seawall.app.exec_call import dial
from seawall.app.failure import CommandFailed
from seawall.app.session.agent_message import Malformed
from seawall.app.session.data_channel import DataChannel
from seawall.app.session.websocket import LONGEST_HEAD, NotWebSocket, WebSocket
from seawall.host.deadline import within
from seawall.program.exec import Start

TOKEN_LIFETIME_S = 60.0  # a client connects at once
OPENING_S = 10.0
PATH = "/v1/data-channel/"

log = logging.getLogger("seawall.session")


class Session(NamedTuple):
    """As ExecuteCommand answers it."""

    id: str
    url: str
    token: str


class _Waiting(NamedTuple):
    token: str
    start: Start
    until: float


class Sessions:
    """Run `listen` before `open` is called."""

    def __init__(self, state_dir: Path) -> None:
        self._state_dir = state_dir
        self._waiting: dict[str, _Waiting] = {}
        self._base = ""

    async def listen(self, host: str) -> asyncio.Server:
        server = await asyncio.start_server(self._serve, host, 0, limit=LONGEST_HEAD)
        name, port = server.sockets[0].getsockname()[:2]
        self._base = f"ws://{f'[{name}]' if ':' in name else name}:{port}{PATH}"
        return server

    def open(self, task_id: str, container: str, command: str) -> Session:
        """A session that waits for its client.  Commands run as root, in a terminal.

        Raises ValueError when the command cannot be split into words.
        """
        words = tuple(shlex.split(command))
        if not words:
            raise ValueError("No command")
        now = time.monotonic()
        self._waiting = {id: each for id, each in self._waiting.items() if each.until > now}
        id = f"ecs-execute-command-{secrets.token_hex(9)[:17]}"
        token = secrets.token_urlsafe(96)
        variables = (("TERM", "xterm-256color"), ("HOME", "/root"))
        start = Start(
            task=task_id,
            container=container,
            command=words,
            terminal=True,
            as_root=True,
            environment=variables,
        )
        self._waiting[id] = _Waiting(token, start, now + TOKEN_LIFETIME_S)
        return Session(id, f"{self._base}{id}?role=publish_subscribe", token)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = WebSocket(reader, writer)
        try:
            id, start = await within(OPENING_S, self._accept(client))
            log.info(
                "session.opened", extra={"session": id, "task": start.task, "container": start.container}
            )
            with dial(self._state_dir, start) as command:
                command.setblocking(False)
                await DataChannel(client, command, id).run()
        except (
            *(asyncio.TimeoutError, EOFError, OSError, NotWebSocket, Malformed),
            *(CommandFailed, LookupError, ValueError, TypeError),  # a client may send anything
        ) as error:
            log.info("session.ended", extra={"error": f"{type(error).__name__}: {error}"})
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _accept(self, client: WebSocket) -> tuple[str, Start]:
        """The session that the client may have: each once.  Raises LookupError."""
        path = (await client.accept()).partition("?")[0]
        id = path.removeprefix(PATH)
        said = json.loads((await client.receive()).data)
        waiting = self._waiting.get(id)
        token = str(said["TokenValue"])
        if waiting is None or not secrets.compare_digest(waiting.token.encode(), token.encode()):
            raise LookupError("no such session")
        del self._waiting[id]
        if waiting.until < time.monotonic():
            raise LookupError("its token is too old")
        return id, waiting.start
