"""A command run in a container that is there already: what is said over the agent's second Unix socket.

Frames are a four-byte big-endian length and a msgpack body.  Whoever calls sends one `Start`, then input; the
host sends output, and at last one `Ended` or `Refused`.  Hanging up ends the command.
"""

import struct
from collections.abc import Iterator
from typing import Literal

import msgspec

SOCKET = "exec.sock"  # in the state directory
MOST_DATA = 64 * 1024  # bytes of one Input or Output
_HEAD = struct.Struct(">I")
_LONGEST = 1024 * 1024


class Start(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Run a command in a container of a task, in its directory and with its variables.

    terminal   give it one of its own, of this size
    as_root    not as the container's user: as root of the container, with all that it may have
    environment   on top of the container's own
    """

    task: str
    container: str
    command: tuple[str, ...]
    terminal: bool = False
    rows: int = 24
    columns: int = 80
    as_root: bool = False
    environment: tuple[tuple[str, str], ...] = ()


class Input(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """No data: that was all."""

    data: bytes


class Resize(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    rows: int
    columns: int


class Output(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    data: bytes
    stream: Literal[1, 2] = 1  # a terminal has only the first


class Ended(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """128 and the signal's number for a command that a signal ended."""

    status: int


class Refused(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """It was never run."""

    text: str


Asked = Start | Input | Resize
Told = Output | Ended | Refused
ASKED: msgspec.msgpack.Decoder[Asked] = msgspec.msgpack.Decoder(Asked)
TOLD: msgspec.msgpack.Decoder[Told] = msgspec.msgpack.Decoder(Told)


def frame(message: Asked | Told) -> bytes:
    body = msgspec.msgpack.encode(message)
    return _HEAD.pack(len(body)) + body


def bodies(received: bytearray) -> Iterator[bytes]:
    """Take the whole frames out of what was received.  Raises ValueError: no such frame is ever sent."""
    while len(received) >= _HEAD.size:
        (length,) = _HEAD.unpack_from(received)
        if length > _LONGEST:
            raise ValueError(f"a frame of {length} bytes")
        if len(received) < _HEAD.size + length:
            return
        body = bytes(received[_HEAD.size : _HEAD.size + length])
        del received[: _HEAD.size + length]
        yield body
