"""What a container leaves on the host, and how all of it is taken away again.

Found by the container's id and folder alone, so that an agent can clear up after one that was killed: at any
step of a launch, or of a removal.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from seawall.host.cgroup import Cgroups
from seawall.host.conmon import Conmon, Monitor
from seawall.host.container_record import read_record
from seawall.host.long_work import to_its_end
from seawall.host.mounts import unmount


@dataclass(frozen=True)
class Traces:
    """One container: its monitor and runtime's state, its control group, its mount, its files in `folder`."""

    conmon: Conmon
    cgroups: Cgroups
    stage: Path
    task: str
    id: str
    folder: Path

    @property
    def rootfs(self) -> Path:
        return self.stage / "rootfs" / self.id

    async def remove(self, monitor: Monitor | None) -> None:
        """Return when nothing runs and nothing is mounted any more; the output and the record stay.

        monitor   None where it is not known: whoever made the container did not come to write that down
        """
        await self.conmon.remove(self.id, monitor)
        await to_its_end(self._take_away)

    def _take_away(self) -> None:
        self.cgroups.remove_container(self.task, self.id)
        unmount(self.rootfs)
        if self.rootfs.is_dir():
            self.rootfs.rmdir()
        for name in ("upper", "work"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        for name in ("pid", "conmon.pid"):
            (self.folder / name).unlink(missing_ok=True)


async def remove_leftovers(conmon: Conmon, cgroups: Cgroups, stage: Path, folder: Path) -> None:
    """Remove a container that no program names any more, whose agent was killed before it had.

    folder   of the task and container: tasks/ID/NAME
    """
    record = read_record(folder)
    if record is not None and record.touched:
        traces = Traces(conmon, cgroups, stage, folder.parent.name, record.report.runtime_id, folder)
        await traces.remove(record.monitor)
