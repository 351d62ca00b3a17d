"""Whatever was compiled before: the program is that of the snapshot alone."""

import random
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import IPv4Network

import pytest
from msgspec.structs import replace
from tests.fuzz.worlds import random_world
from tests.packet.world_data import Cloud

from seawall.compile.network import link_local, numbers
from seawall.compile.network.compile_network import compile_network
from seawall.compile.network.contribution import Stand
from seawall.compile.network.memory import Memory
from seawall.compile.network.placement import Placed
from seawall.compile.network.shelving import COUNT, shelf_of
from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.model.internet import LINK_LOCAL_NETWORK
from seawall.model.network_interface import NetworkInterface
from seawall.program.alike import common_ends
from seawall.program.shelves import Shelves

FEWER = (
    "network_interfaces", "security_group_rules", "elastic_ips", "network_acls", "nat_gateways",
    "vpc_peering_connections", "internet_gateways", "prefix_lists", "route_tables", "vpc_endpoints",
)  # fmt: skip
CHANGES = 12
LINK_LOCAL = IPv4Network(LINK_LOCAL_NETWORK)


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
        return (item,) * (times if item != "w7" else 1)

    words = [f"w{n}" for n in range(9)]
    for items in (words, words[:4] + words[5:], words, [*words, "x"], words[3:], words[::2]):
        shelves = Shelves((tuple(items), (), tuple(items[2:])))
        memory.turn()
        found = memory.each("key", doubled, shelves, 2)
        assert found == Memory().each("key", doubled, shelves, 2)
        assert [len(shelf) for shelf in found.shelves] == [
            sum(1 if item == "w7" else 2 for item in shelf) for shelf in shelves.shelves
        ]
        asked.clear()
        assert memory.each("key", doubled, shelves, 2) is found
        assert asked == []
    memory.turn()
    memory.each("key", doubled, Shelves((tuple(words[::2]), ("y",), tuple(words[4::2]))), 2)
    assert asked == ["y"]


def test_resources_on_shelves_are_those_that_there_are() -> None:
    dice = random.Random(3)
    world = random_world(1).network_interfaces
    memory = Memory()
    now: tuple[NetworkInterface, ...] = ()
    for _ in range(50):
        now = tuple(one for one in changed(world, now, dice) if isinstance(one, NetworkInterface))
        memory.turn()
        found = memory.shelved("key", now)
        assert found == Memory().shelved("key", now)
        assert sorted(each.id for each in found) == sorted(each.id for each in now)


def test_numbers_are_told_apart() -> None:
    dice = random.Random(4)
    tally = numbers.Tally()
    told = set()
    for _ in range(300):
        some = Shelves(tuple(tuple(dice.choices(range(30), k=dice.randrange(3))) for _ in range(4)))
        told.add(tally.all_different(some))
        assert tally.all_different(some) == (len(set(some)) == len(some))
    assert told == {True, False}


def test_more_tasks_than_link_local_addresses_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_local, "MOST_TASKS", 20)
    tasks = compile_placed(21)
    assert len(link_local.LinkLocal().addressed(Shelves((tuple(tasks[:20]),)))) == 20
    with pytest.raises(ValueError):
        link_local.LinkLocal().addressed(Shelves((tuple(tasks),)))


def test_link_local_addresses_are_chosen_in_the_order_of_age(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where many are in one another's way."""
    monkeypatch.setattr(link_local, "MOST_TASKS", 60)
    dice = random.Random(5)
    every = compile_placed(50)
    memory = link_local.LinkLocal()
    for _ in range(200):
        some = [each for each in every if dice.random() < 0.9]
        some = [replace(each, number=dice.randrange(99)) if dice.random() < 0.02 else each for each in some]
        tasks = Shelves(tuple(tuple(p for p in some if shelf_of(p.interface.id) == n) for n in range(COUNT)))
        found = memory.addressed(tasks)
        assert found == link_local.LinkLocal().addressed(tasks)
        assert len({address for _, address in found}) == len(some)
        taken: set[str] = set()
        for placed, address in sorted(found, key=lambda pair: link_local._age(pair[0])):
            wanted = [str(LINK_LOCAL[2 + (placed.number + n) % 60]) for n in range(60)]
            assert address == next(each for each in wanted if each not in taken)
            taken.add(address)


def compile_placed(count: int) -> list[Placed]:
    """Tasks' interfaces, most of them attached at the same time."""
    cloud = Cloud()
    vpc = cloud.vpc("a", "10.0.0.0/16")
    subnet = cloud.subnet(vpc, "one", "10.0.0.0/20")
    cloud.group(vpc, "web")
    for number in range(count):
        cloud.task(f"t{number}", subnet, f"10.0.4.{number}", "sg-a-web")
    snapshot = cloud.snapshot()
    stand = Stand(namespace="task", device="eth1")
    return [
        Placed(interface=each, subnet=snapshot.subnets[0], stand=stand, number=place * 7, far_number=place)
        for place, each in enumerate(snapshot.network_interfaces)
    ]
