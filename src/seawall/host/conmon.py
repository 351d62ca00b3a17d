"""One container under conmon: its monitor holds its output and its exit code, whoever else dies.

conmon (the monitor of podman and CRI-O) runs `RUNTIME create` and then waits for the container's end, writes
the exit code to a file and goes.  So a container outlives the agent, and a new agent finds out what became of
it: conmon still there means it runs, conmon gone means the exit file tells.
"""

import asyncio
import contextlib
import json
import logging
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from seawall.host import start_gate
from seawall.host.child import begin, end_of, run_to_end
from seawall.host.deadline import within
from seawall.host.exec_process import end_all_of
from seawall.host.spawn import KEPT, Streams, spawn

log = logging.getLogger("seawall.conmon")

CREATE_TIMEOUT_S = 60.0
SETTLE_S = 5.0  # for a command or monitor to end by itself
KILLED = 137  # what is said of a container whose monitor was killed together with it


class RuntimeFailed(Exception):
    """The OCI runtime said no; the text is its own."""


Create = Callable[[], Coroutine[Any, Any, "Monitor"]]


class Monitor(msgspec.Struct, frozen=True, kw_only=True):
    """A conmon process.  `started` (clock ticks) tells it from a later process with the same number."""

    pid: int
    started: int


class Execution(NamedTuple):
    exit_code: int
    output: str


class Conmon:
    """Makes, starts, signals and removes containers with one OCI runtime.

    runtime   path of crun, runc or another program with their command line
    folder    a short path inside the world for the runtime's state, exit files and sockets
    """

    def __init__(self, runtime: Path, folder: Path) -> None:
        self.runtime = runtime
        # Looked for once: else each start tries every folder of the path, while the caller's thread waits.
        self._program = shutil.which("conmon")
        self._state = folder / "runtime"
        self._exits = folder / "exits"
        self._sockets = folder / "attach"
        for path in (self._state, self._exits, self._sockets):
            path.mkdir(parents=True, exist_ok=True)

    @contextlib.asynccontextmanager
    async def ready(
        self, id: str, bundle: Path, log: Path, *, terminal: bool, stdin: bool, most_log: int | None = None
    ) -> AsyncIterator[Create]:
        """A monitor that begins while config.json is being written in `bundle`, and waits to be told that it
        is.  What is yielded tells it and returns when it has created, not started, the container, or raises
        RuntimeFailed.

        most_log   bytes after which the log begins anew; None: it keeps all
        """
        command = self._monitor_command(id, bundle, log, terminal=terminal, stdin=stdin, most_log=most_log)
        with contextlib.ExitStack() as ours, contextlib.ExitStack() as its:
            said, waits = _pipe(ours, its), _pipe(its, ours)
            beginning = asyncio.ensure_future(
                begin(lambda: _spawn(self._program, command, bundle, said.write, waits.read))
            )
            told = False

            async def create() -> Monitor:
                nonlocal told
                process = await asyncio.shield(beginning)
                its.close()
                told = True
                with contextlib.suppress(BrokenPipeError):  # then it says nothing, either
                    os.write(waits.write, b"\0")
                return await _created(process, said.read, bundle)

            try:
                yield create
            finally:
                if not told:
                    await _end_unasked(beginning)

    def _monitor_command(
        self, id: str, bundle: Path, log: Path, *, terminal: bool, stdin: bool, most_log: int | None
    ) -> list[str]:
        return [
            "conmon",
            *("--api-version", "1", "--cid", id, "--cuuid", id, "--name", id),
            *("--runtime", str(self.runtime), "--runtime-arg", f"--root={self._state}"),
            *("--bundle", str(bundle), "--log-path", f"k8s-file:{log}", "--log-level", "error"),
            *("--container-pidfile", str(bundle / "pid"), "--conmon-pidfile", str(bundle / "conmon.pid")),
            *("--exit-dir", str(self._exits), "--persist-dir", str(bundle)),
            *("--socket-dir-path", str(self._sockets), "--no-sync-log"),
            *(("--log-size-max", str(most_log)) if most_log is not None else ()),
            *(("--terminal",) if terminal else ()),
            *(("--stdin", "--leave-stdin-open") if stdin else ()),
        ]

    @property
    def command_line(self) -> tuple[str, ...]:
        """How the runtime's own commands begin."""
        return (str(self.runtime), f"--root={self._state}")

    async def start(self, id: str) -> None:
        """Start a created container.  Raises RuntimeFailed."""
        try:
            gone = self.runtime.name == "crun" and start_gate.let_go(self._state / id)
        except OSError as error:
            raise RuntimeFailed(f"container `{id}` is not running: {error.strerror}") from None
        if not gone:
            await self._run("start", id)

    async def status(self, id: str) -> str | None:
        """ "created", "running", "stopped" as the runtime sees it; None when it knows no such container.

        A start that an agent was killed over is completed first.
        """
        start_gate.complete(self._state / id)
        try:
            state: dict[str, Any] = json.loads(await self._run("state", id))
        except RuntimeFailed:
            return None
        return str(state.get("status"))

    async def execute(self, id: str, command: Sequence[str], pid_file: Path, timeout_s: float) -> Execution:
        """Run a command in a running container, as its user, with its rights; both outputs in one.

        pid_file   holds the command's number while it runs
        Raises asyncio.TimeoutError, after the command was killed.
        """
        process = await asyncio.create_subprocess_exec(
            str(self.runtime),
            *(f"--root={self._state}", "exec", "--pid-file", str(pid_file), id, *command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            output, _ = await within(timeout_s, process.communicate())
        finally:
            if process.returncode is None:
                end_all_of(process.pid)
                await process.wait()
            _forget(pid_file)
        return Execution(process.returncode or 0, output.decode(errors="replace"))

    def end_execution(self, id: str, pid_file: Path) -> None:
        """End what `execute` with this file began, whoever called it."""
        for command in self._commands(id, "exec", str(pid_file)):
            end_all_of(command.pid)

    async def settle(self, id: str) -> None:
        """Let a `start` end that an agent was killed over; what `status` says holds after that."""
        for command in self._commands(id, "start"):
            await _end(command, SETTLE_S)

    async def remove(self, id: str, monitor: Monitor | None) -> None:
        """Kill what is left of a container and forget it; one that is gone already is no error.

        monitor   None: it may be half-made, and whatever makes it is ended first
        """
        while monitor is None and (commands := self._commands(id)):
            for command in commands:
                await _end(command)
        state = self._state / id
        if state.exists():
            try:
                await self._run("delete", "--force", id)
            except RuntimeFailed as error:
                log.warning("conmon.delete_failed", extra={"container": id, "text": str(error)})
                shutil.rmtree(state, ignore_errors=True)
        if monitor is not None:
            await _end(monitor, SETTLE_S)  # it writes the exit file at its end
        (self._exits / id).unlink(missing_ok=True)
        (self._sockets / id).unlink(missing_ok=True)  # conmon's link to the bundle

    def compiled_filter(self, id: str) -> bytes | None:
        """The seccomp filter that crun compiled for a container; None where the runtime keeps none."""
        try:
            return (self._state / id / "seccomp.bpf").read_bytes() or None
        except OSError:
            return None

    def known(self) -> frozenset[str]:
        """The containers the runtime keeps a state of."""
        return frozenset(path.name for path in self._state.iterdir() if path.is_dir())

    def exit(self, id: str) -> tuple[int, float]:
        """Exit code and time (seconds since the epoch) of a container whose monitor has ended."""
        file = self._exits / id
        try:
            return int(file.read_text()), file.stat().st_mtime
        except (FileNotFoundError, ValueError):
            return KILLED, 0.0

    def _commands(self, id: str, *words: str) -> list[Monitor]:
        """The processes at work on a container: its monitor, commands of the runtime, and its first process
        while that waits to be started.

        words   only those with these arguments
        """
        marks = {word.encode() for word in (f"--root={self._state}", id, *words)}
        found = []
        for entry in os.scandir("/proc"):
            if entry.name.isdigit() and marks.issubset(_words(entry.path)):
                pid = int(entry.name)
                started = start_time(pid)
                if started is not None:
                    found.append(Monitor(pid=pid, started=started))
        return found

    async def _run(self, *words: str) -> str:
        ended = await run_to_end((*self.command_line, *words))
        if ended.status != 0:
            raise RuntimeFailed(ended.errors.strip() or f"{self.runtime.name} {words[0]} failed")
        return ended.output


class _Pipe(NamedTuple):
    read: int
    write: int


def _pipe(readers: contextlib.ExitStack, writers: contextlib.ExitStack) -> _Pipe:
    made = _Pipe(*os.pipe())
    readers.callback(os.close, made.read)
    writers.callback(os.close, made.write)
    return made


def _spawn(program: str | None, command: Sequence[str], bundle: Path, says: int, waits: int) -> int:
    variables = {"_OCI_SYNCPIPE": str(KEPT), "_OCI_STARTPIPE": str(KEPT + 1)}
    # It works in the bundle, where it leaves a file named oom.
    streams = Streams(kept=(says, waits))
    return spawn(command, streams, program=program, folder=bundle, variables=variables, new_session=True)


async def _created(process: int, said: int, bundle: Path) -> Monitor:
    """Raises RuntimeFailed."""
    try:
        await end_of(process)
        answer = await within(CREATE_TIMEOUT_S, _read_line(said))
    except asyncio.TimeoutError:
        raise RuntimeFailed(f"the runtime did not answer within {CREATE_TIMEOUT_S:.0f} s") from None
    _raise_unless_created(answer)
    pid = int((bundle / "conmon.pid").read_text())
    return Monitor(pid=pid, started=start_time(pid) or 0)


async def _end_unasked(beginning: "asyncio.Future[int]") -> None:
    """End a monitor that was told nothing: when we hang up it would begin as if it had been."""
    await asyncio.wait([beginning])
    if not beginning.cancelled() and beginning.exception() is None:
        os.kill(beginning.result(), signal.SIGKILL)
        await end_of(beginning.result())


def _forget(pid_file: Path) -> None:
    pid_file.unlink(missing_ok=True)


async def _end(process: Monitor, patience_s: float = 0.0) -> None:
    """Return when a process is gone, which it has some time to be by itself."""
    if patience_s:
        try:
            await within(patience_s, ended(process))
        except asyncio.TimeoutError:
            log.warning("conmon.killed", extra={"pid": process.pid})
    if is_alive(process):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
        await ended(process)


def _words(process: str) -> list[bytes]:
    try:
        return Path(process, "cmdline").read_bytes().split(b"\0")
    except OSError:
        return []


async def ended(monitor: Monitor) -> None:
    """Return when a monitor is gone."""
    try:
        descriptor = os.pidfd_open(monitor.pid)
    except ProcessLookupError:
        return
    gone = asyncio.Event()
    loop = asyncio.get_running_loop()
    try:
        if start_time(monitor.pid) != monitor.started:
            return
        loop.add_reader(descriptor, gone.set)
        await gone.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def is_alive(monitor: Monitor) -> bool:
    return start_time(monitor.pid) == monitor.started


def kill(bundle: Path, number: int) -> bool:
    """Signal the first process of the container of a bundle; False when it is gone."""
    try:
        os.kill(int((bundle / "pid").read_text()), number)
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return False
    return True


def signal_number(name: str | None) -> int:
    """SIGTERM for None; takes "SIGINT", "INT" and "2"."""
    if not name:
        return signal.SIGTERM
    if name.isdigit():
        return int(name)
    full = name.upper() if name.upper().startswith("SIG") else f"SIG{name.upper()}"
    return signal.Signals[full] if full in signal.Signals.__members__ else signal.SIGTERM


def start_time(pid: int) -> int | None:
    """When a process began, in clock ticks after boot; None when it is gone or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])


async def _read_line(descriptor: int) -> str:
    """One line from a pipe; what there is when it ends before."""
    os.set_blocking(descriptor, False)
    found = b""
    ready = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(descriptor, ready.set)
    try:
        while b"\n" not in found:
            await ready.wait()
            ready.clear()
            try:
                chunk = os.read(descriptor, 65536)
            except BlockingIOError:
                continue
            if not chunk:
                break
            found += chunk
    finally:
        loop.remove_reader(descriptor)
    return found.decode(errors="replace")


def _raise_unless_created(said: str) -> None:
    """conmon answers with the container's pid, or a negative number and the runtime's words."""
    try:
        answer = json.loads(said)
    except ValueError:
        raise RuntimeFailed(f"conmon ended without an answer: {said.strip()}") from None
    pid = answer.get("data", answer.get("pid", -1))
    if not isinstance(pid, int) or pid <= 0:
        raise RuntimeFailed(
            str(answer.get("message", "")).strip() or "the runtime could not create the container"
        )
