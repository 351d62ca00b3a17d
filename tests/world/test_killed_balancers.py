"""An agent killed at each step of its work on an engine: the next one finishes it and nothing is left."""

import pytest
from tests.world.balancer_lab import CONFIGURATION, BalancerLab, Load, in_lab, node, target

pytestmark = pytest.mark.world

START = ("files", "switch", "start", "note")
CHANGE = ("files", "check", "switch", "reload", "note")
END = ("end", "clear")


def steps(*names: str) -> list[str]:
    return [f"{when}:engine {name}" for name in names for when in ("before", "after")]


@pytest.mark.parametrize("step", steps(*START))
def test_a_start_is_finished(step: str) -> None:
    async def test(lab: BalancerLab) -> None:
        await lab.kill_agent()
        await lab.start_agent(dying_at=step)
        lab.give(node(target(0), check=None))
        await lab.agent_died()
        await lab.start_agent()
        await lab.until(lambda: lab.node.revision == lab.revision, "it is in force")
        assert await lab.get() == (200, "10.98.1.1")

    in_lab(test)


@pytest.mark.parametrize("step", steps(*CHANGE))
def test_a_change_is_finished_and_loses_no_request(step: str) -> None:
    async def test(lab: BalancerLab) -> None:
        await lab.until_in_force(node(target(0), check=None))
        async with Load(lab) as load:
            await lab.kill_agent()
            await lab.start_agent(dying_at=step)
            text = CONFIGURATION.replace(
                "  default_backend", "  http-request set-header x y\n  default_backend"
            )
            lab.give(node(target(0), target(1), check=None, configuration=text))
            await lab.agent_died()
            await load.some(50)
            await lab.start_agent()
            await lab.until(lambda: lab.node.revision == lab.revision, "it is in force")
            await load.some(50)
        assert load.failures == []

    in_lab(test)


@pytest.mark.parametrize("step", steps("servers"))
def test_a_change_of_servers_is_finished(step: str) -> None:
    async def test(lab: BalancerLab) -> None:
        await lab.until_in_force(node(target(0), check=None))
        await lab.kill_agent()
        await lab.start_agent(dying_at=step)
        lab.give(node(target(1), check=None))
        await lab.agent_died()
        await lab.start_agent()
        await lab.until(lambda: lab.node.revision == lab.revision, "it is in force")
        assert await lab.get() == (200, "10.98.1.2")

    in_lab(test)


@pytest.mark.parametrize("step", steps(*END))
def test_an_end_is_finished(step: str) -> None:
    async def test(lab: BalancerLab) -> None:
        await lab.until_in_force(node(target(0), check=None))
        await lab.kill_agent()
        await lab.start_agent(dying_at=step)
        lab.give()
        await lab.agent_died()
        await lab.start_agent()
        await lab.in_force()
        # That nothing is left is looked at as the lab ends.

    in_lab(test)
