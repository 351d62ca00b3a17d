"""A network with a load balancer, for services whose traffic comes through it."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tests.e2e.harness import ROLE, WAIT, Network, Seawall, once, register

from seawall.app.demo import steady_client


class Site:
    """An internet-facing load balancer, its target group, and who may reach what."""

    kind, protocol, balancer_name = "application", "HTTP", "web"
    target_attributes: Mapping[str, str] = {"deregistration_delay.timeout_seconds": "2"}

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
        [made] = self.elb.create_load_balancer(
            Name=self.balancer_name, Type=self.kind, Subnets=self.public, SecurityGroups=[self.front]
        )["LoadBalancers"]
        self.balancer, self.name = made["LoadBalancerArn"], made["DNSName"]
        self.zone = made["CanonicalHostedZoneId"]
        self.group = self.target_group(self.balancer_name)
        self.elb.create_listener(
            LoadBalancerArn=self.balancer,
            Protocol=self.protocol,
            Port=80,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": self.group}],
        )
        self.elb.get_waiter("load_balancer_available").wait(
            LoadBalancerArns=[self.balancer], WaiterConfig=WAIT
        )

    def target_group(self, name: str) -> str:
        made = self.elb.create_target_group(
            Name=name,
            Protocol=self.protocol,
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
            Attributes=[{"Key": key, "Value": value} for key, value in self.target_attributes.items()],
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
        return once(
            lambda: self.describe(name),
            holds,
            lambda found: (found["deployments"], [event["message"] for event in found["events"]]),
        )

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


def completed(service: dict[str, Any]) -> bool:
    return [d["rolloutState"] for d in service["deployments"]] == ["COMPLETED"]


def has_begun(service: dict[str, Any]) -> bool:
    """Whether the newest deployment has tasks: this stays so, and is met however quick they are."""
    newest = service["deployments"][0]
    return int(newest["pendingCount"]) + int(newest["runningCount"]) > 0
