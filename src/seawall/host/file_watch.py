"""Files that others write to or remove: being told when they do (inotify), instead of looking again."""

import asyncio
import ctypes
import os
import struct
from collections.abc import Callable
from pathlib import Path

_IN_MODIFY = 0x2
_IN_IGNORED = 0x8000
_EVENT = struct.Struct("iIII")  # watch, mask, cookie, length of the name behind it

_libc = ctypes.CDLL(None, use_errno=True)


class FileWatch:
    """All files of one process: a user may have many watches, but only some 128 queues of them."""

    def __init__(self) -> None:
        self._queue = -1  # opened when it is needed
        self._listeners: dict[int, tuple[Callable[[], None], Callable[[], None] | None]] = {}

    def watch(
        self, path: Path, changed: Callable[[], None], gone: Callable[[], None] | None = None
    ) -> Callable[[], None]:
        """Call `changed` after every write to a file that no one else here watches; returns what ends that.

        gone   called once when the file has been removed and nobody has it open
        In a running event loop.  Raises OSError: no such file, too many watches or queues.
        """
        if self._queue < 0:
            self._queue = _checked(_libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
        number = _checked(_libc.inotify_add_watch(self._queue, bytes(path), _IN_MODIFY))
        if not self._listeners:
            asyncio.get_running_loop().add_reader(self._queue, self._read)
        self._listeners[number] = (changed, gone)

        def end() -> None:
            if self._listeners.pop(number, None) is not None:
                _libc.inotify_rm_watch(self._queue, number)  # a file that is gone has taken its watch along
            if not self._listeners:
                asyncio.get_running_loop().remove_reader(self._queue)

        return end

    def close(self) -> None:
        if self._queue >= 0:
            os.close(self._queue)

    def _read(self) -> None:
        try:
            events = os.read(self._queue, 65536)
        except BlockingIOError:
            return
        position = 0
        while position < len(events):
            number, mask, _, length = _EVENT.unpack_from(events, position)
            position += _EVENT.size + length
            if number == -1:  # the queue ran over: anything may have been written
                for changed, _ in tuple(self._listeners.values()):
                    changed()
            elif number in self._listeners:
                changed, gone = self._listeners[number]
                heard = gone if mask & _IN_IGNORED else changed
                if heard is not None:
                    heard()


def _checked(status: int) -> int:
    if status < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), "inotify")
    return status
