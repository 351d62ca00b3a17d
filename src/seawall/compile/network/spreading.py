"""How flows are spread over targets: a table of slots, into which a hash of the flow points.

Each target has its even share of the slots, and a target that comes or goes moves hardly any but its own, so
that what is told apart by the hash alone (a client's address) mostly stays where it was.
Method: D. Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer", section 3.4.
"""

import hashlib
from collections.abc import Iterator, Sequence

FEWEST_SLOTS, MOST_SLOTS = 64, 8192
_SLOTS_PER_TARGET = 16


def slots(shares: Sequence[tuple[int, Sequence[str]]]) -> list[str]:
    """The target of each slot; a power of two of them, none where nobody has a share.

    shares   weights, and the targets that divide each weight among them
    """
    shares = [(weight, targets) for weight, targets in shares if weight and targets]
    whole = sum(weight for weight, _ in shares)
    if not whole:
        return []
    size = _table_size(sum(len(targets) for _, targets in shares))
    found: list[str] = []
    passed = 0
    for weight, targets in shares:
        passed += weight
        found += _even(targets, size * passed // whole - len(found), size)
    return found


def _table_size(count: int) -> int:
    """For so many targets."""
    size = FEWEST_SLOTS
    while size < min(count * _SLOTS_PER_TARGET, MOST_SLOTS):
        size *= 2
    return size


def _even(targets: Sequence[str], wanted: int, size: int) -> list[str]:
    """The first `wanted` of `size` slots: in turn each target takes its next favourite that is free."""
    table: list[str] = [""] * wanted
    ways = [(target, _favourites(target, size)) for target in sorted(targets)]
    for taken in range(wanted):
        target, way = ways[taken % len(ways)]
        place = next(place for place in way if place < wanted and not table[place])
        table[place] = target
    return table


def _favourites(target: str, size: int) -> Iterator[int]:
    """Every slot once, in an order of the target's own."""
    digest = hashlib.sha256(target.encode()).digest()
    place = int.from_bytes(digest[:8], "big") % size
    step = int.from_bytes(digest[8:16], "big") % size | 1  # odd: it meets every slot of a power of two
    for _ in range(size):
        yield place
        place = (place + step) % size
