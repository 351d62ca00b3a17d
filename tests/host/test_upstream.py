"""A step that failed is done again only if whom it asks was away."""

import asyncio
from typing import get_args

import pytest

from seawall.host import upstream
from seawall.host.upstream import Upstream, is_unanswered
from seawall.program.report import Failure, FailureStep


@pytest.mark.parametrize("step", get_args(FailureStep))
def test_only_steps_over_the_network_wait_for_the_services(step: FailureStep) -> None:
    over_network = step not in ("volumes", "dependency", "create", "start")
    assert is_unanswered(Failure(step=step, cause="other", text="")) is over_network


@pytest.mark.parametrize("cause", ["denied", "not_found"])
def test_an_answer_is_an_answer(cause: str) -> None:
    assert not is_unanswered(Failure(step="pull", cause=cause, text=""))


def test_services_lost_during_a_step_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upstream, "SETTLE_S", 0.0)

    async def scene() -> None:
        services = Upstream()
        services.found()
        mark = services.mark()
        assert not await services.was_away(mark)
        services.lost()
        waiting = asyncio.ensure_future(services.was_away(mark))
        await asyncio.sleep(0)
        assert not waiting.done()
        services.found()
        assert await waiting

    asyncio.run(scene())
