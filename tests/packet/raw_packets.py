"""Packets byte by byte, for those that no socket would send."""

import socket
import struct
from ipaddress import ip_address

from tests.packet.ears import checksum

IPV4, IPV6, ARP = 0x0800, 0x86DD, 0x0806
ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58
HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION_OPTIONS = 0, 43, 44, 60
ROUTER_MAC, BROADCAST_MAC = None, "ff:ff:ff:ff:ff:ff"


def ipv4(
    source: str,
    destination: str,
    protocol: int,
    body: bytes,
    *,
    options: bytes = b"",
    identifier: int = 0,
    offset: int = 0,
    more: bool = False,
    ttl: int = 64,
) -> bytes:
    """`offset` counts bytes, in eights; `options` are padded to four."""
    options += bytes(-len(options) % 4)
    words = 5 + len(options) // 4
    flags = (0x2000 if more else 0) | offset // 8
    length = words * 4 + len(body)
    head = struct.pack("!BBHHHBBH", 0x40 | words, 0, length, identifier, flags, ttl, protocol, 0)
    head += socket.inet_aton(source) + socket.inet_aton(destination) + options
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body


def ipv6(source: str, destination: str, next_header: int, body: bytes, *, hops: int = 64) -> bytes:
    head = struct.pack("!IHBB", 0x60000000, len(body), next_header, hops)
    return head + ip_address(source).packed + ip_address(destination).packed + body


def ip(source: str, destination: str, protocol: int, body: bytes) -> bytes:
    return (ipv6 if ":" in source else ipv4)(source, destination, protocol, body)


def udp(source: str, destination: str, port: int, payload: bytes, *, source_port: int = 4444) -> bytes:
    """A datagram from its UDP header on, with the checksum that these addresses make."""
    body = struct.pack("!HHHH", source_port, port, 8 + len(payload), 0) + payload
    return body[:6] + struct.pack("!H", with_pseudo(source, destination, UDP, body) or 0xFFFF) + body[8:]


def tcp_syn(source: str, destination: str, port: int, *, source_port: int = 4444, sequence: int = 1) -> bytes:
    body = struct.pack("!HHIIBBHHH", source_port, port, sequence, 0, 0x50, 2, 64240, 0, 0)
    return body[:16] + struct.pack("!H", with_pseudo(source, destination, TCP, body)) + body[18:]


def icmp(kind: int, code: int, rest: bytes) -> bytes:
    """`rest` begins with the second four bytes of the header."""
    body = struct.pack("!BBH", kind, code, 0) + rest
    return body[:2] + struct.pack("!H", checksum(body)) + body[4:]


def icmpv6(source: str, destination: str, kind: int, code: int, rest: bytes) -> bytes:
    body = struct.pack("!BBH", kind, code, 0) + rest
    return body[:2] + struct.pack("!H", with_pseudo(source, destination, ICMPV6, body)) + body[4:]


def with_pseudo(source: str, destination: str, protocol: int, body: bytes) -> int:
    """The checksum over the pseudo header of either family and the body."""
    ends = ip_address(source).packed + ip_address(destination).packed
    return checksum(ends + struct.pack("!II", len(body), protocol) + body)


def arp(kind: int, mac: str, address: str, target_mac: str, target: str) -> bytes:
    """`kind` 1 asks, 2 answers: `address` is at `mac`."""
    head = struct.pack("!HHBBH", 1, IPV4, 6, 4, kind)
    ends = mac_bytes(mac) + socket.inet_aton(address) + mac_bytes(target_mac) + socket.inet_aton(target)
    return head + ends


def extension(next_header: int, body: bytes = b"") -> bytes:
    """An IPv6 extension header of options or routing; `body` without its first two bytes is padded."""
    length = (2 + len(body) + 7) // 8
    padding = length * 8 - 2 - len(body)
    fill = b"" if padding == 0 else b"\0" if padding == 1 else bytes((1, padding - 2)) + bytes(padding - 2)
    return bytes((next_header, length - 1)) + body + fill


def fragment6(next_header: int, identifier: int, offset: int, more: bool) -> bytes:
    return struct.pack("!BBHI", next_header, 0, offset | more, identifier)


def mac_bytes(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))
