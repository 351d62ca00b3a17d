"""Interfaces of tasks, as their account sees them and what it cannot do to them."""

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest

from seawall.api.ec2.interface_creation import create_interface
from seawall.model.network_interface import NetworkInterface
from seawall.model.resource import Ref
from seawall.model.subnet import Subnet
from seawall.store.store import Store
from seawall.wire.errors import ApiError

Refused = Callable[[str, str], Any]
DENIED = ("AuthFailure", "You do not have permission to access the specified resource.")


@pytest.fixture
def make_interface(store: Store, subnet_id: str, ec2: Any) -> Callable[..., NetworkInterface]:
    """As RunTask does it."""

    def make(**more: Any) -> NetworkInterface:
        given: dict[str, Any] = {"group_ids": (group_id(ec2),), "public": True} | more
        with store.write() as txn:
            return create_interface(
                txn,
                account="123456789012",
                subnet=txn.get(Subnet, subnet_id),
                description="arn:aws:ecs:us-east-1:123456789012:attachment/x",
                requester_id="628676013162",
                owner=Ref("task", "t"),
                now=datetime(2026, 1, 1, tzinfo=timezone.utc),
                **given,
            )

    return make


def group_id(ec2: Any) -> str:
    return str(ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"])


def test_an_interface_is_described_as_aws_does(
    ec2: Any, vpc_id: str, make_interface: Callable[..., NetworkInterface]
) -> None:
    made = make_interface()
    ec2.modify_vpc_attribute(VpcId=vpc_id, EnableDnsHostnames={"Value": True})
    (shown,) = ec2.describe_network_interfaces(NetworkInterfaceIds=[made.id])["NetworkInterfaces"]
    assert shown["Status"] == "attaching"
    assert shown["RequesterId"] == "628676013162"
    assert shown["PrivateIpAddress"] == "10.0.1.4"
    assert shown["PrivateDnsName"] == "ip-10-0-1-4.ec2.internal"
    assert shown["Groups"] == [{"GroupId": group_id(ec2), "GroupName": "default"}]
    assert shown["Attachment"]["DeviceIndex"] == 1
    assert "InstanceId" not in shown["Attachment"]
    public = shown["Association"]["PublicIp"]
    assert shown["Association"] == {
        "IpOwnerId": "amazon",
        "PublicIp": public,
        "PublicDnsName": f"ec2-{public.replace('.', '-')}.compute-1.amazonaws.com",
    }
    assert shown["PrivateIpAddresses"][0]["Association"] == shown["Association"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("private-ip-address", "10.0.1.4"),
        ("addresses.private-ip-address", "10.0.1.4"),
        ("attachment.status", "attaching"),
        ("attachment.attach-time", "2026-01-01T00:00:00.000Z"),
        ("attachment.device-index", "1"),
        ("association.ip-owner-id", "amazon"),
        ("group-name", "default"),
        ("requester-managed", "true"),
        ("availability-zone-id", "use1-az1"),
        ("description", "arn:aws:ecs:*:attachment/*"),
    ],
)
def test_filters_find_it(
    ec2: Any, make_interface: Callable[..., NetworkInterface], name: str, value: str
) -> None:
    made = make_interface()

    def found(text: str) -> list[str]:
        answer = ec2.describe_network_interfaces(Filters=[{"Name": name, "Values": [text]}])
        return [interface["NetworkInterfaceId"] for interface in answer["NetworkInterfaces"]]

    assert found(value) == [made.id]
    assert found("x" + value) == []


def test_its_account_cannot_touch_it(
    ec2: Any, refused: Refused, make_interface: Callable[..., NetworkInterface]
) -> None:
    made = make_interface()
    assert made.attachment is not None
    with refused(*DENIED):
        ec2.detach_network_interface(AttachmentId=made.attachment.attachment_id)
    with refused(*DENIED):
        ec2.modify_network_interface_attribute(NetworkInterfaceId=made.id, Groups=[group_id(ec2)])
    with refused(*DENIED):
        allocation = ec2.allocate_address()["AllocationId"]
        ec2.associate_address(AllocationId=allocation, NetworkInterfaceId=made.id)
    with refused("InvalidParameterValue", f"Network interface '{made.id}' is currently in use."):
        ec2.delete_network_interface(NetworkInterfaceId=made.id)
    text = "You are not allowed to manage 'ela-attach' attachments."
    with refused("OperationNotPermitted", text):
        ec2.detach_network_interface(AttachmentId="ela-attach-0123456789abcdef0")


def test_it_can_be_tagged(ec2: Any, make_interface: Callable[..., NetworkInterface]) -> None:
    made = make_interface()
    ec2.create_tags(Resources=[made.id], Tags=[{"Key": "a", "Value": "b"}])
    where = [{"Name": "tag:a", "Values": ["b"]}]
    (shown,) = ec2.describe_network_interfaces(Filters=where)["NetworkInterfaces"]
    assert shown["TagSet"] == [{"Key": "a", "Value": "b"}]


def test_group_and_subnet_stay_while_it_lives(
    ec2: Any,
    refused: Refused,
    store: Store,
    vpc_id: str,
    subnet_id: str,
    make_interface: Callable[..., NetworkInterface],
) -> None:
    group = ec2.create_security_group(GroupName="g", Description="g", VpcId=vpc_id)["GroupId"]
    made = make_interface(group_ids=(group,))
    with refused("DependencyViolation", f"resource {group} has a dependent object"):
        ec2.delete_security_group(GroupId=group)
    text = f"The subnet '{subnet_id}' has dependencies and cannot be deleted."
    with refused("DependencyViolation", text):
        ec2.delete_subnet(SubnetId=subnet_id)
    with store.write() as txn:
        txn.delete(NetworkInterface, made.id)
    ec2.delete_security_group(GroupId=group)
    ec2.delete_subnet(SubnetId=subnet_id)


def test_groups_of_another_vpc_are_refused(
    ec2: Any, subnet_id: str, make_interface: Callable[..., NetworkInterface]
) -> None:
    other = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    foreign = ec2.create_security_group(GroupName="g", Description="g", VpcId=other)["GroupId"]
    with pytest.raises(ApiError) as caught:
        make_interface(group_ids=(foreign,))
    assert caught.value.code == "InvalidParameter"
    assert caught.value.message == (
        f"Security group {foreign} and subnet {subnet_id} belong to different networks."
    )
    with pytest.raises(ApiError) as caught:
        make_interface(group_ids=(foreign,) * 6)
    assert caught.value.code == "SecurityGroupsPerInterfaceLimitExceeded"
