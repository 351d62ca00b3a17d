"""What is freed goes back to the machine once it is quiet, and not before."""

import asyncio
import time

import pytest

from seawall.host import spare_memory
from seawall.host.spare_memory import SpareMemory


def test_it_waits_until_it_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spare_memory, "QUIET_S", 0.05)
    given: list[float] = []

    async def live() -> float:
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        class Library:
            def malloc_trim(self, keep: int) -> None:
                assert keep == 0
                given.append(time.monotonic())
                loop.call_soon_threadsafe(done.set)

        monkeypatch.setattr(spare_memory, "_libc", Library())
        spare = SpareMemory()
        for _ in range(3):
            spare.stir()
            last = time.monotonic()
        await done.wait()
        return last

    last = asyncio.run(live())
    assert len(given) == 1
    assert given[0] - last >= 0.04


def test_a_c_library_without_it_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spare_memory, "_libc", object())

    async def live() -> None:
        SpareMemory()._give_back()

    asyncio.run(live())
