"""Forget tracked flows that lost their ground: of a released address, its next owner must not inherit any."""

import socket
import struct
from collections.abc import Iterable, Iterator

from seawall.host.network.netlink import Message, NetlinkSocket, attribute, attributes, nested, number
from seawall.host.network.releases import ALL_PORTS, Release
from seawall.host.network.rtnetlink import family_of, packed

NETLINK_NETFILTER = 12
_GET, _DELETE = 1 << 8 | 1, 1 << 8 | 2  # NFNL_SUBSYS_CTNETLINK
_ORIGINAL, _REPLY, _MARK, _ID, _ZONE, _FILTER = 1, 2, 8, 12, 18, 25  # CTA_*
_ADDRESSES, _PROTOCOL = 1, 2  # CTA_TUPLE_*
_SOURCE, _DESTINATION = 1, 2  # places in a tuple; CTA_FILTER_FLAG_* have the same numbers
_NUMBER, _DESTINATION_PORT = 1, 3  # CTA_PROTO_*
_TYPE_AND_CODE = ((5, 6), (8, 9))  # of ICMP, of ICMPv6
_BY_NUMBER = 8  # CTA_FILTER_FLAG(CTA_PROTO_NUM)
_VERSION = 1  # of the messages: the family counts
MOST_LOOKS = (
    8  # the kernel goes through its whole table for each filter; with more, once through all is quicker
)


def forget_flows(netfilter: NetlinkSocket, releases: Iterable[Release]) -> None:
    """Delete the entries of these flows, in whichever namespace the socket is.  Raises NetlinkError.

    netfilter   a NETLINK_NETFILTER socket
    """
    messages: list[Message] = []
    of_four, of_six = [], []
    for release in sorted(releases):
        if family_of(release.address) == socket.AF_INET6:
            of_six.append(release)
        elif release.way == "address":
            messages += _deletions(release.address)
        else:
            of_four.append(release)
    if len(of_four) > MOST_LOOKS:
        messages += _among_all(netfilter, socket.AF_INET, of_four)
    else:
        messages += [_deletion(flow, release) for release in of_four for flow in _flows(netfilter, release)]
    # Kernels up to 6.18 at least take a filter for an IPv6 address for its opposite: look at every flow.
    messages += _among_all(netfilter, socket.AF_INET6, of_six)
    for refusal in netfilter.send(messages):
        raise refusal


def _deletions(address: str) -> Iterator[Message]:
    """Every entry that has the address at any of its four places."""
    for direction in (_ORIGINAL, _REPLY):
        for place in (_SOURCE, _DESTINATION):
            body = _header(socket.AF_INET) + _at(direction, place, address, 0)
            yield Message(_DELETE, 0, body, f"flows of {address}")


def _flows(netfilter: NetlinkSocket, release: Release) -> list[bytes]:
    """Where a flow goes to is what its answers come from: the address behind any translation."""
    first, last = release.protocols
    direction = _REPLY if release.way == "to" else _ORIGINAL
    body = _header(socket.AF_INET)
    body += _at(direction, _SOURCE, release.address, first if first == last else 0)
    return [
        entry
        for _, entry in netfilter.dump(_GET, body)
        if not _is_marked(found := attributes(entry[4:]))
        and _falls_under(attributes(found[_ORIGINAL]), release)
    ]


def _among_all(netfilter: NetlinkSocket, family: int, releases: Iterable[Release]) -> Iterator[Message]:
    """By looking at every flow of the family once."""
    place = 2 if family == socket.AF_INET6 else 0
    wanted: dict[bytes, list[Release]] = {}
    for release in releases:
        wanted.setdefault(packed(release.address), []).append(release)
    for _, entry in netfilter.dump(_GET, _header(family)) if wanted else ():
        found = attributes(entry[4:])
        original, reply = attributes(found[_ORIGINAL]), attributes(found[_REPLY])
        sent, answered = attributes(original[_ADDRESSES]), attributes(reply[_ADDRESSES])
        for way, addresses in (
            ("from", {sent[_SOURCE + place]}),
            ("to", {answered[_SOURCE + place]}),
            ("address", {*sent.values(), *answered.values()}),
        ):
            for release in (r for address in addresses for r in wanted.get(address, ())):
                spared = way != "address" and _is_marked(found)
                if release.way == way and not spared and _falls_under(original, release):
                    yield _deletion(entry, release)


def _is_marked(found: dict[int, bytes]) -> bool:
    return any(found.get(_MARK, b""))


def _falls_under(original: dict[int, bytes], release: Release) -> bool:
    protocol = attributes(original[_PROTOCOL])
    if not release.protocols[0] <= protocol[_NUMBER][0] <= release.protocols[1]:
        return False
    if release.ports == ALL_PORTS:
        return True
    port = 0
    if _DESTINATION_PORT in protocol:
        (port,) = struct.unpack(">H", protocol[_DESTINATION_PORT])
    for kind, code in _TYPE_AND_CODE:
        if kind in protocol:
            port = protocol[kind][0] << 8 | protocol[code][0]
    return release.ports[0] <= port <= release.ports[1]


def _deletion(flow: bytes, release: Release) -> Message:
    found = attributes(flow[4:])
    body = flow[:4] + nested(_ORIGINAL, found[_ORIGINAL]) + attribute(_ID, found[_ID])
    body += attribute(_ZONE, found[_ZONE]) if _ZONE in found else b""
    return Message(_DELETE, 0, body, f"a flow {release.way} {release.address}", (2,))


def _header(family: int) -> bytes:
    return struct.pack("=BBH", family, _VERSION, 0)


def _at(direction: int, place: int, address: str, protocol: int) -> bytes:
    """A filter: this IPv4 address here and, unless it is 0, this protocol."""
    filtered = nested(_ADDRESSES, attribute(place, packed(address)))
    if protocol:
        filtered += nested(_PROTOCOL, attribute(_NUMBER, bytes([protocol])))
    flags = place | (_BY_NUMBER if protocol else 0)
    body = nested(direction, filtered)
    return body + nested(_FILTER, number(direction, flags), number(_REPLY + _ORIGINAL - direction, 0))
