"""Keeps a world alive under the control plane: adopts the one that is there, else starts one."""

import asyncio
import logging
import os
import sys

from seawall.app.settings import Settings
from seawall.host.world import World, end_world, find_world, start_world

log = logging.getLogger("seawall.world")


class WorldKeeper:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._world: World | None = None
        self.adopted = False  # it was running before this process
        self._starting: asyncio.Future[World] | None = None

    @property
    def world(self) -> World | None:
        return self._world

    async def start(self) -> None:
        """Return with a world running.  Raises host.world.WorldError where none can be made."""
        self._world = find_world(self._settings.state_dir)
        self.adopted = self._world is not None
        if self._world is not None:
            log.info("world.adopted", extra={"pid": self._world.pid})
            return
        # One that was killed while nobody kept it has left its control groups.
        await asyncio.to_thread(end_world, self._settings.state_dir)
        self._starting = asyncio.ensure_future(
            asyncio.to_thread(start_world, self._settings.state_dir, agent_command(self._settings))
        )
        self._world = await asyncio.shield(self._starting)
        log.info("world.started", extra={"pid": self._world.pid})

    async def keep(self) -> None:
        """Start a new world whenever the present one ends."""
        while self._world is not None:
            await _ended(self._world.pid)
            log.error("world.ended", extra={"pid": self._world.pid})
            await asyncio.to_thread(end_world, self._settings.state_dir)
            self._world = None
            await self.start()

    async def stop(self) -> None:
        """End the world, also one whose start was interrupted: a thread cannot be, so it is waited for."""
        if self._starting is not None:
            await asyncio.wait({self._starting})
        await asyncio.to_thread(end_world, self._settings.state_dir)


def agent_command(settings: Settings) -> list[str]:
    """How PID 1 of the world starts the agent."""
    command = [sys.executable, "-m", "seawall.host.agent", "--state-dir", str(settings.state_dir)]
    if settings.runtime:
        command += ["--runtime", settings.runtime]
    if settings.json_logs:
        command.append("--json-logs")
    return command


async def _ended(pid: int) -> None:
    """Return when a process is gone."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    loop = asyncio.get_running_loop()
    gone = asyncio.Event()
    loop.add_reader(descriptor, gone.set)
    try:
        await gone.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
