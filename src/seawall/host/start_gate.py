"""How a container that crun has created is let go without another call of crun.

In front of its own program such a container waits for a byte in a pipe, `exec.fifo` in the folder that crun
keeps of it.  All that `crun start` does, where there are no hooks, is to take away the pipe's name and to
write that byte; it takes 2 ms of a processor for it, and in the middle of a launch 4 until it has them.
Source: libcrun_status_write_exec_fifo in crun's src/libcrun/status.c, and its reader in container.c.

An agent may be killed between the two.  So the pipe gets a name of ours first: from then on the container
counts as started, and whoever finds that name completes it.  A second byte reaches nobody, because the
container closes the pipe when it has read one.
"""

import errno
import os
from pathlib import Path

_WAITS, _GOES = "exec.fifo", "exec.going"


def let_go(folder: Path) -> bool:
    """Start the container that crun keeps in `folder`; False where none waits there in crun's way.

    Raises OSError: it ended meanwhile.
    """
    pipe = _open(folder / _WAITS)
    if pipe is None:
        return False
    try:
        (folder / _WAITS).rename(folder / _GOES)
        _tell(pipe)
    finally:
        os.close(pipe)
    (folder / _GOES).unlink()
    return True


def complete(folder: Path) -> None:
    """Do what is left of a `let_go` that an agent was killed over, if there was one."""
    pipe = _open(folder / _GOES)
    if pipe is not None:
        try:
            _tell(pipe)
        except BrokenPipeError:  # it ended just now
            pass
        finally:
            os.close(pipe)
    (folder / _GOES).unlink(missing_ok=True)


def _tell(pipe: int) -> None:
    os.write(pipe, b"\0")


def _open(pipe: Path) -> int | None:
    """For writing; None where nobody reads."""
    try:
        return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == errno.ENXIO:
            return None
        raise
