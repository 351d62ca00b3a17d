"""Time limits and cancellation."""

import asyncio
import gc

import pytest

from seawall.host.deadline import within


def test_a_result_in_time_and_none_in_time() -> None:
    async def run() -> None:
        assert await within(10, asyncio.sleep(0, "done")) == "done"
        with pytest.raises(asyncio.TimeoutError):
            await within(0.01, asyncio.Event().wait())

    asyncio.run(run())


def test_a_cancellation_that_comes_with_the_result_is_not_lost() -> None:
    async def run() -> None:
        gate = asyncio.Event()
        waiting = asyncio.create_task(within(10, gate.wait()))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        gate.set()
        for _ in range(2):  # the inner task is done, the outer one has not been woken
            await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(run())


def test_a_fault_that_comes_with_the_cancellation_is_nobodys() -> None:
    faults: list[object] = []

    async def fail(gate: asyncio.Event) -> None:
        await gate.wait()
        raise FileNotFoundError

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: faults.append(context))
        gate = asyncio.Event()
        waiting = asyncio.create_task(within(10, fail(gate)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        gate.set()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(run())
    gc.collect()
    assert faults == []
