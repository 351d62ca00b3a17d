"""The binary messages of a data channel.

Source: the published Session Manager plugin.  Numbers are big-endian:
header length (4), type (32, padded), schema version (4), created, ms (8), sequence number (8), flags (8),
message id (16, its halves exchanged), SHA-256 of the payload (32), payload type (4), payload length (4).
"""

import hashlib
import struct
import uuid
from typing import NamedTuple

INPUT, OUTPUT, ACKNOWLEDGE, CHANNEL_CLOSED = (
    "input_stream_data",
    "output_stream_data",
    "acknowledge",
    "channel_closed",
)
# What a payload is.
DATA, SIZE, HANDSHAKE_REQUEST, HANDSHAKE_RESPONSE, HANDSHAKE_COMPLETE, FLAG = 1, 3, 5, 6, 7, 10
TERMINATE = 2  # as a flag's payload
SYN_FIN = 3  # flags of a message that is its whole stream
_HEADER = struct.Struct(">I32sIQqQ16s32sI")
_LENGTH = struct.Struct(">I")


class Malformed(Exception):
    """No message of a data channel."""


class AgentMessage(NamedTuple):
    kind: str
    payload: bytes
    payload_type: int = 0
    sequence: int = 0
    flags: int = 0
    id: uuid.UUID = uuid.UUID(int=0)
    created_ms: int = 0

    def pack(self) -> bytes:
        halves = self.id.bytes[8:] + self.id.bytes[:8]
        head = _HEADER.pack(
            _HEADER.size,
            self.kind.encode().ljust(32),
            1,
            self.created_ms,
            self.sequence,
            self.flags,
            halves,
            hashlib.sha256(self.payload).digest(),
            self.payload_type,
        )
        return head + _LENGTH.pack(len(self.payload)) + self.payload


def unpack(data: bytes) -> AgentMessage:
    """Raises Malformed.

    The digest is not looked at: clients other than the plugin write something else there, and Session Manager
    takes it from them.
    """
    if len(data) < _HEADER.size + _LENGTH.size:
        raise Malformed("too short")
    length, kind, _, created, sequence, flags, halves, _, payload_type = _HEADER.unpack_from(data)
    payload = data[_HEADER.size + _LENGTH.size :]
    if length != _HEADER.size or _LENGTH.unpack_from(data, _HEADER.size) != (len(payload),):
        raise Malformed("its lengths do not fit")
    return AgentMessage(
        kind=kind.strip(b" \0").decode("latin-1"),
        payload=payload,
        payload_type=payload_type,
        sequence=sequence,
        flags=flags,
        id=uuid.UUID(bytes=halves[8:] + halves[:8]),
        created_ms=created,
    )
