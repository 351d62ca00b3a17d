"""A cluster, a network, a role and a definition to run: what every ECS test starts from."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.api.ecs.ecs_requests import fargate, trust

from seawall.model.network_interface import NetworkInterface
from seawall.model.resource import load_kinds
from seawall.model.task import Task
from seawall.store.store import Store

Aws = Callable[..., Any]


@dataclass(frozen=True)
class Site:
    vpc: str
    subnets: tuple[str, str]  # in two zones; the first has 251 addresses, the second 11
    group: str
    role: str


@pytest.fixture
def ecs(aws: Aws) -> Any:
    return aws("ecs")


@pytest.fixture
def site(aws: Aws) -> Site:
    """Everything a task needs, with the definition myapp:1 and the cluster "default"."""
    ec2, ecs = aws("ec2"), aws("ecs")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    subnets = tuple(
        ec2.create_subnet(VpcId=vpc, CidrBlock=block, AvailabilityZone=zone)["Subnet"]["SubnetId"]
        for block, zone in (("10.0.0.0/24", "us-east-1a"), ("10.0.1.0/28", "us-east-1b"))
    )
    group = ec2.create_security_group(VpcId=vpc, GroupName="web", Description="web")["GroupId"]
    role = aws("iam").create_role(
        RoleName="execution", AssumeRolePolicyDocument=trust("ecs-tasks.amazonaws.com")
    )["Role"]["Arn"]
    ecs.create_cluster()
    ecs.register_task_definition(**fargate())
    return Site(vpc=vpc, subnets=subnets, group=group, role=role)


@pytest.fixture
def run(ecs: Any, site: Site) -> Callable[..., dict[str, Any]]:
    """RunTask on Fargate in the site's first subnet; `network` changes the awsvpcConfiguration."""

    def call(*, network: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
        configuration = {"subnets": [site.subnets[0]], "securityGroups": [site.group], **(network or {})}
        request = {
            "taskDefinition": "myapp",
            "launchType": "FARGATE",
            "networkConfiguration": {"awsvpcConfiguration": configuration},
            **changes,
        }
        given = {name: value for name, value in request.items() if value is not None}
        answer: dict[str, Any] = ecs.run_task(**given)
        return answer

    return call


@pytest.fixture
def refused(store: Store) -> Callable[..., tuple[str, str]]:
    """Code and text of a refusal that left the store as it was."""

    def call(operation: Callable[..., Any], *args: Any, **params: Any) -> tuple[str, str]:
        before = store.revision()
        with pytest.raises(ClientError) as error:
            operation(*args, **params)
        assert store.revision() == before
        said = error.value.response["Error"]
        return said["Code"], said["Message"]

    return call


def counts(store: Store) -> tuple[int, int]:
    load_kinds()
    return len(store.all(Task)), len(store.all(NetworkInterface))
