"""Raw packets that say which probe they belong to, there and back, through every translation.

The mark of a probe is TCP's sequence number (an answer acknowledges it plus one), and otherwise the four
bytes behind the first four of the payload; a payload's fifth byte tells requests from answers.
"""

import socket
import struct
from ipaddress import ip_address
from typing import Literal, NamedTuple

from tests.packet.ears import checksum

MAGIC = 0x5EA00000  # the upper bits of every mark; the lower 20 number the probe
MAGIC_MASK = 0xFFF00000
NUMBERS = {"icmp": 1, "tcp": 6, "udp": 17, "icmpv6": 58}
NAMES = {number: name for name, number in NUMBERS.items()}
FRAGMENT = 1200  # bytes of a fragment's payload: every path takes that
FRAGMENT_HEADER, MORE_FRAGMENTS = 44, 0x2000
SYN, RST, ACK = 0x02, 0x04, 0x10
ECHO_LIKE = {1: {8: 0, 13: 14}, 58: {128: 129}}  # ICMP requests and their answers
PORTED = (6, 17)


class Packet(NamedTuple):
    """`kind` and `code` are ICMP's.  `mark` is the number of the probe; `size`: of UDP's payload at least."""

    source: str
    destination: str
    protocol: int
    source_port: int = 0
    destination_port: int = 0
    kind: int = 0
    code: int = 0
    mark: int = 0
    direction: Literal["request", "answer"] = "request"
    size: int = 0


def build(packet: Packet) -> list[bytes]:
    """The packet, or its fragments, from the IP header on; the kernel writes IPv4's length and checksum."""
    source, destination = ip_address(packet.source).packed, ip_address(packet.destination).packed
    body = _body(packet)
    place = {6: 16, 17: 6, 1: 2, 58: 2}.get(packet.protocol)
    if place is not None:
        pseudo = b"" if packet.protocol == 1 else _pseudo(source, destination, packet.protocol, len(body))
        total = checksum(pseudo + body)
        if packet.protocol == 17 and total == 0:
            total = 0xFFFF
        body = body[:place] + struct.pack("!H", total) + body[place + 2 :]
    return [
        _head(packet, len(body), first, len(part))
        + source
        + destination
        + _extension(packet, len(body), first)
        + part
        for first in range(0, len(body), FRAGMENT)
        for part in (body[first : first + FRAGMENT],)
    ]


def _head(packet: Packet, whole: int, first: int, length: int) -> bytes:
    """An IP header up to the addresses, of the fragment that begins at `first`, if it is one."""
    if ":" in packet.source:
        extended = whole > FRAGMENT
        protocol = FRAGMENT_HEADER if extended else packet.protocol
        return struct.pack("!IHBB", 0x60000000, length + 8 * extended, protocol, 64)
    place = first // 8 | (MORE_FRAGMENTS if first + length < whole else 0)
    number = 1 + packet.mark % 0xFFFF if whole > FRAGMENT else 0  # 0: the kernel gives each one its own
    return struct.pack("!BBHHHBBH", 0x45, 0, 0, number, place, 64, packet.protocol, 0)


def _extension(packet: Packet, whole: int, first: int) -> bytes:
    """IPv6's fragment header, where there is one."""
    if ":" not in packet.source or whole <= FRAGMENT:
        return b""
    return struct.pack("!BBHI", packet.protocol, 0, first | (first + FRAGMENT < whole), packet.mark)


def answer(packet: Packet) -> Packet:
    """What a friendly receiver sends back."""
    return packet._replace(
        source=packet.destination,
        destination=packet.source,
        source_port=packet.destination_port,
        destination_port=packet.source_port,
        kind=ECHO_LIKE.get(packet.protocol, {}).get(packet.kind, 0),
        direction="answer",
    )


def answered(payload: bytes) -> bytes:
    """UDP's payload, as it goes back."""
    return payload[:4] + b"A" + payload[5:]


def parse(data: bytes) -> Packet | None:
    """A packet from its IP header on; None for what is no probe's."""
    if len(data) < 20:
        return None
    if data[0] >> 4 == 4:
        if data[6] & 0x1F or data[7]:
            return None  # not its first fragment
        protocol, start = data[9], (data[0] & 15) * 4
        source, destination = socket.inet_ntoa(data[12:16]), socket.inet_ntoa(data[16:20])
    elif len(data) >= 40:
        protocol, start = data[6], 40
        if protocol == FRAGMENT_HEADER:
            if len(data) < 48 or int.from_bytes(data[42:44], "big") & 0xFFF8:
                return None
            protocol, start = data[40], 48
        source = socket.inet_ntop(socket.AF_INET6, data[8:24])
        destination = socket.inet_ntop(socket.AF_INET6, data[24:40])
    else:
        return None
    found = _of_body(Packet(source, destination, protocol), data[start:])
    return found if found is not None and found.mark & MAGIC_MASK == MAGIC else None


def _body(packet: Packet) -> bytes:
    says = b"Q" if packet.direction == "request" else b"A"
    payload = struct.pack("!I", packet.mark) + says + b"seawall"
    ports = packet.source_port, packet.destination_port
    if packet.protocol == 6:
        if packet.direction == "request":
            return struct.pack("!HHIIBBHHH", *ports, packet.mark, 0, 0x50, SYN, 64240, 0, 0)
        return struct.pack("!HHIIBBHHH", *ports, 1, packet.mark + 1, 0x50, SYN | ACK, 64240, 0, 0)
    if packet.protocol == 17:
        payload = payload.ljust(packet.size, b".")
        return struct.pack("!HHHH", *ports, 8 + len(payload), 0) + payload
    if packet.protocol in ECHO_LIKE:
        # The identifier is the probe's own, so that no two are one flow.
        number = packet.mark & 0xFFFF
        return struct.pack("!BBHHH", packet.kind, packet.code, 0, number, 1) + payload
    return payload


def _of_body(packet: Packet, body: bytes) -> Packet | None:
    if packet.protocol == 6:
        if len(body) < 20:
            return None
        source, destination, sequence, acknowledged, _, flags = struct.unpack("!HHIIBB", body[:14])
        packet = packet._replace(source_port=source, destination_port=destination)
        if flags & (SYN | ACK) == SYN:
            return packet._replace(mark=sequence)
        if flags & ACK and flags & (SYN | RST):
            return packet._replace(mark=acknowledged - 1, direction="answer")
        return None
    if packet.protocol == 17:
        if len(body) < 8:
            return None
        source, destination, length = struct.unpack("!HHH", body[:6])
        ported = packet._replace(source_port=source, destination_port=destination)
        return _of_payload(ported._replace(size=length - 8), body[8:])
    if packet.protocol in ECHO_LIKE:
        if len(body) < 12:
            return None
        kinds = ECHO_LIKE[packet.protocol]
        if body[0] not in kinds and body[0] not in kinds.values():
            return None
        (mark,) = struct.unpack("!I", body[8:12])
        direction: Literal["request", "answer"] = "request" if body[0] in kinds else "answer"
        return packet._replace(kind=body[0], code=body[1], mark=mark, direction=direction)
    return _of_payload(packet, body)


def _of_payload(packet: Packet, payload: bytes) -> Packet | None:
    if len(payload) < 5:
        return None
    (mark,) = struct.unpack("!I", payload[:4])
    return packet._replace(mark=mark, direction="answer" if payload[4:5] == b"A" else "request")


def _pseudo(source: bytes, destination: bytes, protocol: int, length: int) -> bytes:
    if len(source) == 4:
        return source + destination + struct.pack("!BBH", 0, protocol, length)
    return source + destination + struct.pack("!II", length, protocol)
