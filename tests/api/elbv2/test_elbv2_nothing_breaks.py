"""Requests about load balancers that are there: whatever they hold, none is answered with a server error."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import strategies as st
from tests.api import test_nothing_breaks
from tests.api.test_nothing_breaks import server_errors

from seawall.api import registry
from seawall.app.gateway import Gateway
from seawall.wire.service import load_service

WORDS = [
    *("path-pattern", "host-header", "http-header", "http-request-method", "query-string", "source-ip"),
    *("/a*", "*.example.com", "GET", "10.0.0.0/8", "10.0.0.9", "200", "200-299", "5xx", "traffic-port", "80"),
    *("stickiness.type", "lb_cookie", "slow_start.duration_seconds", "idle_timeout.timeout_seconds", "60"),
    *("#{port}", "/#{path}", "text/plain", "all", "us-east-1a", "i-0123456789abcdef0", "-a", "true", "é"),
]


@pytest.mark.thorough
@pytest.mark.parametrize("half", [0, 1])
def test_requests_about_what_is_there(
    half: int,
    elb: Any,
    net: Any,
    make_alb: Callable[..., str],
    make_nlb: Callable[..., str],
    make_group: Callable[..., str],
    listen: Callable[..., str],
    gateway: Gateway,
    event_loop_runner: asyncio.AbstractEventLoop,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    http, flows = make_group(), make_group("flows", Protocol="TCP")
    arns = [make_alb(), make_nlb(), http, flows]
    arns += [listen(arns[0], http), listen(arns[1], flows, Protocol="TCP")]
    arns += [rule["RuleArn"] for rule in elb.describe_rules(ListenerArn=arns[4])["Rules"]]
    ids = [net.vpc, *net.subnets, net.group]
    monkeypatch.setattr(test_nothing_breaks, "ARNS", st.sampled_from(arns))
    monkeypatch.setattr(test_nothing_breaks, "IDS", st.sampled_from([*ids, *arns]))
    monkeypatch.setattr(test_nothing_breaks, "NAMES", st.sampled_from(WORDS))
    caplog.set_level(logging.ERROR)
    known = load_service("elbv2")
    assert known is not None
    names = sorted(name for owner, name in registry.load_operations() if owner == "elbv2")
    broken = {}
    for name in names[half::2]:
        shape = known.operation(name).input_shape
        for params, trace in server_errors(known, name, shape, gateway, event_loop_runner, caplog):
            broken[name] = f"{params}: {trace}"
    assert not broken, "\n\n".join(f"{name} {why}" for name, why in broken.items())
