"""How a container that crun has created is let go without another call of crun.

In front of its own program such a container waits for a byte in a pipe, `exec.fifo` in the folder that crun
keeps of it.  All that `crun start` does, where there are no hooks, is to take away the pipe's name and to
write that byte; it takes 2 ms of a processor for it, and in the middle of a launch 4 until it has them.
Source: libcrun_status_write_exec_fifo in crun's src/libcrun/status.c, and its reader in container.c.

An agent may be killed over it.  So the pipe gets a name of ours first: from then on the container counts as
started, and whoever finds that name completes it.  A second byte reaches nobody, because the container closes
the pipe when it has read one.  Nothing comes between opening the pipe and writing: a container that was told
nothing by one who has hung up ends, when another opens the pipe, without having begun.
"""

import contextlib
import errno
import os
from pathlib import Path

_WAITS, _GOES = "exec.fifo", "exec.going"


def let_go(folder: Path) -> bool:
    """Start the container that crun keeps in `folder`; False where none waits there in crun's way.

    Raises OSError: it ended meanwhile.
    """
    try:
        (folder / _WAITS).rename(folder / _GOES)
    except FileNotFoundError:
        return False
    if not _tell(folder / _GOES):
        (folder / _GOES).rename(folder / _WAITS)
        return False
    (folder / _GOES).unlink()
    return True


def complete(folder: Path) -> None:
    """Do what is left of a `let_go` that an agent was killed over, if there was one."""
    if (folder / _GOES).exists():
        with contextlib.suppress(BrokenPipeError):  # it ended just now
            _tell(folder / _GOES)
        (folder / _GOES).unlink()


def _tell(pipe: Path) -> bool:
    """False where nobody reads: it has been told before, or is gone, or waits in another runtime's way."""
    try:
        descriptor = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ENXIO:
            return False
        raise
    try:
        os.write(descriptor, b"\0")
    finally:
        os.close(descriptor)
    return True
