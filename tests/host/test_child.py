"""Programs are waited for to their end, and reaped also when nobody waits any more."""

import asyncio
import contextlib
import os
import threading

import pytest

from seawall.host.child import Ended, begin, end_of, run_to_end
from seawall.host.spawn import Streams, spawn


def test_status_and_both_outputs() -> None:
    script = "echo out; echo err >&2; read nothing || exit 3"
    assert asyncio.run(run_to_end(("sh", "-c", script))) == Ended(3, "out\n", "err\n")


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(FileNotFoundError):
        asyncio.run(run_to_end(("/nonexistent",)))


def test_it_is_reaped_though_nobody_waits() -> None:
    read, write = os.pipe()
    child = spawn(["sh", "-c", "read line <&3"], Streams(kept=(read,)))
    os.close(read)

    async def scene() -> None:
        waiting = asyncio.ensure_future(end_of(child))
        await asyncio.sleep(0)
        waiting.cancel()
        os.close(write)
        await over(child)

    asyncio.run(scene())
    assert_reaped(child)


def test_who_is_cancelled_while_it_begins_leaves_none() -> None:
    go, begun = threading.Event(), list[int]()

    def slowly() -> int:
        assert go.wait(10)
        begun.append(spawn(["true"], Streams()))
        return begun[0]

    async def scene() -> None:
        beginning = asyncio.ensure_future(begin(slowly))
        await asyncio.sleep(0)
        beginning.cancel()
        go.set()
        await asyncio.wait([beginning])
        assert beginning.cancelled()
        await over(begun[0])

    asyncio.run(scene())
    assert_reaped(begun[0])


async def over(child: int) -> None:
    """Return when it has ended, which others hear at the same time."""
    with contextlib.suppress(ProcessLookupError):
        descriptor, ended = os.pidfd_open(child), asyncio.Event()
        asyncio.get_running_loop().add_reader(descriptor, ended.set)
        await ended.wait()
        asyncio.get_running_loop().remove_reader(descriptor)
        os.close(descriptor)


def assert_reaped(child: int) -> None:
    with pytest.raises(ChildProcessError):
        os.waitpid(child, os.WNOHANG)
