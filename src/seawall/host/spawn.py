"""Programs begun without holding up the interpreter.

`subprocess` lets the child borrow the parent's memory until it has become the program, and keeps the
interpreter's lock meanwhile: where all processors were busy, no thread of the agent went on for up to 8 ms.
The C library's posix_spawn does the same, but of a call through ctypes only the calling thread waits.
"""

import ctypes
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

_SETSIGDEF, _SETSID = 0x04, 0x80  # POSIX_SPAWN_*, <spawn.h>
_ROOM = 1024  # bytes; glibc's posix_spawn_file_actions_t has 80, its posix_spawnattr_t 336, its sigset_t 128
KEPT = 3  # the first number behind the standard three
_IGNORED = (signal.SIGPIPE, signal.SIGXFSZ)  # by Python, and so by whatever it begins

_libc = ctypes.CDLL(None)
_libc.posix_spawnp.restype = ctypes.c_int


class Streams(NamedTuple):
    """Descriptors that become a program's output and errors, None: /dev/null; and those that it may have
    besides, which get the numbers from 3 on.  Of all others it has none.
    """

    output: int | None = None
    errors: int | None = None
    kept: tuple[int, ...] = ()


def spawn(
    command: Sequence[str],
    streams: Streams,
    *,
    program: str | None = None,
    folder: Path | None = None,
    variables: Mapping[str, str] | None = None,
    new_session: bool = False,
) -> int:
    """Begin a program without input; returns its number, for the caller to reap.

    program     its file; None: the first word, looked for in the folders of PATH
    folder      where it works
    variables   besides those of this process
    Raises OSError.
    """
    environment = {**os.environ, **(variables or {})}
    file = program or command[0]
    actions, attributes, pid = _room(), _room(), ctypes.c_int()
    _libc.posix_spawn_file_actions_init(actions)
    _libc.posix_spawnattr_init(attributes)
    try:
        _arrange(actions, streams, folder)
        _describe(attributes, new_session)
        failed = _libc.posix_spawnp(
            ctypes.byref(pid),
            os.fsencode(file),
            actions,
            attributes,
            _texts(command),
            _texts([f"{name}={value}" for name, value in environment.items()]),
        )
    finally:
        _libc.posix_spawn_file_actions_destroy(actions)
        _libc.posix_spawnattr_destroy(attributes)
    if failed:
        raise OSError(failed, os.strerror(failed), file)
    return pid.value


def _arrange(actions: "ctypes.Array[ctypes.c_char]", streams: Streams, folder: Path | None) -> None:
    _libc.posix_spawn_file_actions_addopen(actions, 0, b"/dev/null", os.O_RDONLY, 0)
    for number, descriptor in ((1, streams.output), (2, streams.errors)):
        if descriptor is None:
            _libc.posix_spawn_file_actions_addopen(actions, number, b"/dev/null", os.O_WRONLY, 0)
        else:
            _libc.posix_spawn_file_actions_adddup2(actions, descriptor, number)
    behind = KEPT + len(streams.kept)
    for number, descriptor in enumerate(streams.kept, KEPT):
        assert (
            descriptor >= behind
        )  # the first numbers are the loop's own: none is overwritten before its turn
        _libc.posix_spawn_file_actions_adddup2(actions, descriptor, number)
    _libc.posix_spawn_file_actions_addclosefrom_np(actions, behind)
    if folder is not None:
        _libc.posix_spawn_file_actions_addchdir_np(actions, os.fsencode(folder))


def _describe(attributes: "ctypes.Array[ctypes.c_char]", new_session: bool) -> None:
    signals = _room()
    _libc.sigemptyset(signals)
    for number in _IGNORED:
        _libc.sigaddset(signals, int(number))
    _libc.posix_spawnattr_setsigdefault(attributes, signals)
    flags = _SETSIGDEF | (_SETSID if new_session else 0)
    _libc.posix_spawnattr_setflags(attributes, ctypes.c_short(flags))


def _room() -> "ctypes.Array[ctypes.c_char]":
    return ctypes.create_string_buffer(_ROOM)


def _texts(texts: Sequence[str]) -> "ctypes.Array[ctypes.c_char_p]":
    return (ctypes.c_char_p * (len(texts) + 1))(*map(os.fsencode, texts), None)
