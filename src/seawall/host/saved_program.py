"""The newest host program on disk, for the agent after this one: one whole program and the changes since.

Each is a frame: four bytes of length (big-endian), then msgpack.  A frame cut short by a crash, and what
follows, does not count.
"""

import logging
import struct
from collections.abc import Iterator
from pathlib import Path

import msgspec

from seawall.program.change import HostChange, changed_host
from seawall.program.host import HostProgram

log = logging.getLogger("seawall.agent")

# After so many changes, or bytes of them beyond its own size, it is written whole again: it lies in memory,
# and has to be put together by the agent after this one.
MOST_CHANGES = 200
MOST_CHANGED_BYTES = 256 * 1024
_HEAD = struct.Struct(">I")


class SavedProgram:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._changes = MOST_CHANGES
        self._room = 0  # bytes of changes until it is written whole again

    def save(self, program: HostProgram) -> None:
        whole = _frame(program)
        draft = self._path.with_suffix(".new")
        draft.write_bytes(whole)
        draft.replace(self._path)
        self._changes, self._room = 0, len(whole) + MOST_CHANGED_BYTES

    def append(self, program: HostProgram, change: HostChange) -> None:
        """The program that came out of the change, and the change."""
        added = _frame(change)
        if self._changes >= MOST_CHANGES or len(added) > self._room:
            self.save(program)
            return
        with self._path.open("ab") as file:
            file.write(added)
        self._changes, self._room = self._changes + 1, self._room - len(added)

    def load(self) -> HostProgram | None:
        """None where nothing was saved yet, or by another version: then the control plane tells it."""
        if not self._path.exists():
            return None
        frames = _frames(self._path.read_bytes())
        try:
            program = msgspec.msgpack.decode(next(frames), type=HostProgram)
            for frame in frames:
                program = changed_host(program, msgspec.msgpack.decode(frame, type=HostChange))
        except msgspec.ValidationError as error:
            log.warning("program.of_another_version", extra={"error": str(error)})
            return None
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
