"""Services with real containers: kept, scaled, rolled over, rolled back, and deleted."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from tests.e2e.balanced_site import completed, has_begun
from tests.e2e.harness import (
    BIN,
    ROLE,
    TRUST,
    WAIT,
    Network,
    Seawall,
    once,
    prepare_account,
    register,
    wait_for,
)

DESIRED = 3


class Cloud:
    """One Seawall with a network in two zones and the definition `myapp`."""

    def __init__(self, seawall: Seawall) -> None:
        self.seawall = seawall
        self.ecs = seawall.client("ecs")
        self.network = Network(seawall)
        self.role = seawall.client("iam").get_role(RoleName=ROLE)["Role"]["Arn"]

    def create(self, name: str, **more: Any) -> dict[str, Any]:
        place = {
            "subnets": [self.network.public, self.network.private],
            "securityGroups": [self.network.group],
            "assignPublicIp": "ENABLED",
        }
        asked = {
            "serviceName": name,
            "taskDefinition": "myapp",
            "desiredCount": DESIRED,
            "launchType": "FARGATE",
            "networkConfiguration": {"awsvpcConfiguration": place},
            **more,
        }
        return dict(self.ecs.create_service(**asked)["service"])

    def stable(self, name: str) -> dict[str, Any]:
        self.ecs.get_waiter("services_stable").wait(services=[name], WaiterConfig=WAIT)
        return self.describe(name)

    def describe(self, name: str) -> dict[str, Any]:
        return dict(self.ecs.describe_services(services=[name])["services"][0])

    def until(self, name: str, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The service once `holds`, as somebody sees it who asks again and again."""
        return once(lambda: self.describe(name), holds, shortly)

    def role_for(self, action: str) -> str:
        """A role for tasks that may do one thing."""
        iam = self.seawall.client("iam")
        role = iam.create_role(RoleName=action.partition(":")[2], AssumeRolePolicyDocument=json.dumps(TRUST))
        allowed = {"Effect": "Allow", "Action": action, "Resource": "*"}
        policy = {"Version": "2012-10-17", "Statement": allowed}
        name = role["Role"]["RoleName"]
        iam.put_role_policy(RoleName=name, PolicyName="it", PolicyDocument=json.dumps(policy))
        return str(role["Role"]["Arn"])

    def protect(self, task: str) -> dict[str, Any]:
        """Let a task protect itself, from its own shell; returns what it is told."""
        head = [
            "PUT /api/${ECS_AGENT_URI##*/}/task-protection/v1/state HTTP/1.1",
            "Host: agent",
            "Content-Length: 26",
            "Connection: close",
        ]
        request = "\\r\\n".join([*head, "", '{\\"ProtectionEnabled\\":true}'])
        script = f'printf "{request}" | nc 169.254.170.2 80'
        command = [BIN / "seawall", "--state-dir", self.seawall.state_dir, "exec", task, "web", "--"]
        done = subprocess.run(
            [*command, "/bin/sh", "-c", script], capture_output=True, text=True, timeout=30, check=True
        )
        return dict(json.loads(done.stdout.partition("\n\n")[2]))

    def tasks(self, name: str) -> list[dict[str, Any]]:
        arns = self.ecs.list_tasks(serviceName=name)["taskArns"]
        return list(self.ecs.describe_tasks(tasks=arns)["tasks"]) if arns else []


def shortly(service: dict[str, Any]) -> dict[str, Any]:
    deployments = [
        (d["id"], d["status"], d["rolloutState"], d["desiredCount"], d["runningCount"], d["failedTasks"])
        for d in service["deployments"]
    ]
    return {"deployments": deployments, "events": [event["message"] for event in service["events"]]}


@pytest.fixture(scope="module")
def cloud(another_seawall: Callable[..., AbstractContextManager[Seawall]]) -> Iterator[Cloud]:
    with another_seawall("--service-healthy-after", "1") as running:
        prepare_account(running)
        yield Cloud(running)


def test_a_service_is_kept_scaled_and_deleted(cloud: Cloud) -> None:
    role = cloud.role_for("ecs:UpdateTaskProtection")
    cloud.create("kept", taskDefinition=register(cloud.seawall, "kept", cloud.role, task_role=role, web={}))
    service = cloud.until("kept", completed)
    assert service["runningCount"] == DESIRED
    tasks = cloud.tasks("kept")
    assert len({task["availabilityZone"] for task in tasks}) == 2
    assert {task["startedBy"] for task in tasks} == {service["deployments"][0]["id"]}
    assert {task["group"] for task in tasks} == {"service:kept"}
    messages = [event["message"] for event in service["events"]]
    assert messages[0] == "(service kept) has reached a steady state."
    assert f"has started {DESIRED} tasks: (task " in messages[-1]

    lost = tasks[0]["taskArn"]
    cloud.ecs.stop_task(task=lost)
    wait_for(cloud.seawall, "tasks_stopped", lost)
    cloud.until("kept", lambda s: s["runningCount"] == DESIRED)
    assert lost not in {task["taskArn"] for task in cloud.tasks("kept")}

    protected = cloud.tasks("kept")[-1]["taskArn"]
    said = cloud.protect(protected)
    assert (said["protection"]["ProtectionEnabled"], said["protection"]["TaskArn"]) == (True, protected)
    cloud.ecs.update_service(service="kept", desiredCount=1)
    cloud.stable("kept")
    assert [task["taskArn"] for task in cloud.tasks("kept")] == [protected]
    gone = cloud.ecs.list_tasks(serviceName="kept", desiredStatus="STOPPED")["taskArns"]
    reasons = {t["stoppedReason"] for t in cloud.ecs.describe_tasks(tasks=gone)["tasks"]}
    assert f"Scaling activity initiated by (deployment {service['deployments'][0]['id']})" in reasons

    cloud.ecs.delete_service(service="kept", force=True)
    cloud.ecs.get_waiter("services_inactive").wait(services=["kept"], WaiterConfig=WAIT)
    assert cloud.tasks("kept") == []


def test_a_rolling_update_is_finished_after_the_control_plane_is_killed(cloud: Cloud) -> None:
    cloud.create("rolled", desiredCount=2)
    first = cloud.until("rolled", completed)["deployments"][0]["id"]
    cloud.ecs.update_service(service="rolled", forceNewDeployment=True)
    cloud.until("rolled", has_begun)
    cloud.seawall.kill_control_plane()
    cloud.seawall.up()
    cloud.ecs = cloud.seawall.client("ecs")
    service = cloud.until("rolled", completed)
    assert service["deployments"][0]["id"] != first
    assert [service["runningCount"], len(cloud.tasks("rolled"))] == [2, 2]
    started = [e["message"] for e in service["events"] if "has started" in e["message"]]
    assert len(started) == 2, started
    cloud.ecs.delete_service(service="rolled", force=True)


def test_a_revision_that_fails_is_rolled_back(cloud: Cloud) -> None:
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
    cloud.create("guarded", desiredCount=1, deploymentConfiguration=breaker)
    good = cloud.until("guarded", completed)["deployments"][0]["id"]
    (task,) = cloud.tasks("guarded")
    bad = register(cloud.seawall, "bad", cloud.role, web={"command": ["sh", "-c", "exit 1"]})
    cloud.ecs.update_service(service="guarded", taskDefinition=bad)
    failing = cloud.until("guarded", lambda s: any(d["rolloutState"] == "FAILED" for d in s["deployments"]))
    reasons = {d["rolloutStateReason"] for d in failing["deployments"]}
    assert "ECS deployment circuit breaker: tasks failed to start." in reasons
    assert f"ECS deployment circuit breaker: rolling back to deploymentId {good}." in reasons
    service = cloud.until("guarded", completed)
    assert [service["deployments"][0]["id"], service["taskDefinition"].rpartition("/")[2]] == [
        good,
        "myapp:1",
    ]
    assert [t["taskArn"] for t in cloud.tasks("guarded")] == [task["taskArn"]]
    history = cloud.ecs.list_service_deployments(service="guarded")["serviceDeployments"]
    assert [d["status"] for d in history] == ["ROLLBACK_SUCCESSFUL", "SUCCESSFUL"]
    cloud.ecs.delete_service(service="guarded", force=True)


def test_tasks_are_found_by_name_while_they_run(cloud: Cloud) -> None:
    discovery = cloud.seawall.client("servicediscovery", inject_host_prefix=False)
    discovery.create_private_dns_namespace(Name="inner.test", Vpc=cloud.network.vpc)
    (namespace,) = discovery.list_namespaces()["Namespaces"]
    made = discovery.create_service(
        Name="found",
        NamespaceId=namespace["Id"],
        DnsConfig={"DnsRecords": [{"Type": "A", "TTL": 5}]},
        HealthCheckCustomConfig={"FailureThreshold": 1},
    )["Service"]
    cloud.create("found", desiredCount=2, serviceRegistries=[{"registryArn": made["Arn"]}])
    cloud.until("found", completed)

    def addresses() -> set[str]:
        found = discovery.discover_instances(NamespaceName="inner.test", ServiceName="found")["Instances"]
        return {instance["Attributes"]["AWS_INSTANCE_IPV4"] for instance in found}

    def own(tasks: list[dict[str, Any]]) -> set[str]:
        details = [d for task in tasks for d in task["attachments"][0]["details"]]
        return {d["value"] for d in details if d["name"] == "privateIPv4Address"}

    assert addresses() == own(cloud.tasks("found"))
    cloud.ecs.delete_service(service="found", force=True)
    cloud.ecs.get_waiter("services_inactive").wait(services=["found"], WaiterConfig=WAIT)
    assert addresses() == set()
