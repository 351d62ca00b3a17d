"""What may take long holds up neither the event loop nor what is short, and is never done twice at once."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import pytest

from seawall.host.long_work import AT_ONCE, at_leisure, to_its_end
from seawall.host.traces import Traces

PATIENCE_S = 10


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), PATIENCE_S))


def test_short_work_does_not_wait_behind_long() -> None:
    over = threading.Event()

    async def test() -> None:
        long = [asyncio.ensure_future(at_leisure(over.wait, PATIENCE_S)) for _ in range(2 * AT_ONCE)]
        try:
            assert await asyncio.to_thread(lambda: "short") == "short"
            assert not any(work.done() for work in long)
        finally:
            over.set()
        assert await asyncio.gather(*long) == [True] * len(long)

    run(test)


def test_who_is_cancelled_over_work_that_nobody_may_do_again_hears_of_it_at_its_end() -> None:
    began, over, said = threading.Event(), threading.Event(), []

    def work() -> None:
        began.set()
        assert over.wait(PATIENCE_S)
        said.append("done")
        raise OSError("in vain")

    async def test() -> None:
        working = asyncio.ensure_future(to_its_end(work))
        await asyncio.to_thread(began.wait, PATIENCE_S)
        working.cancel()
        for _ in range(20):  # turns of the loop: as long as anything goes on
            await asyncio.sleep(0)
        assert not working.done()
        over.set()
        with pytest.raises(asyncio.CancelledError):
            await working
        assert said == ["done"]

    run(test)


def test_what_it_raises_is_heard() -> None:
    def work() -> None:
        raise OSError("no room")

    async def test() -> None:
        with pytest.raises(OSError, match="no room"):
            await to_its_end(work)

    run(test)


class Groups:
    """Of a process that takes its time to die."""

    def __init__(self) -> None:
        self.asked, self.gone = threading.Event(), threading.Event()

    def remove_container(self, task: str, container: str) -> None:
        self.asked.set()
        assert self.gone.wait(PATIENCE_S)


class Monitors:
    async def remove(self, id: str, monitor: object) -> None:
        pass


def test_a_container_that_is_long_in_dying_holds_up_nobody_else(tmp_path: Path) -> None:
    groups = Groups()
    folder = tmp_path / "t/app"
    (folder / "upper/many").mkdir(parents=True)
    traces = Traces(cast(Any, Monitors()), cast(Any, groups), tmp_path / "stage", "t", "t-app", folder)

    async def test() -> None:
        removing = asyncio.ensure_future(traces.remove(None))
        await asyncio.to_thread(groups.asked.wait, PATIENCE_S)
        assert not removing.done()
        groups.gone.set()  # by the loop, which therefore goes on
        await removing
        assert not (folder / "upper").exists()

    run(test)
