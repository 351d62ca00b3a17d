"""One task: its containers pulled, created and started together; stopped and removed when told.

Each task has one worker.  It is woken when its program changes and walks on from where it is; nothing of a
task happens outside of its worker.
"""

import asyncio
import logging
import os
import shutil
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path

from seawall.host import traces
from seawall.host.container import Container
from seawall.host.deadline import within
from seawall.host.ecr_login import RegistryCredentials, ecr_token
from seawall.host.environment_files import fetch_environment
from seawall.host.failure import FailedStep
from seawall.host.ground import Ground
from seawall.host.host import Host
from seawall.host.long_work import to_its_end
from seawall.host.namespace_names import nameservers
from seawall.host.namespaces import task_id_map
from seawall.host.pause import PAUSE, Pause
from seawall.host.registry_login import registry_credentials
from seawall.host.runtime_words import unmade
from seawall.host.secrets import Secrets
from seawall.host.start_order import Verdict, judge, stops_after
from seawall.host.storage import until_over
from seawall.host.upstream import is_unanswered
from seawall.host.volumes import Volumes, remove_volumes
from seawall.program.report import Failure, TaskReport
from seawall.program.task import EcrLogin, TaskProgram

AGAIN_S = 1.0  # before work that ended with a fault is begun again
VOLUMES = "+volumes"  # beside the containers' folders: no container's name has a plus

log = logging.getLogger("seawall.task")


class Task:
    """A task's worker.  `changed` is called with a whole report after every step.

    ground   of its network: nothing is asked over it and nothing starts before that is in force
    """

    def __init__(
        self,
        host: Host,
        program: TaskProgram,
        folder: Path,
        changed: Callable[[TaskReport], None],
        ground: Ground,
    ) -> None:
        self._host = host
        self._program = program
        self._folder = folder
        self._changed = changed
        self.ground = ground
        self._wake = asyncio.Event()
        self._moved = asyncio.Event()
        self._removed = False
        self._launch: asyncio.Task[None] | None = None
        self._waits: dict[str, asyncio.Task[None]] = {}
        self._logins: dict[EcrLogin, asyncio.Task[RegistryCredentials]] = {}
        self._secrets = Secrets(host.http, *self._login_place)
        self._fetching = asyncio.Lock()
        self._volumes = Volumes(folder / VOLUMES, _volumes_place(host, program.id))
        self._pause = Pause(host, program, folder / PAUSE) if program.shared_pids else None
        self._accountant: asyncio.Task[None] | None = None
        self._grouping: asyncio.Future[None] | None = None
        self._containers = {
            c.name: Container(host, program, c, folder / c.name, self._volumes, self._pause, self._tell)
            for c in program.containers
        }
        self._gone = asyncio.Event()
        self._begin()

    @property
    def report(self) -> TaskReport:
        return TaskReport(id=self._program.id, containers=tuple(c.report for c in self._containers.values()))

    @property
    def namespace(self) -> str:
        return self._program.namespace

    def update(self, program: TaskProgram) -> None:
        """A newer program of the same task."""
        self._program = program
        for container in program.containers:
            self._containers[container.name].update(container)
        self._wake.set()

    async def remove(self) -> None:
        """End everything of the task and return when nothing of it is left."""
        self._removed = True
        self._wake.set()
        await self._gone.wait()

    def _begin(self) -> None:
        """A worker that dies of a fault is followed by another, as an agent that was killed is."""
        self._worker = asyncio.create_task(self._work(), name=f"task {self._program.id}")
        self._worker.add_done_callback(lambda worker: self._once_more(worker, self._begin))

    @staticmethod
    def _once_more(work: "asyncio.Task[None]", begin: Callable[[], None]) -> None:
        _say_failed(work)
        if _has_failed(work):
            asyncio.get_running_loop().call_later(AGAIN_S, begin)

    async def _work(self) -> None:
        await self._end_launch()
        if not self._removed:
            await self._take_up()
        while not self._removed:
            self._wake.clear()
            if self._stopping:
                await self._stop()
            elif self._launch is None and any(not c.runs and not c.ended for c in self._containers.values()):
                self._launch = asyncio.create_task(self._go(), name=f"launch {self._program.id}")
                self._launch.add_done_callback(self._launch_ended)
            await self._wake.wait()
        await self._clear()
        self._gone.set()

    async def _take_up(self) -> None:
        """Find out what there is, and have ready what is needed for the rest."""
        try:
            self._prepare()
        except OSError as error:
            self._give_up(error)
        for container in self._containers.values():
            await container.adopt()
            self._watch(container)
        if not all(container.is_new for container in self._containers.values()):
            self._tell()
        if self._program.storage_bytes and self._accountant is None:
            self._accountant = asyncio.create_task(self._account(), name=f"storage {self._program.id}")
            self._accountant.add_done_callback(_say_failed)

    @property
    def _stopping(self) -> bool:
        return any(c.desired == "stopped" for c in self._program.containers)

    def _prepare(self) -> None:
        loop = asyncio.get_running_loop()
        grouped = self.ground.grouped.set
        # In a thread: other launches may have the kernel's groups busy for some ms.
        self._grouping = loop.run_in_executor(
            None, self._make_group, lambda: loop.call_soon_threadsafe(grouped)
        )
        self._grouping.add_done_callback(self._grouping_ended)
        files = self._host.stage / "files" / self._program.id
        files.mkdir(parents=True, exist_ok=True)
        for name, text in (
            ("hosts", self._program.hosts),
            ("resolv.conf", self._program.resolv_conf),
            ("hostname", f"{self._program.hostname}\n"),
        ):
            (files / name).write_text(text)
        self._volumes.make(self._program.volumes, task_id_map().first)

    def _grouping_ended(self, grouping: "asyncio.Future[None]") -> None:
        if not grouping.cancelled() and (fault := grouping.exception()) is not None:
            if self._launch is not None:
                self._launch.cancel()
            self._give_up(fault)

    def _make_group(self, made: Callable[[], object]) -> None:
        """In a thread.  `made` is called when it is there; then the kernel is told of the moves to come."""
        self._host.cgroups.make_task(
            self._program.id,
            cpus=self._program.cpu_quota,
            memory_bytes=self._program.memory_bytes,
            pids=self._program.pids_limit,
        )
        made()
        self._host.cgroups.expect_moves()

    async def _go(self) -> None:
        """From nothing to running.  The first container that cannot ends the launch; the others wait."""
        fresh = [c for c in self._containers.values() if not c.runs and not c.ended]
        if not await self._all(
            lambda c: c.make_ready(self.ground, lambda: self._login(c), lambda: self._variables(c)),
            fresh,
            # Of one that waits for nobody with its start, which is next.
            told=len(fresh) > 1 or any(c.program.depends_on for c in fresh),
        ):
            return
        await self._start_in_order(fresh)

    def _launch_ended(self, launch: "asyncio.Task[None]") -> None:
        _say_failed(launch)
        if not launch.cancelled() and (fault := launch.exception()) is not None:
            self._give_up(fault)

    def _give_up(self, fault: BaseException) -> None:
        """What has gone wrong is no answer to any step: a task that waits for one would wait for ever."""
        for container in self._containers.values():
            if not container.runs and not container.ended:
                container.fail(Failure(step="create", cause="other", text=unmade(str(fault) or repr(fault))))
        self._tell()

    async def _start_in_order(self, waiting: list[Container]) -> None:
        """Each as soon as what it depends on is as it must be; one for which that cannot come any more fails,
        and then those that depend on it."""
        while waiting:
            self._moved.clear()
            verdicts = {c.name: self._verdict(c) for c in waiting}
            for container in waiting:
                if (never := verdicts[container.name].never) is not None:
                    container.fail(Failure(step="dependency", cause="other", text=never))
                    self._tell()
            ready = [c for c in waiting if verdicts[c.name].may_start]
            if not await self._all(self._start, ready):
                return
            waiting = [c for c in waiting if c not in ready and not c.ended]
            await self._wait_for_move([v.until for v in verdicts.values() if v.until is not None])

    async def _start(self, container: Container) -> None:
        """Nothing comes between a start and its watch: who gives up the launch just then stops what runs, and
        counts on its output being sent to the end."""
        await container.start()
        self._watch(container)

    def _verdict(self, container: Container) -> Verdict:
        members = {c.name: (c.program, c.report) for c in self._containers.values()}
        return judge(container.program, members, time.time())

    async def _wait_for_move(self, deadlines: list[float]) -> None:
        """Until something of a container has changed since `_moved` was cleared, or a wait is over."""
        try:
            if deadlines:
                await within(max(min(deadlines) - time.time(), 0.0), self._moved.wait())
            else:
                await self._moved.wait()
        except asyncio.TimeoutError:
            return

    async def _all(
        self, step: Callable[[Container], Awaitable[None]], containers: list[Container], *, told: bool = True
    ) -> bool:
        """One step for all at once.  False when one of them failed, which is then on its record.

        told   each is told as soon as it is done; else only what failed
        Also who is cancelled returns only when all of them have come to their ends.
        """

        async def one(container: Container) -> bool:
            mark = self._host.upstream.mark()
            try:
                await step(container)
            except FailedStep as failed:
                if is_unanswered(failed.failure) and await self._host.upstream.was_away(mark):
                    return await one(container)
                container.fail(failed.failure)
                self._tell()
                return False
            if told:
                self._tell()
            return True

        steps = [asyncio.ensure_future(one(container)) for container in containers]
        await asyncio.gather(*steps, return_exceptions=True)
        outcomes = [step.result() for step in steps]
        return all(outcomes)

    async def _login(self, container: Container) -> RegistryCredentials | None:
        """The registry's credentials, asked for once by all containers that need the same."""
        image = container.program.image
        if image.password is not None:
            with container.during("registry login"):
                async with self._fetching:
                    return await registry_credentials(self._secrets, image.password)
        if image.login is None:
            return None
        asking = self._logins.get(image.login)
        if asking is None or (asking.done() and (asking.cancelled() or asking.exception())):
            asking = asyncio.create_task(ecr_token(self._host.http, *self._login_place, image.login))
            self._logins[image.login] = asking
        with container.during("registry login"):
            return await asyncio.shield(asking)

    @property
    def _login_place(self) -> tuple[str, Sequence[str]]:
        """Where registry login and secrets travel, and who is asked for names there."""
        program = self._program
        if program.login_namespace is not None:
            return program.login_namespace, program.login_nameservers
        return program.namespace, nameservers(program.resolv_conf)

    async def _variables(self, container: Container) -> dict[str, str]:
        """What a container is given that lies elsewhere: files of variables, secrets.  Raises FailedStep.

        Secrets that several containers want are fetched once.
        """
        program = container.program
        variables: dict[str, str] = {}
        if program.environment_files:
            servers = nameservers(self._program.resolv_conf)
            files = program.environment_files
            with container.during("environment files"):
                found = await fetch_environment(self._host.http, self._program.namespace, servers, files)
            variables.update(found)
        if program.secrets:
            with container.during("secrets"):
                async with self._fetching:
                    texts = await self._secrets.fetch(source for _, source in program.secrets)
            variables.update((name, texts[source]) for name, source in program.secrets)
        return variables

    async def _stop(self) -> None:
        """Give up the launch; stop all at once, but each only after those that started after it."""
        await self._end_launch()
        stopping: dict[str, asyncio.Task[None]] = {}
        for container in reversed(_in_order(self._containers.values())):
            first = stops_after(container.name, self._program.containers)
            dependents = [stopping[name] for name in first if name in stopping]
            stopping[container.name] = asyncio.create_task(self._stop_after(dependents, container))
        await asyncio.gather(*stopping.values())

    async def _stop_after(self, dependents: "list[asyncio.Task[None]]", container: Container) -> None:
        await asyncio.gather(*dependents)
        await container.stop()
        self._tell()

    async def _account(self) -> None:
        """End all containers when they have written more than the task has room for."""

        def written() -> list[Path]:
            return [self._folder / VOLUMES, *(p for c in self._containers.values() for p in c.written)]

        def layers() -> list[Path]:
            return [layer for c in self._containers.values() for layer in c.layers]

        used = await until_over(self._program.storage_bytes, self._folder, written, layers)
        log.warning("task.out_of_storage", extra={"task": self._program.id, "bytes": used})
        for container in self._containers.values():
            container.end_for_storage()

    async def _end_launch(self) -> None:
        if self._launch is not None:
            self._launch.cancel()
            await asyncio.gather(self._launch, return_exceptions=True)
            self._launch = None
        for asking in self._logins.values():  # nobody waits for the answer any more
            asking.cancel()
        await asyncio.gather(*self._logins.values(), return_exceptions=True)

    def _watch(self, container: Container) -> None:
        unfinished = container.runs or container.report.output_pending
        if unfinished and container.name not in self._waits:
            waiting = asyncio.create_task(self._until_exit(container), name=f"exit {container.name}")
            waiting.add_done_callback(
                lambda waits: self._once_more(waits, lambda: self._watch_anew(container))
            )
            self._waits[container.name] = waiting

    def _watch_anew(self, container: Container) -> None:
        if not self._removed:
            del self._waits[container.name]
            self._watch(container)

    async def _until_exit(self, container: Container) -> None:
        if container.runs:
            looks = asyncio.create_task(container.watch_health(), name=f"health {container.name}")
            looks.add_done_callback(_say_failed)
            try:
                await container.wait()
            finally:
                looks.cancel()
                await asyncio.gather(looks, return_exceptions=True)
            self._tell()
        await container.finish_logs()
        self._tell()

    async def _clear(self) -> None:
        await self._end_launch()
        if self._grouping is not None:  # what it makes comes too late to be removed
            await asyncio.wait([self._grouping])
        others = [*self._waits.values(), *([self._accountant] if self._accountant else [])]
        for other in others:
            other.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for container in self._containers.values():
            await container.remove()
        if self._pause is not None:
            await self._pause.remove()
        await to_its_end(_remove_surroundings, self._host, self._folder)

    def _tell(self) -> None:
        self._moved.set()
        self._changed(self.report)


async def remove_leftovers(host: Host, folder: Path) -> None:
    """Remove a task that no program names any more, whose agent was killed before it had.

    folder   of the task: tasks/ID
    """
    for entry in os.scandir(folder):
        if entry.is_dir() and entry.name != VOLUMES:
            await traces.remove_leftovers(host.conmon, host.cgroups, host.stage, folder / entry.name)
    await to_its_end(_remove_surroundings, host, folder)


def _remove_surroundings(host: Host, folder: Path) -> None:
    """What the containers of a task shared.  The folder goes last: it tells that there may be more."""
    host.cgroups.remove_task(folder.name)
    remove_volumes(_volumes_place(host, folder.name))
    shutil.rmtree(host.stage / "files" / folder.name, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


def _volumes_place(host: Host, task_id: str) -> Path:
    return host.stage / "volumes" / task_id


def _say_failed(work: "asyncio.Task[None]") -> None:
    """A fault of Seawall's own must not pass in silence."""
    if _has_failed(work):
        log.error("task.fault", extra={"work": work.get_name()}, exc_info=work.exception())


def _has_failed(work: "asyncio.Task[None]") -> bool:
    return not work.cancelled() and work.exception() is not None


def _in_order(containers: Iterable[Container]) -> list[Container]:
    """Each after those it starts after; otherwise as listed."""
    waiting = list(containers)
    names = {c.program.name for c in waiting}
    ordered: list[Container] = []
    while waiting:
        done = {c.program.name for c in ordered}
        ready = [c for c in waiting if done.issuperset(names.intersection(_dependencies(c)))]
        ordered += ready or waiting
        waiting = [c for c in waiting if c not in ordered]
    return ordered


def _dependencies(container: Container) -> set[str]:
    return {dependency.container for dependency in container.program.depends_on}
