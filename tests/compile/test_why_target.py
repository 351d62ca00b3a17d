"""Why a load balancer finds a target unhealthy: the rule that is missing, or what the target answers."""

from datetime import datetime, timezone

import pytest
from msgspec.structs import replace
from tests.packet.balancers import balancer
from tests.packet.world_data import Cloud

from seawall.compile.why.target import target_finding
from seawall.model.network_interface import NetworkInterface
from seawall.model.target_group import Target, TargetGroup, TargetHealthCheck, target_id

BORN = datetime(2026, 1, 1, tzinfo=timezone.utc)
GROUP = TargetGroup(
    id="web/0123456789abcdef",
    name="web",
    protocol="HTTP",
    port=80,
    health_check=TargetHealthCheck(path="/health"),
    created_time=BORN,
)
TARGET = Target(
    id=target_id(GROUP.id, "10.0.1.20", 80),
    target_group_id=GROUP.id,
    target="10.0.1.20",
    port=80,
    availability_zone="us-east-1a",
    registered_at=BORN,
    state="unhealthy",
    reason="Target.Timeout",
    description="Request timed out",
)


@pytest.fixture
def cloud() -> Cloud:
    """A node in one subnet, a task in another; the task's group admits nobody."""
    cloud = Cloud()
    vpc = cloud.vpc("a")
    public, private = cloud.subnet(vpc, "pub", "10.0.0.0/24"), cloud.subnet(vpc, "priv", "10.0.1.0/24")
    cloud.group(vpc, "node")
    cloud.group(vpc, "web")
    cloud.table(vpc, "main", subnets=(public, private))
    cloud.task("web", private, "10.0.1.20", "sg-a-web")
    balancer(cloud, "node", (public, "10.0.0.9"), groups=("sg-a-node",))
    return cloud


def node(cloud: Cloud) -> NetworkInterface:
    return next(
        i
        for i in cloud.resources.values()
        if isinstance(i, NetworkInterface) and i.private_ip_address == "10.0.0.9"
    )


def test_a_missing_rule_is_named(cloud: Cloud) -> None:
    found = target_finding(cloud.snapshot(), [node(cloud)], TARGET, GROUP)
    assert found.category == "network"
    assert "10.0.0.9 to 10.0.1.20:80 is dropped" in found.cause
    (command,) = found.commands
    assert command.startswith("aws ec2 authorize-security-group-ingress --group-id sg-a-web")
    assert "80" in command


def test_a_port_of_its_own_is_what_is_asked(cloud: Cloud) -> None:
    group = replace(GROUP, health_check=replace(GROUP.health_check, port="8080"))
    found = target_finding(cloud.snapshot(), [node(cloud)], TARGET, group)
    assert "10.0.1.20:8080 is dropped" in found.cause


def test_a_target_that_can_be_reached_is_told_what_is_wanted_of_it(cloud: Cloud) -> None:
    cloud.rule("sg-a-web", "all", "-1 0.0.0.0/0")
    silent = target_finding(cloud.snapshot(), [node(cloud)], TARGET, GROUP)
    assert silent.category == "container"
    assert "does not answer the health check (HTTP /health) of web in time" in silent.cause
    wrong = replace(
        TARGET,
        reason="Target.ResponseCodeMismatch",
        description="Health checks failed with these codes: [500]",
    )
    answered = target_finding(cloud.snapshot(), [node(cloud)], wrong, GROUP)
    assert answered.cause.endswith(
        "fails the health check (HTTP /health) of web: Health checks failed with these codes: [500]"
    )
    assert answered.advice == "The check wants an answer with code 200 within 5 s."
