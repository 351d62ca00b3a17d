"""A step that failed is done again only if whom it asks was away."""

import asyncio
import contextlib
import socket
from types import SimpleNamespace
from typing import Any, cast, get_args

import pytest
from msgspec.structs import replace

from seawall.host import upstream
from seawall.host.agent import Agent
from seawall.host.upstream import Upstream, is_unanswered
from seawall.program.messages import Listen, Request
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


def test_services_are_there_when_the_last_of_them_listens() -> None:
    """A launch that went on with the first would take the others' absence for an answer."""

    async def scene() -> None:
        services = Upstream()
        agent = Agent.__new__(Agent)
        agent._host = cast(Any, SimpleNamespace(upstream=services))
        with contextlib.ExitStack() as stack:
            agent._listen = lambda wanted: stack.enter_context(socket.socket())  # type: ignore[method-assign]
            first = Listen(namespace="edge", address="198.19.0.10", port=443, more=True)
            await agent._answer(Request(number=1, body=first))
            assert services.mark() == upstream.AWAY
            await agent._answer(Request(number=2, body=replace(first, address="198.19.0.11", more=False)))
            assert services.mark() != upstream.AWAY

    asyncio.run(scene())
