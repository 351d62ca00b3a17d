"""The network of an account's first day."""

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest

from seawall.api.ec2.bootstrap import create_default_network
from seawall.api.ec2.zone_names import zones
from seawall.store.store import Store


@pytest.fixture
def default_vpc_id(store: Store) -> str:
    with store.write() as txn:
        now = datetime(2026, 1, 1, tzinfo=timezone.utc)
        return create_default_network(txn, account="123456789012", region="us-east-1", now=now).id


def test_there_is_a_group_for_web_tasks(ec2: Any, default_vpc_id: str) -> None:
    where = [{"Name": "description", "Values": ["ECS Allowed Ports"]}]
    (group,) = ec2.describe_security_groups(Filters=where)["SecurityGroups"]
    assert group["VpcId"] == default_vpc_id
    assert group["GroupName"].startswith("EC2ContainerService-default-EcsSecurityGroup-")
    (permission,) = group["IpPermissions"]
    assert (permission["IpProtocol"], permission["FromPort"], permission["ToPort"]) == ("tcp", 80, 80)
    assert permission["IpRanges"] == [{"CidrIp": "0.0.0.0/0"}]


def test_groups_of_the_default_vpc_go_by_name(
    ec2: Any, refused: Callable[[str, str], Any], default_vpc_id: str
) -> None:
    made = ec2.create_security_group(GroupName="web", Description="web")["GroupId"]
    (found,) = ec2.describe_security_groups(GroupNames=["web"])["SecurityGroups"]
    assert (found["GroupId"], found["VpcId"]) == (made, default_vpc_id)
    ec2.authorize_security_group_ingress(
        GroupName="web", IpProtocol="tcp", FromPort=1, ToPort=2, CidrIp="10.0.0.0/8"
    )
    text = f"The security group 'nope' does not exist in default VPC '{default_vpc_id}'"
    with refused("InvalidGroup.NotFound", text):
        ec2.delete_security_group(GroupName="nope")


def test_in_the_default_vpc_a_rule_that_is_not_there_is_only_reported(ec2: Any, default_vpc_id: str) -> None:
    made = ec2.create_security_group(GroupName="web", Description="web")["GroupId"]
    absent = {"IpProtocol": "udp", "FromPort": 53, "ToPort": 53, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
    answer = ec2.revoke_security_group_ingress(GroupId=made, IpPermissions=[absent])
    assert answer["Return"] is True
    assert answer["UnknownIpPermissions"][0]["IpRanges"] == [{"CidrIp": "10.0.0.0/8"}]


@pytest.mark.parametrize(
    ("region", "first"),
    [
        ("us-east-1", "use1-az1"),
        ("eu-central-1", "euc1-az1"),
        ("ap-southeast-2", "apse2-az1"),
        ("us-gov-west-1", "usgw1-az1"),
    ],
)
def test_zone_ids_are_short_for_their_region(region: str, first: str) -> None:
    assert zones(region)[f"{region}a"] == first
