"""As many VPCs with one and the same block as their quota allows."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

Refused = Callable[[str, str], AbstractContextManager[None]]
VPCS = {"ServiceCode": "vpc", "QuotaCode": "L-F678F1CE"}


def test_two_hundred_vpcs_with_the_same_block(aws: Callable[..., Any], ec2: Any, refused: Refused) -> None:
    there = len(ec2.describe_vpcs()["Vpcs"])
    aws("service-quotas").request_service_quota_increase(**VPCS, DesiredValue=there + 200)
    made = [ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"] for _ in range(200)]
    with refused("VpcLimitExceeded", "The maximum number of VPCs has been reached."):
        ec2.create_vpc(CidrBlock="10.0.0.0/16")
    pages = ec2.get_paginator("describe_vpcs").paginate(
        Filters=[{"Name": "cidr", "Values": ["10.0.0.0/16"]}], PaginationConfig={"PageSize": 50}
    )
    assert {vpc["VpcId"] for page in pages for vpc in page["Vpcs"]} >= set(made)
    addresses = set()
    for vpc in made:
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]
        assert subnet["AvailableIpAddressCount"] == 251
        own = ec2.create_network_interface(SubnetId=subnet["SubnetId"], PrivateIpAddress="10.0.1.20")
        addresses.add(own["NetworkInterface"]["PrivateIpAddress"])
    assert addresses == {"10.0.1.20"}
