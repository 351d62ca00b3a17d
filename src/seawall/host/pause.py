"""The process that a task's shared process namespace belongs to: its number 1, which waits and reaps.

A namespace ends with its first process, so that cannot be one of the containers.  It is a container like
those, made by the same runtime under the same monitor, and so is found and removed like one.
"""

import asyncio
import os
from pathlib import Path

import msgspec

from seawall.host.conmon import RuntimeFailed, is_alive
from seawall.host.container_record import Record, read_record
from seawall.host.host import Host
from seawall.host.kernel import MS_BIND, mount
from seawall.host.namespaces import task_id_map
from seawall.host.oci_spec import Surroundings, runtime_spec
from seawall.host.traces import Traces
from seawall.program.report import ContainerReport
from seawall.program.task import ContainerProgram, ImageSource, TaskProgram

PAUSE = "+pause"  # its folder beside the containers': no container's name has a plus
PAUSING_INIT = "catatonit"  # the one init that can do nothing but wait and reap


class Pause:
    """Of one task.  `folder` is tasks/ID/+pause."""

    def __init__(self, host: Host, task: TaskProgram, folder: Path) -> None:
        self._host = host
        self._task = task
        self._folder = folder
        self._id = f"{task.id}-pause"
        self._traces = Traces(host.conmon, host.cgroups, host.stage, task.id, self._id, folder)
        self._making = asyncio.Lock()

    async def namespace(self) -> Path:
        """The process namespace; made when it is not there.  Raises RuntimeFailed, OSError."""
        async with self._making:
            record = read_record(self._folder)
            if record is None or not await self._waits(record):
                await self._make()
            return Path(f"/proc/{int((self._folder / 'pid').read_text())}/ns/pid")

    async def remove(self) -> None:
        record = read_record(self._folder)
        if record is not None and record.touched:
            await self._traces.remove(record.monitor)

    async def _waits(self, record: Record) -> bool:
        if record.monitor is None or not is_alive(record.monitor):
            return False
        return await self._host.conmon.status(self._id) == "running"

    async def _make(self) -> None:
        if self._host.init is None or self._host.init.name != PAUSING_INIT:
            raise RuntimeFailed(f"containers cannot share processes: {PAUSING_INIT} is not installed")
        await self.remove()
        self._folder.mkdir(parents=True, exist_ok=True)
        record = Record(report=ContainerReport(name=PAUSE, runtime_id=self._id), touched=True)
        record.save(self._folder)  # before anything is made, so that an agent after this one looks for it
        output = self._folder / "output.log"
        async with self._host.conmon.ready(
            self._id, self._folder, output, terminal=False, stdin=False
        ) as create:
            root, ids = self._folder / "upper", task_id_map()
            root.mkdir(exist_ok=True)
            os.chown(root, ids.first, ids.first)
            self._traces.rootfs.mkdir(parents=True, exist_ok=True)
            mount(str(root), self._traces.rootfs, None, MS_BIND)
            (self._folder / "config.json").write_bytes(msgspec.json.encode(self._spec()))
            record.monitor = await create()
        record.save(self._folder)
        await self._host.conmon.start(self._id)

    def _spec(self) -> dict[str, object]:
        ids = task_id_map()
        program = ContainerProgram(
            name=PAUSE,
            runtime_id=self._id,
            image=ImageSource(reference=""),
            entry_point=("/dev/init", "-P"),
            drop_capabilities=("ALL",),
        )
        around = Surroundings(
            rootfs=self._traces.rootfs,
            network_namespace=self._host.namespaces.path(self._task.namespace),
            user_namespace=self._host.namespaces.user_path(self._task.namespace),
            files={},
            ids=(ids.first, ids.size),
            cgroups_path=self._host.cgroups.container_path(self._task.id, self._id),
            seccomp_profile=self._host.seccomp_profile,
            init=self._host.init,
        )
        return runtime_spec(self._task, program, {}, around)
