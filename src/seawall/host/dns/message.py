"""DNS messages as bytes: what a query asks, and the answer to it.

Written out by hand because it runs for every packet: a general library takes ten times as long.
Sources: RFC 1035 section 4, RFC 6891 (EDNS), RFC 2181 section 9 (truncation).
"""

import struct
from typing import NamedTuple

A, NS, CNAME, SOA, PTR, OPT, ANY = 1, 2, 5, 6, 12, 41, 255
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED, BADVERS = 0, 1, 2, 3, 4, 5, 16
IN = 1
PLAIN_UDP_SIZE = 512
MAX_UDP_SIZE = 1232  # never fragments on a 1280-byte path
MAX_TCP_SIZE = 65535
MAX_NAME = 255

_QR, _OPCODE, _TC, _RD, _RA, _CD = 0x8000, 0x7800, 0x0200, 0x0100, 0x0080, 0x0010
_HEADER = struct.Struct("!HHHHHH")
_PAIR = struct.Struct("!HH")
_RECORD = struct.Struct("!HHIH")
_POINTER = 0xC000
_QUESTION_NAME = 12  # where the question's name begins in every message


class Record(NamedTuple):
    """One resource record.  `owner` is a name in wire form; `data` holds no compressed names."""

    owner: bytes
    type: int
    ttl: int
    data: bytes


class Query(NamedTuple):
    """`name` is lower case in wire form, `question` the bytes as they came.

    payload   the size of UDP answers the client takes; None: it does not speak EDNS
    fault     the response code a query deserves before anything is looked up; 0: none
    """

    id: int
    flags: int
    question: bytes
    name: bytes
    type: int
    payload: int | None
    fault: int

    @property
    def udp_limit(self) -> int:
        return (
            PLAIN_UDP_SIZE if self.payload is None else min(max(self.payload, PLAIN_UDP_SIZE), MAX_UDP_SIZE)
        )


def parse_query(data: bytes) -> Query | None:
    """What a packet asks, or None for what is no query and gets no answer."""
    try:
        id, flags, questions, answers, authorities, extras = _HEADER.unpack_from(data)
        if flags & _QR:
            return None
        if flags & _OPCODE:
            return Query(id, flags, b"", b"\0", 0, None, NOTIMP)
        if questions != 1:
            return Query(id, flags, b"", b"\0", 0, None, FORMERR)
        end = _name_end(data, _QUESTION_NAME)
        type, class_ = _PAIR.unpack_from(data, end)
        payload, fault = None, NOERROR if class_ == IN else REFUSED
        if answers or authorities or extras:
            payload, edns_fault = _read_edns(data, end + 4, answers + authorities, extras)
            fault = edns_fault or fault
    except (struct.error, IndexError):
        return None
    name = data[_QUESTION_NAME:end].lower()  # lengths are below "A", so only letters change
    return Query(id, flags, data[_QUESTION_NAME : end + 4], name, type, payload, fault)


def write_answer(
    query: Query, rcode: int, answers: list[Record], authority: Record | None, limit: int
) -> bytes:
    """The response in at most `limit` bytes: what does not fit is left out whole and that is said (TC)."""
    flags = _QR | _RA | (query.flags & (_OPCODE | _RD | _CD)) | (rcode & 0xF)
    edns = b"" if query.payload is None else _edns(rcode)
    body = bytearray(query.question)
    known = {query.name: _QUESTION_NAME}
    for record in answers:
        _write(body, record, known)
    if authority is not None:
        if query.name.endswith(authority.owner):
            known[authority.owner] = _QUESTION_NAME + len(query.name) - len(authority.owner)
        _write(body, authority, known)
    counts = (1 if query.question else 0, len(answers), 0 if authority is None else 1, 1 if edns else 0)
    if _HEADER.size + len(body) + len(edns) > limit:
        flags |= _TC
        body = bytearray(query.question)
        counts = (counts[0], 0, 0, counts[3])
    return _HEADER.pack(query.id, flags, *counts) + body + edns


def write_query(id: int, name: bytes, type: int) -> bytes:
    """A question of our own to another resolver."""
    return _HEADER.pack(id, _RD, 1, 0, 0, 1) + name + _PAIR.pack(type, IN) + _edns(NOERROR)


def _write(body: bytearray, record: Record, known: dict[bytes, int]) -> None:
    """Append a record; names that stand in the message already are pointed at."""
    at = known.get(record.owner)
    if at is None:
        known[record.owner] = _HEADER.size + len(body)
        body += record.owner
    else:
        body += (_POINTER | at).to_bytes(2, "big")
    body += _RECORD.pack(record.type, IN, record.ttl, len(record.data))
    if record.type == CNAME and _HEADER.size + len(body) < _POINTER ^ 0xFFFF:
        known.setdefault(record.data, _HEADER.size + len(body))
    body += record.data


def _edns(rcode: int) -> bytes:
    return b"\0" + _RECORD.pack(OPT, MAX_UDP_SIZE, (rcode >> 4) << 24, 0)


def _name_end(data: bytes, start: int) -> int:
    """Where an uncompressed name ends.  Raises IndexError for what is none."""
    at = start
    while length := data[at]:
        at += length + 1
        if length > 63 or at - start >= MAX_NAME:
            raise IndexError("no name")
    return at + 1


def _read_edns(data: bytes, at: int, skipped: int, extras: int) -> tuple[int | None, int]:
    """The client's payload size and what is wrong with its EDNS."""
    payload, fault = None, NOERROR
    for number in range(skipped + extras):
        start = at
        while (length := data[at]) and length < 64:
            at += length + 1
        at += 1 if not length else 2  # the root, or a pointer
        type, size, ttl, count = _RECORD.unpack_from(data, at)
        at += _RECORD.size + count
        if at > len(data):
            raise IndexError("a record beyond the end")
        if type == OPT:
            if payload is not None or number < skipped or data[start] != 0:
                fault = FORMERR
            payload = size
            if (ttl >> 16) & 0xFF:
                fault = fault or BADVERS
    return payload, fault
