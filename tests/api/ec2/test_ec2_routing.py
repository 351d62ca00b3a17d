"""Subnets, route tables, routes and internet gateways."""

from collections.abc import Callable
from typing import Any

import pytest

Refused = Callable[[str, str], Any]


@pytest.fixture
def table_id(ec2: Any, vpc_id: str) -> str:
    return str(ec2.create_route_table(VpcId=vpc_id)["RouteTable"]["RouteTableId"])


@pytest.fixture
def gateway_id(ec2: Any, vpc_id: str) -> str:
    made = str(ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"])
    ec2.attach_internet_gateway(InternetGatewayId=made, VpcId=vpc_id)
    return made


def default_route(ec2: Any, table_id: str) -> dict[str, Any]:
    (table,) = ec2.describe_route_tables(RouteTableIds=[table_id])["RouteTables"]
    return next(route for route in table["Routes"] if route["DestinationCidrBlock"] == "0.0.0.0/0")


def test_a_subnet(ec2: Any, refused: Refused, vpc_id: str) -> None:
    made = ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.0.1.77/24", AvailabilityZone="us-east-1b")["Subnet"]
    assert made["CidrBlock"] == "10.0.1.0/24"
    assert made["AvailableIpAddressCount"] == 251
    assert (made["AvailabilityZone"], made["AvailabilityZoneId"]) == ("us-east-1b", "use1-az2")
    assert made["SubnetArn"] == f"arn:aws:ec2:us-east-1:123456789012:subnet/{made['SubnetId']}"
    with refused("InvalidSubnet.Conflict", "The CIDR '10.0.1.128/25' conflicts with another subnet"):
        ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.0.1.128/25")
    with refused("InvalidSubnet.Range", "The CIDR '10.1.0.0/24' is invalid."):
        ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.1.0.0/24")
    with refused("InvalidSubnet.Range", "The CIDR '10.0.2.0/29' is invalid."):
        ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.0.2.0/29")
    text = (
        "Value (us-east-1z) for parameter availabilityZone is invalid. Subnets can currently only be created"
        " in the following availability zones: us-east-1a, us-east-1b, us-east-1c."
    )
    with refused("InvalidParameterValue", text):
        ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.0.2.0/24", AvailabilityZone="us-east-1z")
    ec2.modify_subnet_attribute(SubnetId=made["SubnetId"], MapPublicIpOnLaunch={"Value": True})
    assert ec2.describe_subnets()["Subnets"][0]["MapPublicIpOnLaunch"] is True


def test_association_moves_and_ends_with_the_subnet(
    ec2: Any, refused: Refused, vpc_id: str, subnet_id: str, table_id: str
) -> None:
    made = ec2.associate_route_table(RouteTableId=table_id, SubnetId=subnet_id)
    assert made["AssociationState"] == {"State": "associated"}
    again = ec2.associate_route_table(RouteTableId=table_id, SubnetId=subnet_id)
    assert again["AssociationId"] == made["AssociationId"]
    other = ec2.create_route_table(VpcId=vpc_id)["RouteTable"]["RouteTableId"]
    text = f"the specified association for route table {other} conflicts with an existing association"
    with refused("Resource.AlreadyAssociated", text):
        ec2.associate_route_table(RouteTableId=other, SubnetId=subnet_id)
    text = f"The routeTable '{table_id}' has dependencies and cannot be deleted."
    with refused("DependencyViolation", text):
        ec2.delete_route_table(RouteTableId=table_id)
    moved = ec2.replace_route_table_association(AssociationId=made["AssociationId"], RouteTableId=other)
    assert moved["NewAssociationId"] != made["AssociationId"]
    ec2.delete_route_table(RouteTableId=table_id)
    where = [{"Name": "association.subnet-id", "Values": [subnet_id]}]
    assert [t["RouteTableId"] for t in ec2.describe_route_tables(Filters=where)["RouteTables"]] == [other]
    ec2.delete_subnet(SubnetId=subnet_id)
    ec2.delete_route_table(RouteTableId=other)


def test_the_main_association_can_move_but_not_end(
    ec2: Any, refused: Refused, vpc_id: str, table_id: str
) -> None:
    where = [{"Name": "association.main", "Values": ["true"]}]
    (main,) = ec2.describe_route_tables(Filters=where)["RouteTables"]
    association = main["Associations"][0]["RouteTableAssociationId"]
    with refused(
        "InvalidParameterValue", f"cannot disassociate the main route table association {association}"
    ):
        ec2.disassociate_route_table(AssociationId=association)
    ec2.replace_route_table_association(AssociationId=association, RouteTableId=table_id)
    (main_now,) = ec2.describe_route_tables(Filters=where)["RouteTables"]
    assert main_now["RouteTableId"] == table_id
    ec2.delete_route_table(RouteTableId=main["RouteTableId"])


def test_routes(ec2: Any, refused: Refused, table_id: str, gateway_id: str) -> None:
    def create() -> Any:
        return ec2.create_route(RouteTableId=table_id, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway_id)

    assert create()["Return"] is True
    assert create()["Return"] is True
    assert default_route(ec2, table_id) == {
        "DestinationCidrBlock": "0.0.0.0/0",
        "GatewayId": gateway_id,
        "Origin": "CreateRoute",
        "State": "active",
    }
    text = "There is no route defined for '10.9.0.0/16' in the route table. Use CreateRoute instead."
    with refused("InvalidParameterValue", text):
        ec2.replace_route(RouteTableId=table_id, DestinationCidrBlock="10.9.0.0/16", GatewayId=gateway_id)
    text = f"cannot remove local route 10.0.0.0/16 in route table {table_id}"
    with refused("InvalidParameterValue", text):
        ec2.delete_route(RouteTableId=table_id, DestinationCidrBlock="10.0.0.0/16")
    ec2.delete_route(RouteTableId=table_id, DestinationCidrBlock="0.0.0.0/0")
    text = f"no route with destination-cidr-block 0.0.0.0/0 in route table {table_id}"
    with refused("InvalidRoute.NotFound", text):
        ec2.delete_route(RouteTableId=table_id, DestinationCidrBlock="0.0.0.0/0")


def test_a_route_to_something_else_clashes(
    ec2: Any, refused: Refused, subnet_id: str, table_id: str, gateway_id: str
) -> None:
    nat = ec2.create_nat_gateway(SubnetId=subnet_id, ConnectivityType="private")["NatGateway"]
    ec2.create_route(RouteTableId=table_id, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway_id)
    with refused("RouteAlreadyExists", "The route identified by 0.0.0.0/0 already exists."):
        ec2.create_route(
            RouteTableId=table_id, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat["NatGatewayId"]
        )
    ec2.replace_route(
        RouteTableId=table_id, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat["NatGatewayId"]
    )
    assert default_route(ec2, table_id)["NatGatewayId"] == nat["NatGatewayId"]


def test_targets_that_are_not_served_are_refused(ec2: Any, refused: Refused, table_id: str) -> None:
    text = "InstanceId is not served by Seawall. Nothing was changed."
    with refused("NotImplemented", text):
        ec2.create_route(
            RouteTableId=table_id, DestinationCidrBlock="0.0.0.0/0", InstanceId="i-0123456789abcdef0"
        )


def test_a_route_is_a_blackhole_once_its_gateway_is_gone(
    ec2: Any, refused: Refused, vpc_id: str, table_id: str, gateway_id: str
) -> None:
    ec2.create_route(RouteTableId=table_id, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway_id)
    text = f"The internetGateway '{gateway_id}' has dependencies and cannot be deleted."
    with refused("DependencyViolation", text):
        ec2.delete_internet_gateway(InternetGatewayId=gateway_id)
    ec2.detach_internet_gateway(InternetGatewayId=gateway_id, VpcId=vpc_id)
    assert default_route(ec2, table_id)["State"] == "blackhole"
    where = [{"Name": "route.state", "Values": ["blackhole"]}]
    assert len(ec2.describe_route_tables(Filters=where)["RouteTables"]) == 1
    with refused("Gateway.NotAttached", f"resource {gateway_id} is not attached to network {vpc_id}"):
        ec2.detach_internet_gateway(InternetGatewayId=gateway_id, VpcId=vpc_id)
    ec2.delete_internet_gateway(InternetGatewayId=gateway_id)
    assert default_route(ec2, table_id)["State"] == "blackhole"


def test_a_client_token_makes_one_table(ec2: Any, refused: Refused, vpc_id: str) -> None:
    first = ec2.create_route_table(VpcId=vpc_id, ClientToken="t")["RouteTable"]
    second = ec2.create_route_table(VpcId=vpc_id, ClientToken="t")["RouteTable"]
    assert first == second
    text = (
        "The request uses the same client token as a previous, but non-identical request."
        " Do not reuse a client token with different requests, unless the requests are identical."
    )
    other = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    with refused("IdempotentParameterMismatch", text):
        ec2.create_route_table(VpcId=other, ClientToken="t")
