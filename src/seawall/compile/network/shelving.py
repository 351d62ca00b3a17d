"""Which shelf a thing is on follows from its id; on a shelf they stand in the order of ids."""

from collections.abc import Sequence
from operator import attrgetter
from typing import TypeVar
from zlib import crc32

from seawall.model.resource import Resource
from seawall.program.alike import common_ends
from seawall.program.shelves import Shelves

_R = TypeVar("_R", bound=Resource)

COUNT = 32
_ID = attrgetter("id")


def shelf_of(id: str) -> int:
    return crc32(id.encode()) % COUNT


def shelved(old: Sequence[_R], shelves: Shelves[_R], new: Sequence[_R]) -> Shelves[_R]:
    """`new` on shelves, from `old` and its own: nothing is done about what both begin and end with."""
    first, last = common_ends(old, new)
    gone = {resource.id for resource in old[first : len(old) - last]}
    come: dict[int, list[_R]] = {shelf_of(id): [] for id in gone}
    for resource in new[first : len(new) - last]:
        come.setdefault(shelf_of(resource.id), []).append(resource)
    kept = shelves.shelves or ((),) * COUNT
    return Shelves(
        tuple(
            tuple(sorted((*(r for r in shelf if r.id not in gone), *come[index]), key=_ID))
            if index in come
            else shelf
            for index, shelf in enumerate(kept)
        )
    )
