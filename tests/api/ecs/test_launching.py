"""Platform versions, ECS Exec, limits of launching, and what only instances and services have."""

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest
from msgspec.structs import replace
from tests.api.conftest import Clock
from tests.api.ecs.conftest import Site
from tests.api.ecs.ecs_requests import container, fargate

from seawall.api.ecs.launch_limits import NO_CAPACITY, RESOURCE, TASKS_PER_HOST, VCPU_LIMIT, LaunchLimits
from seawall.compile.network.link_local import MOST_TASKS
from seawall.model.access_key import RoleSession
from seawall.model.network_interface import NetworkInterface
from seawall.model.task import Task
from seawall.store.store import Store

Refused = Callable[..., tuple[str, str]]
Run = Callable[..., dict[str, Any]]
ROLE = "arn:aws:iam::123456789012:role/execution"
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:db-AbCdEf"
INCOMPATIBLE = (
    "PlatformTaskDefinitionIncompatibilityException",
    "One or more of the requested capabilities are not supported.",
)


def secret(source: str) -> dict[str, Any]:
    return {"executionRoleArn": ROLE, **container(secrets=[{"name": "A", "valueFrom": source}])}


@pytest.mark.parametrize(
    "changes",
    [
        {"cpu": "8192", "memory": "16384"},
        {"ephemeralStorage": {"sizeInGiB": 30}},
        {"pidMode": "task"},
        {"enableFaultInjection": True},
        {"runtimePlatform": {"cpuArchitecture": "ARM64"}},
        container(linuxParameters={"capabilities": {"add": ["SYS_PTRACE"]}}),
        container(environmentFiles=[{"value": "arn:aws:s3:::a/b.env", "type": "s3"}]),
        container(restartPolicy={"enabled": True}),
        container(systemControls=[{"namespace": "net.core.somaxconn", "value": "1"}]),
        secret(f"{SECRET}:password::"),
    ],
)
def test_what_only_the_newest_platform_has(
    ecs: Any, run: Run, refused: Refused, changes: dict[str, Any]
) -> None:
    ecs.register_task_definition(**fargate(family="new", **changes))
    assert refused(run, taskDefinition="new", platformVersion="1.3.0") == INCOMPATIBLE
    assert run(taskDefinition="new")["tasks"][0]["platformVersion"] == "1.4.0"


def test_what_the_former_platform_has_too(ecs: Any, run: Run) -> None:
    ecs.register_task_definition(**fargate(family="old", **secret(SECRET)))
    assert run(taskDefinition="old", platformVersion="1.3.0")["failures"] == []


def test_overrides_count_for_the_platform(run: Run, refused: Refused) -> None:
    size = {"cpu": "8192", "memory": "16384"}
    assert refused(run, overrides=size, platformVersion="1.3.0") == INCOMPATIBLE
    files = [{"name": "web", "environmentFiles": [{"value": "arn:aws:s3:::a/b.env", "type": "s3"}]}]
    given = {"containerOverrides": files}
    assert refused(run, overrides=given, platformVersion="1.3.0") == INCOMPATIBLE
    assert run(overrides=given)["tasks"][0]["overrides"]["containerOverrides"] == files


def test_exec_needs_a_task_role(ecs: Any, run: Run, refused: Refused, site: Site) -> None:
    assert refused(run, enableExecuteCommand=True) == (
        "InvalidParameterException",
        "The execute command failed because a valid task role is not being used. Specify a valid task role in"
        " your task definition or as a task override and try again.",
    )
    overrides = {"taskRoleArn": site.role}
    (task,) = run(enableExecuteCommand=True, overrides=overrides)["tasks"]
    assert task["enableExecuteCommand"] is True
    assert task["containers"][0]["managedAgents"] == [
        {"name": "ExecuteCommandAgent", "lastStatus": "PENDING"}
    ]


def test_a_volume_that_the_definition_does_not_have(run: Run, refused: Refused) -> None:
    volume = {"name": "v", "managedEBSVolume": {"roleArn": "arn:aws:iam::123456789012:role/r"}}
    assert refused(run, volumeConfigurations=[volume]) == (
        "InvalidParameterException",
        "The volume name 'v' in your request does not have a matching volume in your Task Definition",
    )


def test_reference_ids_are_let_pass(run: Run) -> None:
    assert run(referenceId="x")["failures"] == []


def test_a_client_token_is_printable_ascii(run: Run, refused: Refused) -> None:
    assert refused(run, clientToken="a b")[0] == "InvalidParameterException"
    assert refused(run, clientToken="a" * 65)[0] == "InvalidParameterException"


def test_more_vcpus_than_may_run_are_failures(
    ecs: Any, site: Site, run: Run, resources: dict[str, Any]
) -> None:
    ecs.put_cluster_capacity_providers(
        cluster="default", capacityProviders=["FARGATE_SPOT"], defaultCapacityProviderStrategy=[]
    )
    resources[RESOURCE] = LaunchLimits(vcpus=0.75)
    answer = run(count=4, clientToken="once")  # of a quarter vCPU each
    assert len(answer["tasks"]) == 3
    assert answer["failures"] == [{"reason": VCPU_LIMIT}]
    again = run(count=4, clientToken="once")
    assert (again["tasks"], again["failures"]) == (answer["tasks"], answer["failures"])
    spot = run(launchType=None, capacityProviderStrategy=[{"capacityProvider": "FARGATE_SPOT", "weight": 1}])
    assert len(spot["tasks"]) == 1  # Spot tasks have vCPUs of their own


def test_launches_are_throttled_where_asked(
    run: Run, refused: Refused, resources: dict[str, Any], clock: Clock
) -> None:
    resources[RESOURCE] = LaunchLimits(throttled=True)
    for _ in range(10):
        run(count=10)
    assert refused(run) == ("ThrottlingException", "Rate exceeded")
    clock.advance(0.5)
    assert len(run(count=10)["tasks"]) == 10
    assert refused(run) == ("ThrottlingException", "Rate exceeded")


def test_a_task_begins_with_its_host_and_its_roles_sessions(
    ecs: Any, site: Site, run: Run, resources: dict[str, Any], store: Store
) -> None:
    ecs.register_task_definition(**fargate(executionRoleArn=site.role, taskRoleArn=site.role))
    resources[RESOURCE] = LaunchLimits(host=lambda: "w1")
    run()
    (made,) = store.all(Task)
    sessions = {session.id for session in store.all(RoleSession)}
    assert made.host == "w1"
    assert {made.execution_session_id, made.role_session_id} == sessions
    assert len(sessions) == 2
    assert made.credentials_id


def test_a_task_for_no_host_that_is_known_begins_without_either(
    ecs: Any, site: Site, run: Run, store: Store
) -> None:
    ecs.register_task_definition(**fargate(executionRoleArn=site.role))
    run()
    (made,) = store.all(Task)
    assert (made.host, made.execution_session_id) == (None, None)
    assert store.all(RoleSession) == []


def test_a_host_holds_as_many_tasks_as_it_has_addresses_for(ecs: Any, run: Run, store: Store) -> None:
    """One more would leave the host's program without an address for it."""
    run(count=1)
    (first,) = (one for one in store.all(NetworkInterface) if one.owner and one.owner.kind == "task")
    with store.write() as txn:
        for number in range(TASKS_PER_HOST - 5):
            txn.put(replace(first, id=f"eni-{number:017x}"), expect=0)
    answer = run(count=6)
    assert len(answer["tasks"]) == 4
    assert answer["failures"] == [{"reason": NO_CAPACITY}] * 2
    with store.write() as txn:
        txn.delete(NetworkInterface, f"eni-{0:017x}")
    assert len(run(count=2)["tasks"]) == 1
    assert TASKS_PER_HOST == MOST_TASKS


def test_nothing_else_limits_launches_unless_asked(run: Run) -> None:
    assert all(run(count=10)["failures"] == [] for _ in range(11))


@pytest.mark.parametrize(
    ("found", "together"),
    [
        ((None, None), "UNKNOWN"),
        (("HEALTHY", None), "HEALTHY"),
        (("HEALTHY", "UNKNOWN"), "UNKNOWN"),
        (("UNHEALTHY", "UNKNOWN"), "UNHEALTHY"),
        (("HEALTHY", "HEALTHY"), "HEALTHY"),
    ],
)
def test_health_of_a_task(ecs: Any, run: Run, store: Store, found: tuple[Any, Any], together: str) -> None:
    names = [{"name": name, "image": name} for name in ("web", "api")]
    side = {"name": "side", "image": "side", "essential": False}
    ecs.register_task_definition(**fargate(family="three", containerDefinitions=[*names, side]))
    (shown,) = run(taskDefinition="three")["tasks"]
    task = store.get(Task, shown["taskArn"].rpartition("/")[2])
    containers = [
        replace(container, health_status=status)
        for container, status in zip(task.containers, (*found, "UNHEALTHY"), strict=True)
    ]
    with store.write() as txn:
        txn.put(replace(task, containers=tuple(containers)))
    (now,) = ecs.describe_tasks(tasks=[task.id])["tasks"]
    assert now["healthStatus"] == together
    assert [c["healthStatus"] for c in now["containers"]] == [s or "UNKNOWN" for s in (*found, "UNHEALTHY")]


def test_the_exec_agent_runs_with_its_container(ecs: Any, run: Run, store: Store, site: Site) -> None:
    (shown,) = run(enableExecuteCommand=True, overrides={"taskRoleArn": site.role})["tasks"]
    task = store.get(Task, shown["taskArn"].rpartition("/")[2])
    began = datetime(2026, 1, 1, tzinfo=timezone.utc)
    running = replace(task.containers[0], last_status="RUNNING", started_at=began)
    with store.write() as txn:
        txn.put(replace(task, containers=(running,)))
    (now,) = ecs.describe_tasks(tasks=[task.id])["tasks"]
    assert now["containers"][0]["managedAgents"] == [
        {"name": "ExecuteCommandAgent", "lastStatus": "RUNNING", "lastStartedAt": began}
    ]


def test_a_container_with_a_check_begins_unknown(ecs: Any, run: Run, store: Store) -> None:
    ecs.register_task_definition(**fargate(family="checked", **container(healthCheck={"command": ["true"]})))
    (shown,) = run(taskDefinition="checked")["tasks"]
    assert store.get(Task, shown["taskArn"].rpartition("/")[2]).containers[0].health_status == "UNKNOWN"


def test_stopping_is_a_new_version_once(ecs: Any, run: Run) -> None:
    arn = run()["tasks"][0]["taskArn"]
    first = ecs.stop_task(task=arn, reason="enough")["task"]
    again = ecs.stop_task(task=arn, reason="again")["task"]
    assert (first["version"], first["stoppedReason"], first["stopCode"]) == (2, "enough", "UserInitiated")
    assert again == first


def test_tasks_are_not_started_on_container_instances(ecs: Any, site: Site, refused: Refused) -> None:
    instance = "a" * 32
    arn = f"arn:aws:ecs:us-east-1:123456789012:container-instance/default/{instance}"
    answer = ecs.start_task(taskDefinition="myapp", containerInstances=[instance], startedBy="me")
    assert (answer["tasks"], answer["failures"]) == ([], [{"arn": arn, "reason": "MISSING"}])
    asked = {"taskDefinition": "nothing", "containerInstances": [instance]}
    assert refused(ecs.start_task, **asked) == ("ClientException", "TaskDefinition not found.")


def test_standalone_tasks_have_no_protection(ecs: Any, run: Run, refused: Refused) -> None:
    arn = run()["tasks"][0]["taskArn"]
    missing = arn[:-32] + "0" * 32
    expected = {
        "protectedTasks": [],
        "failures": [{"arn": arn, "reason": "TASK_NOT_VALID"}, {"arn": missing, "reason": "MISSING"}],
    }
    asked = {"cluster": "default", "tasks": [arn, "0" * 32]}
    for answer in (
        ecs.get_task_protection(**asked),
        ecs.update_task_protection(**asked, protectionEnabled=True, expiresInMinutes=2880),
    ):
        assert {name: answer[name] for name in expected} == expected
    wrong = {**asked, "protectionEnabled": True, "expiresInMinutes": 2881}
    assert refused(ecs.update_task_protection, **wrong)[0] == "InvalidParameterException"


def test_only_tags_can_be_included(ecs: Any, run: Run, refused: Refused) -> None:
    arn = run(tags=[{"key": "a", "value": "b"}])["tasks"][0]["taskArn"]
    assert ecs.describe_tasks(tasks=[arn])["tasks"][0]["tags"] == []
    assert ecs.describe_tasks(tasks=[arn], include=["TAGS"])["tasks"][0]["tags"]
    assert refused(ecs.describe_tasks, tasks=[arn], include=["ALL"])[0] == "InvalidParameterException"
