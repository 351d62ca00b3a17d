"""What went through one node and nobody was told yet: parts with numbers, in the world's memory.

Lines are added to the newest part.  A part that may be told does not change any more, and goes when it was
told.  An agent that is killed between the two leaves it to the next, which tells it again by the same number,
and who has heard that number passes over it.  So each line is heard once, and so is what counters grew by.
"""

import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from seawall.host.balancer.counters import Counts, Growth

MOST_BYTES = 4 * 1024 * 1024  # of lines that wait
PART_BYTES = 512 * 1024  # of lines: then the next part begins
_LINES, _COUNTED = ".lines", ".counted"


class Part(msgspec.Struct, frozen=True):
    """Lines, or what counters grew by."""

    number: int
    lines: tuple[str, ...] = ()
    growth: Growth = ()


class _Counted(msgspec.Struct, frozen=True):
    """told   by worker: what counters stand at for who has heard the growth"""

    told: dict[int, Counts]
    growth: Growth


class Spool:
    """One agent's at a time.  `counted` is what counters stood at for who hears all that waits."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._settled = folder / "told.msgpack"
        folder.mkdir(exist_ok=True)
        found = self._parts()
        self.counted = self._stood_at(found)
        self._dropped = 0
        self._bytes = sum(path.stat().st_size for path in found if path.suffix == _LINES)
        # Numbers begin with the time: those of a node that was removed and came again are greater.
        self._newest = _number(found[-1]) + 1 if found else time.time_ns()
        self._place(self._newest, _LINES).touch()
        for path in found:
            self._remove_if_empty(path)

    def add(self, lines: Sequence[bytes]) -> None:
        """Those there is no room for are counted.  Raises OSError."""
        if not lines:
            return
        text = b"\n".join((*lines, b""))
        room = MOST_BYTES - self._bytes
        if len(text) > room:
            whole = text.rfind(b"\n", 0, room) + 1
            self._dropped += text.count(b"\n", whole)
            text = text[:whole]
        with self._place(self._newest, _LINES).open("ab") as file:
            file.write(text)
            size = file.tell()
        self._bytes += len(text)
        if size >= PART_BYTES:
            self._begin(self._newest + 1)

    def close_part(self, told: dict[int, Counts], growth: Growth) -> None:
        """Nothing is added to what waits now; `growth` waits too, after which counters stand at `told`."""
        closed = self._place(self._newest, _LINES)
        if self._dropped:
            growth += (("log", "", "dropped", self._dropped),)
            self._dropped = 0
        if growth:
            draft = self._folder / "draft"
            draft.write_bytes(msgspec.msgpack.encode(_Counted(told, growth)))
            draft.replace(self._place(self._newest + 1, _COUNTED))
            self._begin(self._newest + 2)
            self._remove_if_empty(closed)
        elif closed.stat().st_size:
            self._begin(self._newest + 1)

    def waiting(self) -> list[int]:
        """The numbers of the parts that may be told, in their order."""
        return [number for path in self._parts() if (number := _number(path)) < self._newest]

    def read(self, number: int) -> Part:
        """One that waits.  A line that was not written to its end is none."""
        counted = self._place(number, _COUNTED)
        if counted.exists():
            return Part(number, growth=msgspec.msgpack.decode(counted.read_bytes(), type=_Counted).growth)
        whole = self._place(number, _LINES).read_bytes().split(b"\n")[:-1]
        return Part(number, lines=tuple(line.decode(errors="replace") for line in whole))

    def remove(self, number: int) -> None:
        """It has been told."""
        lines, counted = self._place(number, _LINES), self._place(number, _COUNTED)
        if counted.exists():
            counted.replace(self._settled)
            return
        self._bytes -= lines.stat().st_size
        lines.unlink()

    def _begin(self, number: int) -> None:
        """The next part.  There is always one, so that its number is greater than those that are gone."""
        self._place(number, _LINES).touch()
        self._newest = number

    def _remove_if_empty(self, path: Path) -> None:
        if path.suffix == _LINES and not path.stat().st_size:
            path.unlink()

    def _stood_at(self, found: list[Path]) -> dict[int, Counts]:
        counted = [path for path in found if path.suffix == _COUNTED]
        newest = counted[-1] if counted else self._settled
        if not newest.exists():
            return {}
        return msgspec.msgpack.decode(newest.read_bytes(), type=_Counted).told

    def _parts(self) -> list[Path]:
        parts = [path for path in self._folder.iterdir() if path.suffix in (_LINES, _COUNTED)]
        return sorted(parts, key=_number)

    def _place(self, number: int, suffix: str) -> Path:
        return self._folder / f"{number}{suffix}"


def _number(part: Path) -> int:
    return int(part.stem)
