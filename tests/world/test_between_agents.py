"""What is asked while no agent runs waits in sockets that outlive it; those of what is removed do not."""

import asyncio
import json
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import dns.message
import pytest
from tests.world.agent_lab import PATIENCE_S, REGISTRY, AgentLab, agent_lab, eventually, held_sockets, holders
from tests.world.test_endpoint_of_a_task import ADDRESS, WITH_ENDS, program

from seawall.host.namespaces import Namespaces
from seawall.host.saved_program import SavedProgram
from seawall.program.host import HostProgram
from seawall.program.network import NetworkProgram

pytestmark = pytest.mark.world

ALL = ["dns/tcp/registry/10.99.0.1", "dns/udp/registry/10.99.0.1", "endpoint/t"]
QUESTION = dns.message.make_query(REGISTRY, "A").to_wire()


@contextmanager
def asked(lab: AgentLab) -> Iterator[tuple[socket.socket, socket.socket, socket.socket]]:
    """Of the task, as it would: a name twice, over UDP and TCP, and its role's credentials."""
    namespaces = Namespaces(lab.state_dir / "run")
    with (
        namespaces.socket_in("task-t", type=socket.SOCK_DGRAM) as udp,
        namespaces.socket_in("task-t") as tcp,
        namespaces.socket_in("task-t") as http,
    ):
        namespaces.close()
        udp.connect(("10.99.0.1", 53))
        udp.send(QUESTION)
        for connection, place in ((tcp, ("10.99.0.1", 53)), (http, (ADDRESS, 80))):
            connection.settimeout(PATIENCE_S)
            connection.connect(place)
        tcp.sendall(len(QUESTION).to_bytes(2, "big") + QUESTION)
        http.sendall(b"GET /v2/credentials/c HTTP/1.1\r\nHost: me\r\nConnection: close\r\n\r\n")
        for connection in (udp, tcp, http):
            connection.setblocking(False)
        yield udp, tcp, http


async def answered(connections: tuple[socket.socket, socket.socket, socket.socket]) -> None:
    loop = asyncio.get_running_loop()
    udp, tcp, http = connections
    named(await loop.sock_recv(udp, 4096))
    named((await loop.sock_recv(tcp, 4096))[2:])
    said = b""
    while piece := await loop.sock_recv(http, 65536):
        said += piece
    assert json.loads(said.partition(b"\r\n\r\n")[2])["AccessKeyId"] == "ASIA1"


def named(data: bytes) -> None:
    assert [str(item) for rrset in dns.message.from_wire(data).answer for item in rrset] == ["10.99.0.1"]


def test_the_next_agent_answers_what_was_asked_of_none() -> None:
    async def test() -> None:
        async with agent_lab() as lab:
            lab.apply(program("ASIA1"), network=WITH_ENDS)
            await lab.until_state("app", "running")
            with asked(lab) as connections:
                await answered(connections)
            for _ in range(2):
                await lab.kill_agent()
                with asked(lab) as connections:
                    await lab.start_agent()
                    await answered(connections)

    asyncio.run(asyncio.wait_for(test(), 100))


def test_a_question_that_an_agent_was_killed_over_is_answered_by_the_next() -> None:
    async def test() -> None:
        async with agent_lab() as lab:
            await lab.kill_agent()
            await lab.start_agent(dying_at="before:name")
            namespaces = Namespaces(lab.state_dir / "run")
            with namespaces.socket_in("task-t", type=socket.SOCK_DGRAM) as udp:
                namespaces.close()
                udp.setblocking(False)
                udp.connect(("10.99.0.1", 53))
                udp.send(QUESTION)
                await lab.agent_died()
                await lab.start_agent()
                named(await asyncio.get_running_loop().sock_recv(udp, 4096))

    asyncio.run(asyncio.wait_for(test(), 100))


def test_a_holder_that_is_killed_takes_nothing_along() -> None:
    async def test() -> None:
        async with agent_lab() as lab:
            lab.apply(program("ASIA1"), network=WITH_ENDS)
            await lab.until_state("app", "running")
            before = holders(lab)
            os.kill(before[0], signal.SIGKILL)
            await eventually(lambda: holders(lab) not in ([], before), "there is another")
            with asked(lab) as connections:
                await answered(connections)
            await lab.kill_agent()
            assert sorted(held_sockets(lab)) == ALL
            with asked(lab) as connections:
                await lab.start_agent()
                await answered(connections)
            await lab.kill_agent()
            os.kill(holders(lab)[0], signal.SIGKILL)
            await lab.start_agent()
            await eventually(lambda: holders(lab) != [], "both are back")

    asyncio.run(asyncio.wait_for(test(), 100))


def test_what_an_agent_was_killed_over_removing_is_let_go_by_the_next() -> None:
    async def test() -> None:
        async with agent_lab() as lab:
            lab.apply(program("ASIA1"), network=WITH_ENDS)
            await lab.until_state("app", "running")
            await lab.kill_agent()
            assert sorted(held_sockets(lab)) == ALL
            lab.link.apply(HostProgram(revision=99, network=NetworkProgram()))
            saved = SavedProgram(lab.state_dir / "run/program.msgpack")
            saved.save(HostProgram(revision=99, network=NetworkProgram()))
            await lab.start_agent()
            await lab.until(lambda: lab.applied == 99, "it has done what the one before had noted")
            await lab.kill_agent()
            assert held_sockets(lab) == []
            lab._revision = 99
            await lab.start_agent()

    asyncio.run(asyncio.wait_for(test(), 100))
