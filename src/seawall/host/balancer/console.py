"""Talking to an engine: the socket of its master, which passes on to its workers.

One conversation for each question: about 0.2 ms.  Source: HAProxy 2.6 management guide, 9.3 and 9.4.
"""

import asyncio
import re
import socket
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from seawall.host.deadline import within

TIMEOUT_S = 5.0
LONGEST_LINE = 8000  # bytes of commands in one line; the engine's own limit is its buffer's size
_NUMBER = re.compile(r"\d+")
# What the engine says when it has done as it was told; anything else is a refusal.
_FINE = frozenset(("", "New server registered.", "Server deleted."))


class ConsoleError(Exception):
    """The engine does not answer, or not as expected."""


class Workers(NamedTuple):
    """Process ids.

    current   serves; None where the master has none of the configuration it was told to load
    leaving   finish their connections
    failed    how often in a row loading has failed
    """

    current: int | None
    leaving: tuple[int, ...]
    failed: int


class Console:
    def __init__(self, path: Path) -> None:
        self._path = path

    async def workers(self) -> Workers:
        """Raises ConsoleError."""
        return read_workers(await self._ask("show proc\n"))

    async def reload(self) -> None:
        """Returns when the master has heard it, not when it is done.  Raises ConsoleError."""
        await self._ask("reload\n")

    async def ask(self, worker: int, question: str) -> str:
        """One command and its answer.  Raises ConsoleError."""
        answer = await self._ask(f"@!{worker}; {question}\n")
        if answer.startswith("Can't find the target PID"):
            raise ConsoleError(answer.strip())
        return answer

    async def tell(self, worker: int, commands: Sequence[str]) -> list[str]:
        """Commands in this order; returns what the engine did not like.  Raises ConsoleError."""
        refusals = []
        for line in _lines(commands):
            answer = await self.ask(worker, line)
            refusals += [said for said in answer.splitlines() if said.strip() not in _FINE]
        return refusals

    async def _ask(self, line: str) -> str:
        try:
            return await within(TIMEOUT_S, self._converse(line.encode()))
        except asyncio.TimeoutError:
            raise ConsoleError(f"no answer within {TIMEOUT_S:.0f} s") from None
        except OSError as error:
            raise ConsoleError(error.strerror or str(error)) from None

    async def _converse(self, line: bytes) -> str:
        loop = asyncio.get_running_loop()
        answer = bytearray()
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.setblocking(False)
            await loop.sock_connect(connection, str(self._path))
            await loop.sock_sendall(connection, line)
            connection.shutdown(socket.SHUT_WR)
            while piece := await loop.sock_recv(connection, 1 << 18):
                answer += piece
        return answer.decode(errors="replace")


def read_workers(listing: str) -> Workers:
    """The answer to `show proc`.  Raises ConsoleError."""
    section, failed = "", 0
    current: int | None = None
    leaving = []
    for line in listing.splitlines():
        if line.startswith("#"):
            section = line[1:].strip()
            continue
        fields = line.split()
        if len(fields) < 2 or not fields[0].isdigit():
            continue
        if fields[1] == "master":
            failed = int(_NUMBER.findall(line.partition("[failed:")[2] or "0")[0])
        elif fields[1] == "worker" and section == "workers":
            current = int(fields[0])
        elif fields[1] == "worker":
            leaving.append(int(fields[0]))
    if not section:
        raise ConsoleError(f"not a list of processes: {listing[:200]!r}")
    return Workers(current, tuple(leaving), failed)


def _lines(commands: Iterable[str]) -> Iterator[str]:
    line = ""
    for command in commands:
        if line and len(line) + len(command) + 2 > LONGEST_LINE:
            yield line
            line = ""
        line = f"{line}; {command}" if line else command
    if line:
        yield line
