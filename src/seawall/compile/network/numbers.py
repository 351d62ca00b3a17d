"""Small stable numbers for long ids: the same id gets the same number whatever else exists."""

import hashlib
from collections.abc import Iterable, Mapping
from functools import lru_cache

FIRST_INTERFACE = 100_000
LAST_INTERFACE = 2**31 - 1


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
        offset = _digest(key) % span
        while offset in taken:
            offset = (offset + 1) % span
        taken[offset] = key
    return {key: first + offset for offset, key in taken.items()}


def mac_address(key: str) -> str:
    """A locally administered unicast address that follows from the key."""
    octets = _digest(key).to_bytes(32, "big")[:5]
    return ":".join(f"{octet:02x}" for octet in (0x06, *octets))


@lru_cache(maxsize=1 << 17)
def _digest(key: str) -> int:
    return int.from_bytes(hashlib.sha256(key.encode()).digest(), "big")
