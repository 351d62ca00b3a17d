"""Long sequences on shelves: a change makes one shelf anew, and all others stay the very same objects.

So it costs what a shelf costs to bring about a change, and to find it again.
"""

from collections.abc import Iterator
from itertools import chain, compress, zip_longest
from operator import is_not
from typing import Generic, TypeVar, Union

import msgspec

from seawall.program.alike import unlike

_T = TypeVar("_T")


class Shelves(msgspec.Struct, Generic[_T], frozen=True, gc=False):
    """Read by going through it, as a tuple is."""

    shelves: tuple[tuple[_T, ...], ...] = ()

    def __iter__(self) -> Iterator[_T]:
        return chain.from_iterable(self.shelves)

    def __len__(self) -> int:
        return sum(map(len, self.shelves))


Series = Union[tuple[_T, ...], Shelves[_T]]  # noqa: UP007 - an alias with a parameter


def shelves_of(series: Series[_T]) -> tuple[tuple[_T, ...], ...]:
    """A tuple is one shelf."""
    return series.shelves if isinstance(series, Shelves) else (series,)


def joined(*some: Series[_T]) -> Shelves[_T]:
    """One after the other."""
    return Shelves(tuple(chain.from_iterable(map(shelves_of, some))))


def replaced(series: Shelves[_T], shelves: dict[int, tuple[_T, ...]]) -> Shelves[_T]:
    """With other shelves in some places."""
    found = list(series.shelves)
    for place, shelf in shelves.items():
        found[place] = shelf
    return Shelves(tuple(found))


def other_shelves(old: Series[_T], new: Series[_T]) -> list[int]:
    """The places where the two have not the very same shelf."""
    before, after = shelves_of(old), shelves_of(new)
    if len(before) != len(after):
        missing = zip_longest(before, after)
        return [place for place, (one, other) in enumerate(missing) if one is not other]
    return list(compress(range(len(after)), map(is_not, before, after)))


def differing(old: Series[_T], new: Series[_T]) -> tuple[list[_T], list[_T]]:
    """What is in one of the two only: of each pair of shelves without what they begin and end with alike, and
    without the very same objects in between.
    """
    gone: list[_T] = []
    come: list[_T] = []
    if old is not new:
        before, after = shelves_of(old), shelves_of(new)
        for place in other_shelves(old, new):
            less, more = unlike(_shelf(before, place), _shelf(after, place))
            gone += less
            come += more
    return gone, come


def _shelf(shelves: tuple[tuple[_T, ...], ...], place: int) -> tuple[_T, ...]:
    return shelves[place] if place < len(shelves) else ()
