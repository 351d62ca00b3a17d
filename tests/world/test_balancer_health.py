"""Targets that fail and recover, as their node sees them and as its clients do."""

import pytest
from msgspec.structs import replace
from tests.world.agent_lab import eventually
from tests.world.balancer_lab import CHECK, NODE, BalancerLab, Load, in_lab, node, target

from seawall.host.balancer.console import Console
from seawall.host.balancer.servers import read_servers
from seawall.program.balancer import BalancerProgram, Pool
from seawall.program.report import TargetReport

pytestmark = pytest.mark.world


def found(report: TargetReport) -> tuple[str, str, int | None]:
    return report.state, report.cause, report.code


def test_a_target_that_fails_gets_no_more_requests_until_it_has_recovered() -> None:
    async def test(lab: BalancerLab) -> None:
        failing = lab.servers[0]
        lab.give(node(target(0), target(1)))
        await lab.until_states("healthy", "healthy")
        async with Load(lab) as load:
            failing.check_status = 502
            await lab.until_states("unhealthy", "healthy")
            assert found(lab.state_of(0)) == ("unhealthy", "mismatch", 502)
            await load.some(16)  # those on their way
            before = failing.requests
            await load.some()
            assert failing.requests == before
            failing.check_status = 200
            await lab.until_states("healthy", "healthy")
            await load.some()
            assert failing.requests > before
        assert load.failures == []
        assert "User-Agent: ELB-HealthChecker/2.0" in failing.checks[0]
        assert "Host: 10.98.1.1:80" in failing.checks[0]

    in_lab(test)


def test_causes() -> None:
    async def test(lab: BalancerLab) -> None:
        quick = replace(CHECK, timeout_s=0.05)
        lab.servers[0].check_status = None
        await lab.servers[1].end()
        lab.servers[2].check_status = 404
        lab.give(node(target(0), target(1), target(2), check=quick))
        await lab.until_states("unhealthy", "unhealthy", "unhealthy")
        assert found(lab.state_of(0)) == ("unhealthy", "timeout", None)
        assert found(lab.state_of(1)) == ("unhealthy", "refused", None)
        assert found(lab.state_of(2)) == ("unhealthy", "mismatch", 404)

    in_lab(test, servers=3)


def test_when_all_fail_all_are_used() -> None:
    async def test(lab: BalancerLab) -> None:
        for server in lab.servers:
            server.check_status = 500
        lab.give(node(target(0), target(1), target(2, serving=False)))
        await lab.until(
            lambda: (
                [lab.state_of(n).state for n in (0, 1)] == ["unhealthy", "unhealthy"]
                and all(t.in_force for t in lab.node.targets)
            ),
            "both fail",
        )
        assert {(await lab.get())[1] for _ in range(4)} == {"10.98.1.1", "10.98.1.2"}
        lab.servers[1].check_status = 200
        await lab.until(
            lambda: lab.state_of(1).state == "healthy" and all(t.in_force for t in lab.node.targets),
            "one recovers",
        )
        assert {(await lab.get())[1] for _ in range(4)} == {"10.98.1.2"}

    in_lab(test, servers=3)


def test_a_target_that_is_registered_again_is_a_new_one() -> None:
    async def test(lab: BalancerLab) -> None:
        lab.give(node(target(0), target(1)))
        await lab.until_states("healthy", "healthy")
        await lab.until_in_force(node(target(0, serving=False), target(1)))
        asked = len(lab.servers[0].checks)
        seen = len(lab.servers[1].checks)
        await eventually(lambda: len(lab.servers[1].checks) > seen + 2, "the other one is asked on")
        assert len(lab.servers[0].checks) <= asked + 1  # draining ones are left alone
        lab.servers[0].check_status = 500
        lab.told.clear()
        lab.give(node(target(0), target(1)))
        await lab.until_states("unhealthy", "healthy")
        states = [t.state for report in lab.told for t in report.targets if t.target == "10.98.1.1:80"]
        assert states[-1] == "unhealthy"
        assert set(states[:-1]) <= {"initial", "healthy"}

    in_lab(test)


def test_a_node_without_an_engine_checks_all_the_same() -> None:
    async def test(lab: BalancerLab) -> None:
        lab.servers[1].check_status = 500
        pools = (Pool(name="tg", engine=False, targets=(target(0), target(1)), check=CHECK),)
        lab.give(BalancerProgram(id=NODE, namespace=NODE, pools=pools))
        await lab.until_states("healthy", "unhealthy")
        await lab.servers[0].end()
        await lab.until_states("unhealthy", "unhealthy")

    in_lab(test)


async def weights(lab: BalancerLab) -> dict[str, int]:
    console = Console(lab.stage / "balancers" / NODE / "sockets/master")
    worker = (await console.workers()).current
    assert worker is not None
    servers = read_servers(await console.ask(worker, "show servers state"))
    return {name: seen.weight for (_, name), seen in servers.items()}


def test_a_slow_start_gives_a_target_its_share_little_by_little() -> None:
    async def test(lab: BalancerLab) -> None:
        program = node(target(0), target(1))
        slow = replace(program, pools=(replace(program.pools[0], slow_start_s=4),))
        lab.servers[1].check_status = 500
        lab.give(slow)
        await lab.until_states("healthy", "unhealthy")
        lab.servers[1].check_status = 200
        async with Load(lab) as load:
            await lab.until_states("healthy", "healthy")
            load.answered.clear()
            await load.some(150)
            early = load.answered.get("10.98.1.2", 0) / sum(load.answered.values())
            while await weights(lab) != {"t0": 100, "t1": 100}:
                await load.some(50)
            load.answered.clear()
            await load.some(150)
            late = load.answered["10.98.1.2"] / sum(load.answered.values())
        assert load.failures == []
        assert early < 0.35 < 0.45 < late < 0.55

    in_lab(test)
