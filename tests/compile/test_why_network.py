"""A task in a public subnet without a public address: what mends it is to run it with one."""

import shlex
from datetime import datetime, timezone
from typing import Any

import pytest
from msgspec.structs import replace
from tests.compile.walk.asking import interface_endpoint
from tests.fresh_task import fresh_task
from tests.packet.world_data import Cloud

from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.compile.why.network import network_finding
from seawall.model.finding import Finding, TaskFailure

HOST = "api.ecr.us-east-1.amazonaws.com"
SERVICE = "198.19.0.10"
FAILURE = TaskFailure(
    container="web",
    step="registry_auth",
    cause="timeout",
    text="i/o timeout",
    url=f"https://{HOST}/",
    address=f"{SERVICE}:443",
    attempts=2,
)
TASK = fresh_task(
    subnet_id="subnet-a-pub",
    security_group_ids=("sg-a-web",),
    created_at=datetime(2026, 1, 2, tzinfo=timezone.utc),
)
AGAIN = (
    "aws ecs run-task --cluster default --task-definition myapp:1 --network-configuration"
    " 'awsvpcConfiguration={subnets=[subnet-a-pub],securityGroups=[sg-a-web],assignPublicIp=ENABLED}'"
    " --launch-type FARGATE"
)


@pytest.fixture
def cloud() -> Cloud:
    cloud = Cloud()
    vpc = cloud.vpc("a")
    public, other = cloud.subnet(vpc, "pub", "10.0.0.0/24"), cloud.subnet(vpc, "other", "10.0.1.0/24")
    cloud.group(vpc, "web")
    cloud.table(vpc, "pub", subnets=(public,), internet_gateway="igw-a")
    cloud.table(vpc, "other", subnets=(other,), internet_gateway="igw-a")
    cloud.task("web", public, "10.0.0.20", "sg-a-web")
    return cloud


def find(cloud: Cloud, **changes: Any) -> Finding:
    def resolve(snapshot: NetworkSnapshot, vpc_id: str | None, host: str) -> tuple[str, ...]:
        return (SERVICE,)

    interface = cloud.resources["eni-web"]
    found = network_finding(cloud.snapshot(), interface, FAILURE, resolve, replace(TASK, **changes))
    assert "IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS" in found.cause
    return found


def test_it_is_run_again_with_an_address(cloud: Cloud) -> None:
    found = find(cloud)
    assert found.commands == (AGAIN,)
    assert "service" not in found.missing


def test_what_else_is_in_the_way_is_mended_first(cloud: Cloud) -> None:
    cloud.acl("vpc-a", "a", "in 100 allow tcp:80 0.0.0.0/0", "out 100 allow -1 0.0.0.0/0")
    entry, again = find(cloud).commands
    assert entry.startswith("aws ec2 create-network-acl-entry --network-acl-id acl-a-a")
    assert again == AGAIN


def test_it_is_run_again_as_it_was(cloud: Cloud) -> None:
    overrides = {"containerOverrides": [{"name": "web", "command": ["echo", "it's"]}]}
    (line,) = find(
        cloud,
        overrides=overrides,
        platform_version="1.3.0",
        enable_execute_command=True,
        capacity_provider_name="FARGATE_SPOT",
    ).commands
    words = shlex.split(line)
    assert words[-1] == "--enable-execute-command"
    given = dict(zip(words[3:-1:2], words[4:-1:2], strict=True))
    assert given["--overrides"] == '{"containerOverrides": [{"name": "web", "command": ["echo", "it\'s"]}]}'
    assert given["--platform-version"] == "1.3.0"
    assert given["--capacity-provider-strategy"] == "capacityProvider=FARGATE_SPOT"
    assert "--launch-type" not in given


def test_a_nat_gateway_that_is_there_is_led_to(cloud: Cloud) -> None:
    cloud.nat("n", "subnet-a-other", "10.0.1.10", "198.18.0.10")
    (line,) = find(cloud).commands
    assert line.startswith("aws ec2 replace-route --route-table-id rtb-a-pub")


def test_where_there_are_endpoints_one_more_is_made(cloud: Cloud) -> None:
    cloud.group("vpc-a", "ends", "tcp:443 sg-a-web")
    interface_endpoint(cloud, "subnet-a-other", "10.0.1.30", "sg-a-ends")
    found = find(cloud)
    assert found.missing["service"] == "com.amazonaws.us-east-1.ecr.api"
    assert "create-vpc-endpoint" in found.commands[-1]
