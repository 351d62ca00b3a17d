"""Peered VPCs, tried with real packets: what must pass, and all that must not."""

import errno
import socket

import pytest
from msgspec.structs import replace
from tests.packet.lab import Lab
from tests.packet.world_data import BORN, Cloud

from seawall.model.vpc import Ipv6CidrAssociation
from seawall.model.vpc_peering_connection import VpcPeeringConnection

pytestmark = pytest.mark.world

IP_MTU = 14
IP_MTU_DISCOVER, IP_PMTUDISC_DO = 10, 2


def peer(cloud: Cloud, a: str, b: str, status: str = "active") -> str:
    id = f"pcx-{a[4:]}{b[4:]}"
    cloud.put(
        VpcPeeringConnection(
            id=id, requester_vpc_id=a, accepter_vpc_id=b, status=status, status_message="", create_time=BORN
        )
    )
    return id


def unroute(cloud: Cloud, table: str, destination: str) -> None:
    known = cloud.resources[table]
    cloud.put(replace(known, routes=tuple(r for r in known.routes if r.destination != destination)))


@pytest.fixture
def peered(lab: Lab) -> Lab:
    """a (10.0.0.0/16), b (10.1.0.0/16) and c (10.2.0.0/16); a-b and b-c are peered, with routes all around.

    Tasks a1, b1, b2, c1; groups let in port 80 from everywhere, 8080 from a's group only (in b).
    """
    cloud = lab.cloud
    for name, number in (("a", 0), ("b", 1), ("c", 2)):
        vpc = cloud.vpc(name, f"10.{number}.0.0/16")
        cloud.subnet(vpc, "one", f"10.{number}.1.0/24")
        cloud.group(vpc, "all", "-1 0.0.0.0/0")
    cloud.group("vpc-b", "web", "tcp:80 10.0.0.0/8", "tcp:8080 sg-a-all")
    cloud.task("a1", "subnet-a-one", "10.0.1.20", "sg-a-all", public="198.18.0.20")
    cloud.task("b1", "subnet-b-one", "10.1.1.20", "sg-b-web")
    cloud.task("b2", "subnet-b-one", "10.1.1.21", "sg-b-all")
    cloud.task("c1", "subnet-c-one", "10.2.1.20", "sg-c-all")
    ab, bc = peer(cloud, "vpc-a", "vpc-b"), peer(cloud, "vpc-b", "vpc-c")
    for table, destination, target in (
        ("rtb-a-main", "10.1.0.0/16", ab),
        ("rtb-b-main", "10.0.0.0/16", ab),
        ("rtb-b-main", "10.2.0.0/16", bc),
        ("rtb-c-main", "10.1.0.0/16", bc),
    ):
        cloud.route(table, destination, vpc_peering_connection=target)
    lab.settle()
    for task in ("a1", "b1", "b2", "c1"):
        lab.listen(f"task-{task}", 80, 8080)
    return lab


def check(lab: Lab, expected: dict[tuple[str, str, int], bool]) -> None:
    assert dict(zip(expected, lab.reachable(*expected), strict=True)) == expected


def test_both_sides_reach_each_other_as_far_as_groups_allow(peered: Lab) -> None:
    check(
        peered,
        {
            ("task-a1", "10.1.1.20", 80): True,
            ("task-a1", "10.1.1.21", 80): True,
            ("task-b1", "10.0.1.20", 80): True,
            ("task-c1", "10.1.1.20", 80): True,
            ("task-b1", "10.2.1.20", 80): True,
            ("task-a1", "10.1.1.20", 81): False,
        },
    )


def test_the_other_side_sees_the_private_address(peered: Lab) -> None:
    peered.connect("task-a1", "10.1.1.20", 80)
    assert peered.accept(peered.servers["task-b1", 80])[1] == "10.0.1.20"


def test_nothing_is_settled_twice(peered: Lab) -> None:
    assert peered.rest(peered.settle()) == []


def test_a_rule_that_names_the_peers_group_means_its_members(peered: Lab) -> None:
    check(
        peered,
        {
            ("task-a1", "10.1.1.20", 8080): True,
            ("task-c1", "10.1.1.20", 8080): False,
            ("task-b2", "10.1.1.20", 8080): False,
        },
    )
    peered.cloud.change("eni-a1", group_ids=())
    peered.cloud.group("vpc-a", "other", "-1 0.0.0.0/0")
    peered.cloud.change("eni-a1", group_ids=("sg-a-other",))
    peered.settle()
    check(peered, {("task-a1", "10.1.1.20", 8080): False, ("task-a1", "10.1.1.20", 80): True})


def test_peering_is_not_transitive(peered: Lab) -> None:
    """a-b and b-c do not make a-c, whatever the route tables say."""
    peered.cloud.route("rtb-a-main", "10.2.0.0/16", vpc_peering_connection="pcx-ab")
    peered.cloud.route("rtb-c-main", "10.0.0.0/16", vpc_peering_connection="pcx-bc")
    peered.settle()
    probes = [("task-a1", "10.2.1.20", 80), ("task-c1", "10.0.1.20", 80)]
    assert peered.outcomes(*probes) == ["silence", "silence"]
    check(peered, {("task-a1", "10.1.1.20", 80): True, ("task-c1", "10.1.1.20", 80): True})


def test_nobody_reaches_the_internet_through_a_peers_gateways(peered: Lab) -> None:
    cloud = peered.cloud
    public = cloud.subnet("vpc-b", "pub", "10.1.9.0/24")
    nat = cloud.nat("b", public, "10.1.9.10", "198.18.0.30")
    cloud.table("vpc-b", "pub", subnets=(public,), internet_gateway="igw-b")
    cloud.route("rtb-b-main", "0.0.0.0/0", nat_gateway=nat)
    cloud.route("rtb-a-main", "0.0.0.0/0", vpc_peering_connection="pcx-ab")
    cloud.route("rtb-c-main", "0.0.0.0/0", vpc_peering_connection="pcx-bc")
    peered.settle()
    peered.listen("internet", 80)
    outcomes = peered.outcomes(
        ("task-a1", "203.0.113.10", 80), ("task-c1", "203.0.113.10", 80), ("task-b1", "203.0.113.10", 80)
    )
    assert outcomes == ["silence", "silence", "connected"]


@pytest.mark.parametrize("missing", [("rtb-a-main", "10.1.0.0/16"), ("rtb-b-main", "10.0.0.0/16")])
def test_both_route_tables_are_needed(peered: Lab, missing: tuple[str, str]) -> None:
    unroute(peered.cloud, *missing)
    peered.settle()
    probes = [("task-a1", "10.1.1.20", 80), ("task-b1", "10.0.1.20", 80)]
    assert peered.outcomes(*probes) == ["silence", "silence"]


def test_the_subnets_own_table_decides(peered: Lab) -> None:
    """A second subnet of b has a table without the route: one peer, two answers."""
    subnet = peered.cloud.subnet("vpc-b", "two", "10.1.2.0/24")
    peered.cloud.table("vpc-b", "two", subnets=(subnet,))
    peered.cloud.task("b3", subnet, "10.1.2.20", "sg-b-all")
    peered.settle()
    peered.listen("task-b3", 80)
    check(peered, {("task-a1", "10.1.2.20", 80): False, ("task-a1", "10.1.1.20", 80): True})


@pytest.mark.parametrize(
    "status", ["pending-acceptance", "deleting", "deleted", "rejected", "failed", "expired"]
)
def test_only_an_active_one_carries_packets(peered: Lab, status: str) -> None:
    peered.cloud.change("pcx-ab", status=status)
    peered.settle()
    check(peered, {("task-a1", "10.1.1.20", 80): False, ("task-c1", "10.1.1.20", 80): True})


def test_a_deleted_one_ends_the_flows_that_are_there(peered: Lab) -> None:
    flow = peered.connect("task-a1", "10.1.1.20", 80)
    server, _ = peered.accept(peered.servers["task-b1", 80])
    flow.sendall(b"before")
    assert server.recv(10) == b"before"
    peered.cloud.drop("pcx-ab")
    peered.settle()
    flow.sendall(b"after")
    server.settimeout(0.4)
    with pytest.raises(TimeoutError):
        server.recv(10)


@pytest.mark.parametrize("subnet", ["subnet-a-one", "subnet-b-one"])
def test_the_acls_of_both_sides_hold_and_remember_nothing(peered: Lab, subnet: str) -> None:
    mine, other = ("a1", "10.1.1.20") if subnet == "subnet-a-one" else ("b1", "10.0.1.20")
    there = "10.1.0.0/16" if mine == "a1" else "10.0.0.0/16"
    target = {"a1": "10.0.1.20", "b1": "10.1.1.20"}[mine]
    asker = {"a1": "task-b1", "b1": "task-a1"}[mine]
    vpc, entry = subnet.replace("subnet", "vpc").removesuffix("-one"), f"in 100 allow tcp:80 {there}"
    # Requests come in, answers may not leave: nothing connects from outside, and nothing leaves either.
    peered.cloud.acl(vpc, "x", entry, subnets=(subnet,))
    peered.settle()
    check(peered, {(asker, target, 80): False, (f"task-{mine}", other, 80): False})
    peered.cloud.acl(vpc, "x", entry, f"out 100 allow tcp:1024-65535 {there}", subnets=(subnet,))
    peered.settle()
    expected = {(asker, target, 80): True, (asker, target, 8080): False, (f"task-{mine}", other, 80): False}
    check(peered, expected)


def test_two_peers_with_the_same_blocks_are_told_apart_by_routes(lab: Lab) -> None:
    """b and c have the same block; a routes one half of it to each.  Neither is taken for the other."""
    cloud = lab.cloud
    a = cloud.vpc("a")
    cloud.task(
        "a1", cloud.subnet(a, "one", "10.0.1.0/24"), "10.0.1.20", cloud.group(a, "all", "-1 0.0.0.0/0")
    )
    for name in ("b", "c"):
        vpc = cloud.vpc(name, "10.1.0.0/16")
        group = cloud.group(vpc, "all", "-1 0.0.0.0/0")
        for half in ("10.1.0", "10.1.128"):
            subnet = cloud.subnet(vpc, half[5:], f"{half}.0/24")
            cloud.task(f"{name}{half[5:]}", subnet, f"{half}.20", group)
        peer(cloud, a, vpc)
        cloud.route(f"rtb-{name}-main", "10.0.0.0/16", vpc_peering_connection=f"pcx-a{name}")
    cloud.route("rtb-a-main", "10.1.0.0/17", vpc_peering_connection="pcx-ab")
    cloud.route("rtb-a-main", "10.1.128.0/17", vpc_peering_connection="pcx-ac")
    lab.settle()
    listening = {name: lab.listen(f"task-{name}", 80)[0] for name in ("b0", "b128", "c0", "c128")}
    lab.connect("task-a1", "10.1.0.20", 80)
    lab.connect("task-a1", "10.1.128.20", 80)
    lab.accept(listening["b0"])
    lab.accept(listening["c128"])
    for name in ("b128", "c0"):
        listening[name].settimeout(0.2)
        with pytest.raises(TimeoutError):
            listening[name].accept()
    # b0 may call a, c0 may not: a's answers to 10.1.0.20 go to b.
    lab.listen("task-a1", 80)
    check(lab, {("task-b0", "10.0.1.20", 80): True, ("task-c0", "10.0.1.20", 80): False})


def test_jumbo_frames_pass_whole(peered: Lab) -> None:
    sender, receiver = peered.receive("task-a1", 4000), peered.receive("task-b2", 4000)
    sender.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)
    sender.sendto(b"x" * (9001 - 28), ("10.1.1.21", 4000))
    heard = peered.heard(receiver)
    assert heard is not None
    assert len(heard[0]) == 9001 - 28
    with pytest.raises(OSError, match=f"Errno {errno.EMSGSIZE}"):
        sender.sendto(b"x" * (9002 - 28), ("10.1.1.21", 4000))


def with_ipv6(cloud: Cloud, name: str, number: int) -> None:
    block = Ipv6CidrAssociation(
        association_id=f"vpc-cidr-assoc-6{name}", ipv6_cidr_block=f"2001:db8:100{number}::/56"
    )
    cloud.change(f"vpc-{name}", ipv6_cidr_blocks=(block,))
    cloud.change(f"subnet-{name}-one", ipv6_cidr_block=f"2001:db8:100{number}:1::/64")
    cloud.rule(f"sg-{name}-all", "in6", "-1 ::/0")
    known = cloud.resources[f"sgr-{name}-all-in6"]
    cloud.put(replace(known, cidr_ipv4=None, cidr_ipv6="::/0"))
    cloud.put(replace(known, id=f"sgr-{name}-all-out6", cidr_ipv4=None, cidr_ipv6="::/0", is_egress=True))


def connects6(lab: Lab, source: str, target: str, port: int) -> bool:
    sock = lab.namespaces.socket_in(source, socket.AF_INET6, socket.SOCK_STREAM)
    with sock:
        sock.settimeout(0.4)
        return sock.connect_ex((target, port)) == 0


def listen6(lab: Lab, namespace: str, port: int) -> socket.socket:
    sock = lab.namespaces.socket_in(namespace, socket.AF_INET6, socket.SOCK_STREAM)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.bind(("::", port))
    sock.listen(8)
    return sock


def test_ipv6_takes_the_same_way(peered: Lab) -> None:
    cloud = peered.cloud
    for number, name in enumerate("abc"):
        with_ipv6(cloud, name, number)
    for eni, address in (
        ("a1", "2001:db8:1000:1::20"),
        ("b1", "2001:db8:1001:1::20"),
        ("b2", "2001:db8:1001:1::21"),
        ("c1", "2001:db8:1002:1::20"),
    ):
        cloud.change(f"eni-{eni}", ipv6_addresses=(address,))
    cloud.route("rtb-a-main", "2001:db8:1001::/56", vpc_peering_connection="pcx-ab")
    cloud.route("rtb-b-main", "2001:db8:1000::/56", vpc_peering_connection="pcx-ab")
    cloud.route("rtb-b-main", "2001:db8:1002::/56", vpc_peering_connection="pcx-bc")
    cloud.route("rtb-a-main", "2001:db8:1002::/56", vpc_peering_connection="pcx-ab")
    peered.settle()
    with listen6(peered, "task-a1", 70), listen6(peered, "task-b2", 70), listen6(peered, "task-c1", 70):
        assert connects6(peered, "task-a1", "2001:db8:1001:1::21", 70)
        assert connects6(peered, "task-b2", "2001:db8:1000:1::20", 70)
        assert not connects6(peered, "task-a1", "2001:db8:1002:1::20", 70)  # not transitive
        assert not connects6(peered, "task-b2", "2001:db8:1002:1::20", 70)  # c has no route back
        cloud.route("rtb-c-main", "2001:db8:1001::/56", vpc_peering_connection="pcx-bc")
        peered.settle()
        assert connects6(peered, "task-b2", "2001:db8:1002:1::20", 70)
        with listen6(peered, "task-b1", 8080):  # b1 lets in members of a's group only
            assert connects6(peered, "task-a1", "2001:db8:1001:1::20", 8080)
            assert not connects6(peered, "task-c1", "2001:db8:1001:1::20", 8080)
            assert not connects6(peered, "task-b2", "2001:db8:1001:1::20", 8080)
        assert peered.reachable(("task-a1", "10.1.1.21", 80)) == [True]


def test_the_internet_gateway_of_a_peer_lets_nobody_in(peered: Lab) -> None:
    """From the internet to a's public address only; b's private ones stay out of reach through it."""
    peered.cloud.route("rtb-a-main", "0.0.0.0/0", internet_gateway="igw-a")
    peered.cloud.route("rtb-b-main", "0.0.0.0/0", vpc_peering_connection="pcx-ab")
    peered.settle()
    check(
        peered,
        {
            ("internet", "198.18.0.20", 80): True,
            ("internet", "10.1.1.21", 80): False,
            ("task-b2", "198.18.0.20", 80): False,  # b has no way out of its own
        },
    )
