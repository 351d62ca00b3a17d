"""Small stable numbers for long ids: the same id gets the same number whatever else exists."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

FIRST_INTERFACE = 100_000
LAST_INTERFACE = 2**31 - 1


def assign(
    keys: Iterable[str], first: int, last: int, wishes: Sequence[int] | None = None
) -> Mapping[str, int]:
    """A different number from first..last for each key.

    Each key prefers a number that follows from it alone; only where two meet does the later in order move on.
    Raises ValueError when there are more keys than numbers.

    wishes   of the keys, which then are different ones, as `wish` has them
    """
    names = list(dict.fromkeys(keys)) if wishes is None else list(keys)
    wishes = [wish(name, first, last) for name in names] if wishes is None else wishes
    preferred = dict(zip(names, wishes, strict=True))
    if len(set(wishes)) == len(names):  # nearly always, and then no order matters
        return preferred
    span = last - first + 1
    taken: dict[int, str] = {}
    for key in sorted(names):
        if len(taken) == span:
            raise ValueError(f"more than {span} keys for the numbers {first} to {last}")
        number = preferred[key]
        while number in taken:
            number = first + (number - first + 1) % span
        taken[number] = key
    return {key: number for number, key in taken.items()}


def wish(key: str, first: int, last: int) -> int:
    """The number that a key prefers."""
    return first + _digest(key) % (last - first + 1)


def mac_address(key: str) -> str:
    """A locally administered unicast address that follows from the key."""
    octets = _digest(key).to_bytes(32, "big")[:5]
    return ":".join(f"{octet:02x}" for octet in (0x06, *octets))


@lru_cache(maxsize=1 << 17)
def _digest(key: str) -> int:
    return int.from_bytes(hashlib.sha256(key.encode()).digest(), "big")
