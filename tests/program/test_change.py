"""What differs between two programs, told and put together again."""

from typing import TypeVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from seawall.program.change import HostChange, changed, changed_host, difference, host_change
from seawall.program.host import HostProgram
from seawall.program.network import Element, ElementSet, Namespace, NetworkProgram, PacketPolicy, Route
from seawall.program.shelves import Series, Shelves, joined, other_shelves, replaced

T = TypeVar("T")

words = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 2)), unique_by=lambda w: w[0]).map(
    tuple
)


def key(word: tuple[str, int]) -> str:
    return word[0]


@given(words, words)
def test_any_tuple_from_any_other(old: tuple[tuple[str, int], ...], new: tuple[tuple[str, int], ...]) -> None:
    told = difference(old, new, key)
    assert changed(old, told, key) == new
    assert (told is None) == (old == new)


def shelves(items: list[T]) -> Series[T]:
    """On none, or on one to three."""
    count = len(items) % 4
    return Shelves(tuple(tuple(items[n::count]) for n in range(count))) if count else tuple(items)


elements = st.lists(
    st.tuples(st.integers(0, 9), st.sampled_from(["0x1", "0x2"])), unique_by=lambda pair: pair[0]
).map(lambda pairs: shelves([Element(key=str(key), value=value) for key, value in pairs]))
sets = st.lists(
    st.builds(ElementSet, name=st.sampled_from("st"), key=st.just(("mark",)), elements=elements),
    unique_by=lambda contents: contents.name,
    max_size=2,
).map(tuple)
routes = st.lists(
    st.builds(Route, destination=st.sampled_from(["10.0.0.0/8", "::/0"]), table=st.integers(1, 2)),
    unique_by=lambda route: (route.table, route.destination),
).map(shelves)
namespaces = st.lists(
    st.builds(
        Namespace,
        name=st.sampled_from("xyz"),
        owned=st.booleans(),
        routes=routes,
        policy=st.none() | st.builds(PacketPolicy, skeleton=st.just("chain c {}"), sets=sets),
    ),
    unique_by=lambda namespace: namespace.name,
    max_size=3,
).map(shelves)


def program(revision: int, found: Series[Namespace]) -> HostProgram:
    return HostProgram(revision=revision, network=NetworkProgram(namespaces=found))


@given(namespaces, namespaces)
def test_any_program_from_any_other_over_the_wire(old: Series[Namespace], new: Series[Namespace]) -> None:
    change = host_change(program(1, old), program(2, new))
    told = msgspec.msgpack.decode(msgspec.msgpack.encode(change), type=HostChange)
    assert changed_host(program(1, old), told) == program(2, new)


def test_what_did_not_change_stays_the_same_object_and_is_not_sent() -> None:
    many = ElementSet(name="many", key=("mark",), elements=tuple(Element(key=str(n)) for n in range(1000)))
    few = ElementSet(name="few", key=("mark",))
    table = Namespace(name="v", policy=PacketPolicy(skeleton="", sets=(many, few)))
    other = Namespace(name="w")
    old = program(1, (table, other))
    more = replace(few, elements=(Element(key="7"),))
    after = replace(table, policy=PacketPolicy(skeleton="", sets=(many, more)))
    change = host_change(old, program(2, (after, other)))
    assert len(msgspec.msgpack.encode(change)) < 300
    found = tuple(changed_host(old, change).network.namespaces)
    assert found[0].policy is not None
    assert found[0].policy.sets[0] is many
    assert found[0].policy.sets[1] == more
    assert found[1] is other


def test_shelves_that_did_not_change_stay_the_same_objects_and_are_not_sent() -> None:
    tasks = Shelves(tuple((Namespace(name=f"task-{n}"),) for n in range(100)))
    links = Shelves(((), (Route(destination="10.0.0.1/32"),), (Route(destination="10.0.0.2/32"),)))
    old = program(1, joined((Namespace(name="v", routes=links),), tasks))
    more = Namespace(name="v", routes=replaced(links, {0: (Route(destination="10.0.0.3/32"),)}))
    new = program(2, joined((more,), replaced(tasks, {7: ()})))
    change = host_change(old, new)
    assert len(msgspec.msgpack.encode(change)) < 400
    found = changed_host(old, change).network.namespaces
    assert found == new.network.namespaces
    assert isinstance(found, Shelves)
    assert other_shelves(old.network.namespaces, found) == [0, 8]
    assert other_shelves(links, found.shelves[0][0].routes) == [0]


def test_a_change_fits_one_revision_only() -> None:
    change = host_change(program(1, ()), program(2, ()))
    with pytest.raises(LookupError):
        changed_host(program(3, ()), change)
