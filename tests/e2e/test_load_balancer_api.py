"""The unmodified aws CLI makes a load balancer in front of a task, waits for it, and takes it down again."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from tests.e2e.harness import Network, Seawall, interface_of, prepare_account, run_task, wait_for


@pytest.fixture(scope="module")
def cloud(another_seawall: Callable[..., AbstractContextManager[Seawall]]) -> Iterator[Seawall]:
    with another_seawall() as running:
        prepare_account(running)
        yield running


def until(seawall: Seawall, holds: Callable[[], bool], what: str) -> None:
    """Ask again and again, each time after the host has what it was told."""
    for _ in range(900):
        if holds():
            return
        seawall.settle()
    raise AssertionError(f"{what} never came")


def elbv2(seawall: Seawall, *arguments: str) -> Any:
    return seawall.aws_json("elbv2", *arguments)


def wait(seawall: Seawall, waiter: str, *arguments: str) -> None:
    done = seawall.aws("elbv2", "wait", waiter, *arguments)
    assert done.returncode == 0, done.stderr


def test_from_create_to_delete_with_the_waiters_of_the_command_line(cloud: Seawall) -> None:
    network = Network(cloud)
    client = cloud.client("elbv2")
    made = elbv2(
        cloud,
        *("create-load-balancer", "--name", "web", "--security-groups", network.group),
        *("--subnets", network.public, network.private),
    )
    balancer, name = made["LoadBalancers"][0]["LoadBalancerArn"], made["LoadBalancers"][0]["DNSName"]
    check = ("--health-check-interval-seconds", "5", "--health-check-timeout-seconds", "2")
    made = elbv2(
        cloud,
        *("create-target-group", "--name", "web", "--protocol", "HTTP", "--port", "80"),
        *("--vpc-id", network.vpc, "--target-type", "ip", *check),
    )
    group = made["TargetGroups"][0]["TargetGroupArn"]
    elbv2(
        cloud,
        *("create-listener", "--load-balancer-arn", balancer, "--protocol", "HTTP", "--port", "80"),
        *("--default-actions", f"Type=forward,TargetGroupArn={group}"),
    )
    elbv2(
        cloud,
        *("modify-target-group-attributes", "--target-group-arn", group),
        *("--attributes", "Key=deregistration_delay.timeout_seconds,Value=0"),
    )
    until(cloud, lambda: _state(client, balancer) == "active", "an active load balancer")
    wait(cloud, "load-balancer-available", "--load-balancer-arns", balancer)
    wait(cloud, "load-balancer-exists", "--load-balancer-arns", balancer)

    task = wait_for(cloud, "tasks_running", run_task(cloud, network.private, network.group))
    target = interface_of(cloud, task)["PrivateIpAddress"]
    elbv2(cloud, "register-targets", "--target-group-arn", group, "--targets", f"Id={target}")
    until(cloud, lambda: _health(client, group) == ["healthy"], "a healthy target")
    wait(cloud, "target-in-service", "--target-group-arn", group, "--targets", f"Id={target}")
    answer = cloud.internet("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", f"http://{name}/")
    assert answer.stdout == "200", answer.stderr

    elbv2(cloud, "deregister-targets", "--target-group-arn", group, "--targets", f"Id={target}")
    until(cloud, lambda: _health(client, group) == [], "the end of draining")
    wait(cloud, "target-deregistered", "--target-group-arn", group, "--targets", f"Id={target}")
    answer = cloud.internet("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", f"http://{name}/")
    assert answer.stdout == "503", answer.stderr

    elbv2(cloud, "delete-load-balancer", "--load-balancer-arn", balancer)
    wait(cloud, "load-balancers-deleted", "--load-balancer-arns", balancer)
    elbv2(cloud, "delete-target-group", "--target-group-arn", group)
    ec2 = cloud.client("ec2")
    filters = [{"Name": "requester-id", "Values": ["amazon-elb"]}]
    until(
        cloud,
        lambda: not ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"],
        "the end of its interfaces",
    )


def _state(client: Any, balancer: str) -> str:
    found = client.describe_load_balancers(LoadBalancerArns=[balancer])
    return str(found["LoadBalancers"][0]["State"]["Code"])


def _health(client: Any, group: str) -> list[str]:
    found = client.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    return [one["TargetHealth"]["State"] for one in found]
