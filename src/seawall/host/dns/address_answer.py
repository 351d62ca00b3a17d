"""What a name server says the addresses of a host are, read out of the bytes of its answer.

Written out by hand as `message` is: three names are asked in each launch, and a general library takes a
millisecond of it.  Source: RFC 1035 section 4.
"""

import ipaddress
import struct
from typing import NamedTuple

from seawall.host.dns.message import CNAME, IN, A

LONGEST_LABEL, LONGEST_NAME = 63, 255
_QR, _OPCODE, _TC = 0x8000, 0x7800, 0x0200
_HEADER = struct.Struct("!HHHHHH")
_PAIR = struct.Struct("!HH")
_RECORD = struct.Struct("!HHIH")
_NAME_AT = _HEADER.size  # of the question, in every message
_UNASKED = (1, 2, 4, 5)  # FORMERR, SERVFAIL, NOTIMP, REFUSED: these may come without the question


class Found(NamedTuple):
    """`addresses` are those of the name or of what it is an alias of; `cut` when not all of it fitted."""

    rcode: int
    cut: bool
    addresses: tuple[str, ...]


def name_in_wire_form(host: str) -> bytes | None:
    """In lower case; None for what can be no name of a host."""
    try:
        labels = [label.encode("ascii") for label in host.removesuffix(".").lower().split(".")]
    except UnicodeEncodeError:
        return None
    wire = b"".join(bytes((len(label) & 0xFF,)) + label for label in labels) + b"\0"
    return wire if len(wire) <= LONGEST_NAME and all(0 < len(x) <= LONGEST_LABEL for x in labels) else None


def read_answer(data: bytes, id: int, name: bytes) -> Found | None:
    """None for what answers another question.  Raises ValueError for what is no answer at all.

    id, name   of the question for the name's A records; the name in wire form and lower case
    """
    try:
        got, flags, questions, answers, _, _ = _HEADER.unpack_from(data)
        if got != id or not flags & _QR or flags & _OPCODE:
            return None
        rcode = flags & 0xF
        if not questions and rcode in _UNASKED:
            return Found(rcode, False, ())
        asked, at = _name(data, _NAME_AT)
        if questions != 1 or asked != name or _PAIR.unpack_from(data, at) != (A, IN):
            return None
        if flags & _TC:
            return Found(rcode, True, ())
        return Found(rcode, False, _addresses(data, at + _PAIR.size, answers, name))
    except (struct.error, IndexError) as error:
        raise ValueError("no DNS message") from error


def _addresses(data: bytes, at: int, answers: int, name: bytes) -> tuple[str, ...]:
    aliases: dict[bytes, bytes] = {}
    found: dict[bytes, list[str]] = {}
    for _ in range(answers):
        owner, at = _name(data, at)
        type, class_, _, size = _RECORD.unpack_from(data, at)
        at += _RECORD.size
        content = data[at : at + size]
        if len(content) < size or (type == A and size != 4):
            raise IndexError("a record that is cut off")
        if (type, class_) == (CNAME, IN):
            aliases[owner] = _name(data, at)[0]
        elif (type, class_) == (A, IN):
            found.setdefault(owner, []).append(str(ipaddress.IPv4Address(content)))
        at += size
    while name not in found and name in aliases:
        name = aliases.pop(name)
    return tuple(found.get(name, ()))


def _name(data: bytes, at: int) -> tuple[bytes, int]:
    """A name, spelled out in lower case, and where what follows it begins."""
    wire, after = bytearray(), 0
    while length := data[at]:
        if length >= 0xC0:  # the rest of it stands earlier in the message
            (pointer,) = struct.unpack_from("!H", data, at)
            after = after or at + 2
            if (pointer & 0x3FFF) >= at:
                raise IndexError("a name that points ahead")
            at = pointer & 0x3FFF
            continue
        if length > LONGEST_LABEL or len(wire) + length + 2 > LONGEST_NAME:
            raise IndexError("no name")
        label = data[at : at + 1 + length]
        if len(label) <= length:
            raise IndexError("a name that is cut off")
        wire += label
        at += 1 + length
    return bytes(wire).lower() + b"\0", after or at + 1
