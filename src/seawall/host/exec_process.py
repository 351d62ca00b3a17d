"""A process that the OCI runtime puts into a running container, and its end.

The runtime's own process stays ours and tells the exit status.  A terminal is two: the container's own, which
the runtime makes where the container's programs find it, and ours, which the runtime copies from and to.
"""

import asyncio
import contextlib
import fcntl
import os
import shutil
import signal
import struct
import termios
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from seawall.program.exec import Start

_RUNTIME_S, _LOOK_S = 5.0, 0.01  # for the runtime to have started a process, or to have failed
_LIST_TRIES = 20  # a process that forks while it is being ended is looked for again


class ExecProcess:
    """`folder`, which exists, tells of it while it runs: an agent after this one ends what it finds there.

    runtime   the beginning of the runtime's command line
    """

    def __init__(self, runtime: Iterable[str], container: str, folder: Path, start: Start) -> None:
        self._runtime = tuple(runtime)
        self._container = container
        self._folder = folder
        self._start = start
        self._pid_file = folder / "pid"
        self._process: asyncio.subprocess.Process | None = None
        self._ours = -1  # our end of the terminal
        self.input = -1
        self.outputs: tuple[int, ...] = ()  # stdout and stderr, or the terminal

    async def run(self, specification: Mapping[str, Any]) -> None:
        """specification   `process` of an OCI configuration"""
        described = self._folder / "process.json"
        described.write_bytes(msgspec.json.encode(specification))
        command = [*self._runtime, "exec", "--process", str(described)]
        command += ["--pid-file", str(self._pid_file), self._container]
        if self._start.terminal:
            await self._run_in_terminal(command)
        else:
            await self._run_with_pipes(command)

    async def _run_in_terminal(self, command: list[str]) -> None:
        self._ours, theirs = os.openpty()
        self._runtimes = os.fstat(theirs)
        _set_size(self._ours, self._start.rows, self._start.columns)
        try:
            # setsid makes the terminal the runtime's own, so that it goes when we do.
            self._process = await asyncio.create_subprocess_exec(
                *("setsid", "--ctty", *command), stdin=theirs, stdout=theirs, stderr=theirs
            )
        finally:
            os.close(theirs)
        os.set_blocking(self._ours, False)
        self.input, self.outputs = self._ours, (self._ours,)

    async def _run_with_pipes(self, command: list[str]) -> None:
        pipes = [os.pipe() for _ in range(3)]
        (stdin, write), (out, stdout), (err, stderr) = pipes
        try:
            self._process = await asyncio.create_subprocess_exec(
                *command, stdin=stdin, stdout=stdout, stderr=stderr, start_new_session=True
            )
        finally:
            for descriptor in (stdin, stdout, stderr):
                os.close(descriptor)
        for descriptor in (write, out, err):
            os.set_blocking(descriptor, False)
        self.input, self.outputs = write, (out, err)

    def end_input(self) -> None:
        """A pipe is closed; at a terminal, the user's ^D is what ends the input."""
        if self.input >= 0 and self.input != self._ours:
            os.close(self.input)
            self.input = -1

    async def resize(self, rows: int, columns: int) -> None:
        """The container's own terminal is told as well, as soon as it has one: not every runtime passes a
        change on."""
        if self._ours < 0:
            return
        _set_size(self._ours, rows, columns)
        with contextlib.suppress(OSError):  # it has ended
            terminal = await self._terminal()
            if terminal >= 0:
                try:
                    _set_size(terminal, rows, columns)
                finally:
                    os.close(terminal)

    async def _terminal(self) -> int:
        """The container's own, once it has one: before, its process has the runtime's.  -1: never.

        Raises OSError.
        """
        pid = await self._pid()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _RUNTIME_S
        while pid is not None and loop.time() < deadline:
            terminal = os.open(f"/proc/{pid}/fd/0", os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
            if not os.path.samestat(os.fstat(terminal), self._runtimes):
                return terminal
            os.close(terminal)
            await asyncio.sleep(_LOOK_S)
        return -1

    @property
    def started(self) -> bool:
        """Whether the container's process was made."""
        return read_pid(self._pid_file) is not None

    async def status(self) -> int:
        """Wait for its end; as shells count: 128 and the number for a signal."""
        assert self._process is not None
        code = await self._process.wait()
        return code if code >= 0 else 128 - code

    async def _pid(self) -> int | None:
        """The container's process.  The runtime tells its number a while after it has begun to run: a runtime
        that is killed before leaves it behind."""
        assert self._process is not None
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _RUNTIME_S
        while (pid := read_pid(self._pid_file)) is None:
            if self._process.returncode is not None or loop.time() > deadline:
                break
            await asyncio.sleep(_LOOK_S)
        return pid

    async def end(self) -> None:
        """End it and what it started, if it has not, and leave nothing."""
        if self._process is not None and self._process.returncode is None:
            pid = await self._pid()
            if pid is not None:
                end_all_of(pid)
            else:
                with contextlib.suppress(ProcessLookupError):
                    self._process.kill()
            await self._process.wait()
        for descriptor in {self.input, self._ours, *self.outputs} - {-1}:
            os.close(descriptor)
        self.input, self._ours, self.outputs = -1, -1, ()
        shutil.rmtree(self._folder, ignore_errors=True)


def process_specification(container: Mapping[str, Any], start: Start) -> dict[str, Any]:
    """From `process` of the container's configuration to that of the command."""
    variables = dict(pair.partition("=")[::2] for pair in container["env"])
    variables.update(start.environment)
    made = {
        **container,
        "args": list(start.command),
        "terminal": start.terminal,
        "env": [f"{name}={value}" for name, value in variables.items()],
    }
    if start.terminal:
        made["consoleSize"] = {"height": start.rows, "width": start.columns}
    if start.as_root:
        allowed = container["capabilities"]["bounding"]
        made["user"] = {"uid": 0, "gid": 0, "additionalGids": []}
        made["capabilities"] = dict.fromkeys(("bounding", "effective", "permitted"), allowed)
    return made


def end_left_over(folder: Path, namespace: Path) -> None:
    """End what an agent that was killed ran, if its process is still the one of then.

    namespace   the network namespace it must be in
    """
    pid = read_pid(folder / "pid")
    with contextlib.suppress(OSError):
        if pid is not None and os.path.samestat(Path(f"/proc/{pid}/ns/net").stat(), namespace.stat()):
            end_all_of(pid)
    shutil.rmtree(folder, ignore_errors=True)


def end_all_of(pid: int) -> None:
    """Kill a process, those it has started and those of its session."""
    for _ in range(_LIST_TRIES):
        found = _family(pid)
        for one in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        if not found:
            return


def read_pid(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (FileNotFoundError, ValueError):
        return None


def _family(pid: int) -> list[int]:
    """The living ones, their parents first."""
    parents: dict[int, int] = {}
    sessions: dict[int, int] = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                fields = Path(entry.path, "stat").read_text().rpartition(")")[2].split()
                if fields[0] not in "ZX":
                    parents[int(entry.name)] = int(fields[1])
                    sessions[int(entry.name)] = int(fields[3])
    found = [one for one, session in sessions.items() if one == pid or session == pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one and child not in found]
    return found


def _set_size(terminal: int, rows: int, columns: int) -> None:
    size = struct.pack("HHHH", min(rows, 65535), min(columns, 65535), 0, 0)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, size)
