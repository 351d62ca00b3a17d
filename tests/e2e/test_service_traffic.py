"""A service behind a load balancer, under load from the internet: it rolls, scales and loses no request."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from tests.e2e.harness import BIN, ROLE, WAIT, Network, Seawall, prepare_account, register

from seawall.app.demo import steady_client

DRAINING_S = "2"


class Site:
    """An internet-facing application load balancer, its target group, and who may reach what."""

    def __init__(self, seawall: Seawall) -> None:
        self.seawall = seawall
        self.ecs, self.elb, self.ec2 = (seawall.client(name) for name in ("ecs", "elbv2", "ec2"))
        self.network = Network(seawall)
        self.role = seawall.client("iam").get_role(RoleName=ROLE)["Role"]["Arn"]
        zones = [z["ZoneName"] for z in self.ec2.describe_availability_zones()["AvailabilityZones"]]
        made = self.ec2.create_subnet(
            VpcId=self.network.vpc, CidrBlock="10.0.3.0/24", AvailabilityZone=zones[1]
        )
        self.public = [self.network.public, made["Subnet"]["SubnetId"]]
        self.ec2.associate_route_table(RouteTableId=self.network.public_table, SubnetId=self.public[1])
        self.front = self.network.group
        self.tasks_group = self.ec2.create_security_group(
            GroupName="tasks", Description="the balancer only", VpcId=self.network.vpc
        )["GroupId"]
        self._balancer()

    def _balancer(self) -> None:
        made = self.elb.create_load_balancer(Name="web", Subnets=self.public, SecurityGroups=[self.front])
        self.balancer = made["LoadBalancers"][0]["LoadBalancerArn"]
        self.name = made["LoadBalancers"][0]["DNSName"]
        self.group = self.target_group("web")
        self.elb.create_listener(
            LoadBalancerArn=self.balancer,
            Protocol="HTTP",
            Port=80,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": self.group}],
        )
        self.elb.get_waiter("load_balancer_available").wait(
            LoadBalancerArns=[self.balancer], WaiterConfig=WAIT
        )

    def target_group(self, name: str) -> str:
        made = self.elb.create_target_group(
            Name=name,
            Protocol="HTTP",
            Port=80,
            VpcId=self.network.vpc,
            TargetType="ip",
            HealthCheckIntervalSeconds=5,
            HealthCheckTimeoutSeconds=2,
            HealthyThresholdCount=2,
        )
        arn = str(made["TargetGroups"][0]["TargetGroupArn"])
        self.elb.modify_target_group_attributes(
            TargetGroupArn=arn,
            Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": DRAINING_S}],
        )
        return arn

    def admit(self) -> None:
        """Let the balancer reach the tasks."""
        self.ec2.authorize_security_group_ingress(
            GroupId=self.tasks_group,
            IpPermissions=[
                {
                    "IpProtocol": "tcp",
                    "FromPort": 80,
                    "ToPort": 80,
                    "UserIdGroupPairs": [{"GroupId": self.front}],
                }
            ],
        )

    def create(self, name: str, count: int) -> None:
        place = {
            "subnets": [self.network.private],
            "securityGroups": [self.tasks_group],
            "assignPublicIp": "DISABLED",
        }
        self.ecs.create_service(
            serviceName=name,
            taskDefinition=register(
                self.seawall, "web", self.role, web={"portMappings": [{"containerPort": 80}]}
            ),
            desiredCount=count,
            launchType="FARGATE",
            networkConfiguration={"awsvpcConfiguration": place},
            loadBalancers=[{"targetGroupArn": self.group, "containerName": "web", "containerPort": 80}],
        )

    def describe(self, name: str) -> dict[str, Any]:
        return dict(self.ecs.describe_services(services=[name])["services"][0])

    def until(self, name: str, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The service once `holds`, as somebody sees it who asks again and again."""
        for _ in range(3000):
            found = self.describe(name)
            if holds(found):
                return found
            self.seawall.settle()
        events = [event["message"] for event in found["events"]]
        raise AssertionError(f"it never came so far: {found['deployments']} {events}")

    def states(self) -> list[str]:
        found = self.elb.describe_target_health(TargetGroupArn=self.group)["TargetHealthDescriptions"]
        return sorted(target["TargetHealth"]["State"] for target in found)

    def drained(self, name: str) -> None:
        """Return when no target leaves any more and no task ends."""
        self.until(name, lambda _: "draining" not in self.states())
        arns = self.ecs.list_tasks(serviceName=name, desiredStatus="STOPPED")["taskArns"]
        if arns:
            self.ecs.get_waiter("tasks_stopped").wait(tasks=arns, WaiterConfig=WAIT)

    @contextmanager
    def no_request_lost(self) -> Iterator[None]:
        """A client on the internet goes on asking, over a kept connection and over fresh ones."""
        words = (sys.executable, "-u", "-m", steady_client.__name__, self.name, "/")
        with self.seawall.internet_process(*words) as client:
            assert client.stdout is not None
            assert client.stdout.readline().strip() == "ready"
            yield
            client.terminate()
            said, _ = client.communicate(timeout=30)
        seen = json.loads(said.splitlines()[-1])
        assert seen["failed"] == 0, seen
        assert seen["requests"] > 20, seen


@pytest.fixture(scope="module")
def site(another_seawall: Callable[..., AbstractContextManager[Seawall]]) -> Iterator[Site]:
    with another_seawall("--service-healthy-after", "1") as running:
        prepare_account(running)
        yield Site(running)


def seawall_why(seawall: Seawall, asked: str) -> subprocess.CompletedProcess[str]:
    command = [BIN / "seawall", "--state-dir", seawall.state_dir, "why", asked]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def completed(service: dict[str, Any]) -> bool:
    return [d["rolloutState"] for d in service["deployments"]] == ["COMPLETED"]


def test_a_target_the_balancer_may_not_reach_is_told_and_heals(site: Site) -> None:
    site.create("shop", 2)
    arn = f"(target-group {site.group})"
    unhealthy = f"(port 80) is unhealthy in {arn} due to (reason Request timed out)."
    service = site.until("shop", lambda s: any(unhealthy in event["message"] for event in s["events"]))
    assert service["deployments"][0]["failedTasks"] >= 1
    messages = [event["message"] for event in service["events"]]
    assert any("(service shop) registered " in text and text.endswith(arn) for text in messages)
    said = seawall_why(site.seawall, "shop")
    assert said.returncode == 1, said.stderr
    assert f"aws ec2 authorize-security-group-ingress --group-id {site.tasks_group}" in said.stdout
    site.admit()
    service = site.until("shop", lambda s: completed(s) and s["runningCount"] == 2)
    site.drained("shop")
    assert site.states() == ["healthy", "healthy"]
    said = seawall_why(site.seawall, "default/shop")
    assert (said.returncode, said.stdout.splitlines()[-1][:25]) == (0, "Nothing is wrong with it."), said


def test_a_rolling_update_loses_no_request(site: Site) -> None:
    before = site.describe("shop")["deployments"][0]["id"]
    with site.no_request_lost():
        site.ecs.update_service(service="shop", forceNewDeployment=True)
        site.until("shop", lambda s: completed(s) and s["deployments"][0]["id"] != before)
        site.drained("shop")
    assert site.states() == ["healthy", "healthy"]


def test_scaling_out_and_in_loses_no_request(site: Site) -> None:
    with site.no_request_lost():
        for count in (3, 1):
            site.ecs.update_service(service="shop", desiredCount=count)
            site.until("shop", lambda s, n=count: s["runningCount"] == n and len(site.states()) >= n)
            site.drained("shop")
    assert site.states() == ["healthy"]
    messages = [event["message"] for event in site.describe("shop")["events"]]
    assert any("has begun draining connections on " in message for message in messages)


def test_a_deleted_service_drains_too(site: Site) -> None:
    site.ecs.delete_service(service="shop", force=True)
    site.ecs.get_waiter("services_inactive").wait(services=["shop"], WaiterConfig=WAIT)
    site.until("shop", lambda _: site.states() == [])
