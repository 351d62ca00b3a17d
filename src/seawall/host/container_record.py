"""state.json: where one container is, so that an agent that was killed is followed by one that knows."""

from pathlib import Path

import msgspec

from seawall.host.conmon import KILLED, Monitor
from seawall.program.report import ContainerReport


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
        draft = folder / "state.new"
        draft.write_bytes(msgspec.json.encode(self))
        draft.replace(folder / "state.json")


def read_record(folder: Path) -> Record | None:
    """None where nothing was written down, so that nothing was made either."""
    try:
        return msgspec.json.decode((folder / "state.json").read_bytes(), type=Record)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
