"""One container of a task: from a pulled image to an exit code, resumable at every step.

What is known is written to `state.json` at each step, so that an agent that was killed finds out where it
was: a container with a live monitor is adopted, one that was being made is made anew.
"""

import asyncio
import contextlib
import logging
import shutil
import signal
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import msgspec

from seawall.host import conmon
from seawall.host.awslogs import LogShipper
from seawall.host.bundle import Bundle, hard_limits
from seawall.host.conmon import Monitor, RuntimeFailed
from seawall.host.container_record import Record, read_record
from seawall.host.deadline import within
from seawall.host.ecr_login import RegistryCredentials
from seawall.host.exec_process import end_left_over
from seawall.host.failure import FailedStep
from seawall.host.ground import Ground
from seawall.host.health_watch import watch_health
from seawall.host.held_output import HeldOutput
from seawall.host.host import Host
from seawall.host.images import Image
from seawall.host.long_work import to_its_end
from seawall.host.namespace_names import nameservers
from seawall.host.oci_spec import SpecError, container_capabilities, cut_ulimits, runtime_spec
from seawall.host.pause import Pause
from seawall.host.phases import Phases
from seawall.host.pull_progress import PullProgress
from seawall.host.runtime_words import runtime_failure, unmade
from seawall.host.traces import Traces
from seawall.host.volumes import Volumes
from seawall.program.report import ContainerReport, Failure, FailureStep, Health
from seawall.program.task import ContainerProgram, TaskProgram

# It is told what to do while the registry's password is being waited for.
Login = Callable[[], Awaitable[RegistryCredentials | None]]
Variables = Callable[[], Awaitable[Mapping[str, str]]]

UNWANTED_LOG = 1 << 20  # bytes kept of the output of a container without a log driver, which nobody reads

log = logging.getLogger("seawall.container")


class Container:
    """All operations are called by the task's one worker, one after the other.

    `tell` is called when there is something new to report in the middle of an operation.
    """

    def __init__(
        self,
        host: Host,
        task: TaskProgram,
        program: ContainerProgram,
        folder: Path,
        volumes: Volumes,
        pause: Pause | None,
        tell: Callable[[], None],
    ) -> None:
        self.program = program
        self._host = host
        self._task = task
        self._folder = folder
        self._volumes = volumes
        self._pause = pause
        self._traces = Traces(host.conmon, host.cgroups, host.stage, task.id, program.runtime_id, folder)
        self._rootfs = self._traces.rootfs
        self._shipper: LogShipper | None = None
        self._shipping: asyncio.Task[None] | None = None
        self._variables: Mapping[str, str] = {}
        self._tell = tell
        self._turn = asyncio.Lock()  # a stop and a start after an exit do not cross
        self._phases = Phases(self._tell_phases)
        folder.mkdir(parents=True, exist_ok=True)
        known = read_record(folder)
        self.is_new = known is None  # no agent before this one has left word of it
        self._record = known or Record(
            report=ContainerReport(name=program.name, runtime_id=program.runtime_id)
        )

    @property
    def report(self) -> ContainerReport:
        return self._record.report

    @property
    def name(self) -> str:
        return self.program.name

    @property
    def stopping(self) -> bool:
        return self.program.desired == "stopped"

    @property
    def runs(self) -> bool:
        return self.report.state == "running"

    @property
    def ended(self) -> bool:
        return self.report.state in ("exited", "failed")

    async def adopt(self) -> None:
        """Find out what became of the container while no agent was there."""
        if self.ended:
            if self.report.output_pending:
                self._resume_logs()
                self._note(output_pending=self._shipping is not None)
            return
        monitor = self._record.monitor
        if monitor is not None and self.report.state == "created" and await self._was_started(monitor):
            self._record.began = time.time()
            self._note(state="running", started_at=self._record.began)
        if self.runs:
            self._resume_logs()
            if monitor is None or not await self._goes_on(monitor):
                await self._restart_or_exit()
            return
        await self._discard()
        self._say(state="waiting", pull_started_at=None, pull_stopped_at=None)

    async def _was_started(self, monitor: Monitor) -> bool:
        """Whether a container known as created was started by an agent that was killed over that."""
        await self._host.conmon.settle(self.program.runtime_id)
        return await self._still_runs(monitor) or self._host.conmon.exit(self.program.runtime_id)[1] > 0

    async def _goes_on(self, monitor: Monitor) -> bool:
        """Whether one known as running does; one that was made anew and not yet started is started."""
        id = self.program.runtime_id
        if await self._host.conmon.status(id) == "created" and not self.stopping:
            await self._host.conmon.settle(id)
            with contextlib.suppress(RuntimeFailed):  # it was started in the end, or will not be
                await self._host.conmon.start(id)
        return await self._still_runs(monitor)

    async def _still_runs(self, monitor: Monitor) -> bool:
        status = await self._host.conmon.status(self.program.runtime_id)
        if status == "stopped":  # its monitor may be about to write down how it ended
            with contextlib.suppress(asyncio.TimeoutError):
                await within(conmon.SETTLE_S, conmon.ended(monitor))
        return status == "running" and conmon.is_alive(monitor)

    async def make_ready(self, ground: Ground, login: Login, variables: Variables) -> None:
        """Pull the image and create the container while its log stream is made.  Raises FailedStep.

        `login` asks for the registry's credentials, `variables` for those that come over the network.
        Returns with everything done but the start, and never before the network is in force.
        """
        self._phases.begin_anew()
        if self.program.secrets or self.program.environment_files:
            await ground.in_force.wait()
            self._variables = await variables()
        outcomes = await asyncio.gather(
            self._pull_and_create(ground, login), self._open_logs(ground), return_exceptions=True
        )
        for outcome in outcomes:
            if outcome is not None:
                await self._discard()
                raise outcome
        self._note(state="created")

    async def _pull_and_create(self, ground: Ground, login: Login) -> None:
        """An image that was here before is most likely the same again.  So its container is created while its
        network is still being made and the registry being asked over the task's interface, and is unmade when
        the answer differs; it is never started before the answer."""
        guess = self._host.images.newest(self.program.image)
        if guess is None:
            await ground.in_force.wait()
            await self._create(await self._pull(login), ground.stands)
            return
        if self._pause is not None:  # which is made there, and named in the bundle
            await ground.stands()
        # Sysctls of its own must come after those that every namespace is given with its network.
        standing = asyncio.ensure_future(ground.stands(in_force=bool(self.program.sysctls)))
        creating = asyncio.create_task(self._create(guess, lambda: standing))
        try:
            await ground.in_force.wait()
            image = await self._pull(login)
            await asyncio.wait([creating])
        finally:  # never left behind: whoever cancels us goes on to unmake what it makes
            standing.cancel()
            await asyncio.wait([creating])
            _ = creating.cancelled() or creating.exception()
        if image.digest == guess.digest:
            creating.result()
            return
        await self._discard()
        await self._create(image, ground.stands)

    async def _pull(self, login: Login) -> Image:
        self._say(state="pulling", pull_started_at=time.time())
        servers = nameservers(self._task.resolv_conf)
        # Soon, not now: the connection of the login, for which the pull waits, comes first.
        asyncio.get_running_loop().call_soon(
            self._host.images.expect, self._task.namespace, servers, self.program.image
        )
        credentials = await login()
        progress = PullProgress()
        with self._phases.during("image", lambda: progress.text):
            image = await self._host.images.pull(
                self._task.namespace,
                servers,
                self._task.resolv_conf,
                self.program.image,
                credentials,
                progress=progress,
            )
        self._record.stop_signal = image.config.get("config", {}).get("StopSignal")
        self._say(state="pulled", image_digest=image.digest, pull_stopped_at=time.time())
        return image

    async def _open_logs(self, ground: Ground) -> None:
        if self.program.logs is not None:
            await ground.in_force.wait()
            self._shipper = self._make_shipper()
            with self._phases.during("log stream"):
                await self._shipper.open()

    async def _create(self, image: Image, stands: Callable[[], Awaitable[None]]) -> None:
        """Have all else ready, wait for what it stands on, and create it.  Raises FailedStep."""
        self._record.touched = True
        self._record.layers = tuple(str(layer) for layer in image.layers)
        # Saved before anything is made, so that an agent after this one looks for it.
        self._note(notes=cut_ulimits(self.program, hard_limits()))
        command = ""
        try:
            async with self._ready_monitor() as create:
                with self._phases.during("bundle"):
                    command = await self._write_bundle(image)
                await stands()
                with self._phases.during("create"):
                    self._record.monitor = await create()
            self._record.save(self._folder)
        except RuntimeFailed as error:
            raise self._failed("create", runtime_failure(str(error), command)) from error
        except (SpecError, OSError) as error:
            raise self._failed("create", unmade(str(error))) from error
        compiled = self._host.conmon.compiled_filter(self.program.runtime_id)
        if compiled is not None:
            self._host.filters.setdefault(container_capabilities(self.program), compiled)

    async def _write_bundle(self, image: Image) -> str:
        """What it is made of, for the runtime; returns the word its command begins with.

        Raises SpecError, OSError, RuntimeFailed.
        """
        bundle = Bundle(self._host, self._task, self.program, self._folder, self._rootfs)
        bundle.mount(image)
        config = image.config.get("config") or {}
        await self._volumes.fill({m.path: m.volume for m in self.program.mounts}, config, self._rootfs)
        program = msgspec.structs.replace(
            self.program, environment=(*self._variables.items(), *self.program.environment)
        )
        shared = None if self._pause is None else await self._pause.namespace()
        spec = runtime_spec(self._task, program, config, bundle.surroundings(self._volumes, shared))
        (self._folder / "config.json").write_bytes(msgspec.json.encode(spec))
        return str(spec["process"]["args"][0])

    def _ready_monitor(self) -> AbstractAsyncContextManager[conmon.Create]:
        """Of the bundle in its folder."""
        return self._host.conmon.ready(
            self.program.runtime_id,
            self._folder,
            self._folder / "output.log",
            terminal=self.program.tty,
            stdin=self.program.interactive,
            most_log=UNWANTED_LOG if self.program.logs is None else None,
        )

    async def start(self) -> None:
        """Raises FailedStep."""
        try:
            with self._phases.during("start"):
                await self._host.conmon.start(self.program.runtime_id)
        except RuntimeFailed as error:
            raise self._failed("start", runtime_failure(str(error), "")) from error
        self._record.began = time.time()
        health = None if self.program.health_check is None else Health(since=self._record.began)
        self._note(state="running", started_at=self._record.began, health=health)
        self._ship()

    async def wait(self) -> None:
        """Return when the container has exited for good and that is noted."""
        while self.runs:
            assert self._record.monitor is not None
            await conmon.ended(self._record.monitor)
            if self.runs:  # else whoever stopped it has noted that
                await self._restart_or_exit()

    async def _restart_or_exit(self) -> None:
        async with self._turn:
            if not self.runs:
                return
            code, at = self._host.conmon.exit(self.program.runtime_id)
            if not at:
                code = self._record.last_code
            if self._shall_restart(code, at):
                try:
                    await self._restart(code)
                    return
                except RuntimeFailed as error:
                    await self._host.conmon.remove(self.program.runtime_id, self._record.monitor)
                    fields = {"container": self.name, "text": str(error)}
                    log.warning("container.not_restarted", extra=fields)
            await self._exited(code, at)

    def _shall_restart(self, code: int, at: float) -> bool:
        policy = self.program.restart_policy
        if policy is None or code in policy.ignored_exit_codes or self.stopping or self.report.out_of_storage:
            return False
        return (at or time.time()) - self._record.began >= policy.attempt_period_s

    async def _restart(self, code: int) -> None:
        """The same container anew, with the files it has written.  Raises RuntimeFailed.

        It has no monitor on record until there is a new one, and counts as started again from then on: an
        agent after this one unmakes what is half-made and starts what is made.
        """
        before = self._record.monitor
        self._record.monitor, self._record.last_code = None, code
        self._record.save(self._folder)
        await self._host.conmon.remove(self.program.runtime_id, before)
        async with self._ready_monitor() as create:
            self._record.monitor = await create()
        self._record.began = time.time()
        self._note(restarts=self.report.restarts + 1)
        await self._host.conmon.start(self.program.runtime_id)
        self._record.last_code = conmon.KILLED
        self._note()
        self._tell()

    async def watch_health(self) -> None:
        """Look after its health until cancelled; returns at once where it has no check."""
        check, look = self.program.health_check, self._folder / "look"
        if check is None:
            return
        # Of an agent that was killed over it.
        self._host.conmon.end_execution(self.program.runtime_id, look / "pid")
        end_left_over(look, self._host.namespaces.path(self._task.namespace))
        look.mkdir()

        async def execute(command: Sequence[str], seconds: float) -> conmon.Execution:
            return await self._host.conmon.execute(self.program.runtime_id, command, look / "pid", seconds)

        def note(health: Health) -> None:
            if self.runs:
                self._note(health=health)
                self._tell()

        await watch_health(check, self.report.health or Health(), execute, lambda: self._record.began, note)

    async def stop(self) -> None:
        """Ask it to end, and after the stop timeout make it.  One that never started is unmade."""
        if not self.runs and not self.ended:
            await self._discard()
            self._note(state="waiting")
        async with self._turn:  # until an exit at this moment is noted, or it has been started again
            pass
        if not self.runs or self._record.monitor is None:
            return
        name = self.program.stop_signal or self._record.stop_signal
        self._signal(conmon.signal_number(name))
        try:
            await within(self.program.stop_timeout_s, conmon.ended(self._record.monitor))
        except asyncio.TimeoutError:
            self._signal(signal.SIGKILL)
            await conmon.ended(self._record.monitor)
        await self._restart_or_exit()

    @property
    def layers(self) -> tuple[Path, ...]:
        return tuple(Path(layer) for layer in self._record.layers)

    @property
    def written(self) -> tuple[Path, ...]:
        """Where its changes to its image lie, and what it has said that is not sent yet."""
        return self._folder / "upper", self._folder / "output.log"

    def end_for_storage(self) -> None:
        """Kill it, since its task has used up its storage."""
        if self.runs:
            self._note(out_of_storage=True)
            self._signal(signal.SIGKILL)

    def fail(self, failure: Failure) -> None:
        """Record why it will never run."""
        self._note(state="failed", failure=failure)

    def update(self, program: ContainerProgram) -> None:
        """Take over fresh credentials and the desired state; the rest of a program never changes."""
        self.program = program
        if self._shipper is not None and program.logs is not None:
            self._shipper.update(program.logs)

    async def finish_logs(self) -> None:
        """Send what is left of the output."""
        if self._shipping is not None and self._shipper is not None:
            await self._shipper.finish()
            await self._shipping
            self._shipping = None
            self._note(output_pending=False)

    async def remove(self) -> None:
        """Kill what is left and remove every trace but nothing of other containers."""
        self._signal(signal.SIGKILL)
        if self._record.monitor is not None:
            await conmon.ended(self._record.monitor)
        await self.finish_logs()
        await self._discard()
        await to_its_end(shutil.rmtree, self._folder, ignore_errors=True)

    async def _discard(self) -> None:
        if self._record.touched:
            await self._traces.remove(self._record.monitor)
            self._record.monitor, self._record.touched = None, False
            self._record.save(self._folder)

    def _signal(self, number: int) -> None:
        """To its first process, whose number is nobody else's while the monitor lives."""
        if self._shipper is not None:
            self._shipper.let_go()
        monitor = self._record.monitor
        if monitor is not None and conmon.is_alive(monitor):
            conmon.kill(self._folder, number)

    async def _exited(self, code: int, at: float) -> None:
        out_of_memory = self._host.cgroups.out_of_memory(self._task.id, self.program.runtime_id)
        if self._pause is not None:  # what it began lives in the others' process namespace
            await to_its_end(self._host.cgroups.remove_container, self._task.id, self.program.runtime_id)
        if not at:  # its monitor was killed: what nobody watches any more must not live on
            await self._host.conmon.remove(self.program.runtime_id, self._record.monitor)
        self._note(
            state="exited",
            exit_code=code,
            finished_at=at or time.time(),
            out_of_memory=out_of_memory,
            output_pending=self._shipping is not None,
        )

    def _make_shipper(self) -> LogShipper:
        assert self.program.logs is not None
        return LogShipper(
            self._host.http,
            self._task.namespace,
            nameservers(self._task.resolv_conf),
            self.program.logs,
            self._folder / "output.log",
            self._host.file_watch,
            HeldOutput(self._folder, lambda: self._record.monitor),
        )

    def _resume_logs(self) -> None:
        """Send on from where an agent before this one came, if there is more or more may come."""
        if self.program.logs is not None and self._shipper is None:
            shipper = self._make_shipper()
            if self.runs or shipper.has_unsent:
                self._shipper = shipper
                self._ship()

    def _ship(self) -> None:
        if self._shipper is not None and self._shipping is None:
            self._shipping = asyncio.create_task(self._shipper.run())

    def _failed(self, step: FailureStep, text: str) -> FailedStep:
        return FailedStep(Failure(step=step, cause="other", text=text))

    @contextlib.contextmanager
    def during(self, name: str) -> Iterator[None]:
        """What is done within is a phase of the launch."""
        with self._phases.during(name):
            yield

    def _tell_phases(self) -> None:
        self._say()
        self._tell()

    def _note(self, **changes: Any) -> None:
        """Say it, and have it known to an agent after this one."""
        self._say(**changes)
        self._record.save(self._folder)

    def _say(self, **changes: Any) -> None:
        """What an agent after this one need not know: it pulls anew."""
        before = self.report.state
        phases = self._phases.all or self.report.phases
        self._record.report = msgspec.structs.replace(self.report, **changes, phases=phases)
        if before != self.report.state:
            fields = {"container": self.program.runtime_id, "from": before, "to": self.report.state}
            log.info("container.state", extra=fields)
