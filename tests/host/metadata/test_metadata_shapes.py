"""Descriptions and statistics, from facts that are given."""

import json
from typing import Any

from msgspec.structs import replace

from seawall.host.metadata.conversation import BURST, RATE, Allowance
from seawall.host.metadata.description import describe_container, describe_task, moment
from seawall.host.metadata.statistics import NEVER, Marks, Processor, Reading, container_stats
from seawall.program.report import ContainerReport, Health, TaskReport
from seawall.program.task import ContainerProgram, ImageSource, RestartPolicy, TaskProgram

NETWORK = {"NetworkMode": "awsvpc", "IPv4Addresses": ["10.0.0.9"], "MACAddress": "0a:00"}
KNOWN: dict[str, Any] = {
    "Task": {"TaskARN": "arn", "LaunchType": "FARGATE", "ServiceName": "s", "FaultInjectionEnabled": False},
    "TaskTags": {"owner": "me"},
    "Containers": {
        "web": {"Image": "web:1", "ContainerARN": "c", "Snapshotter": "overlayfs", "Networks": [NETWORK]}
    },
}
WEB = ContainerProgram(name="web", runtime_id="r-1", image=ImageSource(reference="i"))
TASK = TaskProgram(
    id="t",
    namespace="task-t",
    hostname="h",
    hosts="",
    resolv_conf="",
    cpu_quota=1,
    memory_bytes=1,
    containers=(WEB,),
)
RUNNING = ContainerReport(
    name="web", runtime_id="r-1", state="running", pull_started_at=1, pull_stopped_at=2, started_at=3.5
)


def test_what_is_not_known_is_left_out() -> None:
    shown = describe_container(KNOWN, WEB, ContainerReport(name="web", runtime_id="r-1"), 4)
    assert shown["KnownStatus"] == "NONE"
    assert not shown.keys() & {"ExitCode", "StartedAt", "FinishedAt", "Health", "ImageID", "RestartCount"}


def test_health_and_restarts() -> None:
    program = replace(WEB, restart_policy=RestartPolicy())
    health = Health(status="UNHEALTHY", since=10.25, exit_code=1, output="no")
    shown = describe_container(KNOWN, program, replace(RUNNING, health=health, restarts=2), 4)
    assert shown["RestartCount"] == 2
    assert shown["Health"] == {
        "status": "UNHEALTHY",
        "statusSince": "1970-01-01T00:00:10.25Z",
        "exitCode": 1,
        "output": "no",
    }


def test_a_task_is_as_far_as_its_last_container() -> None:
    other = replace(WEB, name="api", runtime_id="r-2")
    program = replace(TASK, containers=(WEB, other))
    report = TaskReport(
        id="t", containers=(RUNNING, ContainerReport(name="api", runtime_id="r-2", state="pulled"))
    )
    shown = describe_task(KNOWN, program, report, 4)
    assert (shown["DesiredStatus"], shown["KnownStatus"]) == ("RUNNING", "PULLED")
    assert (shown["PullStartedAt"], "PullStoppedAt" in shown) == ("1970-01-01T00:00:01Z", False)
    ended = replace(RUNNING, state="exited", finished_at=9.0, exit_code=3)
    shown = describe_task(KNOWN, TASK, TaskReport(id="t", containers=(ended,)), 4)
    assert (shown["KnownStatus"], shown["ExecutionStoppedAt"]) == ("STOPPED", "1970-01-01T00:00:09Z")
    assert shown["Containers"][0]["ExitCode"] == 3


def test_tags_are_for_those_who_ask_for_them_and_old_versions_know_less() -> None:
    report = TaskReport(id="t", containers=(RUNNING,))
    assert describe_task(KNOWN, TASK, report, 4, with_tags=True)["TaskTags"] == {"owner": "me"}
    assert "TaskTags" not in describe_task(KNOWN, TASK, report, 4)
    old = describe_task(KNOWN, TASK, report, 3)
    assert not old.keys() & {"LaunchType", "ServiceName", "FaultInjectionEnabled"}
    (container,) = old["Containers"]
    assert not container.keys() & {"ContainerARN", "Snapshotter"}
    assert container["Networks"] == [{"NetworkMode": "awsvpc", "IPv4Addresses": ["10.0.0.9"]}]


def reading(at: float, used: int, received: int) -> Reading:
    return Reading(
        at=at,
        processor=Processor(total=used, machine=int(at * 1e9), online=2),
        memory={"usage": 5, "limit": 10},
        memory_details={"cache": 1},
        processes=3,
        io_bytes=(),
        io_operations=(),
        networks={"eth1": (received, 1, 0, 0, 7, 1, 0, 0)},
    )


def test_statistics_compare_with_a_reading_that_is_old_enough() -> None:
    marks = Marks()
    first = reading(100.0, 10, 1000)
    shown = container_stats("r-1", "web", first, marks.before(first), rates=True)
    assert (shown["preread"], "network_rate_stats" in shown) == (NEVER, False)
    soon = reading(100.5, 15, 1500)
    assert marks.before(soon) is None
    later = reading(102.0, 20, 3000)
    shown = container_stats("r-1", "web", later, marks.before(later), rates=True)
    assert shown["preread"] == moment(100.0)
    assert shown["precpu_stats"]["cpu_usage"]["total_usage"] == 10
    assert shown["network_rate_stats"] == {"rx_bytes_per_sec": 1000.0, "tx_bytes_per_sec": 0.0}
    assert shown["memory_stats"] == {"usage": 5, "limit": 10, "stats": {"cache": 1}}
    assert shown["networks"]["eth1"]["rx_bytes"] == 3000
    assert "network_rate_stats" not in container_stats("r-1", "web", later, None, rates=False)
    assert json.dumps(shown)


def test_an_allowance_fills_again_with_time() -> None:
    allowance = Allowance(0.0)
    assert [allowance.take(0.0) for _ in range(int(BURST) + 1)] == [True] * int(BURST) + [False]
    assert allowance.take(1 / RATE + 0.001)
    assert not allowance.take(1 / RATE + 0.001)
    assert sum(allowance.take(1000.0) for _ in range(1000)) == BURST
