"""Routes: every destination and target, their states, their limits; tables for gateways."""

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest
from msgspec.structs import replace

from seawall.api.ec2.interface_creation import create_interface
from seawall.model.egress_only_internet_gateway import EgressOnlyInternetGateway
from seawall.model.network_interface import NetworkInterface
from seawall.model.prefix_list import PrefixList, PrefixListEntry
from seawall.model.resource import Ref, Resource
from seawall.model.route_table import Route, RouteTable
from seawall.model.subnet import Subnet
from seawall.model.transit_gateway import TransitGatewayAttachment
from seawall.model.vpc import Ipv6CidrAssociation, Vpc
from seawall.model.vpc_endpoint import VpcEndpoint
from seawall.model.vpc_peering_connection import VpcPeeringConnection
from seawall.store.store import Store

Refused = Callable[[str, str], Any]
NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
DIGITS = "0123456789abcdef0"
OTHER_VPC = f"vpc-{DIGITS}"


@pytest.fixture
def table_id(ec2: Any, vpc_id: str) -> str:
    return str(ec2.create_route_table(VpcId=vpc_id)["RouteTable"]["RouteTableId"])


@pytest.fixture
def gateway_id(ec2: Any, vpc_id: str) -> str:
    made = str(ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"])
    ec2.attach_internet_gateway(InternetGatewayId=made, VpcId=vpc_id)
    return made


@pytest.fixture
def interface_id(store: Store, ec2: Any, subnet_id: str) -> str:
    """An interface that is attached to something."""
    with store.write() as txn:
        return create_interface(
            txn,
            account="123456789012",
            subnet=txn.get(Subnet, subnet_id),
            group_ids=(),
            description="",
            requester_id="",
            owner=Ref("task", "t"),
            now=NOW,
        ).id


@pytest.fixture
def put(store: Store) -> Callable[..., None]:
    """Write documents of other operations' kinds."""

    def write(*resources: Resource) -> None:
        with store.write() as txn:
            for resource in resources:
                txn.put(resource)

    return write


def prefix_list(family: str = "IPv4", size: int = 3) -> PrefixList:
    block = PrefixListEntry(cidr="192.0.2.0/24" if family == "IPv4" else "2001:db8:1::/48")
    return PrefixList(
        id=f"pl-{DIGITS}",
        name="l",
        owner_id="123456789012",
        address_family=family,
        max_entries=size,
        entries=(block,),
    )


def peering(vpc_id: str, status: Any = "active") -> VpcPeeringConnection:
    return VpcPeeringConnection(
        id=f"pcx-{DIGITS}",
        requester_vpc_id=vpc_id,
        accepter_vpc_id=OTHER_VPC,
        status=status,
        status_message="",
        create_time=NOW,
    )


def attachment(vpc_id: str, subnet_id: str, state: Any = "available") -> TransitGatewayAttachment:
    return TransitGatewayAttachment(
        id=f"tgw-attach-{DIGITS}",
        transit_gateway_id=f"tgw-{DIGITS}",
        vpc_id=vpc_id,
        subnet_ids=(subnet_id,),
        state=state,
        create_time=NOW,
    )


def routes(ec2: Any, table_id: str) -> list[dict[str, Any]]:
    (table,) = ec2.describe_route_tables(RouteTableIds=[table_id])["RouteTables"]
    return [route for route in table["Routes"] if route["Origin"] == "CreateRoute"]


def test_each_kind_of_destination(
    ec2: Any, refused: Refused, put: Callable[..., None], table_id: str, gateway_id: str
) -> None:
    put(prefix_list())
    destinations = [
        {"DestinationCidrBlock": "203.0.113.0/24"},
        {"DestinationIpv6CidrBlock": "2001:db8::/32"},
        {"DestinationPrefixListId": f"pl-{DIGITS}"},
    ]
    for destination in destinations:
        ec2.create_route(RouteTableId=table_id, GatewayId=gateway_id, **destination)
    assert routes(ec2, table_id) == [
        destination | {"GatewayId": gateway_id, "Origin": "CreateRoute", "State": "active"}
        for destination in destinations
    ]
    for name, value in [
        ("route.destination-cidr-block", "203.0.113.0/24"),
        ("route.destination-ipv6-cidr-block", "2001:db8::/32"),
        ("route.destination-prefix-list-id", f"pl-{DIGITS}"),
    ]:
        found = ec2.describe_route_tables(Filters=[{"Name": name, "Values": [value]}])["RouteTables"]
        assert [t["RouteTableId"] for t in found] == [table_id]
    for destination in destinations:
        ec2.delete_route(RouteTableId=table_id, **destination)
    assert routes(ec2, table_id) == []
    text = f"no route with destination-ipv6-cidr-block 2001:db8::/32 in route table {table_id}"
    with refused("InvalidRoute.NotFound", text):
        ec2.delete_route(RouteTableId=table_id, **destinations[1])
    text = "The parameters destinationCidrBlock, destinationPrefixListId cannot be used together"
    with refused("InvalidParameterCombination", text):
        ec2.create_route(RouteTableId=table_id, GatewayId=gateway_id, **destinations[0], **destinations[2])


def test_a_peering_must_be_alive_to_get_a_route_and_active_to_serve_it(
    ec2: Any, refused: Refused, put: Callable[..., None], vpc_id: str, table_id: str
) -> None:
    def create() -> Any:
        return ec2.create_route(
            RouteTableId=table_id,
            DestinationCidrBlock="10.9.0.0/16",
            VpcPeeringConnectionId=f"pcx-{DIGITS}",
        )

    missing = f"The vpcPeeringConnection ID 'pcx-{DIGITS}' does not exist"
    with refused("InvalidVpcPeeringConnectionID.NotFound", missing):
        create()
    put(peering(vpc_id, "rejected"))
    with refused("InvalidVpcPeeringConnectionID.NotFound", missing):
        create()
    put(peering(vpc_id, "pending-acceptance"))
    create()
    assert routes(ec2, table_id)[0]["State"] == "blackhole"
    put(peering(vpc_id, "active"))
    assert routes(ec2, table_id)[0]["State"] == "active"
    put(peering(vpc_id, "deleted"))
    assert routes(ec2, table_id)[0]["State"] == "blackhole"
    where = [{"Name": "route.vpc-peering-connection-id", "Values": [f"pcx-{DIGITS}"]}]
    assert len(ec2.describe_route_tables(Filters=where)["RouteTables"]) == 1


def test_a_peering_of_other_vpcs_is_no_target(
    ec2: Any, refused: Refused, put: Callable[..., None], vpc_id: str, table_id: str
) -> None:
    put(peering("vpc-0aaaaaaaaaaaaaaaa"))
    text = f"route table {table_id} and vpc peering connection pcx-{DIGITS} belong to different networks"
    with refused("InvalidParameterValue", text):
        ec2.create_route(
            RouteTableId=table_id,
            DestinationCidrBlock="10.9.0.0/16",
            VpcPeeringConnectionId=f"pcx-{DIGITS}",
        )


def test_a_transit_gateway_must_be_attached(
    ec2: Any, refused: Refused, put: Callable[..., None], vpc_id: str, subnet_id: str, table_id: str
) -> None:
    def create() -> Any:
        return ec2.create_route(
            RouteTableId=table_id, DestinationCidrBlock="10.9.0.0/16", TransitGatewayId=f"tgw-{DIGITS}"
        )

    with refused("InvalidTransitGatewayID.NotFound", f"The transitGateway ID 'tgw-{DIGITS}' does not exist."):
        create()
    put(attachment(vpc_id, subnet_id))
    create()
    assert routes(ec2, table_id)[0]["TransitGatewayId"] == f"tgw-{DIGITS}"
    assert routes(ec2, table_id)[0]["State"] == "active"
    put(attachment(vpc_id, subnet_id, "deleted"))
    assert routes(ec2, table_id)[0]["State"] == "blackhole"


def test_an_egress_only_gateway_is_for_ipv6(
    ec2: Any, refused: Refused, put: Callable[..., None], vpc_id: str, table_id: str, store: Store
) -> None:
    gateway = EgressOnlyInternetGateway(id=f"eigw-{DIGITS}", vpc_id=vpc_id)
    put(gateway)
    target = {"RouteTableId": table_id, "EgressOnlyInternetGatewayId": gateway.id}
    text = "The destination 0.0.0.0/0 is not IPv6: an egress-only internet gateway has no other."
    with refused("InvalidParameterValue", text):
        ec2.create_route(DestinationCidrBlock="0.0.0.0/0", **target)
    ec2.create_route(DestinationIpv6CidrBlock="::/0", **target)
    assert routes(ec2, table_id) == [
        {
            "DestinationIpv6CidrBlock": "::/0",
            "EgressOnlyInternetGatewayId": gateway.id,
            "Origin": "CreateRoute",
            "State": "active",
        }
    ]
    with store.write() as txn:
        txn.delete(EgressOnlyInternetGateway, gateway.id)
    assert routes(ec2, table_id)[0]["State"] == "blackhole"


def test_routes_of_a_gateway_endpoint_are_its_own(
    ec2: Any, refused: Refused, put: Callable[..., None], store: Store, vpc_id: str, table_id: str
) -> None:
    endpoint = VpcEndpoint(
        id=f"vpce-{DIGITS}", vpc_id=vpc_id, service_name="s3", endpoint_type="Gateway", create_time=NOW
    )
    table = store.get(RouteTable, table_id)
    made = Route(destination=f"pl-{DIGITS}", target_kind="vpc_endpoint", target_id=endpoint.id)
    put(prefix_list(), endpoint, replace(table, routes=(*table.routes, made)))
    assert routes(ec2, table_id) == [
        {
            "DestinationPrefixListId": f"pl-{DIGITS}",
            "GatewayId": endpoint.id,
            "Origin": "CreateRoute",
            "State": "active",
        }
    ]
    text = f"cannot remove VPC endpoint route pl-{DIGITS} in route table {table_id}"
    with refused("InvalidParameterValue", text):
        ec2.delete_route(RouteTableId=table_id, DestinationPrefixListId=f"pl-{DIGITS}")
    text = f"cannot create VPC endpoint route 10.9.0.0/16 in route table {table_id}"
    with refused("InvalidParameterValue", text):
        ec2.create_route(RouteTableId=table_id, DestinationCidrBlock="10.9.0.0/16", GatewayId=endpoint.id)


def test_a_target_must_be_named_and_be_of_the_vpc(
    ec2: Any, refused: Refused, table_id: str, gateway_id: str, interface_id: str
) -> None:
    where = {"RouteTableId": table_id, "DestinationCidrBlock": "10.9.0.0/16"}
    text = "The parameters gatewayId, networkInterfaceId cannot be used together"
    with refused("InvalidParameterCombination", text):
        ec2.create_route(GatewayId=gateway_id, NetworkInterfaceId=interface_id, **where)
    text = (
        "The parameters gatewayId, egressOnlyInternetGatewayId, natGatewayId, networkInterfaceId,"
        " vpcPeeringConnectionId, transitGatewayId are all empty: exactly one target is needed."
    )
    with refused("InvalidParameterCombination", text):
        ec2.create_route(**where)
    other = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    foreign = ec2.create_route_table(VpcId=other)["RouteTable"]["RouteTableId"]
    text = f"route table {foreign} and interface {interface_id} belong to different networks"
    with refused("InvalidParameterValue", text):
        ec2.create_route(**where | {"RouteTableId": foreign}, NetworkInterfaceId=interface_id)


def test_a_route_inside_the_vpc_leads_to_an_interface_for_one_subnet(
    ec2: Any, refused: Refused, table_id: str, gateway_id: str, interface_id: str
) -> None:
    text = (
        "The destination CIDR block 10.0.1.0/24 is equal to or more specific than one of this VPC's CIDR"
        " blocks. This route can target only an interface or an instance."
    )
    with refused("InvalidParameterValue", text):
        ec2.create_route(RouteTableId=table_id, DestinationCidrBlock="10.0.1.0/24", GatewayId=gateway_id)
    text = "Route destination doesn't match any subnet CIDR blocks."
    with refused("InvalidParameterValue", text):
        ec2.create_route(
            RouteTableId=table_id, DestinationCidrBlock="10.0.1.0/25", NetworkInterfaceId=interface_id
        )
    ec2.create_route(
        RouteTableId=table_id, DestinationCidrBlock="10.0.1.0/24", NetworkInterfaceId=interface_id
    )
    assert routes(ec2, table_id)[0]["State"] == "active"


def test_the_local_route_points_elsewhere_and_back(
    ec2: Any, refused: Refused, table_id: str, gateway_id: str, interface_id: str
) -> None:
    local = {"RouteTableId": table_id, "DestinationCidrBlock": "10.0.0.0/16"}

    def shown() -> dict[str, Any]:
        (table,) = ec2.describe_route_tables(RouteTableIds=[table_id])["RouteTables"]
        (route,) = table["Routes"]
        return dict(route)

    born = shown()
    with refused("RouteAlreadyExists", "The route identified by 10.0.0.0/16 already exists."):
        ec2.create_route(NetworkInterfaceId=interface_id, **local)
    ec2.replace_route(NetworkInterfaceId=interface_id, **local)
    assert shown() == {
        "DestinationCidrBlock": "10.0.0.0/16",
        "NetworkInterfaceId": interface_id,
        "Origin": "CreateRouteTable",
        "State": "active",
    }
    with refused("InvalidParameterValue", f"cannot remove local route 10.0.0.0/16 in route table {table_id}"):
        ec2.delete_route(**local)
    ec2.replace_route(LocalTarget=True, **local)
    assert shown() == born
    ec2.create_route(RouteTableId=table_id, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway_id)
    with refused("InvalidParameterValue", "The route 0.0.0.0/0 is no local route of its table."):
        ec2.replace_route(RouteTableId=table_id, DestinationCidrBlock="0.0.0.0/0", LocalTarget=True)


def test_the_quota_counts_families_apart_and_lists_in_full(
    ec2: Any, refused: Refused, put: Callable[..., None], store: Store, table_id: str, gateway_id: str
) -> None:
    put(prefix_list(size=450))
    ec2.create_route(RouteTableId=table_id, DestinationPrefixListId=f"pl-{DIGITS}", GatewayId=gateway_id)
    table = store.get(RouteTable, table_id)
    many = tuple(
        Route(destination=f"20.0.{n}.0/24", target_kind="internet_gateway", target_id=gateway_id)
        for n in range(50)
    )
    put(replace(table, routes=(*table.routes, *many)))
    with refused("RouteLimitExceeded", "The maximum number of routes has been reached."):
        ec2.create_route(RouteTableId=table_id, DestinationCidrBlock="21.0.0.0/8", GatewayId=gateway_id)
    ec2.create_route(RouteTableId=table_id, DestinationIpv6CidrBlock="::/0", GatewayId=gateway_id)


def test_a_table_for_a_gateway(
    ec2: Any, refused: Refused, vpc_id: str, table_id: str, gateway_id: str, interface_id: str
) -> None:
    made = ec2.associate_route_table(RouteTableId=table_id, GatewayId=gateway_id)["AssociationId"]
    (table,) = ec2.describe_route_tables(
        Filters=[{"Name": "association.gateway-id", "Values": [gateway_id]}]
    )["RouteTables"]
    assert table["Associations"] == [
        {
            "Main": False,
            "RouteTableAssociationId": made,
            "RouteTableId": table_id,
            "GatewayId": gateway_id,
            "AssociationState": {"State": "associated"},
        }
    ]
    again = ec2.associate_route_table(RouteTableId=table_id, GatewayId=gateway_id)
    assert again["AssociationId"] == made
    ec2.create_route(
        RouteTableId=table_id, DestinationCidrBlock="10.0.1.0/24", NetworkInterfaceId=interface_id
    )
    text = (
        f"Route table {table_id} cannot route for gateway {gateway_id}: the route 203.0.113.0/24 leads"
        " outside of the VPC."
    )
    with refused("InvalidParameterValue", text):
        ec2.create_route(
            RouteTableId=table_id,
            DestinationCidrBlock="203.0.113.0/24",
            NetworkInterfaceId=interface_id,
        )
    other = ec2.create_route_table(VpcId=vpc_id)["RouteTable"]["RouteTableId"]
    text = f"the specified association for route table {other} conflicts with an existing association"
    with refused("Resource.AlreadyAssociated", text):
        ec2.associate_route_table(RouteTableId=other, GatewayId=gateway_id)
    ec2.create_route(RouteTableId=other, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway_id)
    text = (
        f"Route table {other} cannot route for gateway {gateway_id}: the route 0.0.0.0/0 has the"
        f" unsupported target {gateway_id}."
    )
    with refused("InvalidParameterValue", text):
        ec2.replace_route_table_association(AssociationId=made, RouteTableId=other)
    ec2.disassociate_route_table(AssociationId=made)
    ec2.delete_route_table(RouteTableId=table_id)


def test_a_table_forgets_a_gateway_that_is_detached(
    ec2: Any, refused: Refused, vpc_id: str, subnet_id: str, table_id: str, gateway_id: str
) -> None:
    with refused("InvalidParameterCombination", "The parameters gatewayId, subnetId cannot be used together"):
        ec2.associate_route_table(RouteTableId=table_id, GatewayId=gateway_id, SubnetId=subnet_id)
    ec2.associate_route_table(RouteTableId=table_id, GatewayId=gateway_id)
    ec2.detach_internet_gateway(InternetGatewayId=gateway_id, VpcId=vpc_id)
    text = f"Route table {table_id} and network gateway {gateway_id} belong to different networks"
    with refused("InvalidParameterValue", text):
        ec2.associate_route_table(RouteTableId=table_id, GatewayId=gateway_id)
    ec2.delete_route_table(RouteTableId=table_id)


def test_a_route_to_an_interface_is_a_blackhole_without_its_holder(
    ec2: Any, store: Store, table_id: str, interface_id: str
) -> None:
    ec2.create_route(
        RouteTableId=table_id, DestinationCidrBlock="10.9.0.0/16", NetworkInterfaceId=interface_id
    )
    with store.write() as txn:
        txn.put(replace(txn.get(NetworkInterface, interface_id), attachment=None))
    assert routes(ec2, table_id)[0]["State"] == "blackhole"


def test_an_ipv6_subnet_can_be_routed_to_an_interface(
    ec2: Any, store: Store, vpc_id: str, subnet_id: str, table_id: str, interface_id: str
) -> None:
    block = Ipv6CidrAssociation(association_id="vpc-cidr-assoc-0", ipv6_cidr_block="2001:db8:1000::/56")
    with store.write() as txn:
        txn.put(replace(txn.get(Vpc, vpc_id), ipv6_cidr_blocks=(block,)))
        txn.put(replace(txn.get(Subnet, subnet_id), ipv6_cidr_block="2001:db8:1000:1::/64"))
    ec2.create_route(
        RouteTableId=table_id,
        DestinationIpv6CidrBlock="2001:db8:1000:1::/64",
        NetworkInterfaceId=interface_id,
    )
    assert routes(ec2, table_id)[0]["DestinationIpv6CidrBlock"] == "2001:db8:1000:1::/64"
