"""A container goes on writing while all of Seawall dies and comes back: no line is lost or misplaced."""

import os
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import botocore.waiter
from tests.e2e.harness import ROLE, Network, Seawall, prepare_account, register, run_task, wait_for

LINES = 300
COUNT = f"i=0; while [ $i -lt {LINES} ]; do echo line $i; i=$((i+1)); sleep 0.03; done"
GROUP = "/ecs/myapp"
ARRIVED = {"state": "success", "matcher": "path", "argument": "length(events) > `0`", "expected": True}
ARRIVAL = {"operation": "FilterLogEvents", "delay": 1, "maxAttempts": 30, "acceptors": [ARRIVED]}
WAITERS = botocore.waiter.WaiterModel({"version": 2, "waiters": {"Arrival": ARRIVAL}})


def arrival(seawall: Seawall, stream: str, line: str) -> None:
    """Return when that line can be read."""
    waiter = botocore.waiter.create_waiter_with_client("Arrival", WAITERS, seawall.client("logs"))
    waiter.wait(logGroupName=GROUP, logStreamNames=[stream], filterPattern=f'"{line}"')


def test_no_line_is_lost_while_the_endpoint_and_the_agent_are_away(
    another_seawall: Callable[..., AbstractContextManager[Seawall]],
) -> None:
    with another_seawall() as seawall:
        prepare_account(seawall)
        network = Network(seawall)
        role = f"arn:aws:iam::{seawall.running.account}:role/{ROLE}"
        family = register(seawall, "counts", role, web={"command": ["/bin/sh", "-c", COUNT]})
        arn = run_task(seawall, network.public, network.group, public=True, family=family)
        stream = f"ecs/web/{arn.rpartition('/')[2]}"
        wait_for(seawall, "tasks_running", arn)
        arrival(seawall, stream, "line 20")
        seawall.kill_control_plane()
        os.kill(seawall.agent_pid(), signal.SIGKILL)
        seawall.up()
        task = wait_for(seawall, "tasks_stopped", arn)
        assert task["containers"][0]["exitCode"] == 0
        arrival(seawall, stream, f"line {LINES - 1}")
        said = [event["message"] for event in all_events(seawall, stream)]

    first = list(dict.fromkeys(said))  # what was sent but not known to be taken is sent twice
    assert first == [f"line {number}" for number in range(LINES)]


def all_events(seawall: Seawall, stream: str) -> list[dict[str, Any]]:
    pages = seawall.client("logs").get_paginator("filter_log_events")
    found = pages.paginate(logGroupName=GROUP, logStreamNames=[stream])
    return [event for page in found for event in page["events"]]
