"""Programs run to their end, which is waited for by descriptor.

asyncio's own way takes pipes and, before Python 3.12, a thread for each: more than a short program itself.
"""

import asyncio
import os
import subprocess
from collections.abc import Sequence
from typing import BinaryIO, NamedTuple


class Ended(NamedTuple):
    """What it wrote, and how it ended: as `subprocess.Popen.returncode`."""

    status: int
    output: str
    errors: str


async def run_to_end(command: Sequence[str]) -> Ended:
    """Run a program without input.  It goes on when the caller is cancelled.  Raises OSError."""
    with _memory("output") as output, _memory("errors") as errors:
        status = await end_of(_begin(command, output, errors))
        return Ended(status, _text(output), _text(errors))


def _begin(command: Sequence[str], output: BinaryIO, errors: BinaryIO) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors)


def end_of(process: "subprocess.Popen[bytes]") -> "asyncio.Future[int]":
    """Its status.  Whoever waits may go; the process is reaped all the same."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[int] = loop.create_future()
    descriptor = os.pidfd_open(process.pid)

    def reap() -> None:
        loop.remove_reader(descriptor)
        os.close(descriptor)
        status = process.wait()
        if not ended.done():
            ended.set_result(status)

    loop.add_reader(descriptor, reap)
    return ended


def _memory(name: str) -> BinaryIO:
    return open(os.memfd_create(name), "r+b", buffering=0)


def _text(file: BinaryIO) -> str:
    return os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0).decode(errors="replace")
