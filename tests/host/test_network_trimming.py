"""Whatever two programs are: what leads from one to the other is the same where both are trimmed."""

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from msgspec.structs import replace
from tests.fuzz.worlds import random_world

from seawall.compile.network.compile_network import compile_network
from seawall.compile.network.memory import Memory
from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.host.network.plan import Send, Step, steps_to
from seawall.host.network.state import wanted_of
from seawall.host.network.trimming import trimmed
from seawall.program.network import Link, LinkEnd, Namespace, NetworkProgram, Route

FIELDS = ("route_tables", "internet_gateways", "nat_gateways", "elastic_ips", "vpc_peering_connections")


def history(seed: int) -> Iterator[NetworkSnapshot]:
    dice = random.Random(seed)
    world = now = random_world(seed)
    yield now
    for _ in range(8):
        field = dice.choice((*FIELDS, *["network_interfaces"] * 5))
        some = [each for each in getattr(world, field) if dice.random() < 0.8]
        now = replace(now, **{field: tuple(some)})
        yield now
    yield random_world(seed + 1000)


def taken(steps: Iterable[Step]) -> Counter[Any]:
    """What is done, in whatever order and portions."""
    found: Counter[Any] = Counter()
    for step in steps:
        found.update((step.namespace, m) for m in step.messages) if isinstance(step, Send) else found.update(
            [step]
        )
    return found


def planned(old: NetworkProgram, new: NetworkProgram) -> list[Step]:
    return steps_to(wanted_of(old).state, wanted_of(new))


@pytest.mark.parametrize("seed", range(6))
def test_the_steps_are_the_same(seed: int) -> None:
    memory, old = Memory(), NetworkProgram()
    for snapshot in history(seed):
        new = compile_network(snapshot, memory)
        assert taken(planned(*trimmed(old, new))) == taken(planned(old, new))
        assert planned(*trimmed(new, new)) == []
        old = new


def link(number: int, far: int) -> Link:
    router = LinkEnd(namespace="router", name=f"e{number}", ifindex=number, mac="02:00:00:00:00:01")
    host = LinkEnd(namespace=f"task-{number}", name="eth1", ifindex=far, mac="02:00:00:00:00:02")
    return Link(origin=f"eni-{number}", mtu=1500, router=router, host=host)


def program(links: tuple[Link, ...], routes: tuple[Route, ...]) -> NetworkProgram:
    tasks = (Namespace(name=each.host.namespace) for each in links)
    return NetworkProgram(namespaces=(Namespace(name="router", routes=routes), *tasks), links=links)


LINKS = link(1, 101), link(2, 102)
ONE, TWO = (Route(destination=f"10.0.0.{n}/32", device=f"e{n}") for n in (1, 2))
NOWHERE = Route(destination="10.0.0.1/32")


@pytest.mark.parametrize(
    ("old", "new", "count"),
    [
        pytest.param(
            program(LINKS, (ONE, TWO)),
            program((link(1, 103), LINKS[1]), (ONE, TWO)),
            14,
            id="a device that is made anew has its routes again",
        ),
        pytest.param(
            program(LINKS, (TWO, ONE)),
            program(LINKS, (TWO, replace(TWO, destination="10.0.0.9/32"))),
            2,
            id="routes lead through devices that are the same",
        ),
        pytest.param(program(LINKS, (NOWHERE, TWO, NOWHERE)), program(LINKS, (NOWHERE, TWO)), 0, id="twice"),
        pytest.param(program(LINKS, (ONE, NOWHERE)), program(LINKS, (NOWHERE,)), 0, id="another stays"),
    ],
)
def test_what_is_the_same_counts_where_it_has_to(
    old: NetworkProgram, new: NetworkProgram, count: int
) -> None:
    steps = taken(planned(*trimmed(old, new)))
    assert steps == taken(planned(old, new))
    assert steps.total() == count
