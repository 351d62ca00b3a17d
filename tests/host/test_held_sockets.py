"""Sockets that outlive who made them: `HeldSockets` in turn stand for agents, the holder is the real one."""

import asyncio
import os
import signal
import socket
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path

import pytest

from seawall.host.held_sockets import HeldSockets


def bound(port: int = 0) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.settimeout(5)
    try:
        made.bind(("127.0.0.1", port))
    except OSError:
        made.close()
        raise
    return made


def no_other() -> socket.socket:
    raise AssertionError("a new one was made")


class Agents:
    """One after the other."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.now = HeldSockets(place)

    def next(self) -> HeldSockets:
        """The one before is killed: it lets go of nothing, and the kernel closes what it had."""
        self.now._hang_up()
        for had in self.now._held.values():
            had.close()
        self.now = HeldSockets(self.place)
        self.now.connect()
        return self.now

    def holders(self) -> list[int]:
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    words = (entry / "cmdline").read_bytes().split(b"\0")
                except OSError:
                    continue
                if bytes(self.place) in words:
                    found.append(int(entry.name))
        return found

    def holder(self) -> int:
        """The only one.  The arguments of a process show a moment after it was begun."""
        deadline = time.monotonic() + 10
        while len(found := self.holders()) != 1:
            assert time.monotonic() < deadline, found
        return found[0]

    def end_holder(self) -> None:
        pid = self.holder()
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


@pytest.fixture
def agents(tmp_path: Path) -> Iterator[Agents]:
    made = Agents(tmp_path / ("deep" * 30) / "held.sock")  # more than an address of a Unix socket can hold
    made.place.parent.mkdir()
    yield made
    made.end_holder()


def of(agents: Agents, test: Callable[[], Coroutine[None, None, None]]) -> None:
    async def whole() -> None:
        agents.now.connect()
        await test()
        agents.now.close()
        for had in agents.now._held.values():
            had.close()

    asyncio.run(asyncio.wait_for(whole(), 20))


def test_what_waits_in_one_is_there_for_the_next_agent(agents: Agents) -> None:
    async def test() -> None:
        first = agents.now.obtain("dns/x", bound, lambda _: True)
        assert not agents.now.has("dns/x"), "it is this agent's own"
        place = first.getsockname()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.connect(place)
            successor = agents.next()
            client.send(b"asked while nobody was there")  # and not refused
            assert successor.has("dns/x")
            second = successor.obtain("dns/x", no_other, lambda held: held.getsockname() == place)
            assert second.recv(100) == b"asked while nobody was there"
            assert not successor.has("dns/x")

    of(agents, test)


def test_one_that_does_not_fit_makes_room_for_a_new_one(agents: Agents) -> None:
    async def test() -> None:
        port = agents.now.obtain("dns/x", bound, lambda _: True).getsockname()[1]
        made = agents.next().obtain("dns/x", lambda: bound(port), lambda _: False)
        assert made.getsockname()[1] == port, "the same place, although the holder had a socket there"
        agents.next().obtain("dns/x", no_other, lambda _: True)

    of(agents, test)


def test_let_go_is_closed_everywhere(agents: Agents) -> None:
    async def test() -> None:
        made = agents.now.obtain("dns/x", bound, lambda _: True)
        port = made.getsockname()[1]
        agents.now.let_go("dns/x")
        assert made.fileno() == -1
        agents.now.obtain("dns/y", lambda: bound(port), lambda _: True)
        assert not agents.next().has("dns/x")

    of(agents, test)


def test_what_nobody_asks_for_is_let_go_of(agents: Agents) -> None:
    """As of what an agent was killed over removing."""

    async def test() -> None:
        for name in ("dns/a", "dns/b", "dnsx/c", "log/d", "log/e"):
            agents.now.obtain(name, bound, lambda _: True)
        successor = agents.next()
        successor.obtain("dns/b", no_other, lambda _: True)
        successor.let_go_of_unasked("dns")
        successor.let_go_of_unasked("log", {"log/e"})
        last = agents.next()
        left = {name for name in ("dns/a", "dns/b", "dnsx/c", "log/d", "log/e") if last.has(name)}
        assert left == {"dns/b", "dnsx/c", "log/e"}

    of(agents, test)


def test_a_holder_that_is_killed_is_replaced_by_one_that_holds_the_same(agents: Agents) -> None:
    async def test() -> None:
        agents.now.obtain("dns/unasked", bound, lambda _: True)
        successor = agents.next()
        successor.obtain("dns/asked", bound, lambda _: True)
        before = agents.holder()
        os.kill(before, signal.SIGKILL)
        now = [before]
        while now in ([], [before]):
            await asyncio.sleep(0)
            now = agents.holders()
        assert len(now) == 1
        last = agents.next()
        assert agents.holders() == now
        for name in ("dns/asked", "dns/unasked"):
            last.obtain(name, no_other, lambda _: True)

    of(agents, test)


def test_what_a_new_holder_is_given_counts_when_the_agent_dies_at_once(agents: Agents) -> None:
    """As above, but the agent dies before its new holder has begun to run."""

    async def test() -> None:
        agents.now.obtain("dns/x", bound, lambda _: True)
        before = agents.holder()
        os.kill(before, signal.SIGKILL)
        agents.now._holder_died()
        successor = agents.next()
        assert agents.holders() != [before]
        successor.obtain("dns/x", no_other, lambda _: True)

    of(agents, test)


def test_both_killed_at_once_begin_anew(agents: Agents) -> None:
    async def test() -> None:
        port = agents.now.obtain("dns/x", bound, lambda _: True).getsockname()[1]
        agents.end_holder()
        successor = agents.next()
        assert not successor.has("dns/x")
        successor.obtain("dns/x", lambda: bound(port), lambda _: True)
        assert agents.next().has("dns/x")

    of(agents, test)
