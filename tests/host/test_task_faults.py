"""What goes wrong in a task's own work ends its launch and is told: nobody waits for what never comes."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec.structs import replace

from seawall.host import task as task_module
from seawall.host.cgroup import Cgroups
from seawall.host.container import Container
from seawall.host.ground import Ground
from seawall.host.images import Image
from seawall.host.task import Task
from seawall.program.report import TaskReport
from seawall.program.task import ContainerProgram, ImageSource, TaskProgram

KNOWN = Image("sha256:known", {}, ())


class Groups:
    """Control groups that may be long in making, and may be impossible to make."""

    def __init__(self, fault: OSError | None) -> None:
        self._fault = fault
        self.free = threading.Event()
        self.free.set()
        self.said: list[str] = []

    def make_task(self, task: str, **size: object) -> None:
        assert self.free.wait(10)
        self.said.append("made")
        if self._fault is not None:
            raise self._fault

    def expect_moves(self) -> None:
        pass

    def remove_task(self, task: str) -> None:
        self.said.append("removed")


class Reports:
    def __init__(self) -> None:
        self.newest: TaskReport | None = None
        self._told = asyncio.Event()

    def __call__(self, report: TaskReport) -> None:
        self.newest = report
        self._told.set()

    async def until(self, fact: Callable[[TaskReport], bool]) -> TaskReport:
        while self.newest is None or not fact(self.newest):
            self._told.clear()
            await self._told.wait()
        return self.newest


def program() -> TaskProgram:
    return TaskProgram(
        id="t", namespace="task-t", hostname="", hosts="", resolv_conf="", cpu_quota=1, memory_bytes=1,
        containers=tuple(
            ContainerProgram(name=name, runtime_id=f"t-{name}", image=ImageSource(reference=name))
            for name in ("web", "api")
        ),
    )  # fmt: skip


@contextlib.asynccontextmanager
async def launched(
    folder: Path,
    newest: Callable[[ImageSource], Image | None] = lambda source: None,
    fault: OSError | None = None,
    groups: Groups | None = None,
) -> AsyncIterator[tuple[Task, Reports]]:
    reports = Reports()
    host = SimpleNamespace(
        http=None,
        images=SimpleNamespace(newest=newest),
        cgroups=cast(Cgroups, groups or Groups(fault)),
        conmon=None,
        stage=folder / "stage",
        upstream=SimpleNamespace(mark=lambda: 0),
    )
    task = Task(cast(Any, host), program(), folder / "t", reports, Ground())
    yield task, reports
    await task.remove()
    assert not (folder / "t").exists()


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 10))


def all_failed(report: TaskReport) -> bool:
    return {container.state for container in report.containers} == {"failed"}


def test_a_task_that_can_have_no_group_fails_and_says_why(tmp_path: Path) -> None:
    async def test() -> None:
        async with launched(tmp_path, fault=OSError(28, "No space left on device")) as (_, reports):
            told = await reports.until(all_failed)
            for container in told.containers:
                assert container.failure is not None
                assert container.failure.step == "create"
                assert container.failure.text.endswith("[Errno 28] No space left on device")

    run(test)


def test_groups_that_are_being_made_when_a_task_is_removed_are_removed_after_that(tmp_path: Path) -> None:
    groups = Groups(None)
    groups.free.clear()

    async def test() -> None:
        async with launched(tmp_path, groups=groups) as (task, _):
            removing = asyncio.ensure_future(task.remove())
            for _ in range(20):  # turns of the loop: as long as anything goes on
                await asyncio.sleep(0)
            assert not removing.done()
            groups.free.set()
            await removing
        assert groups.said == ["made", "removed"]

    run(test)


def test_a_fault_of_our_own_in_a_launch_fails_the_task_instead_of_holding_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(source: ImageSource) -> Image | None:
        raise KeyError(source.reference)

    async def test() -> None:
        async with launched(tmp_path, broken) as (_, reports):
            await reports.until(all_failed)

    run(test)
    assert "task.fault" in caplog.text


def test_a_launch_that_is_given_up_is_over_only_when_all_its_containers_have_come_to_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of two is still being made when the other has been cancelled."""
    said: list[str] = []
    making, goes_on, stopped = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def create(container: Container, image: Image, stands: Callable[[], Awaitable[None]]) -> None:
        await stands()
        making.set()
        await goes_on.wait()
        said.append("made")

    async def stop(container: Container) -> None:
        said.append(f"stop {container.name}")
        if len(said) == 3:
            stopped.set()

    monkeypatch.setattr(Container, "_create", create)
    monkeypatch.setattr(Container, "stop", stop)

    def newest(source: ImageSource) -> Image | None:
        return KNOWN if source.reference == "api" else None

    async def test() -> None:
        async with launched(tmp_path, newest) as (task, _):
            task.ground.made.set()
            await making.wait()
            unwanted = tuple(replace(c, desired="stopped") for c in program().containers)
            task.update(replace(program(), containers=unwanted))
            for _ in range(20):  # turns of the loop: as long as anything goes on
                await asyncio.sleep(0)
            assert said == []
            goes_on.set()
            await stopped.wait()
            assert said[0] == "made"

    run(test)


def test_a_task_that_is_stopped_the_moment_it_has_started_sends_its_output_to_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished: list[str] = []
    all_finished, exited = asyncio.Event(), asyncio.Event()
    task: Task

    async def make_ready(container: Container, *_: object) -> None:
        pass

    async def start(container: Container) -> None:
        container._note(state="running")
        if container.name == "api":  # the last of the two
            unwanted = tuple(replace(c, desired="stopped") for c in program().containers)
            task.update(replace(program(), containers=unwanted))

    async def wait(container: Container) -> None:
        await exited.wait()

    async def stop(container: Container) -> None:
        container._note(state="exited", output_pending=True)
        exited.set()

    async def finish_logs(container: Container) -> None:
        if container.ended and container.report.output_pending:
            container._note(output_pending=False)
            finished.append(container.name)
        if len(finished) == 2:
            all_finished.set()

    for name, way in (("make_ready", make_ready), ("start", start), ("wait", wait), ("stop", stop)):
        monkeypatch.setattr(Container, name, way)
    monkeypatch.setattr(Container, "finish_logs", finish_logs)

    async def test() -> None:
        nonlocal task
        async with launched(tmp_path) as (task, _):
            await all_finished.wait()

    run(test)


def test_a_worker_that_dies_of_a_fault_is_followed_by_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """While it stops the task, and while it removes it."""
    monkeypatch.setattr(task_module, "AGAIN_S", 0.0)
    faults = {"stop": iter([KeyError("stop")]), "remove": iter([OSError(16, "remove")])}
    stopped = asyncio.Event()

    async def stop(container: Container) -> None:
        if fault := next(faults["stop"], None):
            raise fault
        stopped.set()

    async def remove(container: Container) -> None:
        if fault := next(faults["remove"], None):
            raise fault

    monkeypatch.setattr(Container, "stop", stop)
    monkeypatch.setattr(Container, "remove", remove)

    async def test() -> None:
        async with launched(tmp_path) as (task, _):
            unwanted = tuple(replace(c, desired="stopped") for c in program().containers)
            task.update(replace(program(), containers=unwanted))
            await stopped.wait()

    run(test)
    assert len([record for record in caplog.records if record.message == "task.fault"]) == 2


def test_an_exit_whose_watch_ended_with_a_fault_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(task_module, "AGAIN_S", 0.0)
    faults = iter([RuntimeError("File descriptor 7 is used by transport")])
    noticed = asyncio.Event()

    async def adopt(container: Container) -> None:
        container._say(state="running" if container.name == "web" else "exited")

    async def wait(container: Container) -> None:
        if fault := next(faults, None):
            raise fault
        container._say(state="exited")
        noticed.set()

    async def remove(container: Container) -> None:
        pass

    for name, work in (("adopt", adopt), ("wait", wait), ("remove", remove)):
        monkeypatch.setattr(Container, name, work)

    async def test() -> None:
        async with launched(tmp_path) as (_, reports):
            await noticed.wait()
            await reports.until(lambda report: {c.state for c in report.containers} == {"exited"})

    run(test)
    assert "task.fault" in caplog.text
