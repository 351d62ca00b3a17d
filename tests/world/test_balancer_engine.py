"""The engine of a node under load that never rests: no request is lost over what happens to it."""

import contextlib
import os
import signal
import socket
import threading
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.balancer.http2 import GrpcTarget
from tests.world.agent_lab import eventually
from tests.world.balancer_lab import (
    CHECK,
    CONFIGURATION,
    NODE,
    NODE_ADDRESS,
    BalancerLab,
    Load,
    address,
    ask,
    engines_of,
    in_lab,
    node,
    target,
)

from seawall.host.balancer.configuration import MOST_OLD_WORKERS
from seawall.host.balancer.process import find_engines
from seawall.program.balancer import BalancerFile, Pool

pytestmark = pytest.mark.world


def test_a_node_serves_its_targets_and_is_known_to_the_next_control_plane() -> None:
    async def test(lab: BalancerLab) -> None:
        lab.give(node(target(0), target(1)))
        await lab.until_states("healthy", "healthy")
        assert {(await lab.get())[1] for _ in range(4)} == {"10.98.1.1", "10.98.1.2"}
        assert [t.target for t in lab.node.targets] == ["10.98.1.1:80", "10.98.1.2:80"]

    in_lab(test)


def status_of(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def test_the_engine_is_nobody_who_may_do_anything() -> None:
    async def test(lab: BalancerLab) -> None:
        lab.give(node(target(0)))
        await lab.until_states("healthy")
        (pids,) = [pids for place, pids in find_engines().items() if place.startswith(str(lab.stage))]
        assert len(pids) == 2  # the master and its worker
        for facts in map(status_of, pids):
            assert set(facts["Uid"].split()) == {"65520"}
            assert {facts[f"Cap{kind}"] for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {"0" * 16}
            assert facts["NoNewPrivs"] == "1"

    in_lab(test)


def test_targets_come_drain_and_go_under_load() -> None:
    async def test(lab: BalancerLab) -> None:
        lab.give(node(target(0), target(1)))
        await lab.until_states("healthy", "healthy")
        async with Load(lab) as load:
            lab.give(node(target(0), target(1), target(2), target(3)))
            await lab.until_states(*["healthy"] * 4)
            await load.some()
            assert set(load.answered) == {server.address for server in lab.servers}
            draining = (target(0, serving=False), target(1, serving=False))
            await lab.until_in_force(node(*draining, target(2), target(3)))
            await load.some(16)  # those on their way when it came into force
            before = [server.requests for server in lab.servers[:2]]
            await load.some()
            assert [server.requests for server in lab.servers[:2]] == before
            await lab.until_in_force(node(target(2), target(3)))
            for gone in lab.servers[:2]:
                await gone.end()
            await load.some()
        assert load.failures == []

    in_lab(test, servers=4)


def changed(round: int) -> str:
    return CONFIGURATION.replace(
        "  default_backend", f"  http-request set-header x {round}\n  default_backend"
    )


class Http2Target(GrpcTarget):
    """Counts its connections; requests are answered all the same."""

    def __init__(self, listener: socket.socket) -> None:
        self.connections = 0
        listener.listen()
        self._server = listener
        threading.Thread(target=self._accept, daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        self.connections += 1
        super()._serve(connection)


def test_targets_of_http2_keep_their_connections_soon_after_they_came() -> None:
    """One that is told at run time has a connection for each request, until it is loaded."""

    def replaced(before: list[int], now: list[int]) -> bool:
        return len(now) == len(before) == len(set(before) & set(now)) + 1

    async def statuses(lab: BalancerLab, count: int) -> set[bytes]:
        """Of so many requests of one client."""
        reader, writer = await lab.connect()
        said = set()
        for _ in range(count):
            writer.write(b"GET / HTTP/1.1\r\nHost: lb\r\n\r\n")
            said.add((await reader.readuntil(b"grpc-status: 0\r\n\r\n")).partition(b"\r\n")[0].strip())
        writer.transport.abort()
        return said

    async def test(lab: BalancerLab) -> None:
        program = node(check=None)
        pool = replace(program.pools[0], server_options="proto h2")
        await lab.until_in_force(replace(program, pools=(pool,)))
        engines = engines_of(lab.stage)
        await lab.servers[0].end()
        listener = lab.namespaces.socket_in("targets")
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((lab.servers[0].address, 80))
        served = Http2Target(listener)
        try:
            with_target = replace(program, pools=(replace(pool, targets=(target(0),)),))
            await lab.until_in_force(with_target)
            assert await statuses(lab, 5) == {b"HTTP/1.1 200"}
            assert served.connections == 5
            await eventually(lambda: replaced(engines, engines_of(lab.stage)), "it is loaded again")
            assert await statuses(lab, 20) == {b"HTTP/1.1 200"}
            assert served.connections <= 5 + 2
        finally:
            served.close()

    in_lab(test)


def test_reloads_lose_no_request() -> None:
    async def test(lab: BalancerLab) -> None:
        lab.give(node(target(0), target(1)))
        await lab.until_states("healthy", "healthy")
        async with Load(lab) as load:
            for round in range(12):
                await lab.until_in_force(node(target(0), target(1), configuration=changed(round)))
                await load.some(100)
        assert load.failures == []
        # Workers that have nothing left to do have gone.
        await eventually(lambda: len(engines_of(lab.stage)) == 2, "one master, one worker")

    in_lab(test)


def test_a_target_that_drains_gets_nothing_from_workers_before_a_reload() -> None:
    """A client of an old worker asks on: not the target that only the new worker was told to leave."""

    async def test(lab: BalancerLab) -> None:
        await lab.until_in_force(node(target(0), check=None))
        reader, writer = await lab.connect()
        lab.servers[0].delay_s = 0.4
        writer.write(b"GET / HTTP/1.1\r\nHost: lb\r\n\r\n")  # keeps the old worker
        await lab.until_in_force(node(target(0), check=None, configuration=changed(1)))
        swapped = node(target(0, serving=False), target(1), check=None, configuration=changed(1))
        await lab.until_in_force(swapped)
        assert len(engines_of(lab.stage)) == 3
        writer.write(b"GET / HTTP/1.1\r\nHost: lb\r\n\r\n")
        answers = (await reader.read(65536)).decode() + (await reader.read(65536)).decode()
        assert "10.98.1.1" in answers
        assert lab.servers[0].requests == 1
        writer.transport.abort()

    in_lab(test)


def test_old_workers_do_not_pile_up() -> None:
    """Each has a connection that never ends; the oldest are ended."""

    async def test(lab: BalancerLab) -> None:
        lab.servers[0].delay_s = 60
        streams = []
        for round in range(MOST_OLD_WORKERS + 4):
            await lab.until_in_force(node(target(0), check=None, configuration=changed(round)))
            _, writer = await lab.connect()
            writer.write(b"GET / HTTP/1.1\r\nHost: lb\r\n\r\n")
            streams.append(writer)
            await eventually(lambda: lab.servers[0].requests == len(streams), "it is being served")
        assert len(engines_of(lab.stage)) <= MOST_OLD_WORKERS + 3
        for writer in streams:
            writer.transport.abort()

    in_lab(test)


def test_a_configuration_that_is_refused_leaves_the_old_one_in_force() -> None:
    async def test(lab: BalancerLab) -> None:
        await lab.until_in_force(node(target(0), check=None))
        async with Load(lab) as load:
            lab.give(node(target(0), target(1), check=None, configuration=CONFIGURATION + "  nonsense\n"))
            await lab.until(lambda: bool(lab.node.problem), "it is said")
            assert not lab.node.running
            assert "unknown keyword 'nonsense' in 'backend' section" in lab.node.problem
            await lab.until(lambda: lab.state_of(1).in_force, "targets change all the same")
            load.answered.clear()
            await load.some()
            assert len(load.answered) == 2
            # What is there is still right for the one who comes after a crash of both.
            await lab.kill_agent()
            os.kill(engines_of(lab.stage)[0], signal.SIGKILL)
            await eventually(lambda: engines_of(lab.stage) == [], "the engine is gone")
            lab.nodes.clear()
            await lab.start_agent()
            await lab.until(
                lambda: bool(lab.node.problem) and lab.state_of(1).in_force, "the old one is back"
            )
            load.failures.clear()
            await load.some()
            assert load.failures == []
            await lab.until_in_force(node(target(0), check=None))
            assert lab.node.running
        assert load.failures == []

    in_lab(test)


def test_a_port_that_is_taken_is_said_and_tried_again() -> None:
    async def test(lab: BalancerLab) -> None:
        taken = lab.namespaces.socket_in(NODE)
        taken.bind((NODE_ADDRESS, 80))
        taken.listen()
        lab.give(node(target(0), check=None))
        await lab.until(lambda: "Address already in use" in lab.node.problem, "it is said")
        taken.close()
        await lab.until(lambda: lab.node.running, "it is tried again")
        assert (await lab.get())[0] == 200

    in_lab(test)


def test_a_port_that_is_taken_at_a_reload_leaves_the_old_configuration_until_it_is_free() -> None:
    async def test(lab: BalancerLab) -> None:
        await lab.until_in_force(node(target(0), check=None))
        taken = lab.namespaces.socket_in(NODE)
        taken.bind((NODE_ADDRESS, 81))
        taken.listen()
        two = CONFIGURATION.replace("  bind 10.98.0.2:80", "  bind 10.98.0.2:80\n  bind 10.98.0.2:81")
        async with Load(lab) as load:
            lab.give(node(target(0), check=None, configuration=two))
            await lab.until(lambda: "Address already in use" in lab.node.problem, "it is said")
            await load.some()
            taken.close()
            await lab.until(lambda: lab.node.running, "it is tried again")
            await load.some()
        assert load.failures == []

    in_lab(test)


def test_an_agent_that_is_killed_loses_no_request_and_resets_no_target() -> None:
    async def test(lab: BalancerLab) -> None:
        slow = replace(CHECK, interval_s=30)  # the next agent has nothing but what was known before
        lab.servers[2].check_status = 500
        lab.give(node(target(0), target(1), target(2), check=replace(slow, unhealthy_threshold=1)))
        await lab.until_states("healthy", "healthy", "unhealthy")
        before = engines_of(lab.stage)
        async with Load(lab) as load:
            for _ in range(3):
                await lab.kill_agent()
                await load.some(100)
                lab.nodes.clear()
                lab.told.clear()
                await lab.start_agent()
                await lab.until_states("healthy", "healthy", "unhealthy")
                await load.some(100)
                assert not [t for r in lab.told for t in r.targets if r.running and t.state == "initial"]
            assert set(load.answered) == {"10.98.1.1", "10.98.1.2"}
        assert load.failures == []
        assert engines_of(lab.stage) == before

    in_lab(test, servers=3)


def test_an_engine_that_is_killed_is_started_again() -> None:
    async def test(lab: BalancerLab) -> None:
        await lab.until_in_force(node(target(0), check=None))
        for victim in (0, 1):  # the master, a worker
            before = set(engines_of(lab.stage))
            os.kill(sorted(before)[victim], signal.SIGKILL)
            await eventually(lambda before=before: before.isdisjoint(engines_of(lab.stage)), "they are gone")
            await eventually(lambda: len(engines_of(lab.stage)) == 2, "there are others")
            await lab.until(lambda: lab.node.running, "it runs")
            assert (await lab.get())[0] == 200

    in_lab(test)


def test_a_kept_connection_is_told_of_a_target_that_cannot_be_reached() -> None:
    """Nobody accepts, and the queue of its socket is full."""

    async def test(lab: BalancerLab) -> None:
        text = CONFIGURATION.replace("retries 3", "retries 0").replace("connect 2s", "connect 9s")
        text = text.replace("  default_backend", "  use_backend lost if { path /lost }\n  default_backend")
        pools = (Pool(name="tg", targets=(target(0),)), Pool(name="lost", targets=(target(1),)))
        program = node(configuration=f"{text}backend lost\n")
        with contextlib.ExitStack() as full:
            await lab.servers[1].end()
            listener = full.enter_context(lab.namespaces.socket_in("targets"))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((address(1), 80))
            listener.listen(0)
            for _ in range(4):
                waiting = full.enter_context(lab.namespaces.socket_in("targets"))
                waiting.setblocking(False)
                waiting.connect_ex((address(1), 80))
            await lab.until_in_force(replace(program, pools=pools))
            reader, writer = await lab.connect()
            assert (await ask(reader, writer))[0] == 200
            assert (await ask(reader, writer, path="/lost"))[0] == 503
            writer.transport.abort()

    in_lab(test)


def test_files_are_found_by_the_configuration() -> None:
    async def test(lab: BalancerLab) -> None:
        text = CONFIGURATION.replace(
            "  default_backend",
            "  http-request return status 200 content-type text/plain file files/page\n  default_backend",
        )
        for words in ("first", "second"):
            program = node(target(0), check=None, configuration=text)
            await lab.until_in_force(replace(program, files=(BalancerFile(name="page", content=words),)))
            assert (await lab.get())[1] == words

    in_lab(test)


def test_a_node_that_was_removed_while_no_agent_lived_leaves_nothing() -> None:
    async def test(lab: BalancerLab) -> None:
        await lab.until_in_force(node(target(0), check=None))
        await lab.kill_agent()
        lab.give()
        (lab.state_dir / "run/program.msgpack").unlink()
        await lab.start_agent()
        await lab.in_force()
        assert engines_of(lab.stage) == []

    in_lab(test)
