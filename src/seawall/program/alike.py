"""Where two long sequences differ that are mostly alike."""

from collections.abc import Callable, Container, Sequence
from itertools import compress
from typing import Any, TypeVar

_T = TypeVar("_T")


def common_ends(old: Sequence[Any], new: Sequence[Any]) -> tuple[int, int]:
    """How many items two sequences of one type begin with alike, and how many of the rest they end with."""
    shorter = min(len(old), len(new))
    first = _reach(shorter, lambda low, high: old[low:high] == new[low:high])
    last = _reach(
        shorter - first,
        lambda low, high: old[len(old) - high : len(old) - low] == new[len(new) - high : len(new) - low],
    )
    return first, last


def unlike(old: Sequence[_T], new: Sequence[_T]) -> tuple[Sequence[_T], Sequence[_T]]:
    """Two sequences of one type without what they begin with and end with alike, and without the very same
    objects in between.
    """
    if old is new:
        return (), ()
    first, last = common_ends(old, new)
    gone, come = old[first : len(old) - last], new[first : len(new) - last]
    before, after = set(map(id, gone)), set(map(id, come))
    if before.isdisjoint(after):
        return gone, come
    other = before ^ after
    return _of_ids(gone, other), _of_ids(come, other)


def _of_ids(items: Sequence[_T], ids: Container[int]) -> list[_T]:
    return list(compress(items, map(ids.__contains__, map(id, items))))


def _reach(length: int, alike: Callable[[int, int], bool]) -> int:
    """How far it goes on alike.  Whole stretches are compared at once: that is many times as quick."""
    low, high = 0, length
    while low < high:
        middle = (low + high + 1) // 2
        if alike(low, middle):
            low = middle
        else:
            high = middle - 1
    return low
