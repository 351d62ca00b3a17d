"""The role that ECS works under is made in the name of who makes the first cluster, if he may."""

import json
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.api.ecs.ecs_requests import fargate
from tests.api.enforcing import Enforcing

from seawall.app.gateway import Gateway
from seawall.model.access_key import AccessKey
from seawall.model.user import User
from seawall.store.store import Store

Aws = Callable[..., Any]
ROOT, ANN = "AKIA" + "ROOT" * 4, "AKIA" + "ANNA" * 4


@pytest.fixture
def gateway(store: Store, clock: Any, resources: Any) -> Gateway:
    clock.now = datetime.now(timezone.utc)
    with store.write() as txn:
        txn.put(AccessKey(id=ROOT, secret="r", user=None, create_date=clock.now))
        txn.put(User(id="ann", user_id="AIDAANN", create_date=clock.now))
        txn.put(AccessKey(id=ANN, secret="a", user="ann", create_date=clock.now))
    return Gateway(store, Enforcing(), resources=resources, clock=clock)


def test_who_may_not_make_it_makes_a_cluster_and_no_service(aws: Aws) -> None:
    iam, ec2 = (aws(service, access_key=ROOT, secret_key="r") for service in ("iam", "ec2"))
    ann = aws("ecs", access_key=ANN, secret_key="a")

    def allow(*actions: str) -> None:
        statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName="ann", PolicyName="only", PolicyDocument=policy)

    allow("ecs:*")
    ann.create_cluster()
    assert iam.list_roles()["Roles"] == []
    ann.register_task_definition(**fargate())
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    service = {
        "serviceName": "web",
        "taskDefinition": "myapp",
        "desiredCount": 0,
        "launchType": "FARGATE",
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": [subnet]}},
    }
    with pytest.raises(ClientError) as error:
        ann.create_service(**service)
    said = error.value.response["Error"]
    assert (said["Code"], said["Message"]) == (
        "InvalidParameterException",
        "Unable to assume the service linked role. Please verify that the ECS service linked role exists.",
    )
    allow("ecs:*", "iam:CreateServiceLinkedRole")
    assert ann.create_service(**service)["service"]["status"] == "ACTIVE"
    assert [role["RoleName"] for role in iam.list_roles()["Roles"]] == ["AWSServiceRoleForECS"]
