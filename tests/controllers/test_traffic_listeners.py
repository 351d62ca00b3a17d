"""What is told of traffic reaches everybody who listens, whatever the others make of it."""

import logging

import pytest
from tests.controllers.recording import RecordingHost

from seawall.controllers.host_view import HostView
from seawall.program.messages import Carried
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
            port.tell(Carried(traffic=BalancerTraffic(id=node)))
    assert heard == ["eni-a", "eni-b"]
    assert [record.message for record in caplog.records] == ["traffic.failed"] * 2
    assert "no use for eni-b" in caplog.text
