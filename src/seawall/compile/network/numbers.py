"""Small stable numbers for long ids: the same id gets the same number whatever else exists."""

import hashlib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import repeat

FIRST_INTERFACE = 100_000
LAST_INTERFACE = 2**31 - 1


def assign(keys: Iterable[str], first: int, last: int) -> Mapping[str, int]:
    """A different number from first..last for each key.

    Each key prefers a number that follows from it alone; only where two meet does the later in order move on.
    Raises ValueError when there are more keys than numbers.
    """
    names = dict.fromkeys(keys)
    span = last - first + 1
    preferred = dict(zip(names, map(_preference, names, repeat(first), repeat(span)), strict=True))
    if len(set(preferred.values())) == len(names):  # nearly always, and then no order matters
        return preferred
    taken: dict[int, str] = {}
    for key in sorted(names):
        if len(taken) == span:
            raise ValueError(f"more than {span} keys for the numbers {first} to {last}")
        number = preferred[key]
        while number in taken:
            number = first + (number - first + 1) % span
        taken[number] = key
    return {key: number for number, key in taken.items()}


def mac_address(key: str) -> str:
    """A locally administered unicast address that follows from the key."""
    octets = _digest(key).to_bytes(32, "big")[:5]
    return ":".join(f"{octet:02x}" for octet in (0x06, *octets))


@lru_cache(maxsize=1 << 17)
def _preference(key: str, first: int, span: int) -> int:
    return first + _digest(key) % span


def _digest(key: str) -> int:
    return int.from_bytes(hashlib.sha256(key.encode()).digest(), "big")
