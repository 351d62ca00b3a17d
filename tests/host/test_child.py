"""Programs are waited for to their end, and reaped also when nobody waits any more."""

import asyncio
import os
import subprocess

import pytest

from seawall.host.child import Ended, end_of, run_to_end


def test_status_and_both_outputs() -> None:
    script = "echo out; echo err >&2; read nothing || exit 3"
    assert asyncio.run(run_to_end(("sh", "-c", script))) == Ended(3, "out\n", "err\n")


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(FileNotFoundError):
        asyncio.run(run_to_end(("/nonexistent",)))


def test_it_is_reaped_though_nobody_waits() -> None:
    process = subprocess.Popen(["cat"], stdin=subprocess.PIPE)

    async def scene() -> None:
        waiting = asyncio.ensure_future(end_of(process))
        await asyncio.sleep(0)
        waiting.cancel()
        again = end_of(process)
        assert process.stdin
        process.stdin.close()
        assert await again == 0

    asyncio.run(scene())
    with pytest.raises(ChildProcessError):
        os.waitpid(process.pid, os.WNOHANG)
