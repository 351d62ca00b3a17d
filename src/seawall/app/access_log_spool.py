"""Lines of engines that wait to become access logs: files, so that they need no memory and outlive a kill.

A file begins with what is known of its lines (`LogFile`, as JSON), so that it can be delivered when its load
balancer is gone; then each line is as an engine wrote it.
"""

import contextlib
import gzip
import uuid
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import msgspec

from seawall.compile.balancer.access_log import AccessLogNames, access_log_line
from seawall.compile.balancer.log_line import Request, parse

LARGEST_FILE = 32 * 1024**2  # bytes; a larger one is delivered before its interval ends
MOST = 256 * 1024**2  # of all together
MOST_FILES = 1000


class LogFile(msgspec.Struct, frozen=True, kw_only=True):
    """Where lines go.

    address   of the node
    ends      of the interval the lines came in
    """

    bucket: str
    prefix: str
    address: str
    ends: datetime
    names: AccessLogNames


class _Open(msgspec.Struct, kw_only=True):
    path: Path
    about: LogFile


class Spool:
    """Opened with the folder it has for itself; what is found there waits."""

    def __init__(self, folder: Path, *, largest_file: int = LARGEST_FILE, most: int = MOST) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._largest, self._most = largest_file, most
        found = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        self._sizes = {path: path.stat().st_size for path in found}  # the oldest first
        self._open: dict[str, _Open] = {}  # by node

    def add(self, node: str, about: LogFile, lines: Sequence[str]) -> list[Path]:
        """Append lines; returns the files that had to be given up for them.  Raises OSError, and then what
        could be written of them is kept."""
        opened = self._open.get(node)
        if opened is not None and opened.about != about:
            opened = None
        text = "".join(f"{line}\n" for line in lines).encode()
        if opened is None:
            opened = _Open(path=self._folder / uuid.uuid4().hex, about=about)
            text = msgspec.json.encode(about) + b"\n" + text
            self._open[node] = opened
        given_up = self._make_room(len(text))
        self._sizes[opened.path] = self._sizes.get(opened.path, 0) + len(text)
        try:
            with open(opened.path, "ab") as file:
                file.write(text)
        except OSError:
            del self._open[node]  # its last line may be half there: nothing is put behind it
            raise
        if self._sizes[opened.path] >= self._largest:
            del self._open[node]
        return given_up

    def grows(self, node: str) -> bool:
        """Whether what the node tells next goes to the file that has its last lines."""
        return node in self._open

    def close(self, ended_by: datetime | None = None) -> None:
        """Nothing is added any more to files whose interval has ended; None: to any."""
        for node, opened in tuple(self._open.items()):
            if ended_by is None or opened.about.ends <= ended_by:
                del self._open[node]

    def waiting(self) -> list[Path]:
        """The files that nothing is added to, the oldest first."""
        growing = {opened.path for opened in self._open.values()}
        return [path for path in self._sizes if path not in growing]

    def remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._sizes.pop(path, None)

    def clear(self) -> None:
        """Forget everything."""
        self.close()
        for path in tuple(self._sizes):
            self.remove(path)

    def _make_room(self, more: int) -> list[Path]:
        given_up = []
        for path in self.waiting():
            if sum(self._sizes.values()) + more <= self._most and len(self._sizes) < MOST_FILES:
                break
            self.remove(path)
            given_up.append(path)
        return given_up


def read_head(path: Path) -> LogFile | None:
    """None when the file's beginning was never written whole."""
    with contextlib.suppress(FileNotFoundError, msgspec.DecodeError), open(path, "rb") as file:
        return msgspec.json.decode(file.readline(), type=LogFile)
    return None


def write_log(path: Path, target: Path) -> tuple[int, int]:
    """Write the access log of a file's lines, compressed; returns how many lines it has, and how many could
    not be read."""
    good = bad = 0
    with open(path, "rb") as file, gzip.open(target, "wb") as log:
        names = msgspec.json.decode(file.readline(), type=LogFile).names
        for line in file:
            written = _written(line, names, log)
            good, bad = good + (written is True), bad + (written is None)
    return good, bad


def _written(line: bytes, names: AccessLogNames, log: "gzip.GzipFile | BinaryIO") -> bool | None:
    """False: it is of no request.  None: it could not be read."""
    try:
        request = parse(line.decode())
    except ValueError:
        return None
    if not isinstance(request, Request):
        return False
    log.write(access_log_line(request, names).encode() + b"\n")
    return True
