"""What is told of traffic reaches everybody who listens, whatever the others make of it."""

import logging

import pytest
from tests.controllers.recording import RecordingHost

from seawall.controllers.host_view import HostView
from seawall.program.messages import Carried, State
from seawall.program.report import BalancerTraffic


def test_a_listener_that_fails_is_logged_and_the_others_still_hear(caplog: pytest.LogCaptureFixture) -> None:
    port = RecordingHost()
    view = HostView(port)
    heard: list[str] = []

    def fail(traffic: BalancerTraffic) -> None:
        raise ValueError(f"no use for {traffic.id}")

    view.on_traffic(fail)
    view.on_traffic(lambda traffic: heard.append(traffic.id))
    with caplog.at_level(logging.ERROR, logger="seawall.controllers"):
        for node in ("eni-a", "eni-b"):
            port.tell(Carried(traffic=BalancerTraffic(id=node, number=1)))
    assert heard == ["eni-a", "eni-b"]
    assert [record.message for record in caplog.records] == ["traffic.failed"] * 2
    assert "no use for eni-b" in caplog.text


def test_what_is_told_again_by_its_number_is_heard_once() -> None:
    port = RecordingHost()
    view = HostView(port)
    heard: list[tuple[str, int]] = []
    view.on_traffic(lambda traffic: heard.append((traffic.id, traffic.number)))
    port.tell(State(world="w1", applied_revision=0, tasks=()))
    for node, number in (("eni-a", 7), ("eni-b", 5), ("eni-a", 7), ("eni-a", 8), ("eni-b", 6), ("eni-a", 7)):
        port.tell(Carried(traffic=BalancerTraffic(id=node, number=number)))
    port.tell(State(world="w1", applied_revision=0, tasks=()))
    port.tell(Carried(traffic=BalancerTraffic(id="eni-a", number=8)))
    assert heard == [("eni-a", 7), ("eni-b", 5), ("eni-a", 8), ("eni-b", 6)]


def test_the_numbers_of_another_world_begin_anew() -> None:
    port = RecordingHost()
    view = HostView(port)
    heard: list[int] = []
    view.on_traffic(lambda traffic: heard.append(traffic.number))
    for world, number in (("w1", 7), ("w2", 3)):
        port.tell(State(world=world, applied_revision=0, tasks=()))
        port.tell(Carried(traffic=BalancerTraffic(id="eni-a", number=number)))
    assert heard == [7, 3]
