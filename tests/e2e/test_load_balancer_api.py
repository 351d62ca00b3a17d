"""The unmodified aws CLI makes a load balancer in front of a task, waits for it, and takes it down again."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.harness import Network, Seawall, eventually, interface_of, prepare_account, run_task, wait_for
from tests.e2e.terraform_sites import write_certificate


@pytest.fixture(scope="module")
def cloud(another_seawall: Callable[..., AbstractContextManager[Seawall]]) -> Iterator[Seawall]:
    with another_seawall() as running:
        prepare_account(running)
        yield running


def second_public_subnet(seawall: Seawall, network: Network) -> str:
    """In another zone.  A node in a private subnet would answer by way of the NAT gateway: to nobody."""
    ec2 = seawall.client("ec2")
    zone = ec2.describe_subnets(SubnetIds=[network.private])["Subnets"][0]["AvailabilityZone"]
    made = ec2.create_subnet(VpcId=network.vpc, CidrBlock="10.0.3.0/24", AvailabilityZone=zone)
    subnet = str(made["Subnet"]["SubnetId"])
    ec2.associate_route_table(RouteTableId=network.public_table, SubnetId=subnet)
    return subnet


def elbv2(seawall: Seawall, *arguments: str) -> Any:
    return seawall.aws_json("elbv2", *arguments)


def wait(seawall: Seawall, waiter: str, *arguments: str) -> None:
    done = seawall.aws("elbv2", "wait", waiter, *arguments)
    assert done.returncode == 0, done.stderr


def _listen_with_tls(seawall: Seawall, folder: Path, balancer: str, group: str) -> None:
    write_certificate(folder)
    imported = seawall.aws_json(
        *("acm", "import-certificate", "--certificate", f"fileb://{folder}/certificate.pem"),
        *("--private-key", f"fileb://{folder}/key.pem"),
    )
    elbv2(
        seawall,
        *("create-listener", "--load-balancer-arn", balancer, "--protocol", "HTTPS", "--port", "443"),
        *("--certificates", f"CertificateArn={imported['CertificateArn']}"),
        *("--ssl-policy", "ELBSecurityPolicy-TLS13-1-2-2021-06"),
        *("--default-actions", f"Type=forward,TargetGroupArn={group}"),
    )


def test_from_create_to_delete_with_the_waiters_of_the_command_line(cloud: Seawall, tmp_path: Path) -> None:
    network = Network(cloud)
    client = cloud.client("elbv2")
    cloud.client("ec2").authorize_security_group_ingress(
        GroupId=network.group, IpProtocol="tcp", FromPort=443, ToPort=443, CidrIp="0.0.0.0/0"
    )
    made = elbv2(
        cloud,
        *("create-load-balancer", "--name", "web", "--security-groups", network.group),
        *("--subnets", network.public, second_public_subnet(cloud, network)),
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
    eventually(lambda: _state(client, balancer) == "active", "an active load balancer")
    wait(cloud, "load-balancer-available", "--load-balancer-arns", balancer)
    wait(cloud, "load-balancer-exists", "--load-balancer-arns", balancer)

    task = wait_for(cloud, "tasks_running", run_task(cloud, network.private, network.group))
    target = interface_of(cloud, task)["PrivateIpAddress"]
    elbv2(cloud, "register-targets", "--target-group-arn", group, "--targets", f"Id={target}")
    eventually(lambda: _health(client, group) == ["healthy"], "a healthy target")
    wait(cloud, "target-in-service", "--target-group-arn", group, "--targets", f"Id={target}")
    answer = cloud.internet("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", f"http://{name}/")
    assert answer.stdout == "200", answer.stderr

    _listen_with_tls(cloud, tmp_path, balancer, group)
    cloud.settle()
    answer = cloud.internet("curl", "-skS", "-o", "/dev/null", "-w", "%{http_code}", f"https://{name}/")
    assert answer.stdout == "200", answer.stderr

    elbv2(cloud, "deregister-targets", "--target-group-arn", group, "--targets", f"Id={target}")
    eventually(lambda: _health(client, group) == [], "the end of draining")
    wait(cloud, "target-deregistered", "--target-group-arn", group, "--targets", f"Id={target}")
    answer = cloud.internet("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", f"http://{name}/")
    assert answer.stdout == "503", answer.stderr

    elbv2(cloud, "delete-load-balancer", "--load-balancer-arn", balancer)
    wait(cloud, "load-balancers-deleted", "--load-balancer-arns", balancer)
    elbv2(cloud, "delete-target-group", "--target-group-arn", group)
    ec2 = cloud.client("ec2")
    filters = [{"Name": "requester-id", "Values": ["amazon-elb"]}]
    eventually(
        lambda: not ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"],
        "the end of its interfaces",
    )


def _state(client: Any, balancer: str) -> str:
    found = client.describe_load_balancers(LoadBalancerArns=[balancer])
    return str(found["LoadBalancers"][0]["State"]["Code"])


def _health(client: Any, group: str) -> list[str]:
    found = client.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    return [one["TargetHealth"]["State"] for one in found]
