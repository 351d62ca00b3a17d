"""state.json: where one container is, so that an agent that was killed is followed by one that knows.

What is newer stands in a line behind what was known before.  A new file in the place of the old one would be
written to the disk at once: half a millisecond, four times in a launch, and nobody reads it after the machine
has been down.
"""

import contextlib
import os
from pathlib import Path

import msgspec

from seawall.host.conmon import KILLED, Monitor
from seawall.program.report import ContainerReport

MOST_BYTES = 65536  # of a file; a record has 1,000
_NAME = "state.json"


class Record(msgspec.Struct, kw_only=True):
    """What is known of a container.

    touched   there may be something of it on this host besides its record and output
    layers    the folders of its image's layers
    began     when its process was last started, in seconds since the epoch: at first, or by a restart
    monitor   None of one that runs: it is being started again, and `last_code` is how it ended before
    """

    report: ContainerReport
    touched: bool = False
    monitor: Monitor | None = None
    stop_signal: str | None = None
    began: float = 0.0
    last_code: int = KILLED
    layers: tuple[str, ...] = ()

    def save(self, folder: Path) -> None:
        """One write: whoever is killed over it leaves what was known before, or this.  Raises OSError."""
        line = b"\n" + msgspec.json.encode(self)  # behind what may have been cut off
        path = folder / _NAME
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            whole = os.write(descriptor, line) == len(line)
            if whole and os.fstat(descriptor).st_size <= MOST_BYTES:
                return
        finally:
            os.close(descriptor)
        draft = folder / "state.new"
        draft.write_bytes(line)
        draft.replace(path)


def read_record(folder: Path) -> Record | None:
    """None where nothing was written down, so that nothing was made either."""
    try:
        lines = (folder / _NAME).read_bytes().split(b"\n")
    except FileNotFoundError:
        return None
    for line in reversed(lines):
        with contextlib.suppress(msgspec.DecodeError):
            return msgspec.json.decode(line, type=Record)
    return None
