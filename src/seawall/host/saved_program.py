"""The newest host program on disk, for the agent after this one: one whole program and the changes since.

Each is a frame: four bytes of length (big-endian), then msgpack.  A frame cut short by a crash, and what
follows, does not count.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

import msgspec

from seawall.program.change import HostChange, changed_host
from seawall.program.host import HostProgram

MOST_CHANGES = 200  # then it is written whole again
_HEAD = struct.Struct(">I")


class SavedProgram:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._changes = MOST_CHANGES

    def save(self, program: HostProgram) -> None:
        draft = self._path.with_suffix(".new")
        draft.write_bytes(_frame(program))
        draft.replace(self._path)
        self._changes = 0

    def append(self, program: HostProgram, change: HostChange) -> None:
        """The program that came out of the change, and the change."""
        if self._changes >= MOST_CHANGES:
            self.save(program)
            return
        with self._path.open("ab") as file:
            file.write(_frame(change))
        self._changes += 1

    def load(self) -> HostProgram | None:
        """None where nothing was saved yet."""
        if not self._path.exists():
            return None
        frames = _frames(self._path.read_bytes())
        program = msgspec.msgpack.decode(next(frames), type=HostProgram)
        for frame in frames:
            program = changed_host(program, msgspec.msgpack.decode(frame, type=HostChange))
        return program


def _frame(content: HostProgram | HostChange) -> bytes:
    body = msgspec.msgpack.encode(content)
    return _HEAD.pack(len(body)) + body


def _frames(data: bytes) -> Iterator[bytes]:
    start = 0
    while start + _HEAD.size <= len(data):
        (length,) = _HEAD.unpack_from(data, start)
        start += _HEAD.size + length
        if start > len(data):
            return
        yield data[start - length : start]
