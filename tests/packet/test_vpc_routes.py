"""Routes: lists, longest prefixes, middleboxes, gateway tables, secondary addresses, odd destinations."""

import socket
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.packet.lab import Lab, raw_udp

from seawall.model.network_interface import PublicAssociation, SecondaryAddress
from seawall.model.route_table import RouteTableAssociation

pytestmark = pytest.mark.world

ETHERTYPE_IP = 0x0800
CLIENT = "203.0.113.10"
WEB, APP, BOX = "10.0.0.20", "10.0.1.20", "10.0.2.20"


@pytest.fixture
def vpc(lab: Lab) -> Lab:
    """web (public address), app, and box, an appliance that takes packets for anybody."""
    cloud = lab.cloud
    a = cloud.vpc("a")
    for number, name in enumerate(("web", "app", "box")):
        subnet = cloud.subnet(a, name, f"10.0.{number}.0/24")
        cloud.table(a, name, subnets=(subnet,), internet_gateway="igw-a")
    cloud.group(a, "all", "-1 0.0.0.0/0")
    cloud.task("web", "subnet-a-web", WEB, "sg-a-all", public="198.18.0.20")
    cloud.task("app", "subnet-a-app", APP, "sg-a-all", public="198.18.0.21")
    cloud.task("box", "subnet-a-box", BOX, "sg-a-all", source_dest_check=False)
    lab.settle()
    for task in ("web", "app", "box"):
        lab.listen(f"task-{task}", 80)
    lab.listen("internet", 443)
    return lab


def seen_by_box(lab: Lab, namespace: str, target: str, port: int = 7) -> bool:
    """Whether a datagram to the target comes along at the appliance."""
    box = lab.socket_in("task-box", socket.SOCK_RAW, socket.htons(ETHERTYPE_IP), socket.AF_PACKET)
    lab.socket_in(namespace, socket.SOCK_DGRAM).sendto(b"x", (target, port))
    return lab.heard(box) is not None


def test_a_prefix_list_is_many_routes(vpc: Lab) -> None:
    vpc.cloud.table("vpc-a", "app", subnets=("subnet-a-app",))
    some = vpc.cloud.prefix_list("some", "203.0.113.0/28", "192.0.2.0/24")
    vpc.cloud.route("rtb-a-app", some, internet_gateway="igw-a")
    vpc.settle()
    assert vpc.reachable(("task-app", CLIENT, 443)) == [True]
    vpc.cloud.prefix_list("some", "203.0.113.0/29")
    vpc.settle()
    assert vpc.reachable(("task-app", CLIENT, 443)) == [False]


def test_an_explicit_block_beats_an_equal_one_from_a_list(vpc: Lab) -> None:
    some = vpc.cloud.prefix_list("some", "203.0.113.0/24")
    vpc.cloud.route("rtb-a-app", some, network_interface="eni-box")
    vpc.settle()
    assert vpc.reachable(("task-app", CLIENT, 443)) == [False]
    vpc.cloud.route("rtb-a-app", "203.0.113.0/24", internet_gateway="igw-a")
    vpc.settle()
    assert vpc.reachable(("task-app", CLIENT, 443)) == [True]


def test_the_longest_prefix_wins_even_into_nothing(vpc: Lab) -> None:
    vpc.cloud.route("rtb-a-app", "203.0.113.8/29", nat_gateway="nat-gone")
    vpc.settle()
    assert vpc.reachable(("task-app", CLIENT, 443), ("task-web", CLIENT, 443)) == [False, True]
    vpc.cloud.route("rtb-a-app", "203.0.113.10/32", internet_gateway="igw-a")
    vpc.settle()
    assert vpc.reachable(("task-app", CLIENT, 443)) == [True]


def test_a_route_more_specific_than_local_leads_to_the_appliance(vpc: Lab) -> None:
    vpc.cloud.route("rtb-a-app", "10.0.0.0/24", network_interface="eni-box")
    vpc.settle()
    assert seen_by_box(vpc, "task-app", WEB)
    assert seen_by_box(vpc, "task-app", "10.0.0.99")
    assert not seen_by_box(vpc, "task-web", "10.0.1.99")  # only the table of the sender's subnet counts
    assert vpc.reachable(("task-app", WEB, 80), ("task-box", WEB, 80)) == [False, True]


def test_nothing_redirects_the_inside_of_a_subnet(vpc: Lab) -> None:
    vpc.cloud.task("app2", "subnet-a-app", "10.0.1.21", "sg-a-all")
    vpc.cloud.route("rtb-a-app", "10.0.1.0/24", network_interface="eni-box")
    vpc.settle()
    vpc.listen("task-app2", 80)
    assert vpc.reachable(("task-app", "10.0.1.21", 80)) == [True]
    vpc.cloud.route("rtb-a-web", "10.0.1.0/24", network_interface="eni-box")
    vpc.settle()
    assert seen_by_box(vpc, "task-web", APP)


def test_a_route_to_an_interface_that_checks_addresses_is_a_blackhole(vpc: Lab) -> None:
    vpc.cloud.route("rtb-a-app", "10.0.0.0/24", network_interface="eni-box")
    vpc.cloud.change("eni-box", source_dest_check=True)
    vpc.settle()
    assert vpc.reachable(("task-app", WEB, 80), ("task-app", BOX, 80)) == [False, True]
    assert not seen_by_box(vpc, "task-app", WEB)


def test_a_gateways_table_redirects_what_comes_in(vpc: Lab) -> None:
    vpc.cloud.table("vpc-a", "edge")
    vpc.cloud.route("rtb-a-edge", "10.0.0.0/24", network_interface="eni-box")
    edge = vpc.cloud.resources["rtb-a-edge"]
    named = RouteTableAssociation(association_id="rtbassoc-edge", gateway_id="igw-a")
    vpc.cloud.put(replace(edge, associations=(named,)))
    vpc.settle()
    assert seen_by_box(vpc, "internet", "198.18.0.20")
    assert not seen_by_box(vpc, "internet", "198.18.0.21")
    assert vpc.reachable(("internet", "198.18.0.21", 80), ("task-app", WEB, 80)) == [True, True]


def test_secondary_addresses_have_their_own_public_ones(vpc: Lab) -> None:
    other = PublicAssociation(public_ip="198.18.0.40", ip_owner_id="amazon")
    extra = SecondaryAddress(private_ip_address="10.0.0.40", association=other)
    bare = SecondaryAddress(private_ip_address="10.0.0.41")
    vpc.cloud.change("eni-web", secondary_addresses=(extra, bare))
    vpc.cloud.rule("sg-a-all", "in0", "tcp:80 sg-a-all")
    vpc.cloud.rule("sg-a-all", "in1", "tcp:80 203.0.113.0/24")
    vpc.settle()
    assert vpc.reachable(*(("task-app", a, 80) for a in (WEB, "10.0.0.40", "10.0.0.41"))) == [True] * 3
    assert vpc.reachable(("internet", "198.18.0.40", 80), ("internet", "198.18.0.20", 80)) == [True, True]
    for private, public in ((WEB, "198.18.0.20"), ("10.0.0.40", "198.18.0.40"), ("10.0.0.41", None)):
        out = vpc.socket_in("task-web")
        out.bind((private, 0))
        out.settimeout(0.4)
        if public is None:
            with pytest.raises(TimeoutError):
                out.connect((CLIENT, 443))
        else:
            out.connect((CLIENT, 443))
            assert vpc.accept(vpc.servers["internet", 443])[1] == public
    into = vpc.socket_in("task-web")
    into.bind(("10.0.0.41", 0))
    into.settimeout(2)
    into.connect((APP, 80))  # its groups' members are all its addresses


def test_an_internet_gateway_takes_no_private_destinations(vpc: Lab) -> None:
    """Even where somebody out there could be reached under such an address."""
    target = vpc.receive("internet", 53)
    sender = vpc.socket_in("task-web", socket.SOCK_RAW, socket.IPPROTO_RAW)
    with vpc.namespaces.inside("vpc-a"):
        before = _left()
    for address in ("172.16.0.1", "192.168.1.1", "100.64.0.1", "10.9.0.1"):
        sender.sendto(raw_udp(WEB, address, 53), (address, 0))
    sender.sendto(raw_udp(WEB, CLIENT, 53), (CLIENT, 0))
    assert vpc.heard(target) == (b"spoof", ("198.18.0.20", 12345))
    with vpc.namespaces.inside("vpc-a"):
        assert _left() == before + 1


def _left() -> int:
    """Packets that left through the gateway, by its own count."""
    for line in Path("/proc/net/dev").read_text().splitlines():
        if line.strip().startswith("g"):
            return int(line.split(":")[1].split()[9])
    raise AssertionError("no gateway here")
