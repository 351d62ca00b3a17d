"""Claiming addresses: private ones inside a subnet, public ones from the pool of the world's internet.

Addresses are given out in turn: the next free one after the one claimed last, starting over at the end.  A
released address so rests as long as possible before somebody else gets it, and what others still remember of
its last holder (connections, DNS answers) does not hit a newcomer.  IPv6 has room enough to draw lots.
"""

import secrets
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from itertools import chain, islice

from seawall.model.address_cursor import AddressCursor
from seawall.model.internet import PUBLIC_POOL
from seawall.model.resource import Ref
from seawall.model.subnet import Subnet
from seawall.store.store import Reader, Transaction
from seawall.wire.errors import ApiError

RESERVED_AT_START = 4  # network, router, resolver, future use; and the last address of the subnet
RESERVED = RESERVED_AT_START + 1
_PROBES = 8  # addresses looked at one by one before all claims are read


def claim_private_address(
    txn: Transaction, subnet: Subnet, wanted: IPv4Address | None = None, *, but: Sequence[str] = ()
) -> str:
    """An address of `subnet` that no interface holds: `wanted`, or the next in turn; none of `but`.

    The claim stands once an interface with this address is put in the same transaction.
    Raises ApiError InsufficientFreeAddressesInSubnet; for `wanted`, InvalidParameterValue when it is not
    the subnet's to give and InvalidIPAddress.InUse when it is taken.
    """
    network = IPv4Network(subnet.cidr_block)
    first = int(network.network_address) + RESERVED_AT_START
    last = int(network.broadcast_address) - 1
    if wanted is not None:
        _check_wanted(wanted, first, last)
        return _unclaimed(txn, Ref("private_address", f"{subnet.id}/{wanted}"), wanted)
    claims = f"{subnet.id}/"
    found = _next_free(txn, "private_address", claims, first, last, _cursor(txn, subnet.id), but)
    if found is None:
        raise ApiError(
            "InsufficientFreeAddressesInSubnet",
            "The specified subnet does not have enough free addresses to satisfy the request.",
        )
    txn.put(AddressCursor(id=subnet.id, last=found))
    return found


def claim_ipv6_address(
    reader: Reader, subnet: Subnet, wanted: IPv6Address | None = None, *, but: Sequence[str] = ()
) -> str:
    """An IPv6 address of `subnet` that no interface holds: `wanted`, or any; none of `but`.

    Raises ApiError InvalidParameterValue (the subnet has no block, or `wanted` is not in it) and
    InvalidIPAddress.InUse.
    """
    if subnet.ipv6_cidr_block is None:
        raise ApiError(
            "InvalidParameterValue", f"The subnet '{subnet.id}' does not have an associated IPv6 CIDR block."
        )
    network = IPv6Network(subnet.ipv6_cidr_block)
    first = int(network.network_address) + RESERVED_AT_START
    last = int(network.broadcast_address) - 1
    if wanted is not None:
        _check_wanted(wanted, first, last)
        return _unclaimed(reader, Ref("ipv6_address", f"{subnet.id}/{wanted}"), wanted)
    while True:
        found = str(IPv6Address(first + secrets.randbelow(last + 1 - first)))
        if found not in but and not reader.claimed(Ref("ipv6_address", f"{subnet.id}/{found}")):
            return found


def free_address_count(reader: Reader, subnet: Subnet) -> int:
    """How many IPv4 addresses `subnet` can still give: AvailableIpAddressCount."""
    size = IPv4Network(subnet.cidr_block).num_addresses - RESERVED
    return size - reader.claim_count("private_address", f"{subnet.id}/")


def claim_public_address(txn: Transaction) -> str:
    """A public address that nobody holds.  Raises ApiError InsufficientAddressCapacity when all are taken."""
    network = IPv4Network(PUBLIC_POOL)
    first, last = int(network.network_address) + 1, int(network.broadcast_address) - 1
    found = _next_free(txn, "public_address", "", first, last, _cursor(txn, "public"))
    if found is None:
        raise ApiError(
            "InsufficientAddressCapacity", "Not enough available addresses to satisfy your request."
        )
    txn.put(AddressCursor(id="public", last=found))
    return found


def _check_wanted(wanted: IPv4Address | IPv6Address, first: int, last: int) -> None:
    if not first - RESERVED_AT_START <= int(wanted) <= last + 1:
        raise ApiError("InvalidParameterValue", "Address does not fall within the subnet's address range")
    if not first <= int(wanted) <= last:
        raise ApiError("InvalidParameterValue", "Address is in subnet's reserved address range")


def _unclaimed(reader: Reader, claim: Ref, wanted: IPv4Address | IPv6Address) -> str:
    if reader.claimed(claim):
        raise ApiError("InvalidIPAddress.InUse", f"Address {wanted} is in use.")
    return str(wanted)


def _cursor(reader: Reader, id: str) -> int:
    cursor = reader.find(AddressCursor, id)
    return int(IPv4Address(cursor.last)) if cursor else 0


def _next_free(
    reader: Reader, kind: str, prefix: str, first: int, last: int, after: int, but: Sequence[str] = ()
) -> str | None:
    """The first address in (after, last], then in [first, after], that is not claimed.

    The next address is free nearly always; only where it is not are all claims read.
    """
    start = after + 1 if first <= after < last else first
    candidates = (str(IPv4Address(n)) for n in chain(range(start, last + 1), range(first, start)))
    candidates = (address for address in candidates if address not in but)
    for address in islice(candidates, _PROBES):
        if not reader.claimed(Ref(kind, prefix + address)):
            return address
    taken = reader.claims(kind, prefix)
    return next((address for address in candidates if prefix + address not in taken), None)
