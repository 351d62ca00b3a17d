"""NAT gateways and Elastic IPs as the API records them."""

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest

from seawall.compile.nat_gateway_check import nat_gateway_failure
from seawall.model.elastic_ip import ElasticIp
from seawall.model.internet_gateway import InternetGateway
from seawall.model.nat_gateway import NatGateway
from seawall.store.store import Store

Refused = Callable[[str, str], Any]


@pytest.fixture
def allocation_id(ec2: Any) -> str:
    return str(ec2.allocate_address(Domain="vpc")["AllocationId"])


@pytest.fixture
def nat(ec2: Any, subnet_id: str, allocation_id: str) -> dict[str, Any]:
    made: dict[str, Any] = ec2.create_nat_gateway(SubnetId=subnet_id, AllocationId=allocation_id)
    return dict(made["NatGateway"])


def test_a_public_gateway_has_an_interface_and_its_address(
    ec2: Any, vpc_id: str, subnet_id: str, allocation_id: str, nat: dict[str, Any]
) -> None:
    assert (nat["State"], nat["ConnectivityType"], nat["VpcId"]) == ("pending", "public", vpc_id)
    assert nat["CreateTime"] == datetime(2026, 1, 1, tzinfo=timezone.utc)
    (address,) = nat["NatGatewayAddresses"]
    assert address["AllocationId"] == allocation_id
    (elastic,) = ec2.describe_addresses(AllocationIds=[allocation_id])["Addresses"]
    assert elastic["PublicIp"] == address["PublicIp"]
    assert elastic["AssociationId"] == address["AssociationId"]
    assert elastic["ServiceManaged"] == "nat-gateway"
    (interface,) = ec2.describe_network_interfaces(
        Filters=[{"Name": "interface-type", "Values": ["nat_gateway"]}]
    )["NetworkInterfaces"]
    assert interface["NetworkInterfaceId"] == address["NetworkInterfaceId"]
    assert interface["Description"] == f"Interface for NAT Gateway {nat['NatGatewayId']}"
    assert interface["RequesterManaged"] is True
    assert interface["SourceDestCheck"] is False
    assert interface["Attachment"]["InstanceOwnerId"] == "amazon-aws"
    assert interface["Association"] == {
        "AllocationId": allocation_id,
        "AssociationId": address["AssociationId"],
        "IpOwnerId": "123456789012",
        "PublicIp": address["PublicIp"],
    }
    assert ec2.describe_subnets(SubnetIds=[subnet_id])["Subnets"][0]["AvailableIpAddressCount"] == 250


def test_a_private_gateway_takes_no_address(
    ec2: Any, refused: Refused, subnet_id: str, allocation_id: str
) -> None:
    with refused(
        "InvalidParameterCombination",
        "The AllocationId parameter cannot be specified when the connectivity type is private.",
    ):
        ec2.create_nat_gateway(SubnetId=subnet_id, AllocationId=allocation_id, ConnectivityType="private")
    made = ec2.create_nat_gateway(
        SubnetId=subnet_id, ConnectivityType="private", PrivateIpAddress="10.0.1.77"
    )["NatGateway"]
    assert made["NatGatewayAddresses"][0]["PrivateIp"] == "10.0.1.77"
    assert "PublicIp" not in made["NatGatewayAddresses"][0]


def test_a_public_gateway_needs_an_address(ec2: Any, refused: Refused, subnet_id: str) -> None:
    with refused("MissingParameter", "The request must contain the parameter AllocationId"):
        ec2.create_nat_gateway(SubnetId=subnet_id)
    id = "eipalloc-0123456789abcdef0"
    with refused("InvalidAllocationID.NotFound", f"The allocation ID '{id}' does not exist"):
        ec2.create_nat_gateway(SubnetId=subnet_id, AllocationId=id)


def test_a_client_token_makes_one_gateway(ec2: Any, subnet_id: str, allocation_id: str) -> None:
    asked = {"SubnetId": subnet_id, "AllocationId": allocation_id, "ClientToken": "once"}
    first, second = ec2.create_nat_gateway(**asked), ec2.create_nat_gateway(**asked)
    assert first["NatGateway"] == second["NatGateway"]
    assert (first["ClientToken"], second["ClientToken"]) == ("once", "once")
    assert len(ec2.describe_nat_gateways()["NatGateways"]) == 1


def test_delete_is_a_wish_that_keeps_subnet_and_address_busy(
    ec2: Any, refused: Refused, subnet_id: str, allocation_id: str, nat: dict[str, Any]
) -> None:
    assert ec2.delete_nat_gateway(NatGatewayId=nat["NatGatewayId"])["NatGatewayId"] == nat["NatGatewayId"]
    where = [{"Name": "state", "Values": ["deleting"]}]
    (found,) = ec2.describe_nat_gateways(Filter=where)["NatGateways"]
    assert found["DeleteTime"] == datetime(2026, 1, 1, tzinfo=timezone.utc)
    with refused("DependencyViolation", f"The subnet '{subnet_id}' has dependencies and cannot be deleted."):
        ec2.delete_subnet(SubnetId=subnet_id)
    public_ip = nat["NatGatewayAddresses"][0]["PublicIp"]
    with refused("InvalidIPAddress.InUse", f"Address {public_ip} is in use."):
        ec2.release_address(AllocationId=allocation_id)
    id = "nat-0123456789abcdef0"
    with refused("NatGatewayNotFound", f"The Nat Gateway {id} was not found"):
        ec2.delete_nat_gateway(NatGatewayId=id)


def test_the_gateways_address_is_out_of_reach(
    ec2: Any, refused: Refused, vpc_id: str, nat: dict[str, Any]
) -> None:
    association = nat["NatGatewayAddresses"][0]["AssociationId"]
    with refused("AuthFailure", "You do not have permission to access the specified resource."):
        ec2.disassociate_address(AssociationId=association)
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc_id)
    text = (
        f"Network {vpc_id} has some mapped public address(es). Please unmap those public address(es) before"
        " detaching the gateway."
    )
    with refused("DependencyViolation", text):
        ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc_id)


def test_a_full_subnet_is_told_later(ec2: Any, store: Store, vpc_id: str) -> None:
    small = ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.0.9.0/28")["Subnet"]["SubnetId"]
    zone = {"SubnetId": small, "ConnectivityType": "private"}
    for number in range(4, 15):
        made = ec2.create_nat_gateway(**zone, PrivateIpAddress=f"10.0.9.{number}")["NatGateway"]
        with store.write() as txn:  # the quota of five counts living gateways only
            nat = txn.get(NatGateway, made["NatGatewayId"])
            txn.put(NatGateway(**{f: getattr(nat, f) for f in nat.__struct_fields__} | {"state": "failed"}))
    made = ec2.create_nat_gateway(**zone)["NatGateway"]
    assert made["State"] == "pending"
    assert nat_gateway_failure(store.get(NatGateway, made["NatGatewayId"]), [], None) == (
        "InsufficientFreeAddressesInSubnet",
        "Subnet has insufficient free addresses to create this NAT gateway",
    )


def test_five_gateways_in_a_zone(ec2: Any, refused: Refused, vpc_id: str, subnet_id: str) -> None:
    for _ in range(5):
        ec2.create_nat_gateway(SubnetId=subnet_id, ConnectivityType="private")
    text = "Performing this operation would exceed the limit of 5 NAT gateways"
    with refused("NatGatewayLimitExceeded", text):
        ec2.create_nat_gateway(SubnetId=subnet_id, ConnectivityType="private")
    other = ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.0.2.0/24", AvailabilityZone="us-east-1b")
    ec2.create_nat_gateway(SubnetId=other["Subnet"]["SubnetId"], ConnectivityType="private")


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("nonsense", "Value (nonsense) for parameter privateIpAddress is invalid."),
        ("10.0.1.2", "Address is in subnet's reserved address range"),
        ("10.0.2.9", "Address does not fall within the subnet's address range"),
    ],
)
def test_private_addresses_a_gateway_cannot_have(
    ec2: Any, refused: Refused, subnet_id: str, address: str, text: str
) -> None:
    with refused("InvalidParameterValue", text):
        ec2.create_nat_gateway(SubnetId=subnet_id, ConnectivityType="private", PrivateIpAddress=address)
    assert ec2.describe_nat_gateways()["NatGateways"] == []


def test_why_a_gateway_fails(store: Store, ec2: Any, subnet_id: str, nat: dict[str, Any]) -> None:
    gateway = store.get(NatGateway, nat["NatGatewayId"])
    address = store.get(ElasticIp, gateway.allocation_id or "")
    attached = [InternetGateway(id="igw-1", vpc_id=gateway.vpc_id)]
    assert nat_gateway_failure(gateway, attached, address) is None
    assert nat_gateway_failure(gateway, [], address) == (
        "Gateway.NotAttached",
        f"Network {gateway.vpc_id} has no Internet gateway attached",
    )
    assert nat_gateway_failure(gateway, attached, None) == (
        "InvalidAllocationID.NotFound",
        f"Elastic IP address {address.id} could not be associated with this NAT gateway",
    )
    again = ec2.create_nat_gateway(SubnetId=subnet_id, AllocationId=address.id)["NatGateway"]
    assert again["State"] == "pending"
    assert nat_gateway_failure(store.get(NatGateway, again["NatGatewayId"]), attached, address) == (
        "Resource.AlreadyAssociated",
        f"Elastic IP address {address.id} is already associated",
    )


def test_elastic_ips(ec2: Any, refused: Refused) -> None:
    first = ec2.allocate_address()
    assert (first["Domain"], first["NetworkBorderGroup"]) == ("vpc", "us-east-1")
    (found,) = ec2.describe_addresses(PublicIps=[first["PublicIp"]])["Addresses"]
    assert found["AllocationId"] == first["AllocationId"]
    assert "AssociationId" not in found
    for _ in range(4):
        ec2.allocate_address()
    with refused("AddressLimitExceeded", "The maximum number of addresses has been reached."):
        ec2.allocate_address()
    ec2.release_address(AllocationId=first["AllocationId"])
    id = first["AllocationId"]
    with refused("InvalidAllocationID.NotFound", f"The allocation ID '{id}' does not exist"):
        ec2.release_address(AllocationId=id)
    with refused("InvalidAddress.NotFound", f"Address '{first['PublicIp']}' not found."):
        ec2.describe_addresses(PublicIps=[first["PublicIp"]])
