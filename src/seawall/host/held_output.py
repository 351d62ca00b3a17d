"""A container's output that is not read, so that whoever writes waits."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable
from pathlib import Path

from seawall.host.conmon import Monitor, ended, is_alive, start_time
from seawall.host.exec_process import read_pid


class HeldOutput:
    """Stops the monitor of a container and lets it go on; at the latest when the container's process has
    ended, which a stopped monitor does not notice.

    folder    of the container
    monitor   its present one
    """

    def __init__(self, folder: Path, monitor: Callable[[], Monitor | None]) -> None:
        self._folder = folder
        self._monitor = monitor
        self._held: Monitor | None = None
        self._until_exit: asyncio.Task[None] | None = None

    def __call__(self, holds: bool) -> None:
        monitor = self._monitor()
        if holds and monitor == self._held:
            return
        self._held = monitor if holds else None
        if self._until_exit is not None:
            self._until_exit.cancel()
            self._until_exit = None
        self._signal(signal.SIGSTOP if holds else signal.SIGCONT)
        if holds:
            self._until_exit = asyncio.create_task(self._go_on_at_exit(), name=f"held {self._folder.name}")

    async def _go_on_at_exit(self) -> None:
        pid = read_pid(self._folder / "pid")
        if pid is not None:
            await ended(Monitor(pid=pid, started=start_time(pid) or 0))
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        monitor = self._monitor()
        if monitor is not None and is_alive(monitor):
            with contextlib.suppress(ProcessLookupError):
                os.kill(monitor.pid, number)
