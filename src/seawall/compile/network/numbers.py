"""Small stable numbers for long ids: the same id gets the same number whatever else exists."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

import msgspec

from seawall.program.shelves import Shelves, differing

FIRST_INTERFACE = 100_000
LAST_INTERFACE = 2**31 - 1


class Numbers(msgspec.Struct, frozen=True):
    """The number of each device: the one its key wishes for, but for those that had to move on."""

    moved: Mapping[str, int] = {}

    def __getitem__(self, key: str) -> int:
        return self.moved[key] if key in self.moved else wish(key)


def assign(keys: Iterable[str], first: int, last: int) -> Mapping[str, int]:
    """A different number from first..last for each key.

    Each key prefers a number that follows from it alone; only where two meet does the later in order move on.
    Raises ValueError when there are more keys than numbers.
    """
    span = last - first + 1
    taken: dict[int, str] = {}
    for key in sorted(set(keys)):
        if len(taken) == span:
            raise ValueError(f"more than {span} keys for the numbers {first} to {last}")
        offset = _offset(key, span)
        while offset in taken:
            offset = (offset + 1) % span
        taken[offset] = key
    return {key: first + offset for offset, key in taken.items()}


class Tally:
    """Of numbers on shelves: whether no two are the same, followed from one time to the next."""

    def __init__(self) -> None:
        self._numbers: Shelves[int] = Shelves()
        self._counts: Counter[int] = Counter()

    def all_different(self, numbers: Shelves[int]) -> bool:
        gone, come = differing(self._numbers, numbers)
        self._numbers = numbers
        self._counts.update(come)
        self._counts.subtract(gone)
        for number in gone:
            if not self._counts[number]:
                del self._counts[number]
        return len(self._counts) == len(numbers)


def number_devices(as_wished: bool, keys: Callable[[], Iterable[str]]) -> Numbers:
    """The keys are only looked at where not all can have the number they wish for."""
    if as_wished:
        return Numbers()
    known = assign(keys(), FIRST_INTERFACE, LAST_INTERFACE)
    return Numbers({key: number for key, number in known.items() if number != wish(key)})


def wish(key: str) -> int:
    """The device number that a key prefers."""
    return FIRST_INTERFACE + _offset(key, LAST_INTERFACE - FIRST_INTERFACE + 1)


def mac_address(key: str) -> str:
    """A locally administered unicast address that follows from the key."""
    octets = _digest(key).to_bytes(32, "big")[:5]
    return ":".join(f"{octet:02x}" for octet in (0x06, *octets))


def _offset(key: str, span: int) -> int:
    return _digest(key) % span


@lru_cache(maxsize=1 << 17)
def _digest(key: str) -> int:
    return int.from_bytes(hashlib.sha256(key.encode()).digest(), "big")
