"""Paths over transit gateways, endpoints and NAT gateways, in the shapes of Reachability Analyzer."""

from typing import Any

import pytest
from msgspec.structs import replace
from tests.compile.walk.asking import (
    TGW,
    attach,
    gateway_endpoint,
    interface_endpoint,
    simple_vpc,
    transit,
)
from tests.packet.world_data import BORN, Cloud

from seawall.compile.walk.reachability import Reachability, analyse
from seawall.model.network_insights import NetworkInsightsPath, PathFilter
from seawall.model.transit_gateway import TransitGatewayRoute


@pytest.fixture
def hub() -> Cloud:
    """a, b (10.0/16, 10.1/16) at one transit gateway, both with a route for 10/8 to it."""
    cloud = Cloud()
    transit(cloud)
    for number, name in enumerate("ab"):
        vpc = simple_vpc(cloud, name, number)
        attach(cloud, vpc, f"subnet-{name}-one")
        cloud.route(f"rtb-{name}-main", "10.0.0.0/8", transit_gateway=TGW)
    return cloud


def ask(
    cloud: Cloud, source: str, destination: str | None, port: int | None = 80, **members: Any
) -> Reachability:
    path = NetworkInsightsPath(
        id="nip-1",
        source=source,
        destination=destination,
        protocol="tcp",
        destination_port=port,
        create_time=BORN,
        **members,
    )
    return analyse(cloud.snapshot(), path)


def ids(components: tuple[dict[str, Any], ...]) -> list[str]:
    kinds = ("acl-", "sg-")
    found = [component["Component"]["Id"] for component in components]
    return [id for id in found if not id.startswith(kinds)]


def test_over_a_transit_gateway_attachments_and_its_table_are_on_the_way(hub: Cloud) -> None:
    found = ask(hub, "eni-a", "eni-b")
    between = ["eni-a", "rtb-a-main", "tgw-attach-a", "tgw-rtb-main", "tgw-attach-b", "rtb-b-main", "eni-b"]
    assert ids(found.forward) == between
    (table,) = (c for c in found.forward if "TransitGatewayRouteTableRoute" in c)
    assert table["TransitGateway"]["Id"] == TGW
    assert table["TransitGatewayRouteTableRoute"] == {
        "DestinationCidr": "10.1.0.0/16",
        "RouteOrigin": "propagated",
        "State": "active",
        "AttachmentId": "tgw-attach-b",
        "ResourceId": "vpc-b",
        "ResourceType": "vpc",
    }


@pytest.mark.parametrize("end", [TGW, "tgw-attach-a"])
def test_a_path_to_a_transit_gateway_ends_there(hub: Cloud, end: str) -> None:
    hub.drop("sgr-b-all-in0")  # whatever comes behind it
    found = ask(hub, "eni-a", end, destination_ip="10.1.1.20")
    assert (found.found, ids(found.forward)) == (True, ["eni-a", "rtb-a-main", "tgw-attach-a"])
    assert (found.back, "InboundHeader" in found.forward[-1]) == ((), False)


@pytest.mark.parametrize("source", [TGW, "tgw-attach-a"])
def test_a_path_from_a_transit_gateway_is_that_of_a_task_behind_it(hub: Cloud, source: str) -> None:
    found = ask(hub, source, "eni-b")
    assert ids(found.forward) == ["tgw-attach-a", "tgw-rtb-main", "tgw-attach-b", "rtb-b-main", "eni-b"]
    assert ids(found.back)[0] == "eni-b"
    hub.drop("sgr-b-all-in0")
    (why,) = ask(hub, source, "eni-b").explanations
    assert why["ExplanationCode"] == "ENI_SG_RULES_MISMATCH"


def test_a_blackhole_in_its_table_is_shown(hub: Cloud) -> None:
    route = TransitGatewayRoute(destination="10.1.0.0/16")
    hub.put(replace(hub.resources["tgw-rtb-main"], routes=(route,)))
    (why,) = ask(hub, "eni-a", "eni-b").explanations
    assert why["ExplanationCode"] == "TGW_RTB_BAD_STATE_ROUTE"
    assert why["TransitGatewayRouteTableRoute"]["State"] == "blackhole"


def test_both_sorts_of_endpoint_can_be_asked_for() -> None:
    cloud = Cloud(s3="198.19.8.10")
    simple_vpc(cloud, "a", 0)
    interface_endpoint(cloud, "subnet-a-one", "10.0.1.100", "sg-a-all")
    assert ids(ask(cloud, "eni-a", "vpce-logs", None).forward) == [
        "eni-a",
        "rtb-a-main",
        "eni-logs",
        "vpce-logs",
    ]
    gateway_endpoint(cloud, "vpc-a", "rtb-a-main")
    assert ids(ask(cloud, "eni-a", "vpce-s3", 443).forward) == ["eni-a", "rtb-a-main", "vpce-s3"]
    cloud.table("vpc-a", "main", main=True)
    (why,) = ask(cloud, "eni-a", "vpce-s3", 443).explanations
    assert (why["ExplanationCode"], why["RouteTable"]["Id"]) == ("NO_ROUTE_TO_DESTINATION", "rtb-a-main")


def test_where_it_arrives_a_nat_gateways_packet_has_any_high_port() -> None:
    cloud = Cloud()
    simple_vpc(cloud, "a", 0)
    subnet = cloud.subnet("vpc-a", "pub", "10.0.9.0/24")
    nat = cloud.nat("n", subnet, "10.0.9.10", "198.18.0.10")
    cloud.table("vpc-a", "pub", subnets=(subnet,), internet_gateway="igw-a")
    cloud.route("rtb-a-main", "0.0.0.0/0", nat_gateway=nat)

    def arrives(**members: Any) -> bool:
        at_end = PathFilter(**members)
        return ask(cloud, "eni-a", "igw-a", 443, filter_at_destination=at_end).found

    assert arrives(source_address="198.18.0.10", source_port_range=(65000, 65535))
    assert not arrives(source_port_range=(1, 1023))
    assert not arrives(source_address="10.0.1.20")
    assert not arrives(destination_port_range=(80, 80))
