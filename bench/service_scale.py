"""A service of a hundred tasks, from CreateService on, and back to none."""

import time
from collections.abc import Callable
from typing import Any

from bench.record import Result, Sample, compare
from bench.seawall_side import CLUSTER, SeawallSide

SERVICE = 100
NAME = "many"
POLL_S = 0.2
GIVEN_UP_S = 300.0


def service_scale(seawall: SeawallSide, count: int = SERVICE) -> list[Result]:
    """Steady is when the deployment is COMPLETED, which waits 40 s to see whether tasks stay healthy."""
    ecs = seawall.clients.ecs
    began = time.perf_counter()
    ecs.create_service(
        cluster=CLUSTER,
        serviceName=NAME,
        taskDefinition="bench",
        launchType="FARGATE",
        desiredCount=count,
        networkConfiguration={
            "awsvpcConfiguration": {"subnets": [seawall.subnet], "assignPublicIp": "ENABLED"}
        },
    )
    _until(seawall, lambda service: service["runningCount"] >= count)
    running = time.perf_counter() - began
    _until(seawall, lambda service: service["deployments"][0]["rolloutState"] == "COMPLETED")
    steady = time.perf_counter() - began
    began = time.perf_counter()
    ecs.update_service(cluster=CLUSTER, service=NAME, desiredCount=0)
    _until(seawall, lambda service: service["runningCount"] == 0)
    gone = time.perf_counter() - began
    ecs.delete_service(cluster=CLUSTER, service=NAME)
    one = Sample(1.0, 1.0, 1.0)
    return [
        compare(
            f"launches of a service of {count}", "1/s", _once(count / running), one, against="one a second"
        ),
        compare(f"service of {count}, created to all running", "s", _once(running), one, against="1 s"),
        compare(f"service of {count}, created to steady", "s", _once(steady), one, against="1 s"),
        compare(f"service of {count}, none counted as running", "s", _once(gone), one, against="1 s"),
    ]


def _once(value: float) -> Sample:
    return Sample(value, value, value)


def _until(seawall: SeawallSide, holds: Callable[[Any], bool]) -> None:
    deadline = time.monotonic() + GIVEN_UP_S
    while not holds(
        found := seawall.clients.ecs.describe_services(cluster=CLUSTER, services=[NAME])["services"][0]
    ):
        if time.monotonic() > deadline:
            raise RuntimeError(f"the service came no further: {found['events'][:3]}")
        time.sleep(POLL_S)
