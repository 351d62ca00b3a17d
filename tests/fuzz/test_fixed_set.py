"""The same random worlds in every run: walk and the kernel agree about all probes, and can be seen not to."""

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.fuzz.cases import FOLDER, read_case
from tests.fuzz.probes import Candidates
from tests.fuzz.trial import NOTHING, PROBES_PER_WORLD, Bench, Tally, balanced, bench
from tests.fuzz.worlds import random_world
from tests.packet.lab import Lab

from seawall.compile.network.compile_network import compile_network

pytestmark = pytest.mark.world

SEEDS = range(1, 131)
LEAST_VPCS, LEAST_PROBES = 100, 10_000
LEAST_CONNECTED = 0.45


def try_seeds(processor: int, seeds: range) -> tuple[Tally, list[str]]:
    """In a process of its own."""
    with bench(processor) as place:
        found = [f"world {seed}: {one}" for seed in seeds for one in place.try_seed(seed)]
        return place.tally, found


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("run_dir")
def test_walk_and_the_kernel_agree() -> None:
    processors = sorted(os.sched_getaffinity(0))
    parts = [SEEDS[number :: len(processors)] for number in range(len(processors))]
    with ProcessPoolExecutor(len(processors), multiprocessing.get_context("spawn")) as pool:
        results = list(pool.map(try_seeds, processors, parts))
    total = Tally()
    for tally, _ in results:
        total.add(tally)
    print(total)
    assert [text for _, found in results for text in found] == []
    assert total.vpcs >= LEAST_VPCS
    assert total.probes >= LEAST_PROBES
    assert total.connected >= LEAST_CONNECTED * total.probes


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_what_once_differed_agrees(lab: Lab, path: Path) -> None:
    assert Bench(lab).try_case(read_case(path)) == []


def test_a_world_with_one_rule_less_is_noticed(lab: Lab) -> None:
    """Else agreement would mean nothing: the kernel gets another world than walk."""
    seed = 18
    snapshot = random_world(seed)
    probes = balanced(snapshot, Candidates(snapshot, seed), PROBES_PER_WORLD)
    rules = snapshot.security_group_rules
    noticed = 0
    for rule in rules:
        others = tuple(r for r in snapshot.security_group_rules if r is not rule)
        lab.apply(compile_network(NOTHING))  # known connections would go on
        lab.apply(compile_network(replace(snapshot, security_group_rules=others)))
        noticed += bool(Bench(lab).compare(snapshot, probes))
    assert noticed >= len(rules) // 2  # the others are covered by wider ones, or concern nobody
