"""A service through its life with the aws CLI as it is: its waiters end at the right moment."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from botocore.exceptions import WaiterError
from tests.e2e.harness import BIN, WAIT, Network, Seawall, eventually, prepare_account


@pytest.fixture(scope="module")
def served(another_seawall: Callable[..., AbstractContextManager[Seawall]]) -> Iterator[Seawall]:
    with another_seawall("--service-healthy-after", "1") as running:
        prepare_account(running)
        yield running


def described(seawall: Seawall) -> dict[str, Any]:
    answer = seawall.aws_json("ecs", "describe-services", "--services", "web", "--include", "TAGS")
    assert answer["failures"] == []
    return dict(answer["services"][0])


def done(seawall: Seawall, waiter: str) -> None:
    result = seawall.aws("ecs", "wait", waiter, "--services", "web")
    assert result.returncode == 0, f"{result.stderr}\n{described(seawall)['events']}"


def test_created_updated_rolled_over_and_deleted(served: Seawall) -> None:
    network = Network(served)
    place = {
        "subnets": [network.public, network.private],
        "securityGroups": [network.group],
        "assignPublicIp": "ENABLED",
    }
    made = served.aws_json(
        *("ecs", "create-service", "--service-name", "web", "--task-definition", "myapp"),
        *("--desired-count", "2", "--launch-type", "FARGATE"),
        *("--network-configuration", json.dumps({"awsvpcConfiguration": place})),
        *("--tags", "key=team,value=shop", "--propagate-tags", "SERVICE", "--enable-ecs-managed-tags"),
    )["service"]
    assert made["status"] == "ACTIVE"
    done(served, "services-stable")
    first = described(served)
    assert (first["runningCount"], first["pendingCount"]) == (2, 0)
    tasks = tasks_of(served)
    assert {task["availabilityZone"] for task in tasks} == {"us-east-1a", "us-east-1b"}
    assert {(task["group"], task["startedBy"]) for task in tasks} == {
        ("service:web", first["deployments"][0]["id"])
    }
    assert {tag["key"]: tag["value"] for tag in tasks[0]["tags"]} == {
        "team": "shop",
        "aws:ecs:clusterName": "default",
        "aws:ecs:serviceName": "web",
    }

    served.aws_json(
        "ecs", "update-service", "--service", "web", "--desired-count", "3", "--force-new-deployment"
    )
    done(served, "services-stable")
    second = described(served)
    (deployment,) = second["deployments"]
    assert deployment["id"] != first["deployments"][0]["id"]
    assert (deployment["runningCount"], second["runningCount"]) == (3, 3)
    assert {task["startedBy"] for task in tasks_of(served)} == {deployment["id"]}
    history = served.aws_json("ecs", "list-service-deployments", "--service", "web")["serviceDeployments"]
    assert history[0]["serviceDeploymentArn"] == second["currentServiceDeployment"]
    assert history[1]["status"] == "SUCCESSFUL"

    refused = served.aws("ecs", "delete-service", "--service", "web")
    assert "The service cannot be stopped while it is scaled above 0." in refused.stderr
    gone = served.aws_json("ecs", "delete-service", "--service", "web", "--force")["service"]
    assert gone["status"] == "DRAINING"
    done(served, "services-inactive")
    assert tasks_of(served) == []
    assert served.aws_json("ecs", "delete-cluster", "--cluster", "default")["cluster"]["status"] == "INACTIVE"


def tasks_of(seawall: Seawall) -> list[dict[str, Any]]:
    arns = seawall.aws_json("ecs", "list-tasks", "--service-name", "web")["taskArns"]
    if not arns:
        return []
    answer = seawall.aws_json("ecs", "describe-tasks", "--tasks", *arns, "--include", "TAGS")
    return list(answer["tasks"])


def whole_story(served: Seawall, cluster: str, name: str) -> str:
    """What is known of a service that did not do what was expected, and of the tasks it has and had."""
    ecs = served.client("ecs")
    (service,) = ecs.describe_services(cluster=cluster, services=[name])["services"]
    listed = [
        arn
        for status in ("RUNNING", "STOPPED")
        for arn in ecs.list_tasks(cluster=cluster, desiredStatus=status)["taskArns"]
    ]
    tasks = ecs.describe_tasks(cluster=cluster, tasks=listed)["tasks"] if listed else []
    members = ("taskArn", "lastStatus", "desiredStatus", "createdAt", "stoppedReason", "attachments")
    told = [{member: task.get(member) for member in members} for task in tasks]
    log = (served.state_dir / "agent.log").read_text()[-4000:]
    return "\n".join(map(str, (service["deployments"], *service["events"], *told, log)))


def test_a_deployment_is_stopped_and_a_spot_task_interrupted(served: Seawall) -> None:
    network, ecs = Network(served), served.client("ecs")
    ecs.create_cluster(clusterName="spot", capacityProviders=["FARGATE_SPOT"])
    place = {"subnets": [network.public], "securityGroups": [network.group], "assignPublicIp": "ENABLED"}
    made = ecs.create_service(
        cluster="spot",
        serviceName="web",
        taskDefinition="myapp",
        desiredCount=1,
        capacityProviderStrategy=[{"capacityProvider": "FARGATE_SPOT", "weight": 1}],
        networkConfiguration={"awsvpcConfiguration": place},
    )["service"]

    def statuses() -> list[str]:
        answer = ecs.list_service_deployments(cluster="spot", service="web")
        return [one["status"] for one in answer["serviceDeployments"]]

    eventually(lambda: statuses() == ["SUCCESSFUL"], "deployed")
    changed = ecs.update_service(cluster="spot", service="web", forceNewDeployment=True)["service"]
    ecs.stop_service_deployment(serviceDeploymentArn=changed["currentServiceDeployment"])
    eventually(lambda: statuses() == ["ROLLBACK_SUCCESSFUL", "SUCCESSFUL"], "rolled back")
    (after,) = ecs.describe_services(cluster="spot", services=["web"])["services"]
    assert [one["id"] for one in after["deployments"]] == [made["deployments"][0]["id"]]

    (arn,) = ecs.list_tasks(cluster="spot", serviceName="web")["taskArns"]
    command = [BIN / "seawall", "--state-dir", served.state_dir, "interrupt", arn]
    subprocess.run(command, check=True, timeout=30)
    ecs.get_waiter("tasks_stopped").wait(cluster="spot", tasks=[arn], WaiterConfig=WAIT)
    (task,) = ecs.describe_tasks(cluster="spot", tasks=[arn])["tasks"]
    assert (task["stopCode"], task["stoppedReason"]) == (
        "SpotInterruption",
        "Your Spot Task was interrupted.",
    )
    try:
        ecs.get_waiter("services_stable").wait(cluster="spot", services=["web"], WaiterConfig=WAIT)
    except WaiterError as error:
        raise AssertionError(whole_story(served, "spot", "web")) from error
    assert arn not in ecs.list_tasks(cluster="spot", serviceName="web")["taskArns"]
