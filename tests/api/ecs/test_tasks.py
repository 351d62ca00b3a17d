"""Describing, listing and stopping tasks through boto3."""

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest
from botocore.exceptions import WaiterError
from msgspec.structs import replace
from tests.api.ecs.ecs_requests import fargate

from seawall.model.task import Task
from seawall.store.store import Store

Refused = Callable[..., tuple[str, str]]
Run = Callable[..., dict[str, Any]]
ROOT = "arn:aws:ecs:us-east-1:123456789012:"
NOW = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)


def change(store: Store, arn: str, **changes: Any) -> None:
    with store.write() as txn:
        txn.put(replace(store.get(Task, arn.rsplit("/", 1)[-1]), **changes))


def arns(answer: dict[str, Any]) -> list[str]:
    return [task["taskArn"] for task in answer["tasks"]]


def test_a_task_is_found_by_arn_and_by_id(ecs: Any, run: Run) -> None:
    (arn,) = arns(run())
    short = arn.rsplit("/", 1)[-1]
    for name in (arn, short):
        assert arns(ecs.describe_tasks(tasks=[name])) == [arn]
    assert arns(ecs.describe_tasks(cluster=f"{ROOT}cluster/default", tasks=[short])) == [arn]


def test_unknown_tasks_are_failures(ecs: Any, run: Run) -> None:
    (arn,) = arns(run())
    ecs.create_cluster(clusterName="other")
    gone = "0" * 32
    answer = ecs.describe_tasks(tasks=[gone, arn, gone])
    assert arns(answer) == [arn]
    assert answer["failures"] == [{"arn": f"{ROOT}task/default/{gone}", "reason": "MISSING"}]
    elsewhere = ecs.describe_tasks(cluster="other", tasks=[arn])
    assert elsewhere["failures"] == [{"arn": arn, "reason": "MISSING"}]


def test_how_many_can_be_described(ecs: Any, run: Run, refused: Refused) -> None:
    run()
    many = [f"{number:032x}" for number in range(101)]
    expected = ("InvalidParameterException", "taskIds can have at most 100 items.")
    assert refused(ecs.describe_tasks, tasks=many) == expected
    assert refused(ecs.describe_tasks, tasks=[]) == (
        "InvalidParameterException",
        "Tasks cannot be empty.",
    )
    assert refused(ecs.describe_tasks, cluster="nowhere", tasks=["x"])[0] == "ClusterNotFoundException"


def test_everything_that_happened_is_shown(ecs: Any, run: Run, store: Store) -> None:
    (arn,) = arns(run())
    task = store.get(Task, arn.rsplit("/", 1)[-1])
    (web,) = task.containers
    times = (
        "connectivity_at",
        "pull_started_at",
        "pull_stopped_at",
        "started_at",
        "stopping_at",
        "execution_stopped_at",
        "stopped_at",
    )
    change(
        store,
        arn,
        last_status="STOPPED",
        desired_status="STOPPED",
        attachment_status="DELETED",
        connectivity="CONNECTED",
        stop_code="EssentialContainerExited",
        stopped_reason="Essential container in task exited",
        host="world",
        version=5,
        containers=(replace(web, last_status="STOPPED", exit_code=0, reason="r", image_digest="sha256:0"),),
        **dict.fromkeys(times, NOW),
    )
    (shown,) = ecs.describe_tasks(tasks=[arn])["tasks"]
    assert (shown["lastStatus"], shown["desiredStatus"], shown["version"]) == ("STOPPED", "STOPPED", 5)
    assert shown["stopCode"] == "EssentialContainerExited"
    assert shown["stoppedReason"] == "Essential container in task exited"
    assert shown["connectivity"] == "CONNECTED"
    for member in ("connectivityAt", "pullStartedAt", "pullStoppedAt", "startedAt", "stoppingAt"):
        assert shown[member] == NOW
    assert shown["executionStoppedAt"] == shown["stoppedAt"] == NOW
    assert shown["attachments"][0]["status"] == "DELETED"
    container = shown["containers"][0]
    assert (container["lastStatus"], container["exitCode"], container["reason"]) == ("STOPPED", 0, "r")
    assert container["imageDigest"] == "sha256:0"
    assert container["networkInterfaces"][0]["privateIpv4Address"] == task.private_ip_address


def test_the_public_address_is_nowhere_in_a_task(ecs: Any, run: Run, store: Store) -> None:
    (arn,) = arns(run(network={"assignPublicIp": "ENABLED"}))
    change(store, arn, attachment_status="ATTACHED", last_status="RUNNING")
    assert "198.18." not in str(ecs.describe_tasks(tasks=[arn])["tasks"])


def test_waiters(ecs: Any, run: Run, store: Store) -> None:
    fast = {"Delay": 0, "MaxAttempts": 1}
    (arn,) = arns(run())
    with pytest.raises(WaiterError):
        ecs.get_waiter("tasks_running").wait(tasks=[arn], WaiterConfig=fast)
    change(store, arn, last_status="RUNNING")
    ecs.get_waiter("tasks_running").wait(tasks=[arn], WaiterConfig=fast)
    change(store, arn, last_status="STOPPED")
    ecs.get_waiter("tasks_stopped").wait(tasks=[arn], WaiterConfig=fast)
    for failed in (arn, "0" * 32):
        with pytest.raises(WaiterError, match="terminal failure"):
            ecs.get_waiter("tasks_running").wait(tasks=[failed], WaiterConfig=fast)


def test_listing(ecs: Any, run: Run, store: Store) -> None:
    ecs.register_task_definition(**fargate(family="other"))
    first = arns(run(startedBy="me"))
    second = arns(run(taskDefinition="other"))
    stopped = arns(run())
    ecs.stop_task(task=stopped[0])

    def listed(**filters: Any) -> list[str]:
        return sorted(ecs.list_tasks(**filters)["taskArns"])

    assert listed() == sorted(first + second)
    assert listed(desiredStatus="STOPPED") == stopped
    assert listed(desiredStatus="PENDING") == []
    assert listed(startedBy="me") == first
    assert listed(family="other") == second
    assert listed(family="oth") == []
    assert listed(launchType="FARGATE") == sorted(first + second)
    assert listed(launchType="EC2") == []


def test_a_service_that_is_not_there(ecs: Any, run: Run, refused: Refused) -> None:
    run()
    assert refused(ecs.list_tasks, serviceName="web") == (
        "ServiceNotFoundException",
        "Service not found.",
    )
    assert refused(ecs.list_tasks, cluster="nowhere")[0] == "ClusterNotFoundException"


def test_pages(ecs: Any, run: Run, refused: Refused) -> None:
    made = arns(run(count=5))
    pages = list(ecs.get_paginator("list_tasks").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["taskArns"]) for page in pages] == [2, 2, 1]
    assert sorted(arn for page in pages for arn in page["taskArns"]) == sorted(made)
    assert refused(ecs.list_tasks, nextToken="nonsense")[0] == "InvalidParameterException"
    assert refused(ecs.list_tasks, maxResults=101)[0] == "InvalidParameterException"


def test_stopping_records_the_wish_and_nothing_more(ecs: Any, run: Run) -> None:
    (arn,) = arns(run())
    task = ecs.stop_task(task=arn, reason="enough")["task"]
    assert (task["desiredStatus"], task["lastStatus"]) == ("STOPPED", "PROVISIONING")
    assert (task["stopCode"], task["stoppedReason"]) == ("UserInitiated", "enough")
    assert "stoppedAt" not in task


def test_stopping_again_changes_nothing(ecs: Any, run: Run, store: Store) -> None:
    (arn,) = arns(run())
    first = ecs.stop_task(task=arn)["task"]
    assert first["stoppedReason"] == "Task stopped by user"
    revision = store.revision()
    assert ecs.stop_task(task=arn, reason="again")["task"] == first
    assert store.revision() == revision


@pytest.mark.parametrize("name", ["0" * 32, f"{ROOT}task/default/{'0' * 32}"])
def test_stopping_what_is_not_there(ecs: Any, run: Run, refused: Refused, name: str) -> None:
    run()
    assert refused(ecs.stop_task, task=name) == (
        "InvalidParameterException",
        "The referenced task was not found.",
    )


def test_stopping_in_another_cluster(ecs: Any, run: Run, refused: Refused) -> None:
    (arn,) = arns(run())
    ecs.create_cluster(clusterName="other")
    assert refused(ecs.stop_task, cluster="other", task=arn)[0] == "InvalidParameterException"
    assert refused(ecs.stop_task, task=arn, reason="x" * 1025)[0] == "InvalidParameterException"


def test_an_arn_with_another_cluster_names_no_task(ecs: Any, run: Run, refused: Refused) -> None:
    (arn,) = arns(run())
    false = arn.replace("task/default/", "task/dev/")
    assert ecs.describe_tasks(tasks=[false])["failures"] == [{"arn": false, "reason": "MISSING"}]
    assert refused(ecs.stop_task, task=false)[0] == "InvalidParameterException"
    assert arns(ecs.describe_tasks(tasks=[arn.replace("task/default/", "task/")])) == [arn]  # the old form
