"""VPCs and what they are born with."""

from collections.abc import Callable
from typing import Any

import pytest

Refused = Callable[[str, str], Any]


def by_vpc(vpc_id: str) -> dict[str, Any]:
    return {"Filters": [{"Name": "vpc-id", "Values": [vpc_id]}]}


def test_a_vpc_is_born_with_table_acl_and_group(ec2: Any) -> None:
    vpc = ec2.create_vpc(
        CidrBlock="10.0.0.1/16",
        TagSpecifications=[{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": "x"}]}],
    )["Vpc"]
    assert vpc["State"] == "pending"
    assert vpc["CidrBlock"] == "10.0.0.0/16"
    assert vpc["CidrBlockAssociationSet"][0]["CidrBlockState"] == {"State": "associated"}
    assert vpc["Tags"] == [{"Key": "Name", "Value": "x"}]
    assert (vpc["IsDefault"], vpc["InstanceTenancy"], vpc["OwnerId"]) == (False, "default", "123456789012")
    where = by_vpc(vpc["VpcId"])
    assert ec2.describe_vpcs(**where)["Vpcs"][0]["State"] == "available"

    (table,) = ec2.describe_route_tables(**where)["RouteTables"]
    assert table["Associations"][0]["Main"] is True
    assert table["Routes"] == [
        {
            "DestinationCidrBlock": "10.0.0.0/16",
            "GatewayId": "local",
            "Origin": "CreateRouteTable",
            "State": "active",
        }
    ]
    (acl,) = ec2.describe_network_acls(**where)["NetworkAcls"]
    assert acl["IsDefault"] is True
    assert [(e["Egress"], e["RuleNumber"], e["RuleAction"]) for e in acl["Entries"]] == [
        (True, 100, "allow"),
        (True, 32767, "deny"),
        (False, 100, "allow"),
        (False, 32767, "deny"),
    ]
    (group,) = ec2.describe_security_groups(**where)["SecurityGroups"]
    assert (group["GroupName"], group["Description"]) == ("default", "default VPC security group")
    assert group["IpPermissions"][0]["UserIdGroupPairs"] == [
        {"GroupId": group["GroupId"], "UserId": "123456789012"}
    ]
    assert group["IpPermissionsEgress"][0]["IpRanges"] == [{"CidrIp": "0.0.0.0/0"}]


@pytest.mark.parametrize("block", ["10.0.0.0/15", "10.0.0.0/29", "127.0.0.0/16", "169.254.0.0/16"])
def test_blocks_no_vpc_may_have(ec2: Any, refused: Refused, block: str) -> None:
    with refused("InvalidVpc.Range", f"The CIDR '{block}' is invalid."):
        ec2.create_vpc(CidrBlock=block)


@pytest.mark.parametrize("block", ["10.0.0/16", "010.0.0.0/16", "10.0.0.0/33", "10.0.0.256/16", "x", "::/0"])
def test_nonsense_is_no_block(ec2: Any, refused: Refused, block: str) -> None:
    text = f"Value ({block}) for parameter cidrBlock is invalid. This is not a valid CIDR block."
    with refused("InvalidParameterValue", text):
        ec2.create_vpc(CidrBlock=block)


def test_the_quota_is_five(ec2: Any, refused: Refused) -> None:
    for number in range(5):
        ec2.create_vpc(CidrBlock=f"10.{number}.0.0/16")
    with refused("VpcLimitExceeded", "The maximum number of VPCs has been reached."):
        ec2.create_vpc(CidrBlock="10.9.0.0/16")


def test_a_dry_run_changes_nothing(ec2: Any, refused: Refused) -> None:
    with refused("DryRunOperation", "Request would have succeeded, but DryRun flag is set."):
        ec2.create_vpc(CidrBlock="10.0.0.0/16", DryRun=True)
    assert ec2.describe_vpcs()["Vpcs"] == []


def test_pools_are_refused_not_ignored(ec2: Any, refused: Refused) -> None:
    text = "Ipv4IpamPoolId is not served by Seawall. Nothing was changed."
    with refused("NotImplemented", text):
        ec2.create_vpc(CidrBlock="10.0.0.0/16", Ipv4IpamPoolId="ipam-pool-0123456789abcdef0")


def test_ids_are_checked_for_form_then_looked_up(ec2: Any, refused: Refused) -> None:
    with refused("InvalidVpcID.Malformed", 'Invalid id: "vpc-nope" (expecting "vpc-...")'):
        ec2.describe_vpcs(VpcIds=["vpc-nope"])
    with refused("InvalidVpcID.NotFound", "The vpc ID 'vpc-0123456789abcdef0' does not exist"):
        ec2.delete_vpc(VpcId="vpc-0123456789abcdef0")


def test_delete_waits_for_dependents_and_takes_the_birthright_along(
    ec2: Any, refused: Refused, vpc_id: str, subnet_id: str
) -> None:
    with refused("DependencyViolation", f"The vpc '{vpc_id}' has dependencies and cannot be deleted."):
        ec2.delete_vpc(VpcId=vpc_id)
    ec2.delete_subnet(SubnetId=subnet_id)
    ec2.delete_vpc(VpcId=vpc_id)
    assert ec2.describe_vpcs()["Vpcs"] == []
    assert ec2.describe_route_tables()["RouteTables"] == []
    assert ec2.describe_network_acls()["NetworkAcls"] == []
    assert ec2.describe_security_groups()["SecurityGroups"] == []
    assert ec2.describe_security_group_rules()["SecurityGroupRules"] == []


def test_attributes_are_switched_one_at_a_time(ec2: Any, refused: Refused, vpc_id: str) -> None:
    def value(attribute: str, member: str) -> bool:
        return bool(ec2.describe_vpc_attribute(VpcId=vpc_id, Attribute=attribute)[member]["Value"])

    assert value("enableDnsSupport", "EnableDnsSupport") is True
    assert value("enableDnsHostnames", "EnableDnsHostnames") is False
    ec2.modify_vpc_attribute(VpcId=vpc_id, EnableDnsHostnames={"Value": True})
    assert value("enableDnsHostnames", "EnableDnsHostnames") is True
    text = "Fields for multiple attribute types specified: enableDnsSupport, enableDnsHostnames"
    with refused("InvalidParameterCombination", text):
        ec2.modify_vpc_attribute(
            VpcId=vpc_id, EnableDnsHostnames={"Value": True}, EnableDnsSupport={"Value": True}
        )


def test_further_blocks_come_with_local_routes(ec2: Any, refused: Refused, vpc_id: str) -> None:
    made = ec2.associate_vpc_cidr_block(VpcId=vpc_id, CidrBlock="10.1.0.0/16")["CidrBlockAssociation"]
    assert made["CidrBlockState"] == {"State": "associating"}
    (table,) = ec2.describe_route_tables()["RouteTables"]
    assert [route["DestinationCidrBlock"] for route in table["Routes"]] == ["10.0.0.0/16", "10.1.0.0/16"]
    subnet = ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.1.0.0/24")["Subnet"]["SubnetId"]
    with refused("InvalidCidrBlock.InUse", "The vpc currently has a subnet within CIDR block 10.1.0.0/16"):
        ec2.disassociate_vpc_cidr_block(AssociationId=made["AssociationId"])
    ec2.delete_subnet(SubnetId=subnet)
    ec2.disassociate_vpc_cidr_block(AssociationId=made["AssociationId"])
    (table,) = ec2.describe_route_tables()["RouteTables"]
    assert len(table["Routes"]) == 1


def test_the_default_vpc_is_complete(ec2: Any, refused: Refused) -> None:
    vpc = ec2.create_default_vpc()["Vpc"]
    assert (vpc["IsDefault"], vpc["CidrBlock"]) == (True, "172.31.0.0/16")
    subnets = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
    assert sorted((s["AvailabilityZone"], s["CidrBlock"], s["MapPublicIpOnLaunch"]) for s in subnets) == [
        ("us-east-1a", "172.31.0.0/20", True),
        ("us-east-1b", "172.31.16.0/20", True),
    ]
    (gateway,) = ec2.describe_internet_gateways()["InternetGateways"]
    (table,) = ec2.describe_route_tables()["RouteTables"]
    assert table["Routes"][1]["GatewayId"] == gateway["InternetGatewayId"]
    assert gateway["Attachments"] == [{"State": "available", "VpcId": vpc["VpcId"]}]
    (attribute,) = ec2.describe_account_attributes(AttributeNames=["default-vpc"])["AccountAttributes"]
    assert attribute["AttributeValues"] == [{"AttributeValue": vpc["VpcId"]}]
    (options,) = ec2.describe_dhcp_options(DhcpOptionsIds=[vpc["DhcpOptionsId"]])["DhcpOptions"]
    assert options["DhcpConfigurations"][0] == {"Key": "domain-name", "Values": [{"Value": "ec2.internal"}]}
    text = "A Default VPC already exists for this account in this region."
    with refused("DefaultVpcAlreadyExists", text):
        ec2.create_default_vpc()


def test_a_default_subnet_can_be_made_again(ec2: Any, refused: Refused) -> None:
    with refused("DefaultVpcDoesNotExist", "No default VPC for this user"):
        ec2.create_default_subnet(AvailabilityZone="us-east-1c")
    ec2.create_default_vpc()
    made = ec2.create_default_subnet(AvailabilityZone="us-east-1c")["Subnet"]
    assert (made["CidrBlock"], made["DefaultForAz"], made["MapPublicIpOnLaunch"]) == (
        "172.31.32.0/20",
        True,
        True,
    )
    text = f"'{made['SubnetId']}' is already the default subnet in us-east-1c."
    with refused("DefaultSubnetAlreadyExistsInAvailabilityZone", text):
        ec2.create_default_subnet(AvailabilityZoneId="use1-az3")
    with refused("MissingParameter", "The request must contain the parameter availabilityZone"):
        ec2.create_default_subnet()
    with refused("InvalidParameterValue", "Value (mars) for parameter availabilityZone is invalid."):
        ec2.create_default_subnet(AvailabilityZone="mars")
