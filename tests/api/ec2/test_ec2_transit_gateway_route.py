"""Routes of transit gateways: static and propagated, and the search for them."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.api.ec2.transit import attach, default_table, route, search, subnet_in

from seawall.store.store import Store

Refused = Callable[[str, str], Any]
ACCOUNT = "123456789012"
ABSENT = "0123456789abcdef0"


def test_routes(ec2: Any, refused: Refused, tgw: str, vpc_id: str, attachment: str) -> None:
    table = default_table(ec2, tgw)
    assert search(ec2, table) == {"10.0.0.0/16": ("propagated", "active", attachment)}
    assert route(ec2, table, "10.9.0.0/16", attachment) == {
        "DestinationCidrBlock": "10.9.0.0/16",
        "Type": "static",
        "State": "active",
        "TransitGatewayAttachments": [
            {"ResourceId": vpc_id, "TransitGatewayAttachmentId": attachment, "ResourceType": "vpc"}
        ],
    }
    assert route(ec2, table, "10.9.9.0/24")["State"] == "blackhole"
    text = f"Route 10.9.0.0/16 already exists in Transit Gateway Route Table {table}."
    with refused("RouteAlreadyExists", text):
        route(ec2, table, "10.9.0.0/16")
    ec2.replace_transit_gateway_route(
        TransitGatewayRouteTableId=table, DestinationCidrBlock="10.9.0.0/16", Blackhole=True
    )
    # A static route hides the propagated one.
    route(ec2, table, "10.0.0.0/16")
    assert search(ec2, table) == {
        "10.0.0.0/16": ("static", "blackhole", None),
        "10.9.0.0/16": ("static", "blackhole", None),
        "10.9.9.0/24": ("static", "blackhole", None),
    }
    asked = {"TransitGatewayRouteTableId": table, "DestinationCidrBlock": "10.0.0.0/16"}
    assert ec2.delete_transit_gateway_route(**asked)["Route"]["State"] == "deleted"
    text = f"The route 10.0.0.0/16 does not exist in Transit Gateway Route Table {table}."
    with refused("InvalidRoute.NotFound", text):
        ec2.delete_transit_gateway_route(**asked)  # the propagated one cannot be deleted
    assert search(ec2, table)["10.0.0.0/16"] == ("propagated", "active", attachment)
    text = "Missing required parameter in request: TransitGatewayAttachmentId."
    with refused("MissingParameter", text):
        ec2.create_transit_gateway_route(TransitGatewayRouteTableId=table, DestinationCidrBlock="10.8.0.0/16")


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"type": "static"}, {"10.9.0.0/16", "10.9.9.0/24", "0.0.0.0/0"}),
        ({"type": "propagated"}, {"10.0.0.0/16"}),
        ({"state": "blackhole"}, {"10.9.9.0/24"}),
        ({"route_search__exact_match": "10.9.0.0/16"}, {"10.9.0.0/16"}),
        ({"route_search__longest_prefix_match": "10.9.9.7"}, {"10.9.9.0/24"}),
        ({"route_search__longest_prefix_match": "8.8.8.8"}, {"0.0.0.0/0"}),
        ({"route_search__subnet_of_match": "10.8.0.0/15"}, {"10.9.0.0/16", "10.9.9.0/24"}),
        ({"route_search__supernet_of_match": "10.9.9.128/25"}, {"0.0.0.0/0", "10.9.0.0/16", "10.9.9.0/24"}),
        ({"attachment__resource_type": "vpc", "type": "static"}, {"10.9.0.0/16", "0.0.0.0/0"}),
        ({"attachment__resource_type": "vpn"}, set()),
    ],
)
def test_the_search(ec2: Any, tgw: str, attachment: str, filters: dict[str, str], found: set[str]) -> None:
    table = default_table(ec2, tgw)
    route(ec2, table, "10.9.0.0/16", attachment)
    route(ec2, table, "10.9.9.0/24")
    route(ec2, table, "0.0.0.0/0", attachment)
    assert set(search(ec2, table, **filters)) == found


def test_the_search_in_pages(ec2: Any, refused: Refused, tgw: str) -> None:
    table = default_table(ec2, tgw)
    for number in range(7):
        route(ec2, table, f"10.{number}.0.0/16")
    asked = {"TransitGatewayRouteTableId": table, "Filters": [{"Name": "type", "Values": ["static"]}]}
    first = ec2.search_transit_gateway_routes(**asked, MaxResults=5)
    assert first["AdditionalRoutesAvailable"] is True
    second = ec2.search_transit_gateway_routes(**asked, MaxResults=5, NextToken=first["NextToken"])
    assert second["AdditionalRoutesAvailable"] is False
    shown = [r["DestinationCidrBlock"] for r in first["Routes"] + second["Routes"]]
    assert shown == [f"10.{number}.0.0/16" for number in range(7)]
    with refused("InvalidParameterValue", "The filter 'colour' is invalid"):
        ec2.search_transit_gateway_routes(
            TransitGatewayRouteTableId=table, Filters=[{"Name": "colour", "Values": ["red"]}]
        )


def test_of_overlapping_vpcs_the_first_one_is_propagated(
    ec2: Any, store: Store, tgw: str, attachment: str, clock: Any
) -> None:
    clock.advance(60)
    other = ec2.create_vpc(CidrBlock="10.0.0.0/20")["Vpc"]["VpcId"]
    second = attach(ec2, tgw, other, subnet_in(ec2, other, "10.0.0.0/24"))
    table = default_table(ec2, tgw)
    assert search(ec2, table) == {"10.0.0.0/16": ("propagated", "active", attachment)}
    ec2.disable_transit_gateway_route_table_propagation(
        TransitGatewayRouteTableId=table, TransitGatewayAttachmentId=attachment
    )
    assert search(ec2, table) == {"10.0.0.0/20": ("propagated", "active", second)}
