"""The engine of a node: started, told of its servers, reloaded, killed, ended."""

import pytest
from tests.world.balancer_lab import (
    BalancerLab,
    Load,
    in_lab,
    node,
    target,
)

pytestmark = pytest.mark.world


def test_a_node_serves_its_targets() -> None:
    async def test(lab: BalancerLab) -> None:
        lab.give(node(target(0), target(1)))
        await lab.until_states("healthy", "healthy")
        assert {(await lab.get())[1] for _ in range(4)} == {"10.98.1.1", "10.98.1.2"}
        async with Load(lab) as load:
            await load.some()
        assert load.failures == []

    in_lab(test)
