"""Headers, options and fragments that a task makes up in order to slip past the rules."""

import socket
import struct
from collections.abc import Callable, Iterable

import pytest
from tests.packet.attacker import (
    FRIEND,
    FRIEND6,
    MALLORY,
    MALLORY6,
    MARK,
    OPEN,
    OPEN6,
    VICTIM,
    VICTIM6,
    Attacker,
    datagram,
)
from tests.packet.raw_packets import (
    BROADCAST_MAC,
    DESTINATION_OPTIONS,
    FRAGMENT,
    HOP_BY_HOP,
    ICMP,
    ICMPV6,
    IPV4,
    IPV6,
    ROUTING,
    TCP,
    UDP,
    extension,
    fragment6,
    icmp,
    icmpv6,
    ip,
    ipv4,
    ipv6,
    mac_bytes,
    tcp_syn,
    udp,
    with_pseudo,
)

pytestmark = pytest.mark.world


def test_tunnels_are_not_unpacked(mallory: Attacker) -> None:
    inner, inner6 = datagram(FRIEND, VICTIM), datagram(FRIEND6, VICTIM6)
    gre, gre6 = struct.pack("!HH", 0, IPV4) + inner, struct.pack("!HH", 0, IPV6) + inner6
    vxlan = b"\x08\0\0\0\0\0\1\0" + mac_bytes(BROADCAST_MAC) + bytes(6) + b"\x08\0" + inner
    for target in ("10.0.0.1", "10.0.0.2"):
        for protocol, body in ((4, inner), (41, inner6), (47, gre), (47, gre6)):
            mallory.send(ipv4(MALLORY, target, protocol, body))
        for port in (4789, 6081, 8472):
            mallory.send(datagram(MALLORY, target, port, vxlan))
    assert mallory.reached() == set()


def test_source_routes_are_refused(mallory: Attacker) -> None:
    """Loose and strict, by the router and by a host that is open to all."""
    for via in ("10.0.0.1", OPEN, FRIEND):
        for kind in (131, 137):
            for hops in ([VICTIM], ["10.0.0.1", VICTIM], [FRIEND, VICTIM]):
                route = b"".join(map(socket.inet_aton, hops))
                options = bytes((kind, 3 + len(route), 4)) + route
                body = udp(MALLORY, VICTIM, 53, MARK)
                mallory.send(ipv4(MALLORY, via, UDP, body, options=options))
    assert "task-victim" not in mallory.reached()


def test_routing_headers_lead_nowhere(mallory: Attacker) -> None:
    victim = socket.inet_pton(socket.AF_INET6, VICTIM6)
    for via in ("fe80::1", OPEN6, FRIEND6):
        for kind in (0, 2, 4):
            body = udp(MALLORY6, VICTIM6, 53, MARK)
            header = extension(UDP, bytes((kind, 1)) + bytes(4) + victim)
            mallory.send(ipv6(MALLORY6, via, ROUTING, header + body))
    assert "task-victim" not in mallory.reached()


@pytest.mark.parametrize("kinds", [(HOP_BY_HOP,), (DESTINATION_OPTIONS,), (DESTINATION_OPTIONS,) * 4])
def test_extension_headers_hide_no_port(mallory: Attacker, kinds: tuple[int, ...]) -> None:
    def hidden(target: str, port: int) -> bytes:
        body = udp(MALLORY6, target, port, MARK)
        for following in (UDP, *kinds[1:]):
            body = extension(following) + body
        return ipv6(MALLORY6, target, kinds[0], body)

    mallory.send(hidden(VICTIM6, 53), hidden(OPEN6, 54), hidden(OPEN6, 22))
    assert mallory.reached() == set()
    mallory.send(hidden(OPEN6, 53))
    assert mallory.reached() == {"task-open"}


def pieces4(target: str, parts: Iterable[tuple[int, bytes, bool]], identifier: int) -> list[bytes]:
    return [
        ipv4(MALLORY, target, UDP, body, identifier=identifier, offset=offset, more=more)
        for offset, body, more in parts
    ]


def pieces6(target: str, parts: Iterable[tuple[int, bytes, bool]], identifier: int) -> list[bytes]:
    return [
        ipv6(MALLORY6, target, FRAGMENT, fragment6(UDP, identifier, offset, more) + body)
        for offset, body, more in parts
    ]


Pieces = Callable[[str, Iterable[tuple[int, bytes, bool]], int], list[bytes]]
FAMILIES = pytest.mark.parametrize(
    ("pieces", "source", "target", "closed"),
    [(pieces4, MALLORY, OPEN, VICTIM), (pieces6, MALLORY6, OPEN6, VICTIM6)],
    ids=["ipv4", "ipv6"],
)


@FAMILIES
def test_fragments_obey_the_rules(
    mallory: Attacker, pieces: Pieces, source: str, target: str, closed: str
) -> None:
    """All pieces are one packet for the rules: refused or let through together, in any order."""
    payload = bytes(16) + MARK * 20

    def cut(to: str, port: int) -> list[tuple[int, bytes, bool]]:
        whole = udp(source, to, port, payload)
        return [(0, whole[:8], True), (8, whole[8:24], True), (24, whole[24:], False)]

    mallory.send(*pieces(closed, cut(closed, 53), 1), *pieces(target, cut(target, 54), 2))
    mallory.send(*pieces(target, cut(target, 22)[::-1], 3))
    assert mallory.reached() == set()
    mallory.send(*pieces(target, cut(target, 53)[::-1], 4))
    assert mallory.reached() == {"task-open"}


@FAMILIES
def test_overlapping_fragments_change_no_port(
    mallory: Attacker, pieces: Pieces, source: str, target: str, closed: str
) -> None:
    """The first piece shows an open port, a later one writes another over it."""
    good, evil = (udp(source, target, port, MARK * 4) for port in (53, 54))
    orders = (
        [(0, good[:16], True), (0, evil[:16], True), (16, good[16:], False)],
        [(16, good[16:], False), (0, good[:16], True), (0, evil[:16], True)],
        [(0, good[:16], True), (0, evil, False)],
        [(8, evil[8:], False), (0, good[:24], True), (0, evil[:8], True)],
        [(0, good[:8], True), (8, good[8:24], True), (0, evil[:24], True), (24, good[24:], False)],
    )
    listening = mallory.lab.receive("task-open", 54, "::")
    for identifier, parts in enumerate(orders, 100):
        mallory.send(*pieces(target, parts, identifier))
    mallory.fence.wait()
    listening.setblocking(False)
    with pytest.raises(BlockingIOError):
        listening.recv(100)


@FAMILIES
def test_pieces_without_a_beginning_reach_nobody(
    mallory: Attacker, pieces: Pieces, source: str, target: str, closed: str
) -> None:
    for to in (target, closed):
        mallory.send(*pieces(to, [(8, MARK * 2, True), (48, MARK, False)], 200))
    assert mallory.reached() == set()


def test_tiny_fragments_hide_no_tcp_port(mallory: Attacker) -> None:
    for target in (VICTIM, OPEN):
        whole = tcp_syn(MALLORY, target, 22) + MARK
        for size in (8, 16):
            first = ipv4(MALLORY, target, TCP, whole[:size], identifier=300 + size, more=True)
            mallory.send(first, ipv4(MALLORY, target, TCP, whole[size:], identifier=300 + size, offset=size))
    assert mallory.reached() == set()


def test_forged_errors_are_no_way_in(mallory: Attacker) -> None:
    """ICMP errors and redirects about flows that never were, or that mallory has no part in."""
    for target, inner in ((VICTIM, datagram(VICTIM, FRIEND)), (VICTIM, datagram(VICTIM, MALLORY))):
        for kind, code in ((3, 3), (3, 4), (5, 1), (11, 0), (12, 0)):
            mallory.send(ipv4(MALLORY, target, ICMP, icmp(kind, code, bytes(4) + inner)))
            mallory.send(ipv4("10.0.0.1", target, ICMP, icmp(kind, code, bytes(4) + inner)))
    inner6 = datagram(VICTIM6, FRIEND6)
    for kind in (1, 2, 3, 4, 137):
        for source in (MALLORY6, "fe80::1"):
            mallory.send(ipv6(source, VICTIM6, ICMPV6, icmpv6(source, VICTIM6, kind, 0, bytes(4) + inner6)))
    assert mallory.reached() == set()


def test_answers_that_were_not_asked_for_are_refused(mallory: Attacker) -> None:
    """ACK, SYN+ACK, RST and FIN out of nowhere, echo replies, and DNS answers to a lucky port."""
    for flags in (0x10, 0x12, 0x04, 0x14, 0x01, 0x11, 0x00, 0x29, 0x3F):
        for target, source in ((VICTIM, MALLORY), (VICTIM6, MALLORY6)):
            body = bytearray(tcp_syn(source, target, 4000, source_port=80) + MARK)
            body[13], body[16:18] = flags, b"\0\0"
            fresh = tcp_checksum(source, target, bytes(body))
            mallory.send(ip(source, target, TCP, fresh))
    mallory.send(ipv4(MALLORY, VICTIM, ICMP, icmp(0, 0, b"\0\1\0\1" + MARK)))
    mallory.send(ip(MALLORY, VICTIM, UDP, udp(MALLORY, VICTIM, 4000, MARK, source_port=53)))
    assert mallory.reached() == set()


def tcp_checksum(source: str, target: str, body: bytes) -> bytes:
    return body[:16] + struct.pack("!H", with_pseudo(source, target, TCP, body)) + body[18:]
