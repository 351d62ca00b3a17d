"""However a state is reached, the kernel is the same: there and back, by steps or at once, in any order."""

import random
from collections.abc import Sequence
from itertools import islice

import pytest
from tests.fuzz.shrink import smaller_worlds
from tests.fuzz.worlds import random_world
from tests.packet.kernel_dump import Dump, dump_difference, world_dump
from tests.packet.lab import Lab

from seawall.compile.network.compile_network import compile_network
from seawall.compile.network.memory import Memory
from seawall.compile.network.snapshot import NetworkSnapshot

pytestmark = pytest.mark.world

STEPS = 8
SEEDS = pytest.mark.parametrize("seed", [20])


def descent(seed: int, start: NetworkSnapshot | None = None) -> list[NetworkSnapshot]:
    """A world, and worlds each of which has lost something that the one before it had."""
    chosen = random.Random(f"descent of {seed}")
    worlds = [start or random_world(seed)]
    while len(worlds) <= STEPS:
        candidates = list(islice(smaller_worlds(worlds[-1]), 400))
        if not candidates:
            break
        worlds.append(chosen.choice(candidates))
    return worlds


def reach(lab: Lab, worlds: Sequence[NetworkSnapshot], *, restarts: bool = False) -> Dump:
    """Put one after another in force; the last one must leave nothing to do."""
    memory = Memory()
    for world in worlds:
        program = compile_network(world, memory)
        assert program == compile_network(world)  # what is remembered changes nothing
        if restarts:
            lab.replace_engine()
        lab.apply(program)
        assert lab.rest(program) == []
    return world_dump(lab, program)


@SEEDS
def test_there_and_back(lab: Lab, seed: int) -> None:
    worlds = descent(seed)
    before = reach(lab, worlds[:1])
    reach(lab, worlds[-1:])
    assert dump_difference(before, reach(lab, worlds[:1])) == []


@SEEDS
def test_at_once_or_step_by_step(lab: Lab, seed: int) -> None:
    worlds = descent(seed)
    by_steps = reach(lab, worlds)
    whole = reach(lab, worlds[:1])
    at_once = reach(lab, worlds[-1:])
    assert dump_difference(by_steps, at_once) == []
    assert dump_difference(whole, reach(lab, worlds[::-1])) == []


@SEEDS
def test_from_nothing_or_from_something_else(lab: Lab, seed: int) -> None:
    worlds = descent(seed)
    fresh = reach(lab, worlds[-1:])
    reach(lab, [random_world(seed + 1)])
    assert dump_difference(fresh, reach(lab, worlds[-1:])) == []


@SEEDS
def test_in_another_order(lab: Lab, seed: int) -> None:
    """Two ways down that end where both have been."""
    first, second = descent(seed), descent(seed + 1000, random_world(seed))
    end = reach(lab, [*first, *second])
    assert dump_difference(end, reach(lab, [*second[::-1], *first, *second])) == []


@SEEDS
def test_with_a_new_engine_for_each_step(lab: Lab, seed: int) -> None:
    worlds = descent(seed)
    by_one = reach(lab, worlds)
    reach(lab, worlds[:1])
    assert dump_difference(by_one, reach(lab, worlds, restarts=True)) == []
