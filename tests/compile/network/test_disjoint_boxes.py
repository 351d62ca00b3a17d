"""Boxes cut apart cover what they covered, once, and know from whom."""

from hypothesis import given
from hypothesis import strategies as st

from seawall.compile.network.boxes import Box, disjoint
from seawall.compile.network.memory import Memory

SIZE = 6


def ranges() -> st.SearchStrategy[tuple[int, int]]:
    ends = st.tuples(st.integers(0, SIZE), st.integers(0, SIZE))
    return ends.map(lambda pair: (min(pair), max(pair)))


boxes = st.lists(st.builds(Box, ranges(), ranges(), ranges(), st.sampled_from("abcd")), max_size=7)


def holds(box: Box, point: tuple[int, int, int]) -> bool:
    spans = box.addresses, box.protocols, box.services
    return all(first <= at <= last for (first, last), at in zip(spans, point, strict=True))


@given(boxes)
def test_every_point_lies_in_one_piece_that_names_all_its_boxes(given_boxes: list[Box]) -> None:
    pieces = disjoint(given_boxes)
    points = [(a, p, s) for a in range(SIZE + 1) for p in range(SIZE + 1) for s in range(SIZE + 1)]
    for point in points:
        tags = tuple(dict.fromkeys(box.tag for box in given_boxes if holds(box, point)))
        found = [piece.tags for piece in pieces if holds(Box(*piece[:3], tag=""), point)]
        assert found == ([tags] if tags else [])


@given(boxes)
def test_neighbours_are_joined(given_boxes: list[Box]) -> None:
    pieces = disjoint(given_boxes)
    ends = {(p.protocols, p.services, p.addresses[1] + 1): p.tags for p in pieces}
    for piece in pieces:
        assert ends.get((piece.protocols, piece.services, piece.addresses[0])) != piece.tags


def test_memory_hands_out_the_same_object_until_something_differs() -> None:
    memory, calls = Memory(), []

    def double(values: tuple[int, ...]) -> list[int]:
        calls.append(values)
        return [value * 2 for value in values]

    def outer(values: tuple[int, ...]) -> list[list[int]]:
        return [memory.recall(("inner", value), double, (value,)) for value in values]

    def compile(*values: int) -> list[list[int]]:
        memory.turn()
        return memory.recall("outer", outer, values)

    first = compile(1, 2)
    assert compile(1, 2) is first and calls == [(1,), (2,)]
    assert compile(1, 2) is first
    second = compile(1, 3)  # what an unchanged answer was made from is still known
    assert second[0] is first[0] and calls == [(1,), (2,), (3,)]
    compile(1, 3)
    compile(1, 2)  # the two was forgotten
    assert calls == [(1,), (2,), (3,), (2,)]


def test_an_equal_answer_stays_the_same_object() -> None:
    memory = Memory()
    first = memory.recall("sorted", sorted, (2, 1))
    memory.turn()
    assert memory.recall("sorted", sorted, [1, 2]) is first
    memory.turn()
    assert memory.same("list", [1]) is memory.same("list", [1])
