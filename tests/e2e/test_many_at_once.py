"""Thirty tasks asked for at once, the agent killed among them: each runs once, and nothing stays of any."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from tests.e2e.harness import Network, Seawall, eventually, prepare_account, processes, wait_for

AT_ONCE = 30
CONTAINERS = 2  # of each


@pytest.fixture(scope="module")
def busy(another_seawall: Callable[..., AbstractContextManager[Seawall]]) -> Iterator[Seawall]:
    with another_seawall() as running:
        prepare_account(running)
        yield running


def test_all_run_once_and_all_go(busy: Seawall) -> None:
    network = Network(busy)
    ecs = busy.client("ecs")
    place = {"subnets": [network.public], "securityGroups": [network.group], "assignPublicIp": "ENABLED"}
    arns: list[str] = []
    for turn in range(AT_ONCE // 10):
        answer = ecs.run_task(
            taskDefinition="myapp",
            launchType="FARGATE",
            count=10,
            networkConfiguration={"awsvpcConfiguration": place},
        )
        assert answer["failures"] == []
        arns += [task["taskArn"] for task in answer["tasks"]]
        if turn == 1:
            os.kill(busy.agent_pid(), signal.SIGKILL)
    wait_for(busy, "tasks_running", *arns)
    tasks = ecs.describe_tasks(tasks=arns)["tasks"]
    ids = [container["runtimeId"] for task in tasks for container in task["containers"]]
    monitors = [line for line in processes() if "conmon" in line]
    assert len(set(ids)) == AT_ONCE * CONTAINERS
    assert all(sum(id in line for line in monitors) == 1 for id in ids)
    for arn in arns:
        ecs.stop_task(task=arn)
    wait_for(busy, "tasks_stopped", *arns)
    # The tasks have stopped; the host is still about to forget their containers.
    eventually(lambda: not [line for line in processes() if any(id in line for id in ids)], "all are gone")
