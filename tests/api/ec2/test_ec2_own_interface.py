"""Interfaces of the account's own: addresses of both families, Elastic IPs, attributes, the end."""

from collections.abc import Callable
from ipaddress import IPv6Address, IPv6Network
from typing import Any

import pytest

from seawall.model.resource import Ref
from seawall.store.store import Store

Refused = Callable[[str, str], Any]
FULL = (
    "InsufficientFreeAddressesInSubnet",
    "The specified subnet does not have enough free addresses to satisfy the request.",
)


@pytest.fixture
def make(ec2: Any, subnet_id: str) -> Callable[..., dict[str, Any]]:
    def create(**params: Any) -> dict[str, Any]:
        made = ec2.create_network_interface(**{"SubnetId": subnet_id} | params)["NetworkInterface"]
        return dict(made)

    return create


@pytest.fixture
def dual_subnet(ec2: Any, vpc_id: str, subnet_id: str) -> IPv6Network:
    """The IPv6 block that `subnet_id` has got."""
    made = ec2.associate_vpc_cidr_block(VpcId=vpc_id, AmazonProvidedIpv6CidrBlock=True)
    block = IPv6Network(made["Ipv6CidrBlockAssociation"]["Ipv6CidrBlock"])
    mine = next(block.subnets(new_prefix=64))
    ec2.associate_subnet_cidr_block(SubnetId=subnet_id, Ipv6CidrBlock=str(mine))
    return mine


@pytest.fixture
def open_vpc(ec2: Any, vpc_id: str) -> None:
    made = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=made, VpcId=vpc_id)


def shown(ec2: Any, id: str) -> dict[str, Any]:
    (found,) = ec2.describe_network_interfaces(NetworkInterfaceIds=[id])["NetworkInterfaces"]
    return dict(found)


def free(ec2: Any) -> int:
    return int(ec2.describe_subnets()["Subnets"][0]["AvailableIpAddressCount"])


def test_one_is_made_and_goes(
    ec2: Any, refused: Refused, vpc_id: str, subnet_id: str, make: Callable[..., dict[str, Any]]
) -> None:
    tags = [{"ResourceType": "network-interface", "Tags": [{"Key": "k", "Value": "v"}]}]
    made = make(Description="mine", TagSpecifications=tags)
    id = made["NetworkInterfaceId"]
    assert made["Status"] == "pending"
    now = shown(ec2, id)
    assert (now["Status"], now["RequesterManaged"], now["SourceDestCheck"]) == ("available", False, True)
    assert (now["Description"], now["TagSet"]) == ("mine", [{"Key": "k", "Value": "v"}])
    assert ([g["GroupName"] for g in now["Groups"]], "Attachment" in now) == (["default"], False)
    assert now["PrivateIpAddresses"] == [{"Primary": True, "PrivateIpAddress": "10.0.1.4"}]
    assert free(ec2) == 250
    text = f"The subnet '{subnet_id}' has dependencies and cannot be deleted."
    with refused("DependencyViolation", text):
        ec2.delete_subnet(SubnetId=subnet_id)
    ec2.delete_network_interface(NetworkInterfaceId=id)
    assert free(ec2) == 251
    with refused("InvalidNetworkInterfaceID.NotFound", f"The networkInterface ID '{id}' does not exist"):
        ec2.delete_network_interface(NetworkInterfaceId=id)


def test_a_token_makes_one(make: Callable[..., dict[str, Any]]) -> None:
    first, second = make(ClientToken="t"), make(ClientToken="t")
    assert first["NetworkInterfaceId"] == second["NetworkInterfaceId"]


@pytest.mark.parametrize(
    ("params", "addresses"),
    [
        ({"PrivateIpAddress": "10.0.1.9"}, ["10.0.1.9"]),
        ({"SecondaryPrivateIpAddressCount": 2}, ["10.0.1.4", "10.0.1.5", "10.0.1.6"]),
        (
            {"PrivateIpAddress": "10.0.1.5", "SecondaryPrivateIpAddressCount": 2},
            ["10.0.1.5", "10.0.1.4", "10.0.1.6"],
        ),
        (
            {
                "PrivateIpAddresses": [
                    {"PrivateIpAddress": "10.0.1.7"},
                    {"PrivateIpAddress": "10.0.1.8", "Primary": True},
                ]
            },
            ["10.0.1.8", "10.0.1.7"],
        ),
        (
            {"PrivateIpAddresses": [{"PrivateIpAddress": "10.0.1.4"}]},
            ["10.0.1.5", "10.0.1.4"],
        ),
    ],
)
def test_private_addresses_by_name_and_number(
    ec2: Any, make: Callable[..., dict[str, Any]], params: dict[str, Any], addresses: list[str]
) -> None:
    made = make(**params)
    assert [a["PrivateIpAddress"] for a in made["PrivateIpAddresses"]] == addresses
    assert [a["Primary"] for a in made["PrivateIpAddresses"]] == [True] + [False] * (len(addresses) - 1)
    assert made["PrivateIpAddress"] == addresses[0]
    assert free(ec2) == 251 - len(addresses)
    for address in addresses:
        where = [{"Name": "addresses.private-ip-address", "Values": [address]}]
        assert len(ec2.describe_network_interfaces(Filters=where)["NetworkInterfaces"]) == 1


@pytest.mark.parametrize(
    ("params", "code", "text"),
    [
        (
            {"PrivateIpAddress": "10.0.2.9"},
            "InvalidParameterValue",
            "Address does not fall within the subnet's address range",
        ),
        (
            {"PrivateIpAddress": "10.0.1.3"},
            "InvalidParameterValue",
            "Address is in subnet's reserved address range",
        ),
        (
            {"PrivateIpAddress": "10.0.1"},
            "InvalidParameterValue",
            "Value (10.0.1) for parameter privateIpAddress is invalid. Invalid IPv4 address.",
        ),
        (
            {
                "PrivateIpAddress": "10.0.1.9",
                "PrivateIpAddresses": [{"PrivateIpAddress": "10.0.1.8", "Primary": True}],
            },
            "InvalidParameterValue",
            "Only one primary private IP address can be specified.",
        ),
        (
            {"PrivateIpAddresses": [{"PrivateIpAddress": "10.0.1.8"}], "SecondaryPrivateIpAddressCount": 1},
            "InvalidParameterCombination",
            "The parameters privateIpAddresses, secondaryPrivateIpAddressCount cannot be used together",
        ),
        (
            {"Ipv4PrefixCount": 1},
            "NotImplemented",
            "Ipv4PrefixCount is not served by Seawall. Nothing was changed.",
        ),
        (
            {"InterfaceType": "efa"},
            "NotImplemented",
            "InterfaceType=efa is not served by Seawall. Nothing was changed.",
        ),
        ({"SecondaryPrivateIpAddressCount": 251}, *FULL),
    ],
)
def test_what_cannot_be_made(
    ec2: Any,
    refused: Refused,
    make: Callable[..., dict[str, Any]],
    params: dict[str, Any],
    code: str,
    text: str,
) -> None:
    with refused(code, text):
        make(**params)
    assert ec2.describe_network_interfaces()["NetworkInterfaces"] == []


def test_a_taken_address_is_refused(refused: Refused, make: Callable[..., dict[str, Any]]) -> None:
    make(PrivateIpAddress="10.0.1.9")
    with refused("InvalidIPAddress.InUse", "Address 10.0.1.9 is in use."):
        make(PrivateIpAddress="10.0.1.9")
    with refused("InvalidIPAddress.InUse", "Address 10.0.1.9 is in use."):
        make(PrivateIpAddresses=[{"PrivateIpAddress": "10.0.1.9"}])


def test_no_address_is_given_twice(
    ec2: Any, refused: Refused, dual_subnet: IPv6Network, make: Callable[..., dict[str, Any]]
) -> None:
    with refused("InvalidIPAddress.InUse", "Address 10.0.1.9 is in use."):
        make(PrivateIpAddress="10.0.1.9", PrivateIpAddresses=[{"PrivateIpAddress": "10.0.1.9"}])
    id = make()["NetworkInterfaceId"]
    with refused("InvalidIPAddress.InUse", "Address 10.0.1.9 is in use."):
        ec2.assign_private_ip_addresses(NetworkInterfaceId=id, PrivateIpAddresses=["10.0.1.9", "10.0.1.9"])
    six = str(dual_subnet[9])
    with refused("InvalidIPAddress.InUse", f"Address {six} is in use."):
        ec2.assign_ipv6_addresses(NetworkInterfaceId=id, Ipv6Addresses=[six, six])


def test_further_private_addresses_come_and_go(
    ec2: Any, refused: Refused, make: Callable[..., dict[str, Any]]
) -> None:
    id = make()["NetworkInterfaceId"]
    added = ec2.assign_private_ip_addresses(NetworkInterfaceId=id, SecondaryPrivateIpAddressCount=2)
    assert added["AssignedPrivateIpAddresses"] == [
        {"PrivateIpAddress": "10.0.1.5"},
        {"PrivateIpAddress": "10.0.1.6"},
    ]
    ec2.assign_private_ip_addresses(NetworkInterfaceId=id, PrivateIpAddresses=["10.0.1.77"])
    assert free(ec2) == 247
    text = f"Some of the specified addresses are not assigned to interface {id}"
    for wrong in ("10.0.1.4", "10.0.1.99"):  # the primary address cannot be taken away either
        with refused("InvalidParameterValue", text):
            ec2.unassign_private_ip_addresses(NetworkInterfaceId=id, PrivateIpAddresses=[wrong])
    ec2.unassign_private_ip_addresses(NetworkInterfaceId=id, PrivateIpAddresses=["10.0.1.5", "10.0.1.77"])
    addresses = [a["PrivateIpAddress"] for a in shown(ec2, id)["PrivateIpAddresses"]]
    assert addresses == ["10.0.1.4", "10.0.1.6"]
    assert free(ec2) == 249
    text = "Either 'privateIpAddresses' or 'secondaryPrivateIpAddressCount' should be provided."
    with refused("MissingParameter", text):
        ec2.assign_private_ip_addresses(NetworkInterfaceId=id)


def test_a_secondary_address_moves_if_allowed(
    ec2: Any, refused: Refused, make: Callable[..., dict[str, Any]]
) -> None:
    one = make(PrivateIpAddresses=[{"PrivateIpAddress": "10.0.1.77"}])["NetworkInterfaceId"]
    two = make()
    moved = {"NetworkInterfaceId": two["NetworkInterfaceId"], "PrivateIpAddresses": ["10.0.1.77"]}
    text = "[10.0.1.77] assigned, but move is not allowed."
    with refused("InvalidParameterValue", text):
        ec2.assign_private_ip_addresses(**moved)
    ec2.assign_private_ip_addresses(AllowReassignment=True, **moved)
    assert len(shown(ec2, one)["PrivateIpAddresses"]) == 1
    now = [a["PrivateIpAddress"] for a in shown(ec2, two["NetworkInterfaceId"])["PrivateIpAddresses"]]
    assert now == [two["PrivateIpAddress"], "10.0.1.77"]
    primary = two["PrivateIpAddress"]
    with refused("InvalidParameterValue", f"[{primary}] assigned, but move is not allowed."):
        ec2.assign_private_ip_addresses(
            NetworkInterfaceId=one, PrivateIpAddresses=[primary], AllowReassignment=True
        )


def test_a_small_subnet_runs_full(ec2: Any, refused: Refused, vpc_id: str) -> None:
    small = ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.0.9.0/28")["Subnet"]["SubnetId"]
    made = ec2.create_network_interface(SubnetId=small, SecondaryPrivateIpAddressCount=10)
    id = made["NetworkInterface"]["NetworkInterfaceId"]
    with refused(*FULL):
        ec2.create_network_interface(SubnetId=small)
    with refused(*FULL):
        ec2.assign_private_ip_addresses(NetworkInterfaceId=id, SecondaryPrivateIpAddressCount=1)
    ec2.unassign_private_ip_addresses(NetworkInterfaceId=id, PrivateIpAddresses=["10.0.9.10"])
    again = ec2.create_network_interface(SubnetId=small)["NetworkInterface"]
    assert again["PrivateIpAddress"] == "10.0.9.10"


def test_ipv6_addresses_come_and_go(
    ec2: Any,
    refused: Refused,
    store: Store,
    subnet_id: str,
    dual_subnet: IPv6Network,
    make: Callable[..., dict[str, Any]],
) -> None:
    named = str(dual_subnet[0x77])
    made = make(Ipv6Addresses=[{"Ipv6Address": named}])
    id = made["NetworkInterfaceId"]
    assert made["Ipv6Addresses"] == [{"Ipv6Address": named, "IsPrimaryIpv6": False}]
    with refused("InvalidIPAddress.InUse", f"Address {named} is in use."):
        make(Ipv6Addresses=[{"Ipv6Address": named}])
    for reserved in (dual_subnet[3], dual_subnet[-1]):
        with refused("InvalidParameterValue", "Address is in subnet's reserved address range"):
            ec2.assign_ipv6_addresses(NetworkInterfaceId=id, Ipv6Addresses=[str(reserved)])
    with refused("InvalidParameterValue", "Address does not fall within the subnet's address range"):
        ec2.assign_ipv6_addresses(NetworkInterfaceId=id, Ipv6Addresses=["2001:db8::77"])
    added = ec2.assign_ipv6_addresses(NetworkInterfaceId=id, Ipv6AddressCount=3)["AssignedIpv6Addresses"]
    assert len({*added, named}) == 4
    assert all(IPv6Address(address) in dual_subnet for address in added)
    where = [{"Name": "ipv6-addresses.ipv6-address", "Values": [added[1]]}]
    assert len(ec2.describe_network_interfaces(Filters=where)["NetworkInterfaces"]) == 1
    gone = ec2.unassign_ipv6_addresses(NetworkInterfaceId=id, Ipv6Addresses=[named])
    assert gone["UnassignedIpv6Addresses"] == [named]
    assert not store.claimed(Ref("ipv6_address", f"{subnet_id}/{named}"))
    with refused(
        "InvalidParameterValue", f"Some of the specified addresses are not assigned to interface {id}"
    ):
        ec2.unassign_ipv6_addresses(NetworkInterfaceId=id, Ipv6Addresses=[named])
    (subnet,) = ec2.describe_subnets()["Subnets"]
    association = subnet["Ipv6CidrBlockAssociationSet"][0]["AssociationId"]
    text = f"The subnet currently has network interfaces with addresses within CIDR block {dual_subnet}"
    with refused("InvalidCidrBlock.InUse", text):
        ec2.disassociate_subnet_cidr_block(AssociationId=association)


def test_a_subnet_gives_an_ipv6_address_at_birth(
    ec2: Any, refused: Refused, subnet_id: str, dual_subnet: IPv6Network, make: Callable[..., dict[str, Any]]
) -> None:
    assert make()["Ipv6Addresses"] == []
    ec2.modify_subnet_attribute(SubnetId=subnet_id, AssignIpv6AddressOnCreation={"Value": True})
    assert len(make()["Ipv6Addresses"]) == 1
    assert make(Ipv6AddressCount=0)["Ipv6Addresses"] == []
    assert len(make(Ipv6AddressCount=2)["Ipv6Addresses"]) == 2


def test_no_ipv6_without_a_block(refused: Refused, subnet_id: str, make: Callable[..., Any]) -> None:
    text = f"The subnet '{subnet_id}' does not have an associated IPv6 CIDR block."
    with refused("InvalidParameterValue", text):
        make(Ipv6AddressCount=1)


def test_elastic_ips_stand_for_single_addresses(
    ec2: Any, refused: Refused, open_vpc: None, make: Callable[..., dict[str, Any]]
) -> None:
    id = make(SecondaryPrivateIpAddressCount=1)["NetworkInterfaceId"]
    first, second = ec2.allocate_address(), ec2.allocate_address()

    def associate(address: dict[str, Any], private: str, **more: Any) -> str:
        made = ec2.associate_address(
            AllocationId=address["AllocationId"],
            NetworkInterfaceId=id,
            PrivateIpAddress=private,
            **more,
        )
        return str(made["AssociationId"])

    def public() -> list[str | None]:
        return [a.get("Association", {}).get("PublicIp") for a in shown(ec2, id)["PrivateIpAddresses"]]

    made = associate(first, "10.0.1.5")
    assert public() == [None, first["PublicIp"]]
    where = [{"Name": "association.public-ip", "Values": [first["PublicIp"]]}]
    assert len(ec2.describe_network_interfaces(Filters=where)["NetworkInterfaces"]) == 1
    assert associate(first, "10.0.1.5") == made
    allocation = first["AllocationId"]
    text = f"resource {allocation} is already associated with associate-id {made}"
    with refused("Resource.AlreadyAssociated", text):
        associate(first, "10.0.1.4", AllowReassociation=False)
    associate(first, "10.0.1.4")
    assert public() == [first["PublicIp"], None]
    associate(second, "10.0.1.4")
    assert public() == [second["PublicIp"], None]
    (freed,) = ec2.describe_addresses(AllocationIds=[allocation])["Addresses"]
    assert "AssociationId" not in freed
    text = f"Address 10.0.1.6 is not assigned to interface {id}"
    with refused("InvalidParameterValue", text):
        associate(first, "10.0.1.6")
    associate(first, "10.0.1.5")
    ec2.unassign_private_ip_addresses(NetworkInterfaceId=id, PrivateIpAddresses=["10.0.1.5"])
    ec2.release_address(AllocationId=allocation)
    ec2.delete_network_interface(NetworkInterfaceId=id)
    ec2.release_address(AllocationId=second["AllocationId"])


def test_an_elastic_ip_needs_a_gateway(
    ec2: Any, refused: Refused, vpc_id: str, make: Callable[..., dict[str, Any]]
) -> None:
    allocation = ec2.allocate_address()["AllocationId"]
    text = f"Network {vpc_id} is not attached to any internet gateway"
    with refused("Gateway.NotAttached", text):
        ec2.associate_address(AllocationId=allocation, NetworkInterfaceId=make()["NetworkInterfaceId"])


def test_attributes_change_one_at_a_time(
    ec2: Any, refused: Refused, vpc_id: str, make: Callable[..., dict[str, Any]]
) -> None:
    id = make()["NetworkInterfaceId"]
    group = ec2.create_security_group(GroupName="g", Description="g", VpcId=vpc_id)["GroupId"]
    ec2.modify_network_interface_attribute(NetworkInterfaceId=id, Groups=[group])
    ec2.modify_network_interface_attribute(NetworkInterfaceId=id, SourceDestCheck={"Value": False})
    ec2.modify_network_interface_attribute(NetworkInterfaceId=id, Description={"Value": "new"})

    def value(attribute: str, member: str) -> Any:
        return ec2.describe_network_interface_attribute(NetworkInterfaceId=id, Attribute=attribute)[member]

    assert value("groupSet", "Groups") == [{"GroupId": group, "GroupName": "g"}]
    assert value("sourceDestCheck", "SourceDestCheck") == {"Value": False}
    assert value("description", "Description") == {"Value": "new"}
    assert value("associatePublicIpAddress", "AssociatePublicIpAddress") is False
    ec2.reset_network_interface_attribute(NetworkInterfaceId=id, SourceDestCheck="true")
    assert value("sourceDestCheck", "SourceDestCheck") == {"Value": True}
    text = "Fields for multiple attribute types specified: description, sourceDestCheck"
    with refused("InvalidParameterCombination", text):
        ec2.modify_network_interface_attribute(
            NetworkInterfaceId=id, SourceDestCheck={"Value": False}, Description={"Value": "x"}
        )
    text = "The attachment ID 'eni-attach-0123456789abcdef0' does not exist"
    with refused("InvalidAttachmentID.NotFound", text):
        ec2.modify_network_interface_attribute(
            NetworkInterfaceId=id,
            Attachment={"AttachmentId": "eni-attach-0123456789abcdef0", "DeleteOnTermination": True},
        )


def test_there_is_no_instance_to_attach_it_to(
    ec2: Any, refused: Refused, make: Callable[..., dict[str, Any]]
) -> None:
    text = "The instance ID 'i-0123456789abcdef0' does not exist"
    with refused("InvalidInstanceID.NotFound", text):
        ec2.attach_network_interface(
            NetworkInterfaceId=make()["NetworkInterfaceId"],
            InstanceId="i-0123456789abcdef0",
            DeviceIndex=1,
        )


def test_a_route_to_it_is_a_blackhole(ec2: Any, make: Callable[..., dict[str, Any]]) -> None:
    id = make()["NetworkInterfaceId"]
    (table,) = ec2.describe_route_tables()["RouteTables"]
    ec2.create_route(
        RouteTableId=table["RouteTableId"], DestinationCidrBlock="10.9.0.0/16", NetworkInterfaceId=id
    )
    where = [{"Name": "route.network-interface-id", "Values": [id]}]
    (table,) = ec2.describe_route_tables(Filters=where)["RouteTables"]
    assert table["Routes"][-1]["State"] == "blackhole"
