"""What goes through a node reaches the control plane: each line once, each counter to the last request."""

import socket

import pytest
from tests.world.balancer_lab import CONFIGURATION, NODE, BalancerLab, Load, in_lab, node, target

from seawall.host.balancer.log_tap import READ_BYTES

pytestmark = pytest.mark.world

LINE = len("<6>10.98.0.1 GET / 200 t0\n")


def counted(lab: BalancerLab, proxy: str, server: str, field: str) -> int:
    keyed = (proxy, server, field)
    return sum(c[3] for traffic in lab.traffic for c in traffic.counters if c[:3] == keyed)


def lines(lab: BalancerLab) -> list[str]:
    return [line for traffic in lab.traffic for line in traffic.lines]


def somebody_listens(lab: BalancerLab) -> bool:
    """Where the engine sends its lines."""
    with socket.socket(socket.AF_UNIX) as engine:
        return engine.connect_ex(str(lab.stage / "balancers" / NODE / "log")) == 0


def test_lines_and_counters_arrive_once() -> None:
    async def test(lab: BalancerLab) -> None:
        await lab.until_in_force(node(target(0), target(1), check=None, log=True))
        async with Load(lab) as load:
            await load.some(500)
        assert load.failures == []
        done = sum(load.answered.values())
        await lab.until(lambda: len(lines(lab)) >= done, "all lines are there")
        await lab.until(lambda: counted(lab, "http", "FRONTEND", "req_tot") >= done, "all are counted")
        assert len(lines(lab)) == done == counted(lab, "tg", "BACKEND", "hrsp_2xx")
        assert {line.split(" ", 1)[1] for line in lines(lab)} == {"GET / 200 t0", "GET / 200 t1"}
        by_server = {n: counted(lab, "tg", f"t{n}", "lbtot") for n in (0, 1)}
        assert by_server == {n: load.answered[lab.servers[n].address] for n in (0, 1)}

    in_lab(test)


@pytest.mark.parametrize("step", ["after:traffic close", "before:traffic remove", "after:traffic remove"])
def test_traffic_is_told_once_whenever_the_agent_that_tells_it_is_killed(step: str) -> None:
    async def test(lab: BalancerLab) -> None:
        await lab.until_in_force(node(target(0), check=None, log=True))
        await lab.kill_agent()
        async with Load(lab) as load:
            await load.some(3000)
        done = sum(load.answered.values())
        await lab.start_agent(dying_at=step)
        await lab.agent_died()
        await lab.start_agent()
        await lab.until(lambda: counted(lab, "http", "FRONTEND", "req_tot") >= done, "all are counted")
        await lab.until(lambda: len(lines(lab)) >= done, "the lines are there")
        assert len(lines(lab)) == done == counted(lab, "http", "FRONTEND", "req_tot")
        assert bool(lab.told_again) == (step == "before:traffic remove")

    in_lab(test)


def test_traffic_waits_for_an_agent() -> None:
    """Counters are exact; of the lines only those are lost that the agent had read at the moment it died."""

    async def test(lab: BalancerLab) -> None:
        await lab.until_in_force(node(target(0), check=None, log=True))
        async with Load(lab) as load:
            await load.some(3000)
            await lab.until(lambda: bool(lines(lab)), "the first are there")
            await lab.kill_agent()
            assert somebody_listens(lab), "an engine that is refused tries again at once, and again"
            await load.some(2000)
            await lab.start_agent()
            await load.some(100)
        done = sum(load.answered.values())
        assert load.failures == []
        await lab.until(lambda: counted(lab, "http", "FRONTEND", "req_tot") >= done, "all are counted")
        assert counted(lab, "http", "FRONTEND", "req_tot") == done
        in_hand = READ_BYTES // LINE + 1
        await lab.until(lambda: len(lines(lab)) >= done - in_hand, "the lines are there")
        assert len(lines(lab)) <= done

    in_lab(test)


def test_traffic_of_a_worker_that_is_replaced_is_told() -> None:
    """But for what it does in the last moments of its life."""

    async def test(lab: BalancerLab) -> None:
        await lab.until_in_force(node(target(0), check=None, log=True))
        async with Load(lab) as load:
            await load.some(1000)
            text = CONFIGURATION.replace("  log-format", "  http-request set-header x y\n  log-format")
            await lab.until_in_force(node(target(0), check=None, log=True, configuration=text))
            await load.some(1000)
        done = sum(load.answered.values())
        assert load.failures == []
        few = done - 300
        await lab.until(lambda: len(lines(lab)) >= few, "the lines are there")
        await lab.until(lambda: counted(lab, "http", "FRONTEND", "req_tot") >= few, "they are counted")
        assert len(lines(lab)) <= done
        assert counted(lab, "http", "FRONTEND", "req_tot") <= done

    in_lab(test)


def test_connections_of_a_draining_target_are_told() -> None:
    async def test(lab: BalancerLab) -> None:
        await lab.until_in_force(node(target(0), check=None))
        lab.servers[0].delay_s = 60
        _, writer = await lab.connect()
        writer.write(b"GET / HTTP/1.1\r\nHost: lb\r\n\r\n")
        await lab.until_in_force(node(target(0, serving=False), check=None))
        await lab.until(lambda: lab.state_of(0).connections == 1, "it still has one")
        writer.transport.abort()
        await lab.servers[0].end()
        await lab.until(lambda: lab.state_of(0).connections == 0, "it has none left")

    in_lab(test)


def test_what_is_still_open_ends_with_the_registration() -> None:
    async def test(lab: BalancerLab) -> None:
        await lab.until_in_force(node(target(0), target(1), check=None))
        for server in lab.servers:
            server.delay_s = 60
        reader, writer = await lab.connect()
        writer.write(b"GET / HTTP/1.1\r\nHost: lb\r\n\r\n")
        await lab.until_in_force(node(check=None))
        assert b" 502 " in await reader.readuntil(b"\r\n")
        writer.transport.abort()

    in_lab(test)
