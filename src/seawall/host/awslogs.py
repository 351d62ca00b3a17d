"""A container's output sent to CloudWatch Logs over the task's own interface.

The file that conmon writes is the buffer: an agent that was killed goes on where the service last said yes.
What has been taken is given back to the disk.  Whether writers wait, or lines are lost, when much is not
taken is the driver's mode (`log_backlog`).
"""

import asyncio
import contextlib
import ctypes
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from seawall.host.aws_call import AwsRefused, AwsService, call
from seawall.host.deadline import within
from seawall.host.failure import FailedStep
from seawall.host.file_watch import FileWatch
from seawall.host.log_backlog import Backlog
from seawall.host.log_lines import LogEvent, LogLines, event_start
from seawall.host.namespace_http import NamespaceHttp, RequestFailed
from seawall.program.report import Failure
from seawall.program.task import AwsLogs

log = logging.getLogger("seawall.awslogs")

MOST_EVENTS = 10_000  # of one PutLogEvents request, as the next three
MOST_BYTES = 1_048_576
EVENT_OVERHEAD = 26
LONGEST_SPAN_MS = 24 * 3600 * 1000
READ_SIZE = 1 << 20
GATHER_S = 0.1  # after output, before what follows it is sent
LOOK_AGAIN_S = 0.4  # where the kernel does not tell of writes
OPEN_EVENT_S = 1.0  # silence that ends an event of several lines
SHORTEST_BACKOFF_S, LONGEST_BACKOFF_S = 0.1, 5.0
LOOK_S = 0.1  # at what waits while a batch is on its way
FINISH_S = 10.0
RETRIES = 1
_PUNCH_HOLE = 0x02 | 0x01  # FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE

_libc = ctypes.CDLL(None, use_errno=True)


class LogShipper:
    """One container's log.  `open` before the container starts, then `run` as a task until `finish`.

    path   the file conmon writes; `path` + ".sent" beside it says how much of it has been taken
    hold   stop, or let go on, who writes that file
    """

    def __init__(
        self,
        http: NamespaceHttp,
        namespace: str | None,
        nameservers: Sequence[str],
        logs: AwsLogs,
        path: Path,
        watch: FileWatch,
        hold: Callable[[bool], None] = lambda holds: None,
    ) -> None:
        self._http = http
        self._namespace = namespace
        self._nameservers = tuple(nameservers)
        self._logs = logs
        self._path = path
        self._sent_path = path.with_name(path.name + ".sent")
        self._watch = watch
        self._ended = asyncio.Event()
        self._woken = asyncio.Event()  # by a write, or by the end
        self._stopped = asyncio.Event()
        self._running = False
        self._taken = _read_position(self._sent_path)
        self._backlog = Backlog(logs, self._written(), hold)

    @property
    def has_unsent(self) -> bool:
        """Whether anything was written that the service has not taken, be it only an empty line."""
        return self._written_beyond(_read_position(self._sent_path))

    def update(self, logs: AwsLogs) -> None:
        """Take over newer credentials."""
        self._logs = logs

    async def open(self, *, retries: int = RETRIES) -> None:
        """Make the stream, and the group where that is asked for.  Raises FailedStep ("logs")."""
        for tried in range(1, retries + 2):
            try:
                await self._create_stream()
                return
            except AwsRefused as refused:
                raise self._failed(refused.cause, str(refused), tried) from None
            except RequestFailed as error:
                if tried > retries:
                    raise self._failed(error.cause, error.text, tried, error.address) from None

    async def run(self) -> None:
        """Send what is written, until `finish`; returns when all is sent or the time for that is over."""
        self._running = True
        following = asyncio.create_task(self._follow())
        ended = asyncio.create_task(self._ended.wait())
        try:
            await asyncio.wait({following, ended}, return_when=asyncio.FIRST_COMPLETED)
            if not following.done():
                await asyncio.wait({following}, timeout=FINISH_S)
            if following.done():
                following.result()
            else:
                log.warning("awslogs.gave_up", extra={"stream": self._logs.stream})
        finally:
            for task in (following, ended):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
            self._stopped.set()

    async def finish(self) -> None:
        """The container has ended: send the rest, for at most FINISH_S seconds."""
        self.let_go()
        self._ended.set()
        self._woken.set()
        if self._running:
            await self._stopped.wait()

    def let_go(self) -> None:
        """The container is asked to end: nobody waits for the service any more."""
        self._backlog.let_go()

    async def _create_stream(self) -> None:
        group = {"logGroupName": self._logs.group}
        with _already_there():
            if self._logs.create_group:
                await self._call("CreateLogGroup", group)
        with _already_there():
            await self._call("CreateLogStream", group | {"logStreamName": self._logs.stream})

    async def _follow(self) -> None:
        lines = LogLines(self._taken, event_start(self._logs.datetime_format, self._logs.multiline_pattern))
        loop = asyncio.get_running_loop()
        heard = loop.time()
        with self._told_of_writes() as told:
            while True:
                ending = self._ended.is_set()  # before reading: nothing is written after the end
                self._woken.clear()
                self._look()
                if (lost := self._backlog.passed(lines.read_to)) is not None:
                    log.warning("awslogs.lost", extra={"stream": self._logs.stream, "up_to": lost})
                    lines.skip(lost)
                    self._taken = lost
                data = await self._read_on(lines.read_to)
                events = list(lines.feed(data))
                if data:
                    heard = loop.time()
                elif loop.time() - heard >= OPEN_EVENT_S:
                    events += lines.close()
                if ending and not data:
                    events += lines.end()
                for batch in batches(events):
                    await self._send(batch)
                if ending and not data:
                    return
                if data:  # gather some more, unless there is plenty
                    await self._pause(self._ended, 0 if len(data) == READ_SIZE else GATHER_S)
                elif lines.is_open:
                    await self._pause(self._woken, max(heard + OPEN_EVENT_S - loop.time(), 0))
                else:
                    await self._pause(self._woken, None if told else LOOK_AGAIN_S)

    async def _read_on(self, position: int) -> bytes:
        if not self._written_beyond(position):
            return b""
        most = self._backlog.readable(position)
        return await asyncio.to_thread(
            _read, self._path, position, READ_SIZE if most is None else min(most, READ_SIZE)
        )

    def _look(self) -> None:
        if self._backlog.is_watched:
            self._backlog.look(self._taken, self._written())

    async def _keep_looking(self) -> None:
        while self._backlog.is_watched:
            self._look()
            await asyncio.sleep(LOOK_S)

    @contextlib.contextmanager
    def _told_of_writes(self) -> Iterator[bool]:
        """Whether the kernel says when the file is written to; else one has to look again and again."""
        try:
            end = self._watch.watch(self._path, self._woken.set)
        except OSError as error:
            log.warning("awslogs.unwatched", extra={"stream": self._logs.stream, "text": str(error)})
            yield False
            return
        try:
            yield True
        finally:
            end()

    def _written_beyond(self, position: int) -> bool:
        return self._written() > position

    def _written(self) -> int:
        try:
            return self._path.stat().st_size
        except FileNotFoundError:
            return 0

    @staticmethod
    async def _pause(until: asyncio.Event, seconds: float | None) -> None:
        if seconds is None:
            await until.wait()
            return
        with contextlib.suppress(asyncio.TimeoutError):
            await within(seconds, until.wait())

    async def _send(self, batch: Sequence[LogEvent]) -> None:
        """Until the service has taken the batch, or has refused it for good."""
        members = {
            "logGroupName": self._logs.group,
            "logStreamName": self._logs.stream,
            "logEvents": [
                {"timestamp": event.timestamp, "message": event.message}
                for event in sorted(batch, key=lambda event: event.timestamp)
            ],
        }
        looking = asyncio.ensure_future(self._keep_looking()) if self._backlog.is_watched else None
        try:
            await self._put(members)
        finally:
            if looking is not None:
                looking.cancel()
        await asyncio.to_thread(_note_sent, self._path, self._sent_path, batch[-1].end)
        self._taken = batch[-1].end

    async def _put(self, members: dict[str, Any]) -> None:
        backoff_s = SHORTEST_BACKOFF_S
        while True:
            try:
                await self._call("PutLogEvents", members)
                return
            except AwsRefused as refused:
                log.warning("awslogs.refused", extra={"stream": self._logs.stream, "text": str(refused)})
                if refused.code == "InvalidParameterException":
                    return  # the batch itself is at fault; sending it again would keep back what follows
            except RequestFailed as error:
                log.warning("awslogs.failed", extra={"stream": self._logs.stream, "text": error.text})
            await asyncio.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, LONGEST_BACKOFF_S)

    async def _call(self, operation: str, members: dict[str, Any]) -> None:
        await call(self._http, self._namespace, self._nameservers, self._service(), operation, members)

    def _service(self) -> AwsService:
        return AwsService(
            name="logs",
            target="Logs_20140328",
            endpoint=self._logs.endpoint,
            region=self._logs.region,
            credentials=self._logs.credentials,
        )

    def _failed(self, cause: str, text: str, tried: int, address: str | None = None) -> FailedStep:
        url = self._service().url
        return FailedStep(
            Failure(step="logs", cause=cause, text=text, url=url, address=address, attempts=tried)
        )


def batches(events: Sequence[LogEvent]) -> Iterator[list[LogEvent]]:
    """Events cut into requests within CloudWatch's limits, in the order of the file."""
    batch: list[LogEvent] = []
    size = 0
    first = last = 0
    for event in events:
        weight = len(event.message.encode()) + EVENT_OVERHEAD
        earliest, latest = min(first, event.timestamp), max(last, event.timestamp)
        if batch and (
            len(batch) == MOST_EVENTS or size + weight > MOST_BYTES or latest - earliest > LONGEST_SPAN_MS
        ):
            yield batch
            batch = []
        if not batch:
            batch, size = [], 0
            earliest = latest = event.timestamp
        batch.append(event)
        size += weight
        first, last = earliest, latest
    if batch:
        yield batch


@contextlib.contextmanager
def _already_there() -> Iterator[None]:
    try:
        yield
    except AwsRefused as refused:
        if refused.code != "ResourceAlreadyExistsException":
            raise


def _read(path: Path, position: int, most: int) -> bytes:
    with path.open("rb") as file:
        file.seek(position)
        return file.read(most)


def _read_position(path: Path) -> int:
    try:
        return int(path.read_text())
    except FileNotFoundError:
        return 0


def _note_sent(path: Path, sent_path: Path, position: int) -> None:
    """Make durable how far the service has the log, then free that part of the file."""
    draft = sent_path.with_name(sent_path.name + ".new")
    with draft.open("w") as file:
        file.write(str(position))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(sent_path)
    with path.open("r+b") as file:
        # Some filesystems cannot; then the file merely stays as large as it looks.
        _libc.fallocate(file.fileno(), _PUNCH_HOLE, ctypes.c_long(0), ctypes.c_long(position))
