"""Overlapping boxes cut into disjoint ones: a rule matches a box of addresses, protocols and services.

Interval sets take no overlaps, and each piece has to say which boxes it came from.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

Range = tuple[int, int]  # first and last, both included


class Box(NamedTuple):
    """`tag` says whose box it is; it has an order."""

    addresses: Range
    protocols: Range
    services: Range
    tag: str


class Piece(NamedTuple):
    """`tags` are those of all boxes that cover the piece, in the order of the boxes."""

    addresses: Range
    protocols: Range
    services: Range
    tags: tuple[str, ...]


def disjoint(boxes: Sequence[Box]) -> list[Piece]:
    """Pieces that cover exactly what the boxes cover.  Neighbouring pieces differ in their tags."""
    pieces: list[Piece] = []
    for protocols, alike in _cut([(box.protocols, box) for box in boxes]):
        for services, within in _cut([(box.services, box) for box in alike]):
            for addresses, covering in _cut([(box.addresses, box) for box in within]):
                tags = tuple(dict.fromkeys(box.tag for box in covering))
                piece = Piece(addresses, protocols, services, tags)
                if pieces and _touch(pieces[-1], piece):
                    piece = piece._replace(addresses=(pieces.pop().addresses[0], addresses[1]))
                pieces.append(piece)
    return pieces


def _touch(one: Piece, next: Piece) -> bool:
    return one.addresses[1] + 1 == next.addresses[0] and one[1:] == next[1:]


def _cut(ranges: Iterable[tuple[Range, Box]]) -> list[tuple[Range, list[Box]]]:
    """The line cut wherever a range begins or ends: each stretch with the boxes over it, none if there are
    none.  Neighbours with the same boxes are one."""
    starts: dict[int, list[int]] = {}
    ends: dict[int, list[int]] = {}
    boxes = []
    for index, ((first, last), box) in enumerate(ranges):
        boxes.append(box)
        starts.setdefault(first, []).append(index)
        ends.setdefault(last + 1, []).append(index)
    points = sorted(starts.keys() | ends.keys())
    active: set[int] = set()
    found: list[tuple[Range, list[Box]]] = []
    for here, there in pairwise(points):
        active.difference_update(ends.get(here, ()))
        active.update(starts.get(here, ()))
        if not active:
            continue
        over = [boxes[index] for index in sorted(active)]
        if found and found[-1][0][1] == here - 1 and found[-1][1] == over:
            found[-1] = (found[-1][0][0], there - 1), over
        else:
            found.append(((here, there - 1), over))
    return found
