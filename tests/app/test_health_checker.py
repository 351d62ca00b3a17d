"""Health checkers: what a look makes of an endpoint, and how looks become a verdict."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from seawall.app.agent_link import AgentRefused
from seawall.app.endpoint_look import Sight, look
from seawall.app.health_checker import HealthChecker, HealthReports
from seawall.model.health_check import HealthCheck, HealthCheckConfig
from seawall.store.store import Store

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


def config(type: Any = "HTTP", **members: Any) -> HealthCheckConfig:
    given = {"ip_address": "198.18.0.7", "port": 80, "request_interval": 10, "failure_threshold": 2}
    return HealthCheckConfig(type=type, **(given | members))


def sight_of(answer: bytes, **members: Any) -> tuple[Sight, bytes]:
    """What is made of a server that says `answer`, and what it was asked."""

    async def run() -> tuple[Sight, bytes]:
        ours, theirs = socket.socketpair()
        for end in ours, theirs:
            end.setblocking(False)

        async def connect(address: str, port: int, seconds: float) -> socket.socket:
            return ours

        theirs.sendall(answer)
        if not answer:
            theirs.shutdown(socket.SHUT_WR)
        sight = await look(config(**members), connect)
        asked = await asyncio.get_running_loop().sock_recv(theirs, 4096)
        theirs.close()
        return sight, asked

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("answer", "members", "passed"),
    [
        (OK, {}, True),
        (b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", {}, True),
        (b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", {}, False),
        (b"SSH-2.0-OpenSSH\r\n\r\n", {}, False),
        (b"", {}, False),
        (OK, {"type": "HTTP_STR_MATCH", "search_string": "ell"}, True),
        (OK, {"type": "HTTP_STR_MATCH", "search_string": "ELL"}, False),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 5125\r\n\r\n" + b" " * 5120 + b"hello",
            {"type": "HTTP_STR_MATCH", "search_string": "hello"},
            False,
        ),
    ],
)
def test_what_counts_as_an_answer(answer: bytes, members: dict[str, Any], passed: bool) -> None:
    assert sight_of(answer, **members)[0].passed == passed


def test_what_is_asked() -> None:
    _, asked = sight_of(OK, port=8080, resource_path="/up?a=1", fully_qualified_domain_name="web.test")
    assert asked.startswith(b"GET /up?a=1 HTTP/1.1\r\nHost: web.test:8080\r\n")


def test_nobody_there_is_a_failure_and_says_why() -> None:
    async def connect(address: str, port: int, seconds: float) -> socket.socket:
        raise AgentRefused("[Errno 111] Connection refused")

    sight = asyncio.run(look(config("TCP", port=5432), connect))
    assert not sight.passed
    assert "198.18.0.7:5432" in sight.status
    assert "refused" in sight.status


class Watched:
    """A checker whose looks are handed in one by one."""

    def __init__(self, store: Store) -> None:
        self.store, self.reports = store, HealthReports()
        self.sights: asyncio.Queue[bool | None] = asyncio.Queue()
        self.rested = asyncio.Queue[float]()
        self._again = asyncio.Event()

    async def look(self, config: HealthCheckConfig) -> Sight:
        passed = await self.sights.get()
        if passed is None:
            raise ConnectionError("the agent is away")
        return Sight(passed=passed, status=str(passed))

    async def see(self, *sights: bool | None) -> bool | None:
        for sight in sights:
            self.sights.put_nowait(sight)
            await self.rested.get()
        return self.store.get(HealthCheck, "c").answers

    async def pause(self, seconds: float) -> None:
        self.rested.put_nowait(seconds)


def with_checker(tmp_path: Path, play: Callable[[Watched], Awaitable[None]]) -> None:
    async def run() -> None:
        store = Store(tmp_path / "state.db")
        watched = Watched(store)
        with store.write() as txn:
            txn.put(HealthCheck(id="c", caller_reference="1", config=config()))
        checker = HealthChecker(store, watched.reports, watched.look, clock=lambda: NOW, pause=watched.pause)
        running = asyncio.create_task(checker.run())
        try:
            await play(watched)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            store.close()

    asyncio.run(run())


def test_a_verdict_takes_as_many_looks_in_a_row_as_the_threshold_says(tmp_path: Path) -> None:
    async def play(watched: Watched) -> None:
        assert await watched.see(True) is None
        assert await watched.see(True) is True
        assert await watched.see(False) is True
        assert await watched.see(True, False, True) is True
        assert await watched.see(False, False) is False
        assert watched.reports.failed["c"].status == watched.reports.newest["c"].status == "False"
        assert await watched.see(None, True, None, True) is True  # nobody to look is no look
        assert watched.reports.newest["c"].status == "True"

    with_checker(tmp_path, play)


def test_a_changed_check_begins_anew_and_a_deleted_one_is_left_alone(tmp_path: Path) -> None:
    async def play(watched: Watched) -> None:
        await watched.see(True, False)
        with watched.store.write() as txn:
            check = txn.get(HealthCheck, "c")
            txn.put(HealthCheck(id="c", caller_reference="1", config=config(port=81), answers=check.answers))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert "c" not in watched.reports.newest
        assert await watched.see(False) is None
        with watched.store.write() as txn:
            txn.delete(HealthCheck, "c")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert "c" not in watched.reports.newest

    with_checker(tmp_path, play)
