"""Routes, groups, ACLs and addresses inside one VPC."""

import pytest
from tests.compile.walk.asking import ask, codes, secondary, simple_vpc
from tests.packet.world_data import Cloud

from seawall.compile.walk import Packet, round_trip


@pytest.fixture
def cloud() -> Cloud:
    """a (10.0.1.20) and b (10.0.2.20) in two subnets, and `guard` (10.0.3.30) that checks nothing."""
    cloud = Cloud()
    simple_vpc(cloud, "a", 0)
    for name, number, host in (("b", 2, 20), ("guard", 3, 30)):
        subnet = cloud.subnet("vpc-a", name, f"10.0.{number}.0/24")
        cloud.table("vpc-a", name, subnets=(subnet,))
        cloud.task(name, subnet, f"10.0.{number}.{host}", "sg-a-all")
    cloud.change("eni-guard", source_dest_check=False)
    return cloud


def test_a_route_more_specific_than_local_leads_through_an_appliance(cloud: Cloud) -> None:
    cloud.route("rtb-a-main", "10.0.2.0/24", network_interface="eni-guard")
    trip = ask(cloud, "eni-a", "10.0.2.20")
    assert (trip.forward.delivered_to, trip.forward.packet.destination) == ("eni-guard", "10.0.2.20")
    handed_on = ask(cloud, "eni-guard", "10.0.2.20", source="10.0.1.20")
    assert handed_on.forward.delivered_to == "eni-b"


def test_of_two_routes_the_longer_prefix_decides(cloud: Cloud) -> None:
    cloud.route("rtb-a-main", "10.0.2.0/24", network_interface="eni-gone")
    assert codes(ask(cloud, "eni-a", "10.0.2.20"))[0] == ["BAD_STATE_ROUTE"]
    cloud.route("rtb-a-main", "10.0.2.16/28", network_interface="eni-guard")
    assert ask(cloud, "eni-a", "10.0.2.20").forward.delivered_to == "eni-guard"


def test_no_route_redirects_the_senders_own_subnet(cloud: Cloud) -> None:
    cloud.task("next", "subnet-a-one", "10.0.1.21", "sg-a-all")
    cloud.route("rtb-a-main", "10.0.1.0/24", network_interface="eni-guard")
    assert ask(cloud, "eni-a", "10.0.1.21").forward.delivered_to == "eni-next"


def test_a_route_to_a_prefix_list_stands_behind_an_equal_block(cloud: Cloud) -> None:
    cloud.drop("igw-a")
    lists = cloud.prefix_list("far", "192.168.0.0/16", "172.20.0.0/16")
    cloud.route("rtb-a-main", lists, network_interface="eni-guard")
    assert ask(cloud, "eni-a", "192.168.1.1").forward.delivered_to == "eni-guard"
    cloud.route("rtb-a-main", "192.168.0.0/16", network_interface="eni-gone")
    assert codes(ask(cloud, "eni-a", "192.168.1.1"))[0] == ["BAD_STATE_ROUTE"]
    assert ask(cloud, "eni-a", "172.20.0.1").forward.delivered_to == "eni-guard"


def test_the_entries_of_a_prefix_list_open_a_group_and_close_it_again(cloud: Cloud) -> None:
    cloud.drop("sgr-a-all-in0")
    cloud.prefix_list("friends", "10.0.1.0/28", "10.0.1.16/28")
    cloud.rule("sg-a-all", "list", "tcp:80 pl-friends")
    assert ask(cloud, "eni-a", "10.0.2.20").connects
    entries = cloud.resources["pl-friends"].entries
    cloud.change("pl-friends", entries=entries[:1])
    assert codes(ask(cloud, "eni-a", "10.0.2.20"))[0] == ["ENI_SG_RULES_MISMATCH"]


def test_a_secondary_address_has_its_interfaces_groups(cloud: Cloud) -> None:
    secondary(cloud, "eni-a", "10.0.1.21")
    secondary(cloud, "eni-b", "10.0.2.21")
    cloud.group("vpc-a", "caller")
    cloud.group("vpc-a", "called", "tcp:80 sg-a-caller")
    cloud.change("eni-a", group_ids=("sg-a-caller",))
    cloud.change("eni-b", group_ids=("sg-a-called",))
    assert ask(cloud, "eni-a", "10.0.2.21", source="10.0.1.21").connects
    assert codes(ask(cloud, "eni-guard", "10.0.2.21"))[0] == ["ENI_SG_RULES_MISMATCH"]


def test_an_address_of_nobody(cloud: Cloud) -> None:
    assert codes(ask(cloud, "eni-a", "10.0.2.99"))[0] == ["NO_POSSIBLE_DESTINATION"]
    spoofed = ask(cloud, "eni-a", "10.0.2.20", source="10.0.1.99")
    assert codes(spoofed)[0] == ["ENI_SOURCE_DEST_CHECK_RESTRICTION"]


def test_the_first_acl_entry_that_matches_decides_both_ways(cloud: Cloud) -> None:
    cloud.acl(
        "vpc-a",
        "b",
        "in 100 allow tcp:80 10.0.1.0/24",
        "in 110 deny -1 0.0.0.0/0",
        "in 120 allow -1 0.0.0.0/0",
        "out 100 allow tcp:1024-65535 10.0.0.0/16",
        subnets=("subnet-a-b",),
    )
    assert ask(cloud, "eni-a", "10.0.2.20", 80).connects
    (why,) = ask(cloud, "eni-a", "10.0.2.20", 81).forward.explanations
    assert (why.code, why.components["rule"]) == ("SUBNET_ACL_RESTRICTION", "acl-a-b/ingress/110")
    trip = ask(cloud, "eni-a", "10.0.2.20", 80, source_port=1023)
    assert trip.back is not None
    (why,) = trip.back.explanations
    assert (why.code, why.components["rule"]) == ("SUBNET_ACL_RESTRICTION", "acl-a-b/egress/32767")


def test_no_acl_is_asked_inside_a_subnet(cloud: Cloud) -> None:
    cloud.acl("vpc-a", "b", subnets=("subnet-a-b",))
    cloud.task("next", "subnet-a-b", "10.0.2.21", "sg-a-all")
    assert ask(cloud, "eni-b", "10.0.2.21").connects
    assert codes(ask(cloud, "eni-a", "10.0.2.20"))[0] == ["SUBNET_ACL_RESTRICTION"]


def test_an_answer_needs_no_rule_of_a_group(cloud: Cloud) -> None:
    for rule in ("sgr-a-all-out0", "sgr-a-all-out1"):
        cloud.drop(rule)
    cloud.group("vpc-a", "caller", egress=("tcp:80 10.0.2.0/24",))
    cloud.change("eni-a", group_ids=("sg-a-caller",))
    assert ask(cloud, "eni-a", "10.0.2.20", 80).connects
    assert codes(ask(cloud, "eni-b", "10.0.1.20", 80))[0] == ["ENI_SG_RULES_MISMATCH"]


def test_icmp_rules_name_type_and_code(cloud: Cloud) -> None:
    cloud.drop("sgr-a-all-in0")
    rule = cloud.rule("sg-a-all", "ping", "icmp:8-0 10.0.0.0/16")
    assert cloud.resources[rule].from_port == 8

    def ping(kind: int, code: int = 0) -> bool:
        packet = {"protocol": "icmp", "source_port": 0, "icmp_type": kind, "icmp_code": code}
        return ask(cloud, "eni-a", "10.0.2.20", 0, **packet).forward.delivered_to == "eni-b"

    assert (ping(8), ping(8, 1), ping(13)) == (True, False, False)


def test_the_resolver_is_beyond_groups_and_acls(cloud: Cloud) -> None:
    for rule in ("sgr-a-all-out0", "sgr-a-all-out1"):
        cloud.drop(rule)
    cloud.acl("vpc-a", "one", subnets=("subnet-a-one",))
    for resolver in ("10.0.0.2", "169.254.169.253"):
        assert ask(cloud, "eni-a", resolver, 53, protocol="udp").forward.delivered_to == "resolver"
    assert codes(ask(cloud, "eni-a", "10.0.0.2", 80))[0] == ["NO_POSSIBLE_DESTINATION"]
    cloud.change("vpc-a", enable_dns_support=False)
    assert ask(cloud, "eni-a", "169.254.169.253", 53, protocol="udp").forward.delivered_to is None


def test_an_interface_of_nothing_that_works_sends_nothing(cloud: Cloud) -> None:
    cloud.change("eni-a", owner=None)
    assert codes(ask(cloud, "eni-a", "10.0.2.20"))[0] == ["BAD_STATE"]
    assert codes(ask(cloud, "eni-b", "10.0.1.20"))[0] == ["NO_POSSIBLE_DESTINATION"]


def test_there_must_be_an_interface_to_start_from(cloud: Cloud) -> None:
    packet = Packet(protocol="tcp", source="10.0.1.20", destination="10.0.2.20", destination_port=80)
    with pytest.raises(LookupError, match="eni-nobody"):
        round_trip(cloud.snapshot(), packet, start="eni-nobody")
