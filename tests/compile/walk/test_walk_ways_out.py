"""Endpoints, gateways of both families, edge tables, NAT gateways: there and back."""

from datetime import datetime, timezone

import pytest
from msgspec.structs import replace
from tests.compile.walk.asking import (
    CLIENT,
    CLIENT_SIX,
    ask,
    codes,
    components,
    gateway_endpoint,
    interface_endpoint,
    request,
    secondary,
    simple_vpc,
)
from tests.packet.world_data import Cloud

from seawall.compile.walk import round_trips
from seawall.compile.walk.explain import explain
from seawall.model.internet import API_ADDRESS, RESOLVER_ADDRESS, S3_ADDRESS
from seawall.model.network_interface import PublicAssociation, SecondaryAddress
from seawall.model.route_table import Route, RouteTableAssociation

SIX = "2001:db8:1000:100::"


@pytest.fixture
def cloud() -> Cloud:
    """vpc-a with the task a (10.0.1.20, ...::20) and an internet gateway that no route leads to."""
    cloud = Cloud()
    simple_vpc(cloud, "a", 0, ipv6=f"{SIX}/56")
    cloud.change("eni-a", ipv6_addresses=(f"{SIX}20",))
    return cloud


# Endpoints.


def test_an_interface_endpoint_answers_tcp_for_its_service(cloud: Cloud) -> None:
    cloud.group("vpc-a", "ep", "tcp:80-444 sg-a-all")
    interface_endpoint(cloud, "subnet-a-one", "10.0.1.100", "sg-a-ep")
    trip = ask(cloud, "eni-a", "10.0.1.100", 443)
    assert (trip.connects, trip.forward.delivered_to) == (True, f"service:{API_ADDRESS}")
    assert codes(ask(cloud, "eni-a", "10.0.1.100", 444))[0] == ["PROTOCOL_RESTRICTION"]
    assert codes(ask(cloud, "eni-a", "10.0.1.100", 445))[0] == ["ENI_SG_RULES_MISMATCH"]


def test_the_group_of_an_endpoint_is_named_with_the_endpoint(cloud: Cloud) -> None:
    cloud.group("vpc-a", "ep", "tcp:443 10.9.0.0/16")
    interface_endpoint(cloud, "subnet-a-one", "10.0.1.100", "sg-a-ep")
    (why,) = ask(cloud, "eni-a", "10.0.1.100", 443).forward.explanations
    assert why.components == {
        "security_group": "sg-a-ep",
        "network_interface": "eni-logs",
        "vpc_endpoint": "vpce-logs",
    }
    assert "vpce-logs" in why.text


def test_an_endpoint_that_is_going_has_no_interface(cloud: Cloud) -> None:
    interface_endpoint(cloud, "subnet-a-one", "10.0.1.100", "sg-a-all")
    cloud.change("vpce-logs", state="deleting")
    assert codes(ask(cloud, "eni-a", "10.0.1.100", 443))[0] == ["NO_POSSIBLE_DESTINATION"]


def test_a_gateway_endpoint_leads_to_its_service_over_its_route(cloud: Cloud) -> None:
    assert codes(ask(cloud, "eni-a", S3_ADDRESS, 443))[0] == ["NO_ROUTE_TO_DESTINATION"]
    gateway_endpoint(cloud, "vpc-a", "rtb-a-main")
    trip = ask(cloud, "eni-a", S3_ADDRESS, 443)
    assert (trip.connects, trip.forward.delivered_to) == (True, f"service:{S3_ADDRESS}")
    assert components(trip) == ["eni-a", "rtb-a-main", "vpce-s3", S3_ADDRESS]
    udp = ask(cloud, "eni-a", S3_ADDRESS, 443, protocol="udp")
    assert codes(udp)[0] == ["VPCE_GATEWAY_PROTOCOL_RESTRICTION"]


def test_it_serves_its_vpcs_addresses_only(cloud: Cloud) -> None:
    gateway_endpoint(cloud, "vpc-a", "rtb-a-main")
    cloud.change("eni-a", source_dest_check=False)
    trip = ask(cloud, "eni-a", S3_ADDRESS, 443, source="10.9.0.1")
    assert codes(trip)[0] == ["VPCE_GATEWAY_EGRESS_SOURCE_ADDRESS_RESTRICTION"]


def test_a_rule_may_name_the_services_prefix_list(cloud: Cloud) -> None:
    gateway_endpoint(cloud, "vpc-a", "rtb-a-main")
    for rule in ("sgr-a-all-out0", "sgr-a-all-out1"):
        cloud.drop(rule)
    assert codes(ask(cloud, "eni-a", S3_ADDRESS, 443))[0] == ["ENI_SG_RULES_MISMATCH"]
    cloud.rule("sg-a-all", "s3", "tcp:443 pl-s3", is_egress=True)
    assert ask(cloud, "eni-a", S3_ADDRESS, 443).connects


# IPv6.


def test_ipv6_passes_an_internet_gateway_as_it_is_both_ways(cloud: Cloud) -> None:
    cloud.route("rtb-a-main", "::/0", internet_gateway="igw-a")
    out = ask(cloud, "eni-a", CLIENT_SIX)
    assert (out.connects, out.forward.packet.source) == (True, f"{SIX}20")
    assert ask(cloud, None, f"{SIX}20").connects


def test_an_egress_only_gateway_lets_answers_in_and_nothing_else(cloud: Cloud) -> None:
    cloud.drop("igw-a")
    cloud.route("rtb-a-main", "::/0", egress_only_internet_gateway=cloud.egress_only_gateway("vpc-a"))
    assert ask(cloud, "eni-a", CLIENT_SIX).connects
    assert codes(ask(cloud, None, f"{SIX}20"))[0] == ["NO_POSSIBLE_DESTINATION"]
    cloud.route("rtb-a-main", "0.0.0.0/0", egress_only_internet_gateway="eigw-a")
    assert codes(ask(cloud, "eni-a", CLIENT))[0] == ["BAD_STATE_ROUTE"]


def test_a_nat_gateway_carries_no_ipv6(cloud: Cloud) -> None:
    cloud.route("rtb-a-main", "::/0", nat_gateway=cloud.nat("n", "subnet-a-one", "10.0.1.10", "198.18.0.10"))
    assert codes(ask(cloud, "eni-a", CLIENT_SIX))[0] == ["BAD_STATE_ROUTE"]


# Internet gateways.


def test_private_addresses_are_not_on_the_internet(cloud: Cloud) -> None:
    cloud.route("rtb-a-main", "0.0.0.0/0", internet_gateway="igw-a")
    code = "IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS"
    assert codes(ask(cloud, "eni-a", "192.168.1.1"))[0] == [code]
    assert codes(ask(cloud, "eni-a", CLIENT))[0] == ["IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS"]


def test_the_internet_cannot_claim_a_private_source(cloud: Cloud) -> None:
    cloud.change("eni-a", association=PublicAssociation(public_ip="198.18.0.20", ip_owner_id="amazon"))
    assert ask(cloud, None, "198.18.0.20").forward.delivered_to == "eni-a"
    spoofed = ask(cloud, None, "198.18.0.20", source="10.0.0.9")
    assert codes(spoofed)[0] == ["GATEWAY_REJECTS_SPOOFED_TRAFFIC"]


def test_each_public_address_stands_for_its_private_one(cloud: Cloud) -> None:
    cloud.route("rtb-a-main", "0.0.0.0/0", internet_gateway="igw-a")
    secondary(cloud, "eni-a", "10.0.1.21", "10.0.1.22", public={"10.0.1.21": "198.18.0.21"})
    trip = ask(cloud, None, "198.18.0.21")
    assert (trip.connects, trip.forward.packet.destination) == (True, "10.0.1.21")
    assert ask(cloud, "eni-a", CLIENT, source="10.0.1.21").forward.packet.source == "198.18.0.21"
    code = "IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS"
    assert codes(ask(cloud, "eni-a", CLIENT, source="10.0.1.22"))[0] == [code]


# Edge tables: an appliance in the way.


@pytest.fixture
def guarded(cloud: Cloud) -> Cloud:
    """web (10.0.2.20, public) behind `guard` (10.0.1.30): the edge and web's subnet both lead through it."""
    subnet = cloud.subnet("vpc-a", "two", "10.0.2.0/24")
    cloud.task("web", subnet, "10.0.2.20", "sg-a-all", public="198.18.0.30")
    cloud.task("guard", "subnet-a-one", "10.0.1.30", "sg-a-all", source_dest_check=False)
    table = cloud.table("vpc-a", "edge")
    gateway = RouteTableAssociation(association_id="rtbassoc-edge", gateway_id="igw-a")
    cloud.change(table, associations=(gateway,))
    cloud.route(table, "10.0.2.0/24", network_interface="eni-guard")
    return cloud


def test_an_edge_table_hands_what_comes_in_to_an_appliance(guarded: Cloud) -> None:
    trip = ask(guarded, None, "198.18.0.30")
    assert (trip.forward.delivered_to, trip.forward.packet.destination) == ("eni-guard", "10.0.2.20")
    guarded.change("rtb-a-edge", routes=guarded.resources["rtb-a-edge"].routes[:-1])
    assert ask(guarded, None, "198.18.0.30").forward.delivered_to == "eni-web"


def test_an_appliance_that_checks_destinations_gets_nothing(guarded: Cloud) -> None:
    guarded.change("eni-guard", source_dest_check=True)
    assert codes(ask(guarded, None, "198.18.0.30"))[0] == ["ENI_SOURCE_DEST_CHECK_RESTRICTION"]


def test_nobody_else_follows_the_edge_table(guarded: Cloud) -> None:
    assert ask(guarded, "eni-a", "10.0.2.20").forward.delivered_to == "eni-web"


# NAT gateways.


def test_a_private_nat_gateway_stays_private(cloud: Cloud) -> None:
    """Its address is seen in the other VPC; its own table must not lead to the internet."""
    nat = cloud.nat("n", cloud.subnet("vpc-a", "nat", "10.0.9.0/24"), "10.0.9.10", None)
    cloud.table("vpc-a", "nat", subnets=("subnet-a-nat",), internet_gateway="igw-a")
    cloud.route("rtb-a-main", "0.0.0.0/0", nat_gateway=nat)
    assert codes(ask(cloud, "eni-a", CLIENT))[0] == ["IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS"]


def test_a_nat_gateway_may_show_any_of_its_addresses_but_no_leaving_one(cloud: Cloud) -> None:
    nat = cloud.nat("n", cloud.subnet("vpc-a", "nat", "10.0.9.0/24"), "10.0.9.10", "198.18.0.10")
    cloud.table("vpc-a", "nat", subnets=("subnet-a-nat",), internet_gateway="igw-a")
    cloud.route("rtb-a-main", "0.0.0.0/0", nat_gateway=nat)
    more = {"10.0.9.11": "198.18.0.11", "10.0.9.12": "198.18.0.12"}
    secondary(cloud, "eni-nat-n", *more, public=more)
    assert shown_to_client(cloud) == {"198.18.0.10", "198.18.0.11", "198.18.0.12"}
    addresses: tuple[SecondaryAddress, ...] = cloud.resources["eni-nat-n"].secondary_addresses
    leaving = replace(addresses[0], draining_until=datetime(2026, 1, 2, tzinfo=timezone.utc))
    cloud.change("eni-nat-n", secondary_addresses=(leaving, *addresses[1:]))
    assert shown_to_client(cloud) == {"198.18.0.10", "198.18.0.12"}


def shown_to_client(cloud: Cloud) -> set[str]:
    trips = round_trips(cloud.snapshot(), request(cloud, "eni-a", CLIENT), start="eni-a")
    assert all(trip.connects for trip in trips)
    return {trip.forward.packet.source for trip in trips}


def test_a_rule_for_one_address_of_a_nat_gateway_admits_some_flows_only(cloud: Cloud) -> None:
    nat = cloud.nat("n", cloud.subnet("vpc-a", "nat", "10.0.9.0/24"), "10.0.9.10", None)
    cloud.table("vpc-a", "nat", subnets=("subnet-a-nat",), internet_gateway="igw-a")
    secondary(cloud, "eni-nat-n", "10.0.9.11")
    cloud.subnet("vpc-a", "two", "10.0.2.0/24")
    cloud.task("web", "subnet-a-two", "10.0.2.20", cloud.group("vpc-a", "one"))
    cloud.rule("sg-a-one", "in", "tcp:80 10.0.9.10/32")
    cloud.route("rtb-a-main", "10.0.2.0/24", nat_gateway=nat)
    for address, connects in ("10.0.9.10", True), ("10.0.9.11", False):
        trips = round_trips(cloud.snapshot(), request(cloud, "eni-a", "10.0.2.20"), start="eni-a")
        assert [t.connects for t in trips if t.forward.packet.source == address] == [connects]
    found = explain(cloud.snapshot(), request(cloud, "eni-a", "10.0.2.20"), start="eni-a")
    assert (found.trip.connects, found.sometimes) == (False, True)
    assert found.commands


def test_a_nat_gateway_carries_three_protocols(cloud: Cloud) -> None:
    nat = cloud.nat("n", cloud.subnet("vpc-a", "nat", "10.0.9.0/24"), "10.0.9.10", "198.18.0.10")
    cloud.table("vpc-a", "nat", subnets=("subnet-a-nat",), internet_gateway="igw-a")
    cloud.route("rtb-a-main", "0.0.0.0/0", nat_gateway=nat)
    assert ask(cloud, "eni-a", CLIENT, 53, protocol="udp").connects
    assert ask(cloud, "eni-a", CLIENT, 0, protocol="icmp", source_port=0, icmp_type=8).connects
    gre = ask(cloud, "eni-a", CLIENT, 0, protocol="47", source_port=0)
    assert codes(gre)[0] == ["PROTOCOL_RESTRICTION"]


def test_a_services_address_is_on_the_internet(cloud: Cloud) -> None:
    cloud.change("eni-a", association=PublicAssociation(public_ip="198.18.0.20", ip_owner_id="amazon"))
    route = Route(destination="0.0.0.0/0", target_kind="internet_gateway", target_id="igw-a")
    cloud.change("rtb-a-main", routes=(*cloud.resources["rtb-a-main"].routes, route))
    for service in (API_ADDRESS, RESOLVER_ADDRESS):
        assert ask(cloud, "eni-a", service, 443).forward.delivered_to == f"service:{service}"
    assert codes(ask(cloud, "eni-a", "198.19.7.7"))[0] == ["NO_POSSIBLE_DESTINATION"]
