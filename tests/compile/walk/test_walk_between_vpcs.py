"""Peering connections and transit gateways, there and back."""

import pytest
from msgspec.structs import replace
from tests.compile.walk.asking import TGW, ask, attach, codes, components, peer, simple_vpc, transit
from tests.packet.world_data import Cloud

from seawall.model.transit_gateway import TransitGatewayRoute

SIX = {"a": "2001:db8:1000:100::/56", "b": "2001:db8:1000:200::/56"}


@pytest.fixture
def pair() -> Cloud:
    """a (10.0/16) and b (10.1/16), peered, with routes to each other."""
    cloud = Cloud()
    a, b = simple_vpc(cloud, "a", 0), simple_vpc(cloud, "b", 1)
    peering = peer(cloud, a, b)
    cloud.route("rtb-a-main", "10.1.0.0/16", vpc_peering_connection=peering)
    cloud.route("rtb-b-main", "10.0.0.0/16", vpc_peering_connection=peering)
    return cloud


@pytest.fixture
def hub() -> Cloud:
    """a, b, c (10.0/16, 10.1/16, 10.2/16) at one transit gateway, all with a route for 10/8 to it."""
    cloud = Cloud()
    transit(cloud)
    for number, name in enumerate("abc"):
        vpc = simple_vpc(cloud, name, number)
        attach(cloud, vpc, f"subnet-{name}-one")
        cloud.route(f"rtb-{name}-main", "10.0.0.0/8", transit_gateway=TGW)
    return cloud


def test_a_peering_carries_there_and_back(pair: Cloud) -> None:
    trip = ask(pair, "eni-a", "10.1.1.20")
    assert trip.connects
    assert components(trip) == ["eni-a", "rtb-a-main", "pcx-ab", "eni-b"]


def test_without_a_route_back_the_answer_is_lost(pair: Cloud) -> None:
    pair.table("vpc-b", "main", main=True)
    trip = ask(pair, "eni-a", "10.1.1.20")
    assert (trip.forward.delivered_to, codes(trip)) == ("eni-b", ([], ["NO_ROUTE_TO_DESTINATION"]))


@pytest.mark.parametrize("status", ["pending-acceptance", "deleted", "rejected"])
def test_a_peering_that_is_not_active_is_a_blackhole(pair: Cloud, status: str) -> None:
    pair.change("pcx-ab", status=status)
    assert codes(ask(pair, "eni-a", "10.1.1.20")) == (["BAD_STATE_ROUTE"], [])


def test_a_peering_leads_no_further(pair: Cloud) -> None:
    c = simple_vpc(pair, "c", 2)
    behind = peer(pair, "vpc-b", c)
    pair.route("rtb-b-main", "10.2.0.0/16", vpc_peering_connection=behind)
    pair.route("rtb-a-main", "10.2.0.0/16", vpc_peering_connection="pcx-ab")
    pair.route("rtb-a-main", "0.0.0.0/0", vpc_peering_connection="pcx-ab")
    for destination in ("10.2.1.20", "203.0.113.10", "10.1.1.1"):
        assert codes(ask(pair, "eni-a", destination))[0] == ["PCX_REQUIRES_ADDRESS_IN_VPC_CIDR"]


def test_nor_does_it_carry_what_another_vpc_sent(pair: Cloud) -> None:
    pair.change("eni-a", source_dest_check=False)
    trip = ask(pair, "eni-a", "10.1.1.20", source="10.9.0.1")
    assert codes(trip)[0] == ["PCX_REQUIRES_ADDRESS_IN_VPC_CIDR"]


def test_groups_know_each_other_over_a_peering_until_it_ends(pair: Cloud) -> None:
    pair.drop("sgr-b-all-in0")
    pair.rule("sg-b-all", "ref", "tcp:80 sg-a-all")
    assert ask(pair, "eni-a", "10.1.1.20", 80).connects
    assert codes(ask(pair, "eni-a", "10.1.1.20", 81))[0] == ["ENI_SG_RULES_MISMATCH"]
    pair.group("vpc-a", "other")
    pair.change("eni-a", group_ids=("sg-a-other",))
    assert codes(ask(pair, "eni-a", "10.1.1.20", 80))[0] == ["ENI_SG_RULES_MISMATCH"]


def test_a_reference_over_an_ended_peering_is_stale(pair: Cloud) -> None:
    """Another way leads there, but the group behind the reference is no member any more."""
    transit(pair)
    for name in "ab":
        attach(pair, f"vpc-{name}", f"subnet-{name}-one")
        pair.table(f"vpc-{name}", "main", main=True)
        pair.route(f"rtb-{name}-main", "10.0.0.0/8", transit_gateway=TGW)
    pair.drop("sgr-b-all-in0")
    pair.rule("sg-b-all", "ref", "tcp:80 sg-a-all")
    pair.change("pcx-ab", status="deleted")
    assert codes(ask(pair, "eni-a", "10.1.1.20", 80))[0] == ["ENI_SG_RULES_MISMATCH"]


def test_ipv6_over_a_peering_wants_blocks_on_both_sides() -> None:
    cloud = Cloud()
    a, b = simple_vpc(cloud, "a", 0, ipv6=SIX["a"]), simple_vpc(cloud, "b", 1, ipv6=SIX["b"])
    cloud.change("eni-a", ipv6_addresses=("2001:db8:1000:100::20",))
    cloud.change("eni-b", ipv6_addresses=("2001:db8:1000:200::20",))
    peering = peer(cloud, a, b)
    cloud.route("rtb-a-main", SIX["b"], vpc_peering_connection=peering)
    cloud.route("rtb-b-main", SIX["a"], vpc_peering_connection=peering)
    assert ask(cloud, "eni-a", "2001:db8:1000:200::20").connects
    cloud.change("vpc-b", ipv6_cidr_blocks=())
    assert codes(ask(cloud, "eni-a", "2001:db8:1000:200::20"))[0] == ["BAD_STATE_ROUTE"]


def test_a_transit_gateway_carries_there_and_back(hub: Cloud) -> None:
    trip = ask(hub, "eni-a", "10.1.1.20")
    assert trip.connects
    between = ["eni-a", "rtb-a-main", "eni-a-tgw-0", "tgw-rtb-main", "eni-b-tgw-0", "rtb-b-main", "eni-b"]
    assert components(trip) == between


def test_its_static_routes_win_over_equal_propagated_ones(hub: Cloud) -> None:
    table = hub.resources["tgw-rtb-main"]
    hub.put(replace(table, routes=(TransitGatewayRoute(destination="10.1.0.0/16"),)))
    assert codes(ask(hub, "eni-a", "10.1.1.20"))[0] == ["TGW_RTB_BAD_STATE_ROUTE"]
    to_c = TransitGatewayRoute(destination="10.1.0.0/16", attachment_id="tgw-attach-c")
    hub.put(replace(table, routes=(to_c,)))
    trip = ask(hub, "eni-a", "10.1.1.20")
    assert "tgw-attach-c" in " ".join(hop.text for hop in trip.forward.hops)
    assert not trip.connects


def test_what_no_attachment_has_is_not_routed(hub: Cloud) -> None:
    assert codes(ask(hub, "eni-a", "10.7.0.1"))[0] == ["TGW_RTB_NO_ROUTE_TO_TGW_ATTACHMENT"]


def test_an_attachment_without_a_table_says_nothing_where_to(hub: Cloud) -> None:
    hub.change("tgw-attach-a", route_table_id=None)
    assert codes(ask(hub, "eni-a", "10.1.1.20"))[0] == ["TGW_ATTACH_MISSING_TGW_RTB_ASSOCIATION"]
    assert codes(ask(hub, "eni-b", "10.0.1.20")) == ([], ["TGW_ATTACH_MISSING_TGW_RTB_ASSOCIATION"])


@pytest.mark.parametrize("id", ["tgw-attach-a", "tgw-t"])
def test_what_is_going_carries_nothing(hub: Cloud, id: str) -> None:
    hub.change(id, state="deleting")
    assert codes(ask(hub, "eni-a", "10.1.1.20"))[0] == ["BAD_STATE_ROUTE"]


def test_only_the_senders_zone_leads_in(hub: Cloud) -> None:
    hub.subnet("vpc-a", "two", "10.0.2.0/24", availability_zone="us-east-1b")
    hub.task("a2", "subnet-a-two", "10.0.2.20", "sg-a-all")
    assert codes(ask(hub, "eni-a2", "10.1.1.20"))[0] == ["TGW_ATTACH_VPC_AZ_RESTRICTION"]


def test_acls_within_the_subnet_of_an_attachment(hub: Cloud) -> None:
    """What goes to the gateway is asked even there; what comes from it is not, as the guide says."""
    all_ways = ("in 100 allow -1 0.0.0.0/0", "out 100 allow -1 0.0.0.0/0")
    hub.acl("vpc-a", "one", *all_ways, "out 90 deny tcp:80 10.1.0.0/16", subnets=("subnet-a-one",))
    hub.acl("vpc-b", "one", *all_ways, "in 90 deny tcp:81 10.0.0.0/16", subnets=("subnet-b-one",))
    (why,) = ask(hub, "eni-a", "10.1.1.20", 80).forward.explanations
    assert (why.code, why.components["rule"]) == ("SUBNET_ACL_RESTRICTION", "acl-a-one/egress/90")
    assert ask(hub, "eni-a", "10.1.1.20", 81).connects


def test_acls_between_the_subnet_of_an_attachment_and_others(hub: Cloud) -> None:
    subnet = hub.subnet("vpc-b", "two", "10.1.2.0/24")
    hub.task("b2", subnet, "10.1.2.20", "sg-b-all")
    all_ways = ("in 100 allow -1 0.0.0.0/0", "out 100 allow -1 0.0.0.0/0")
    hub.acl("vpc-b", "one", *all_ways, "out 90 deny tcp:80 10.1.2.0/24", subnets=("subnet-b-one",))
    assert codes(ask(hub, "eni-a", "10.1.2.20", 80))[0] == ["SUBNET_ACL_RESTRICTION"]
    assert ask(hub, "eni-a", "10.1.2.20", 81).connects


def test_routes_that_lead_in_a_circle_end(hub: Cloud) -> None:
    """a's own block at the gateway leads back to the gateway's interface in a."""
    hub.change("eni-a", source_dest_check=False)
    hub.route("rtb-a-main", "10.2.0.0/16", transit_gateway=TGW)
    table = hub.resources["tgw-rtb-main"]
    to_a = TransitGatewayRoute(destination="10.2.0.0/16", attachment_id="tgw-attach-a")
    hub.put(replace(table, routes=(to_a,)))
    assert codes(ask(hub, "eni-a", "10.2.1.20"))[0] == ["CANNOT_ROUTE"]
