"""Forget the tracked flows of an address that was released: its next owner must not inherit them."""

import socket
import struct
from collections.abc import Iterable

from seawall.host.network.netlink import Message, NetlinkSocket, nested, number
from seawall.host.network.rtnetlink import ipv4

NETLINK_NETFILTER = 12
_DELETE = 1 << 8 | 2  # NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_DELETE
_FILTER, _FILTER_ORIGINAL, _FILTER_REPLY = 25, 1, 2
_TUPLE_ADDRESSES = 1
_HEADER = struct.pack("=BBH", socket.AF_INET, 1, 0)  # version 1: the family counts


def forget_flows(netfilter: NetlinkSocket, addresses: Iterable[str]) -> None:
    """Delete every entry that has one of the addresses at any of its four places.  Raises NetlinkError.

    netfilter   a NETLINK_NETFILTER socket in the namespace
    """
    for refusal in netfilter.send([m for address in sorted(addresses) for m in _deletions(address)]):
        raise refusal


def _deletions(address: str) -> Iterable[Message]:
    for direction in (_FILTER_ORIGINAL, _FILTER_REPLY):  # also the numbers of the two tuples
        for place in (1, 2):  # source, destination
            flags = number(direction, place) + number(3 - direction, 0)
            body = nested(direction, nested(_TUPLE_ADDRESSES, _address(place, address)))
            body += nested(_FILTER, flags)
            yield Message(_DELETE, 0, _HEADER + body, f"flows of {address}")


def _address(kind: int, address: str) -> bytes:
    """An address attribute: network byte order."""
    return struct.pack("=HH", 8, kind) + ipv4(address)
