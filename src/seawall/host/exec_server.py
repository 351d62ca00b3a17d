"""Commands in running containers, for whoever may open the agent's second Unix socket: its owner.

Each caller has a connection.  It carries input, output and the exit status, and when it ends, so does the
command.  Nothing of this touches a network.
"""

import asyncio
import contextlib
import itertools
import logging
import os
import select
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from seawall.host.exec_process import ExecProcess, end_left_over, process_specification
from seawall.host.host import Host
from seawall.host.server import listen_at
from seawall.program.exec import (
    ASKED,
    MOST_DATA,
    Ended,
    Input,
    Output,
    Refused,
    Resize,
    Start,
    Told,
    bodies,
    frame,
)
from seawall.program.report import TaskReport
from seawall.program.task import TaskProgram

MOST_WAITING = 1024 * 1024  # bytes of input that the command has not read
HANG_UP_CHECK_S = 0.5  # while that much waits
LAST_OUTPUT_S = 1.0  # for what is still in a pipe that something else holds open

Find = Callable[[str], tuple[TaskProgram, TaskReport] | None]

log = logging.getLogger("seawall.exec")


class ExecServer:
    """find   a task's program and its newest report, by its id

    run_dir   where running commands are noted
    """

    def __init__(self, host: Host, tasks_dir: Path, path: Path, run_dir: Path, find: Find) -> None:
        self._host = host
        self._tasks_dir = tasks_dir
        self._path = path
        self._notes = run_dir / "exec"
        self._find = find
        self._numbers = itertools.count(1)
        self._calls: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Accept for ever, after ending what an agent before this one left."""
        self._notes.mkdir(exist_ok=True)
        for folder in [*self._notes.iterdir()]:
            namespace = _text(folder / "namespace")
            end_left_over(folder, self._host.namespaces.path(namespace or "-"))
        loop = asyncio.get_running_loop()
        with listen_at(self._path) as listener:
            while True:
                connection, _ = await loop.sock_accept(listener)
                call = asyncio.create_task(self._converse(connection))
                self._calls.add(call)
                call.add_done_callback(self._calls.discard)

    async def _converse(self, connection: socket.socket) -> None:
        with connection:
            connection.setblocking(False)
            caller = _Caller(connection)
            try:
                start = await caller.ask()
                if isinstance(start, Start):
                    await self._run(caller, start)
            except (OSError, EOFError, ValueError, msgspec.DecodeError) as error:
                log.info("exec.caller_gone", extra={"error": str(error)})

    async def _run(self, caller: "_Caller", start: Start) -> None:
        found = self._find(start.task)
        program = found and next((c for c in found[0].containers if c.name == start.container), None)
        if found is None or program is None:
            await caller.tell(Refused(text=f"there is no container {start.container} of task {start.task}"))
            return
        task, report = found
        if all(r.state != "running" for r in report.containers if r.name == start.container):
            await caller.tell(Refused(text=f"container {start.container} is not running"))
            return
        bundle = self._tasks_dir / task.id / program.name
        container = msgspec.json.decode((bundle / "config.json").read_bytes())["process"]
        folder = self._notes / f"{os.getpid()}-{next(self._numbers)}"
        process = ExecProcess(self._host.conmon.command_line, program.runtime_id, folder, start)
        try:
            folder.mkdir()
            (folder / "namespace").write_text(task.namespace)
            await process.run(process_specification(container, start))
            log.info("exec.started", extra={"container": program.runtime_id, "command": start.command[0]})
            await _carry(caller, process)
        finally:
            await asyncio.shield(process.end())


async def _carry(caller: "_Caller", process: ExecProcess) -> None:
    """Until the command has ended and all it said is told.  Raises OSError, EOFError: the caller went."""
    outputs = [
        asyncio.ensure_future(_pass_output(caller, descriptor, stream))
        for stream, descriptor in enumerate(process.outputs, 1)
    ]
    listening = asyncio.ensure_future(_pass_input(caller, process))
    ending = asyncio.ensure_future(process.status())
    work = {*outputs, listening, ending}
    try:
        while not ending.done():
            done, _ = await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
            for one in done - {ending}:
                one.result()  # the caller is gone if this raises
                work.discard(one)
        await asyncio.wait(outputs, timeout=LAST_OUTPUT_S)
        await caller.tell(Ended(status=ending.result()))
    finally:
        for one in (*outputs, listening, ending):
            one.cancel()
        await asyncio.gather(*outputs, listening, ending, return_exceptions=True)


async def _pass_output(caller: "_Caller", descriptor: int, stream: int) -> None:
    while data := await _read(descriptor):
        await caller.tell(Output(data=data, stream=1 if stream == 1 else 2))


async def _pass_input(caller: "_Caller", process: ExecProcess) -> None:
    """What the caller sends; ends by EOFError when it hangs up."""
    waiting: asyncio.Queue[bytes | None] = asyncio.Queue()
    held = 0

    async def write() -> None:
        nonlocal held
        while data := await waiting.get():
            with contextlib.suppress(OSError):  # the command does not read any more
                await _write(process.input, data)
            held -= len(data)
        process.end_input()

    writing = asyncio.ensure_future(write())
    try:
        while True:
            while held > MOST_WAITING:
                await asyncio.sleep(HANG_UP_CHECK_S)
                caller.raise_if_gone()
            asked = await caller.ask()
            if isinstance(asked, Resize):
                await process.resize(asked.rows, asked.columns)
            elif isinstance(asked, Input):
                held += len(asked.data)
                waiting.put_nowait(asked.data)
    finally:
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)


class _Caller:
    """Frames on a connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._received = bytearray()
        self._bodies: Iterator[bytes] = iter(())
        self._telling = asyncio.Lock()

    async def ask(self) -> Start | Input | Resize:
        """The next thing it wants.  Raises EOFError, OSError, ValueError."""
        loop = asyncio.get_running_loop()
        while True:
            body = next(self._bodies, None)
            if body is not None:
                return ASKED.decode(body)
            self._bodies = bodies(self._received)
            body = next(self._bodies, None)
            if body is not None:
                return ASKED.decode(body)
            data = await loop.sock_recv(self._connection, MOST_DATA)
            if not data:
                raise EOFError("hung up")
            self._received += data

    async def tell(self, message: Told) -> None:
        async with self._telling:
            await asyncio.get_running_loop().sock_sendall(self._connection, frame(message))

    def raise_if_gone(self) -> None:
        poll = select.poll()
        poll.register(self._connection, select.POLLRDHUP)
        if poll.poll(0):
            raise EOFError("hung up")


async def _read(descriptor: int) -> bytes:
    """What there is to read; nothing at the end."""
    loop = asyncio.get_running_loop()
    while True:
        try:
            return os.read(descriptor, MOST_DATA)
        except BlockingIOError:
            await _until(descriptor, loop.add_reader, loop.remove_reader)
        except OSError:  # a terminal whose other end is closed
            return b""


async def _write(descriptor: int, data: bytes) -> None:
    loop = asyncio.get_running_loop()
    while data:
        try:
            data = data[os.write(descriptor, data) :]
        except BlockingIOError:
            await _until(descriptor, loop.add_writer, loop.remove_writer)


async def _until(
    descriptor: int, add: Callable[[int, Callable[[], None]], object], remove: Callable[[int], object]
) -> None:
    ready = asyncio.Event()
    add(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        remove(descriptor)


def _text(file: Path) -> str | None:
    try:
        return file.read_text()
    except OSError:
        return None
