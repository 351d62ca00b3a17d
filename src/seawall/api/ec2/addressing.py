"""Claiming addresses: private ones inside a subnet, public ones from the pool of the world's internet.

Addresses are given out in turn: the next free one after the one claimed last, starting over at the end.  A
released address so rests as long as possible before somebody else gets it, and what others still remember of
its last holder (connections, DNS answers) does not hit a newcomer.
"""

from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network
from itertools import chain

from seawall.model.address_cursor import AddressCursor
from seawall.model.elastic_ip import ElasticIp
from seawall.model.internet import PUBLIC_POOL
from seawall.model.network_interface import NetworkInterface
from seawall.model.subnet import Subnet
from seawall.store.store import Reader, Transaction
from seawall.wire.errors import ApiError

RESERVED_AT_START = 4  # network, router, resolver, future use; and the last address of the subnet
RESERVED = RESERVED_AT_START + 1


def claim_private_address(txn: Transaction, subnet: Subnet, wanted: IPv4Address | None = None) -> str:
    """An address of `subnet` that no interface holds: `wanted`, or the next in turn.

    The claim stands once an interface with this address is put in the same transaction.
    Raises ApiError InsufficientFreeAddressesInSubnet; for `wanted`, InvalidParameterValue when it is not
    the subnet's to give and InvalidIPAddress.InUse when it is taken.
    """
    network = IPv4Network(subnet.cidr_block)
    first = int(network.network_address) + RESERVED_AT_START
    last = int(network.broadcast_address) - 1
    taken = _private_addresses(txn, subnet)
    if wanted is not None:
        return _claim_wanted(wanted, first, last, taken)
    found = _next_free(first, last, _cursor(txn, subnet.id), taken)
    if found is None:
        raise ApiError(
            "InsufficientFreeAddressesInSubnet",
            "The specified subnet does not have enough free addresses to satisfy the request.",
        )
    txn.put(AddressCursor(id=subnet.id, last=found))
    return found


def free_address_count(reader: Reader, subnet: Subnet) -> int:
    """How many addresses `subnet` can still give: AvailableIpAddressCount."""
    size = IPv4Network(subnet.cidr_block).num_addresses - RESERVED
    return size - len(_private_addresses(reader, subnet))


def claim_public_address(txn: Transaction) -> str:
    """A public address that nobody holds.  Raises ApiError InsufficientAddressCapacity when all are taken."""
    network = IPv4Network(PUBLIC_POOL)
    first, last = int(network.network_address) + 1, int(network.broadcast_address) - 1
    taken = {address.public_ip for address in txn.all(ElasticIp)}
    taken |= {i.association.public_ip for i in txn.all(NetworkInterface) if i.association}
    found = _next_free(first, last, _cursor(txn, "public"), taken)
    if found is None:
        raise ApiError(
            "InsufficientAddressCapacity", "Not enough available addresses to satisfy your request."
        )
    txn.put(AddressCursor(id="public", last=found))
    return found


def _claim_wanted(wanted: IPv4Address, first: int, last: int, taken: Collection[str]) -> str:
    if not first - RESERVED_AT_START <= int(wanted) <= last + 1:
        raise ApiError("InvalidParameterValue", "Address does not fall within the subnet's address range")
    if not first <= int(wanted) <= last:
        raise ApiError("InvalidParameterValue", "Address is in subnet's reserved address range")
    if str(wanted) in taken:
        raise ApiError("InvalidIPAddress.InUse", f"Address {wanted} is in use.")
    return str(wanted)


def _private_addresses(reader: Reader, subnet: Subnet) -> set[str]:
    interfaces = reader.referrers(NetworkInterface, subnet.ref)
    return {address for interface in interfaces for address in interface.private_ip_addresses}


def _cursor(reader: Reader, id: str) -> int:
    cursor = reader.find(AddressCursor, id)
    return int(IPv4Address(cursor.last)) if cursor else 0


def _next_free(first: int, last: int, after: int, taken: Collection[str]) -> str | None:
    """The first address in (after, last], then in [first, after], that is not taken."""
    start = after + 1 if first <= after < last else first
    for candidate in chain(range(start, last + 1), range(first, start)):
        address = str(IPv4Address(candidate))
        if address not in taken:
            return address
    return None
