"""A loop that must not end."""

import asyncio
import logging

import pytest

from seawall.host.balancer import kept_up as module
from seawall.host.balancer.kept_up import kept_up


def test_what_fails_is_told_and_begun_again_until_it_is_cancelled(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "AGAIN_S", 0)
    begun: list[str] = []

    async def run() -> None:
        third = asyncio.Event()

        async def work() -> None:
            begun.append("begun")
            if len(begun) < 3:
                raise ValueError("unforeseen")
            third.set()
            try:
                await asyncio.Event().wait()
            finally:
                begun.append("ended")

        keeping = asyncio.create_task(kept_up("work", work))
        await third.wait()
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)

    with caplog.at_level(logging.ERROR):
        asyncio.run(run())
    assert begun == ["begun", "begun", "begun", "ended"]
    assert [str(record.exc_info and record.exc_info[1]) for record in caplog.records] == ["unforeseen"] * 2
