"""Who reads a container's output, stopped and let go on; the processes are real."""

import asyncio
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from seawall.host.conmon import Monitor, start_time
from seawall.host.held_output import HeldOutput


@pytest.fixture
def sleeper() -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    made: list[subprocess.Popen[bytes]] = []

    def make() -> subprocess.Popen[bytes]:
        made.append(subprocess.Popen(["sleep", "60"]))
        return made[-1]

    yield make
    for process in made:
        process.kill()
        process.wait()


async def is_stopped(process: subprocess.Popen[bytes]) -> None:
    await asyncio.wait_for(asyncio.to_thread(os.waitid, os.P_PID, process.pid, os.WSTOPPED), 10)


async def goes_on(process: subprocess.Popen[bytes]) -> None:
    await asyncio.wait_for(asyncio.to_thread(os.waitid, os.P_PID, process.pid, os.WCONTINUED), 10)


def monitor_of(process: subprocess.Popen[bytes]) -> Monitor:
    return Monitor(pid=process.pid, started=start_time(process.pid) or 0)


def test_a_monitor_is_stopped_until_it_is_let_go(
    tmp_path: Path, sleeper: Callable[[], subprocess.Popen[bytes]]
) -> None:
    async def live() -> None:
        monitor, container = sleeper(), sleeper()
        (tmp_path / "pid").write_text(str(container.pid))
        hold = HeldOutput(tmp_path, lambda: monitor_of(monitor))
        hold(True)
        await is_stopped(monitor)
        hold(False)
        await goes_on(monitor)

    asyncio.run(live())


def test_nobody_is_held_beyond_the_containers_end(
    tmp_path: Path, sleeper: Callable[[], subprocess.Popen[bytes]]
) -> None:
    async def live() -> None:
        monitor, container = sleeper(), sleeper()
        (tmp_path / "pid").write_text(str(container.pid))
        HeldOutput(tmp_path, lambda: monitor_of(monitor))(True)
        await is_stopped(monitor)
        container.kill()
        await goes_on(monitor)

    asyncio.run(live())


def test_a_new_monitor_is_held_anew_and_one_that_was_let_go_is_not(
    tmp_path: Path, sleeper: Callable[[], subprocess.Popen[bytes]]
) -> None:
    monitors, container = [sleeper()], sleeper()

    async def live() -> None:
        (tmp_path / "pid").write_text(str(container.pid))
        hold = HeldOutput(tmp_path, lambda: monitor_of(monitors[-1]))
        hold(True)
        await is_stopped(monitors[0])
        container.kill()
        await goes_on(monitors[0])
        hold(True)
        again = sleeper()
        (tmp_path / "pid").write_text(str(again.pid))
        monitors.append(sleeper())
        hold(True)
        await is_stopped(monitors[1])

    asyncio.run(live())
    assert os.waitid(os.P_PID, monitors[0].pid, os.WSTOPPED | os.WNOHANG) is None


def test_a_container_without_a_monitor_is_no_error(tmp_path: Path) -> None:
    HeldOutput(tmp_path, lambda: None)(False)
