"""Filters, pages, tags: what all Describe calls share."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.api.ec2.describe import filtered
from seawall.api.params import Params

Refused = Callable[[str, str], Any]


@pytest.fixture
def subnets(ec2: Any, vpc_id: str) -> list[str]:
    """Seven subnets, tagged n=0 to n=6."""
    return [
        ec2.create_subnet(
            VpcId=vpc_id,
            CidrBlock=f"10.0.{number}.0/24",
            TagSpecifications=[{"ResourceType": "subnet", "Tags": [{"Key": "n", "Value": str(number)}]}],
        )["Subnet"]["SubnetId"]
        for number in range(7)
    ]


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({"cidr-block": ["10.0.1.0/24"]}, 1),
        ({"cidr-block": ["10.0.1.0/24", "10.0.2.0/24"]}, 2),
        ({"cidr-block": ["10.0.*"], "tag:n": ["3"]}, 1),
        ({"cidr-block": ["10.0.?.0/24"]}, 7),
        ({"cidr-block": [r"10.0.\?.0/24"]}, 0),
        ({"tag-key": ["n"]}, 7),
        ({"tag-key": ["m"]}, 0),
        ({"tag:n": ["1", "2"], "state": ["available"]}, 2),
        ({"available-ip-address-count": ["251"]}, 7),
        ({"map-public-ip-on-launch": ["true"]}, 0),
    ],
)
def test_filters_and_across_names_or_inside(
    ec2: Any, subnets: list[str], filters: dict[str, list[str]], count: int
) -> None:
    given = [{"Name": name, "Values": values} for name, values in filters.items()]
    assert len(ec2.describe_subnets(Filters=given)["Subnets"]) == count


def test_an_unknown_filter_is_refused(ec2: Any, refused: Refused) -> None:
    with refused("InvalidParameterValue", "The filter 'colour' is invalid"):
        ec2.describe_subnets(Filters=[{"Name": "colour", "Values": ["blue"]}])


def test_pages_show_everything_once_even_if_something_goes(
    ec2: Any, refused: Refused, subnets: list[str]
) -> None:
    first = ec2.describe_subnets(MaxResults=5)
    shown = [subnet["SubnetId"] for subnet in first["Subnets"]]
    assert len(shown) == 5
    ec2.delete_subnet(SubnetId=shown[0])
    second = ec2.describe_subnets(MaxResults=5, NextToken=first["NextToken"])
    assert "NextToken" not in second
    assert sorted(shown + [subnet["SubnetId"] for subnet in second["Subnets"]]) == sorted(subnets)
    with refused("InvalidNextToken", "The specified NextToken is not valid."):
        ec2.describe_subnets(MaxResults=5, NextToken="nonsense")


def test_interface_ids_and_max_results_exclude_each_other(ec2: Any, refused: Refused) -> None:
    text = "The parameter networkInterfaceIds cannot be used with the parameter maxResults"
    with refused("InvalidParameterCombination", text):
        ec2.describe_network_interfaces(NetworkInterfaceIds=["eni-0123456789abcdef0"], MaxResults=5)


def test_tags_come_and_go(ec2: Any, refused: Refused, vpc_id: str, subnet_id: str) -> None:
    ec2.create_tags(
        Resources=[vpc_id, subnet_id], Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
    )
    found = ec2.describe_tags(Filters=[{"Name": "resource-type", "Values": ["vpc"]}])["Tags"]
    assert found == [
        {"ResourceId": vpc_id, "ResourceType": "vpc", "Key": "a", "Value": "1"},
        {"ResourceId": vpc_id, "ResourceType": "vpc", "Key": "b", "Value": "2"},
    ]
    ec2.delete_tags(Resources=[vpc_id], Tags=[{"Key": "a", "Value": "other"}, {"Key": "b"}])
    assert ec2.describe_vpcs(VpcIds=[vpc_id])["Vpcs"][0]["Tags"] == [{"Key": "a", "Value": "1"}]
    ec2.delete_tags(Resources=[vpc_id])
    assert ec2.describe_vpcs(VpcIds=[vpc_id])["Vpcs"][0].get("Tags", []) == []
    with refused("InvalidSubnetID.NotFound", "The subnet ID 'subnet-0123456789abcdef0' does not exist"):
        ec2.create_tags(Resources=["subnet-0123456789abcdef0"], Tags=[{"Key": "a", "Value": "1"}])


def test_reserved_tags_and_foreign_types_are_refused(ec2: Any, refused: Refused, vpc_id: str) -> None:
    with refused("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use"):
        ec2.create_tags(Resources=[vpc_id], Tags=[{"Key": "aws:x", "Value": "1"}])
    text = "'subnet' is not a valid taggable resource type for this operation."
    with refused("InvalidParameterValue", text):
        ec2.create_vpc(
            CidrBlock="10.2.0.0/16",
            TagSpecifications=[{"ResourceType": "subnet", "Tags": [{"Key": "a", "Value": "1"}]}],
        )


@given(st.text(max_size=12))
def test_an_escaped_text_matches_itself_alone(text: str) -> None:
    escaped = "".join("\\" + character if character in "*?\\" else character for character in text)
    params = Params({"Filters": [{"Name": "x", "Values": [escaped]}]})
    assert filtered(params, [text, text + "!"], {"x": lambda item: item}) == [text]


def test_zones_and_the_region(ec2: Any, refused: Refused) -> None:
    zones = ec2.describe_availability_zones()["AvailabilityZones"]
    assert [(zone["ZoneName"], zone["ZoneId"]) for zone in zones] == [
        ("us-east-1a", "use1-az1"),
        ("us-east-1b", "use1-az2"),
        ("us-east-1c", "use1-az3"),
    ]
    assert ec2.describe_regions()["Regions"] == [
        {
            "RegionName": "us-east-1",
            "Endpoint": "ec2.us-east-1.amazonaws.com",
            "OptInStatus": "opt-in-not-required",
        }
    ]
    with refused("InvalidParameterValue", "Invalid availability zone: [us-east-1z]"):
        ec2.describe_availability_zones(ZoneNames=["us-east-1z"])
