"""The link to the agent, against an agent made by the test: programs down, facts up, sockets across."""

import array
import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from seawall.app.agent_link import AgentLink, AgentRefused
from seawall.program.host import HostProgram
from seawall.program.messages import (
    Applied,
    Apply,
    Done,
    Event,
    Listen,
    Observe,
    ReadCounters,
    Refused,
    Reply,
    Request,
    Revise,
    State,
)
from seawall.program.network import NetworkProgram

HEAD = struct.Struct(">I")


class FakeAgent:
    """Answers as told by `answer`; keeps what it heard."""

    def __init__(self, path: Path, answer: Callable[[Request], tuple[Any, int | None]]) -> None:
        self.heard: list[Any] = []
        self.told = asyncio.Event()
        self.at_once: list[Any] = []  # sent right behind every reply
        self._answer = answer
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        path.unlink(missing_ok=True)
        self._listener.bind(str(path))
        self._listener.listen()
        self._listener.setblocking(False)
        self._connection: socket.socket | None = None

    async def serve(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._connection, _ = await loop.sock_accept(self._listener)
            with contextlib.suppress(ConnectionError, EOFError), self._connection as connection:
                await self._converse(connection)

    async def _converse(self, connection: socket.socket) -> None:
        while True:
            (length,) = HEAD.unpack(await self._exactly(connection, HEAD.size))
            body = await self._exactly(connection, length)
            request = msgspec.msgpack.decode(body, type=Request)
            self.heard.append(request.body)
            if isinstance(request.body, Apply):
                self.told.set()
            reply, descriptor = self._answer(request)
            self.send(Reply(number=request.number, body=reply), descriptor)
            for fact in self.at_once:
                self.send(Event(body=fact))

    async def _exactly(self, connection: socket.socket, count: int) -> bytes:
        found = b""
        while len(found) < count:
            chunk = await asyncio.get_running_loop().sock_recv(connection, count - len(found))
            if not chunk:
                raise EOFError
            found += chunk
        return found

    def send(self, message: Reply | Event, descriptor: int | None = None) -> None:
        assert self._connection is not None
        body = msgspec.msgpack.encode(message)
        rights = []
        if descriptor is not None:
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))]
        self._connection.sendmsg([HEAD.pack(len(body)) + body], rights)

    def hang_up(self) -> None:
        assert self._connection is not None
        self._connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.close()
        if self._connection is not None:
            self._connection.close()


def answer(request: Request) -> tuple[Any, int | None]:
    if isinstance(request.body, Observe):
        return State(world="w1", applied_revision=0, tasks=()), None
    return Done(), None


def program(revision: int) -> HostProgram:
    return HostProgram(revision=revision, network=NetworkProgram())


@contextlib.asynccontextmanager
async def linked(
    folder: Path, how: Callable[[Request], tuple[Any, int | None]] = answer
) -> AsyncIterator[tuple[AgentLink, FakeAgent, "asyncio.Queue[Any]"]]:
    agent = FakeAgent(folder / "agent.sock", how)
    link = AgentLink(folder / "agent.sock")
    facts: asyncio.Queue[Any] = asyncio.Queue()
    link.on_event(facts.put_nowait)
    tasks = [asyncio.create_task(agent.serve()), asyncio.create_task(link.serve())]
    try:
        yield link, agent, facts
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        agent.close()


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 10))


def test_the_state_is_the_first_word_and_facts_follow(tmp_path: Path) -> None:
    async def test() -> None:
        async with linked(tmp_path) as (_, agent, facts):
            assert isinstance(await facts.get(), State)
            agent.send(Event(body=Applied(revision=7)))
            assert await facts.get() == Applied(revision=7)

    run(test)


def test_a_fact_right_behind_the_state_is_told_after_it(tmp_path: Path) -> None:
    def how(request: Request) -> tuple[Any, int | None]:
        return State(world="w1", applied_revision=1, tasks=()), None

    async def test() -> None:
        agent = FakeAgent(tmp_path / "agent.sock", how)
        agent.at_once = [Applied(revision=2), Applied(revision=3)]
        link = AgentLink(tmp_path / "agent.sock")
        facts: list[Any] = []
        link.on_event(facts.append)
        tasks = [asyncio.create_task(agent.serve()), asyncio.create_task(link.serve())]
        await link.connected()
        link.apply(program(4))
        await agent.told.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        agent.close()
        assert isinstance(facts[0], State)
        assert [f.revision for f in facts[1:3]] == [2, 3]

    run(test)


def test_only_the_newest_program_is_sent_after_a_pause(tmp_path: Path) -> None:
    async def test() -> None:
        async with linked(tmp_path) as (link, agent, facts):
            for revision in (1, 2, 3):
                link.apply(program(revision))
            await facts.get()
            await agent.told.wait()
            assert [h.program.revision for h in agent.heard if isinstance(h, Apply)] == [3]

    run(test)


def test_a_program_that_the_agent_could_not_take_is_given_to_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole, and the newest by then."""
    monkeypatch.setattr("seawall.app.agent_link.REFUSED_S", 0.0)
    refusals = iter(("full", "full"))
    taken = asyncio.Event()

    def how(request: Request) -> tuple[Any, int | None]:
        if isinstance(request.body, Apply):
            if text := next(refusals, None):
                return Refused(text=text), None
            taken.set()
        return answer(request)

    async def test() -> None:
        async with linked(tmp_path, how) as (link, agent, _):
            link.apply(program(1))
            await agent.told.wait()
            link.apply(program(2))
            await taken.wait()
            given = [heard.program.revision for heard in agent.heard if isinstance(heard, Apply)]
            assert (len(given), given[0], given[-1]) == (3, 1, 2)

    run(test)


def test_counters_are_asked_for_before_the_program_that_takes_them_away(tmp_path: Path) -> None:
    """Also when both come while the program before is being answered for."""

    revised = asyncio.Event()

    def how(request: Request) -> tuple[Any, int | None]:
        if isinstance(request.body, Revise):
            revised.set()
        return answer(request)

    async def test() -> None:
        async with linked(tmp_path, how) as (link, agent, _):

            def applied(fact: Any) -> None:
                if isinstance(fact, Applied) and fact.revision == 1:
                    agent.at_once = []
                    link.read_counters("vpc-1", lambda _: None)
                    link.apply(program(2))

            await link.connected()
            link.on_event(applied)
            agent.at_once = [Applied(revision=1)]
            link.apply(program(1))
            await revised.wait()
            assert [type(heard) for heard in agent.heard] == [Observe, Apply, ReadCounters, Revise]

    run(test)


def test_it_comes_back_from_an_agent_that_dies_before_its_first_word(tmp_path: Path) -> None:
    observed = iter((1, 2))

    def how(request: Request) -> tuple[Any, int | None]:
        if isinstance(request.body, Observe) and next(observed) == 1:
            raise ConnectionResetError("killed")
        return answer(request)

    async def test() -> None:
        async with linked(tmp_path, how) as (link, agent, _):
            await link.connected()
            assert [type(heard) for heard in agent.heard] == [Observe, Observe]

    run(test)


def test_it_comes_back_when_the_agent_does(tmp_path: Path) -> None:
    async def test() -> None:
        async with linked(tmp_path) as (_, agent, facts):
            assert isinstance(await facts.get(), State)
            agent.hang_up()
            assert isinstance(await facts.get(), State)

    run(test)


def test_a_listening_socket_travels_across(tmp_path: Path) -> None:
    made = socket.socket()
    made.bind(("127.0.0.1", 0))
    made.listen()

    def how(request: Request) -> tuple[Any, int | None]:
        if isinstance(request.body, Listen):
            return Done(descriptor=True), made.fileno()
        return answer(request)

    async def test() -> None:
        async with linked(tmp_path, how) as (link, _, _facts):
            with await link.listen("edge", "198.19.0.10", 443) as fetched:
                assert fetched.getsockname() == made.getsockname()

    with made:
        run(test)


def test_an_agent_that_comes_back_is_told_that_the_services_listen(tmp_path: Path) -> None:
    made = socket.socket()

    def how(request: Request) -> tuple[Any, int | None]:
        if isinstance(request.body, Listen):
            return Done(descriptor=True), made.fileno()
        return answer(request)

    async def test() -> None:
        async with linked(tmp_path, how) as (link, agent, facts):
            assert isinstance(await facts.get(), State)
            (await link.listen("edge", "198.19.0.10", 443, more=True)).close()
            agent.hang_up()
            assert isinstance(await facts.get(), State)
            (await link.listen("edge", "198.19.0.11", 443)).close()
            agent.hang_up()
            assert isinstance(await facts.get(), State)
            assert [o.serving for o in agent.heard if isinstance(o, Observe)] == [None, None, "w1"]

    with made:
        run(test)


def test_a_refusal_carries_the_agents_words(tmp_path: Path) -> None:
    def how(request: Request) -> tuple[Any, int | None]:
        if isinstance(request.body, Listen):
            return Refused(text="no namespace named edge"), None
        return answer(request)

    async def test() -> None:
        async with linked(tmp_path, how) as (link, _, _facts):
            with pytest.raises(AgentRefused, match="no namespace named edge"):
                await link.listen("edge", "198.19.0.10", 443)

    run(test)


def test_a_question_in_flight_ends_with_the_connection(tmp_path: Path) -> None:
    async def test() -> None:
        asked = asyncio.Event()

        def how(request: Request) -> tuple[Any, int | None]:
            if isinstance(request.body, Listen):
                asked.set()
                raise EOFError
            return answer(request)

        async with linked(tmp_path, how) as (link, _, _facts):
            question = asyncio.create_task(link.listen("edge", "198.19.0.10", 443))
            await asked.wait()
            with pytest.raises(ConnectionError):
                await question

    run(test)


def test_a_state_directory_deeper_than_a_unix_path_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path.joinpath(*["a" * 40] * 4)
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)

    async def test() -> None:
        agent = FakeAgent(Path("agent.sock"), answer)
        link = AgentLink(deep / "agent.sock")
        tasks = [asyncio.create_task(agent.serve()), asyncio.create_task(link.serve())]
        await link.connected()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        agent.close()

    run(test)
