"""Whatever was compiled before: the program is that of the snapshot alone."""

import random
from collections.abc import Iterator
from datetime import timedelta

import pytest
from msgspec.structs import replace
from tests.fuzz.worlds import random_world

from seawall.compile.network import numbers
from seawall.compile.network.compile_network import compile_network
from seawall.compile.network.memory import Memory
from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.model.network_interface import NetworkInterface
from seawall.program.alike import common_ends

FEWER = (
    "network_interfaces", "security_group_rules", "elastic_ips", "network_acls", "nat_gateways",
    "vpc_peering_connections", "internet_gateways", "prefix_lists", "route_tables", "vpc_endpoints",
)  # fmt: skip
CHANGES = 12


def history(seed: int) -> Iterator[NetworkSnapshot]:
    """A world, parts of which come and go and change; then, with the same memory, another."""
    dice = random.Random(seed)
    for world in (random_world(seed), random_world(seed + 1000)):
        now = world
        yield now
        for _ in range(CHANGES):
            field = dice.choice((*FEWER, *["network_interfaces"] * 6))
            now = replace(now, **{field: changed(getattr(world, field), getattr(now, field), dice)})
            yield now
        yield world


def changed(every: tuple[object, ...], now: tuple[object, ...], dice: random.Random) -> tuple[object, ...]:
    """Some more or fewer of them, some altered, perhaps in another order."""
    kept = [one for one in every if dice.random() < (0.97 if one in now else 0.6)]
    kept = [altered(one, dice) if isinstance(one, NetworkInterface) else one for one in kept]
    if dice.random() < 0.2:
        dice.shuffle(kept)
    return tuple(kept)


def altered(interface: NetworkInterface, dice: random.Random) -> NetworkInterface:
    """Mostly the very same object; else an equal one, or one with other groups, checks, age, or addresses."""
    chance = dice.random()
    if chance < 0.05:
        return replace(interface)
    if chance < 0.1:
        return replace(interface, group_ids=interface.group_ids[1:])
    if chance < 0.15:
        return replace(interface, source_dest_check=not interface.source_dest_check)
    if chance < 0.2 and interface.attachment is not None:
        born = interface.attachment.attach_time - timedelta(seconds=dice.randrange(1, 9))
        return replace(interface, attachment=replace(interface.attachment, attach_time=born))
    if chance < 0.25:
        return replace(interface, status="detaching")
    if chance < 0.3:
        return replace(interface, association=None)
    return interface


HISTORIES = [*range(8), *(pytest.param(seed, marks=pytest.mark.thorough) for seed in range(8, 40))]


@pytest.mark.parametrize("seed", HISTORIES)
def test_no_memory_changes_a_program(seed: int) -> None:
    memory = Memory()
    for snapshot in history(seed):
        assert compile_network(snapshot, memory) == compile_network(snapshot)


def test_nor_where_numbers_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    """As they would in the whole range one time in hundreds."""
    monkeypatch.setattr(numbers, "_digest", lambda key: sum(key.encode()) % 97)
    memory = Memory()
    for snapshot in history(7):
        assert compile_network(snapshot, memory) == compile_network(snapshot)


def test_what_two_sequences_begin_and_end_with() -> None:
    dice = random.Random(1)
    for _ in range(2000):
        old, new = ([dice.randrange(2) for _ in range(dice.randrange(7))] for _ in range(2))
        first, last = common_ends(old, new)
        assert old[:first] == new[:first] and (last == 0 or old[-last:] == new[-last:])
        room = min(len(old), len(new)) - first
        assert room == 0 or old[first] != new[first]
        assert last == room or old[-last - 1] != new[-last - 1]


def test_each_item_is_asked_about_once() -> None:
    memory, asked = Memory(), []

    def doubled(item: str, times: int) -> tuple[str, ...]:
        asked.append(item)
        return (item,) * times

    words = [f"w{n}" for n in range(9)]
    for items in (words, words[:4] + words[5:], words, [*words, "x"], words[3:], words[::2]):
        memory.turn()
        assert memory.each("key", doubled, items, 2) == tuple(i for i in items for _ in range(2))
    assert asked == [*words, "w4", "x", "w0", "w2"]  # what was not needed is forgotten
    memory.turn()
    assert memory.each("key", doubled, words[::2], 1) == tuple(words[::2])


def test_answers_resume_where_the_items_differ() -> None:
    memory, given = Memory(), []

    def sums(items: object, known: object) -> list[int]:
        assert isinstance(items, tuple) and isinstance(known, list | tuple)
        given.append(len(known))
        return [sum(items[: n + 1]) for n in range(len(items))]

    for items in ([1, 2, 3], [1, 2, 3, 4], [1, 3, 4], [2]):
        memory.turn()
        assert memory.resume("key", sums, items) == [sum(items[: n + 1]) for n in range(len(items))]
    assert given == [0, 3, 1, 0]
