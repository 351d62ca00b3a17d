"""Child processes, whose end is waited for by descriptor.

asyncio's own way takes pipes and, before Python 3.12, a thread for each: more than a short program itself.
"""

import asyncio
import os
from collections.abc import Callable, Sequence
from typing import BinaryIO, NamedTuple

from seawall.host.spawn import Streams, spawn


class Ended(NamedTuple):
    """What it wrote, and how it ended: its exit code, or a signal's number below zero."""

    status: int
    output: str
    errors: str


async def run_to_end(command: Sequence[str]) -> Ended:
    """Run a program without input.  It goes on when the caller is cancelled.  Raises OSError."""
    with _memory("output") as output, _memory("errors") as errors:
        streams = Streams(output=output.fileno(), errors=errors.fileno())
        status = await end_of(await begin(lambda: spawn(command, streams)))
        return Ended(status, _text(output), _text(errors))


async def begin(one: Callable[[], int]) -> int:
    """The number of the child that `one` begins, in a thread.

    Who is cancelled over it hears of that when the child has begun, and it is reaped.
    """
    loop = asyncio.get_running_loop()
    beginning = loop.run_in_executor(None, one)
    try:
        return await asyncio.shield(beginning)
    except asyncio.CancelledError:
        await asyncio.wait([beginning])
        if beginning.exception() is None:
            end_of(beginning.result())
        raise


def end_of(pid: int) -> "asyncio.Future[int]":
    """The status of a child, as in `Ended`.  Whoever waits may go; it is reaped all the same."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[int] = loop.create_future()
    descriptor = os.pidfd_open(pid)

    def reap() -> None:
        loop.remove_reader(descriptor)
        os.close(descriptor)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if not ended.done():
            ended.set_result(status)

    loop.add_reader(descriptor, reap)
    return ended


def _memory(name: str) -> BinaryIO:
    return open(os.memfd_create(name), "r+b", buffering=0)


def _text(file: BinaryIO) -> str:
    return os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0).decode(errors="replace")
