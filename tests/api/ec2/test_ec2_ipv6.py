"""IPv6 blocks of VPCs and subnets and what comes with them; egress-only gateways; further IPv4 blocks."""

from collections.abc import Callable
from datetime import datetime, timezone
from ipaddress import IPv6Network
from typing import Any

import pytest

from seawall.model.internet import IPV6_POOL
from seawall.model.vpc_peering_connection import VpcPeeringConnection
from seawall.store.store import Store

Refused = Callable[[str, str], Any]


@pytest.fixture
def dual(ec2: Any) -> tuple[str, str]:
    """A VPC with both families: its id and its IPv6 block."""
    made = ec2.create_vpc(CidrBlock="10.0.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]
    return made["VpcId"], made["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"]


def slash64(block: str, number: int) -> str:
    return str(list(IPv6Network(block).subnets(new_prefix=64))[number])


def egress(ec2: Any, name: str = "default") -> list[str]:
    where = [{"Name": "group-name", "Values": [name]}]
    (group,) = ec2.describe_security_groups(Filters=where)["SecurityGroups"]
    (permission,) = group["IpPermissionsEgress"]
    return [r["CidrIp"] for r in permission["IpRanges"]] + [r["CidrIpv6"] for r in permission["Ipv6Ranges"]]


def acl_entries(ec2: Any) -> list[tuple[bool, int, str]]:
    (acl,) = ec2.describe_network_acls()["NetworkAcls"]
    return [(e["Egress"], e["RuleNumber"], e.get("CidrBlock") or e["Ipv6CidrBlock"]) for e in acl["Entries"]]


def local_routes(ec2: Any) -> list[str]:
    (table,) = ec2.describe_route_tables()["RouteTables"]
    return [r.get("DestinationCidrBlock") or r["DestinationIpv6CidrBlock"] for r in table["Routes"]]


def test_a_vpc_with_ipv6_from_birth(ec2: Any, dual: tuple[str, str]) -> None:
    vpc_id, block = dual
    assert IPv6Network(block).subnet_of(IPv6Network(IPV6_POOL))
    assert IPv6Network(block).prefixlen == 56
    (vpc,) = ec2.describe_vpcs(
        Filters=[{"Name": "ipv6-cidr-block-association.ipv6-cidr-block", "Values": [block]}]
    )["Vpcs"]
    (association,) = vpc["Ipv6CidrBlockAssociationSet"]
    assert association.pop("AssociationId").startswith("vpc-cidr-assoc-")
    assert association == {
        "Ipv6CidrBlock": block,
        "Ipv6CidrBlockState": {"State": "associated"},
        "NetworkBorderGroup": "us-east-1",
        "Ipv6Pool": "Amazon",
        "Ipv6AddressAttribute": "public",
        "IpSource": "amazon",
    }
    assert egress(ec2) == ["0.0.0.0/0", "::/0"]
    assert local_routes(ec2) == ["10.0.0.0/16", block]
    assert acl_entries(ec2) == [
        (direction, number, everywhere)
        for direction in (True, False)
        for number, everywhere in [
            (100, "0.0.0.0/0"),
            (101, "::/0"),
            (32767, "0.0.0.0/0"),
            (32768, "::/0"),
        ]
    ]
    ec2.create_security_group(GroupName="new", Description="n", VpcId=vpc_id)
    assert egress(ec2, "new") == ["0.0.0.0/0", "::/0"]
    table = ec2.create_route_table(VpcId=vpc_id)["RouteTable"]
    assert table["Routes"][1] == {
        "DestinationIpv6CidrBlock": block,
        "GatewayId": "local",
        "Origin": "CreateRouteTable",
        "State": "active",
    }


def test_ipv6_that_comes_later_leaves_changed_rules_alone(ec2: Any, vpc_id: str) -> None:
    group = ec2.create_security_group(GroupName="mine", Description="m", VpcId=vpc_id)["GroupId"]
    web = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
    ec2.authorize_security_group_egress(GroupId=group, IpPermissions=[web])
    (acl,) = ec2.describe_network_acls()["NetworkAcls"]
    ec2.create_network_acl_entry(
        NetworkAclId=acl["NetworkAclId"],
        RuleNumber=50,
        Protocol="-1",
        RuleAction="deny",
        Egress=False,
        CidrBlock="192.0.2.0/24",
    )
    made = ec2.associate_vpc_cidr_block(VpcId=vpc_id, AmazonProvidedIpv6CidrBlock=True)
    assert made["Ipv6CidrBlockAssociation"]["Ipv6CidrBlockState"] == {"State": "associating"}
    assert egress(ec2) == ["0.0.0.0/0", "::/0"]
    (mine,) = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    assert [p["Ipv6Ranges"] for p in mine["IpPermissionsEgress"]] == [[], []]
    numbers = [(direction, number) for direction, number, _ in acl_entries(ec2) if number < 32767]
    assert numbers == [(True, 100), (True, 101), (False, 50), (False, 100)]


def test_blocks_are_given_in_turn_up_to_five(ec2: Any, refused: Refused, vpc_id: str) -> None:
    def add() -> dict[str, Any]:
        made = ec2.associate_vpc_cidr_block(VpcId=vpc_id, AmazonProvidedIpv6CidrBlock=True)
        return dict(made["Ipv6CidrBlockAssociation"])

    first, second = add(), add()
    ec2.disassociate_vpc_cidr_block(AssociationId=second["AssociationId"])
    third = add()
    assert len({block["Ipv6CidrBlock"] for block in (first, second, third)}) == 3
    assert local_routes(ec2) == ["10.0.0.0/16", first["Ipv6CidrBlock"], third["Ipv6CidrBlock"]]
    for _ in range(3):
        add()
    with refused("CidrLimitExceeded", "The maximum number of CIDR blocks has been reached."):
        add()
    text = "The parameters amazonProvidedIpv6CidrBlock, cidrBlock cannot be used together"
    with refused("InvalidParameterCombination", text):
        ec2.associate_vpc_cidr_block(VpcId=vpc_id, CidrBlock="10.1.0.0/16", AmazonProvidedIpv6CidrBlock=True)


def test_a_subnet_takes_a_slice(ec2: Any, refused: Refused, dual: tuple[str, str]) -> None:
    vpc_id, block = dual
    mine = slash64(block, 1)
    subnet = ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.0.1.0/24", Ipv6CidrBlock=mine)["Subnet"]
    (association,) = subnet["Ipv6CidrBlockAssociationSet"]
    assert (association["Ipv6CidrBlock"], association["Ipv6CidrBlockState"]) == (
        mine,
        {"State": "associated"},
    )
    with refused("InvalidSubnet.Conflict", f"The CIDR '{mine}' conflicts with another subnet"):
        ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.0.2.0/24", Ipv6CidrBlock=mine)
    with refused("InvalidSubnet.Range", "The CIDR '2001:db8::/64' is invalid."):
        ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.0.2.0/24", Ipv6CidrBlock="2001:db8::/64")
    text = "An IPv6 block of a subnet of another size than /64 is not served by Seawall. Nothing was changed."
    with refused("NotImplemented", text):
        ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.0.2.0/24", Ipv6CidrBlock=block)
    where = [{"Name": "ipv6-cidr-block-association.ipv6-cidr-block", "Values": [mine]}]
    assert [s["SubnetId"] for s in ec2.describe_subnets(Filters=where)["Subnets"]] == [subnet["SubnetId"]]
    (of_vpc,) = ec2.describe_vpcs()["Vpcs"]
    used = of_vpc["Ipv6CidrBlockAssociationSet"][0]["AssociationId"]
    text = f"The vpc currently has a subnet within CIDR block {block}"
    with refused("InvalidCidrBlock.InUse", text):
        ec2.disassociate_vpc_cidr_block(AssociationId=used)


def test_a_subnet_gets_and_loses_its_slice(ec2: Any, refused: Refused, dual: tuple[str, str]) -> None:
    vpc_id, block = dual
    subnet_id = ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    text = (
        "Invalid value 'true' for assignIpv6AddressOnCreation. Subnet must be associated with an IPv6 CIDR."
    )
    with refused("InvalidParameterValue", text):
        ec2.modify_subnet_attribute(SubnetId=subnet_id, AssignIpv6AddressOnCreation={"Value": True})
    made = ec2.associate_subnet_cidr_block(SubnetId=subnet_id, Ipv6CidrBlock=slash64(block, 0))
    association = made["Ipv6CidrBlockAssociation"]
    assert association["Ipv6CidrBlockState"] == {"State": "associating"}
    text = f"The subnet '{subnet_id}' already has an associated IPv6 CIDR block."
    with refused("InvalidParameterValue", text):
        ec2.associate_subnet_cidr_block(SubnetId=subnet_id, Ipv6CidrBlock=slash64(block, 1))
    ec2.modify_subnet_attribute(SubnetId=subnet_id, AssignIpv6AddressOnCreation={"Value": True})
    (shown,) = ec2.describe_subnets()["Subnets"]
    assert shown["AssignIpv6AddressOnCreation"] is True
    gone = ec2.disassociate_subnet_cidr_block(AssociationId=association["AssociationId"])
    assert gone["Ipv6CidrBlockAssociation"]["Ipv6CidrBlockState"] == {"State": "disassociating"}
    (shown,) = ec2.describe_subnets()["Subnets"]
    assert (shown["AssignIpv6AddressOnCreation"], shown["Ipv6CidrBlockAssociationSet"]) == (False, [])
    id = association["AssociationId"]
    text = f"The subnet CIDR block with association ID {id} does not exist"
    with refused("InvalidSubnetCidrBlockAssociationID.NotFound", text):
        ec2.disassociate_subnet_cidr_block(AssociationId=id)


def test_one_attribute_of_a_subnet_at_a_time(ec2: Any, refused: Refused, subnet_id: str) -> None:
    text = "Fields for multiple attribute types specified: assignIpv6AddressOnCreation, mapPublicIpOnLaunch"
    with refused("InvalidParameterCombination", text):
        ec2.modify_subnet_attribute(
            SubnetId=subnet_id,
            MapPublicIpOnLaunch={"Value": True},
            AssignIpv6AddressOnCreation={"Value": False},
        )


def test_an_egress_only_gateway(ec2: Any, refused: Refused, dual: tuple[str, str]) -> None:
    vpc_id, _ = dual
    tags = [{"ResourceType": "egress-only-internet-gateway", "Tags": [{"Key": "k", "Value": "v"}]}]
    made = ec2.create_egress_only_internet_gateway(VpcId=vpc_id, ClientToken="t", TagSpecifications=tags)
    assert made["ClientToken"] == "t"
    gateway = made["EgressOnlyInternetGateway"]
    id = gateway["EgressOnlyInternetGatewayId"]
    assert gateway == {
        "EgressOnlyInternetGatewayId": id,
        "Attachments": [{"State": "attached", "VpcId": vpc_id}],
        "Tags": [{"Key": "k", "Value": "v"}],
    }
    again = ec2.create_egress_only_internet_gateway(VpcId=vpc_id, ClientToken="t", TagSpecifications=tags)
    assert again["EgressOnlyInternetGateway"] == gateway
    text = f"Network {vpc_id} already has an egress only internet gateway attached"
    with refused("InvalidParameterValue", text):
        ec2.create_egress_only_internet_gateway(VpcId=vpc_id)
    where = [{"Name": "tag:k", "Values": ["v"]}]
    found = ec2.describe_egress_only_internet_gateways(Filters=where)["EgressOnlyInternetGateways"]
    assert found == [gateway]
    (table,) = ec2.describe_route_tables()["RouteTables"]
    route = {"RouteTableId": table["RouteTableId"], "DestinationIpv6CidrBlock": "::/0"}
    ec2.create_route(EgressOnlyInternetGatewayId=id, **route)
    with refused("DependencyViolation", f"The vpc '{vpc_id}' has dependencies and cannot be deleted."):
        ec2.delete_vpc(VpcId=vpc_id)
    assert ec2.delete_egress_only_internet_gateway(EgressOnlyInternetGatewayId=id)["ReturnCode"] is True
    blackholes = [{"Name": "route.egress-only-internet-gateway-id", "Values": [id]}]
    (table,) = ec2.describe_route_tables(Filters=blackholes)["RouteTables"]
    assert [r["State"] for r in table["Routes"] if r.get("EgressOnlyInternetGatewayId")] == ["blackhole"]
    text = f"The egressOnlyInternetGateway ID '{id}' does not exist"
    with refused("InvalidEgressOnlyInternetGatewayId.NotFound", text):
        ec2.delete_egress_only_internet_gateway(EgressOnlyInternetGatewayId=id)
    ec2.delete_vpc(VpcId=vpc_id)


@pytest.mark.parametrize(
    ("primary", "added", "allowed"),
    [
        ("10.0.0.0/20", "10.0.16.0/20", False),
        ("10.1.0.0/16", "10.0.0.0/20", False),
        ("10.0.0.0/16", "10.1.0.0/16", True),
        ("10.2.0.0/16", "10.0.0.0/16", True),
        ("10.2.0.0/16", "172.16.0.0/16", False),
        ("10.2.0.0/16", "100.64.0.0/16", True),
        ("10.2.0.0/16", "20.0.0.0/16", True),
        ("172.16.0.0/16", "172.31.0.0/16", False),
        ("172.16.0.0/16", "172.17.0.0/16", True),
        ("192.168.0.0/16", "10.0.0.0/16", False),
        ("100.64.0.0/16", "192.168.0.0/16", False),
        ("100.64.0.0/16", "100.65.0.0/16", True),
    ],
)
def test_which_blocks_go_together(
    ec2: Any, refused: Refused, primary: str, added: str, allowed: bool
) -> None:
    vpc_id = ec2.create_vpc(CidrBlock=primary)["Vpc"]["VpcId"]
    if allowed:
        ec2.associate_vpc_cidr_block(VpcId=vpc_id, CidrBlock=added)
        return
    text = (
        f"The CIDR '{added}' is restricted. Use a CIDR from the same private address range as the current VPC"
        " CIDR, or use a publicly-routable CIDR. For additional restrictions, see"
        " https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html"
    )
    with refused("InvalidVpc.Range", text):
        ec2.associate_vpc_cidr_block(VpcId=vpc_id, CidrBlock=added)


def test_a_block_must_not_hide_a_route(ec2: Any, refused: Refused, vpc_id: str) -> None:
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc_id)
    (table,) = ec2.describe_route_tables()["RouteTables"]
    id = table["RouteTableId"]
    ec2.create_route(RouteTableId=id, DestinationCidrBlock="10.4.1.0/24", GatewayId=gateway)
    with refused("InvalidVpc.Range", f"The CIDR '10.4.0.0/16' conflicts with the route 10.4.1.0/24 of {id}."):
        ec2.associate_vpc_cidr_block(VpcId=vpc_id, CidrBlock="10.4.0.0/16")
    ec2.associate_vpc_cidr_block(VpcId=vpc_id, CidrBlock="10.4.1.0/25")


@pytest.mark.parametrize(
    ("status", "requests", "block", "outcome"),
    [
        ("active", True, "10.1.0.0/17", "refused"),
        ("active", True, "10.3.0.0/17", "active"),
        ("pending-acceptance", True, "10.3.0.0/17", "refused"),
        ("pending-acceptance", False, "10.3.0.0/17", "pending-acceptance"),
        ("pending-acceptance", False, "10.1.0.0/17", "failed"),
    ],
)
def test_peerings_bound_new_blocks(
    ec2: Any, store: Store, vpc_id: str, status: Any, requests: bool, block: str, outcome: str
) -> None:
    other = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    peering = VpcPeeringConnection(
        id="pcx-0123456789abcdef0",
        requester_vpc_id=vpc_id if requests else other,
        accepter_vpc_id=other if requests else vpc_id,
        status=status,
        status_message="",
        create_time=datetime(2026, 1, 1, tzinfo=timezone.utc),
    )
    with store.write() as txn:
        txn.put(peering)
    if outcome == "refused":
        with pytest.raises(ec2.exceptions.ClientError) as caught:
            ec2.associate_vpc_cidr_block(VpcId=vpc_id, CidrBlock=block)
        assert caught.value.response["Error"]["Code"] == "InvalidVpc.Range"
    else:
        ec2.associate_vpc_cidr_block(VpcId=vpc_id, CidrBlock=block)
        assert store.get(VpcPeeringConnection, peering.id).status == outcome
