"""Blocks of both families as ranges of numbers, and back as nft and the kernel write them."""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_network

from seawall.compile.network.boxes import Range

FAMILIES = (4, 6)
EVERY_ADDRESS = {4: (0, 2**32 - 1), 6: (0, 2**128 - 1)}
ADDRESS_TYPE = {4: "ipv4_addr", 6: "ipv6_addr"}


@lru_cache(maxsize=1 << 16)
def block_range(block: str) -> tuple[int, Range]:
    """The family of a block (or a single address), and its first and last address."""
    network = ip_network(block)
    return network.version, (int(network.network_address), int(network.broadcast_address))


def family(text: str) -> int:
    """4 or 6, for an address, a block or a range."""
    return 6 if ":" in text else 4


def range_text(version: int, span: Range) -> str:
    """One address, a block where the range is one, else FIRST-LAST."""
    first, last = span
    address = IPv4Address if version == 4 else IPv6Address
    if first == last:
        return str(address(first))
    size = last - first + 1
    if size & (size - 1) == 0 and first % size == 0:
        length = (32 if version == 4 else 128) - (size.bit_length() - 1)
        return f"{address(first)}/{length}"
    return f"{address(first)}-{address(last)}"


def without(version: int, blocks: Iterable[str]) -> tuple[str, ...]:
    """Every address of a family but those of some blocks, as ranges."""
    start, end = EVERY_ADDRESS[version]
    left = []
    for first, last in sorted(block_range(b)[1] for b in blocks if family(b) == version):
        if first > start:
            left.append((start, first - 1))
        start = max(start, last + 1)
    if start <= end:
        left.append((start, end))
    return tuple(range_text(version, span) for span in left)
