"""What a rule says about protocols and ports, as ranges of numbers.

The service of a packet is its destination port for TCP and UDP, and for every other protocol the first 16
bits behind the IP header: for ICMP type << 8 | code.
"""

from seawall.compile.network.boxes import Range

EVERY_PROTOCOL = (0, 255)
EVERY_SERVICE = (0, 65535)
NUMBERS = {"tcp": 6, "udp": 17, "icmp": 1, "icmpv6": 58}
TCP, UDP = NUMBERS["tcp"], NUMBERS["udp"]
WITH_PORTS = (TCP, UDP)
WITH_TYPES = (NUMBERS["icmp"], NUMBERS["icmpv6"])


def protocol_range(protocol: str) -> Range:
    """`protocol` is "-1", a name or a number as text."""
    if protocol == "-1":
        return EVERY_PROTOCOL
    number = NUMBERS.get(protocol) or int(protocol)
    return number, number


def port_range(first: int | None, last: int | None) -> Range:
    """None or -1 as the first port: every port."""
    if first is None or first == -1 or last is None or last == -1:
        return EVERY_SERVICE
    return first, last


def type_range(kind: int | None, code: int | None) -> Range:
    """An ICMP type and code; None or -1: every type, every code of a type."""
    if kind is None or kind == -1:
        return EVERY_SERVICE
    if code is None or code == -1:
        return kind << 8, kind << 8 | 0xFF
    return kind << 8 | code, kind << 8 | code


def range_text(span: Range) -> str:
    return str(span[0]) if span[0] == span[1] else f"{span[0]}-{span[1]}"
