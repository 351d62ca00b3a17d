"""Network ACLs: stateless, in order, at the boundary of a subnet and nowhere else."""

import socket

import pytest
from tests.packet.lab import Lab

pytestmark = pytest.mark.world

CLIENT = "203.0.113.10"
WEB, WEB2, APP = "10.0.0.20", "10.0.0.21", "10.0.1.20"
ALL_IN, ALL_OUT = "in 100 allow -1 0.0.0.0/0", "out 100 allow -1 0.0.0.0/0"


@pytest.fixture
def vpc(lab: Lab) -> Lab:
    """Two subnets whose groups allow everything; the public one has a NAT gateway."""
    cloud = lab.cloud
    a = cloud.vpc("a")
    public, private = cloud.subnet(a, "pub", "10.0.0.0/24"), cloud.subnet(a, "priv", "10.0.1.0/24")
    cloud.group(a, "all", "-1 0.0.0.0/0")
    nat = cloud.nat("n", public, "10.0.0.10", "198.18.0.10")
    cloud.table(a, "pub", subnets=(public,), internet_gateway="igw-a")
    cloud.table(a, "priv", subnets=(private,), nat_gateway=nat)
    cloud.acl(a, "default", ALL_IN, ALL_OUT)
    cloud.task("web", public, WEB, "sg-a-all", public="198.18.0.20")
    cloud.task("web2", public, WEB2, "sg-a-all")
    cloud.task("app", private, APP, "sg-a-all")
    lab.settle()
    for task in ("web", "web2", "app"):
        lab.listen(f"task-{task}", 80, 81)
    lab.listen("internet", 443)
    return lab


def behind(lab: Lab, *entries: str, subnet: str = "subnet-a-priv") -> None:
    lab.cloud.acl("vpc-a", "own", *entries, subnets=(subnet,))
    lab.settle()


def test_an_acl_that_allows_everything_is_in_no_set(vpc: Lab) -> None:
    behind(vpc, "in 5 allow -1 128.0.0.0/1", "in 6 allow -1 0.0.0.0/1", ALL_OUT)
    space = next(n for n in vpc.settle().namespaces if n.name == "vpc-a")
    assert space.policy is not None
    assert not any("acl" in s.name or (s.name == "bounded" and s.elements) for s in space.policy.sets)
    assert vpc.reachable(("task-web", APP, 80)) == [True]


def test_without_entries_nothing_crosses_the_boundary(vpc: Lab) -> None:
    vpc.cloud.task("app2", "subnet-a-priv", "10.0.1.21", "sg-a-all")
    behind(vpc)
    vpc.listen("task-app2", 80)
    probes = (
        ("task-web", APP, 80),
        ("task-app", WEB, 80),
        ("task-app", CLIENT, 443),
        ("task-app", "10.0.1.21", 80),  # within the subnet no ACL is asked
        ("task-web", WEB2, 80),
    )
    assert vpc.reachable(*probes) == [False, False, False, True, True]


def test_the_first_entry_that_matches_decides(vpc: Lab) -> None:
    behind(vpc, "in 10 deny tcp:80 10.0.0.20/32", "in 20 allow tcp:80 10.0.0.0/24", ALL_OUT)
    probes = (("task-web", APP, 80), ("task-web2", APP, 80), ("task-web2", APP, 81))
    assert vpc.reachable(*probes) == [False, True, False]
    behind(vpc, "in 20 deny tcp:80 10.0.0.20/32", "in 10 allow tcp:80 10.0.0.0/24", ALL_OUT)
    assert vpc.reachable(*probes) == [True, True, False]


def test_answers_need_entries_of_their_own(vpc: Lab) -> None:
    behind(vpc, "in 10 allow tcp:80 0.0.0.0/0", "out 10 allow tcp:1024-32767 0.0.0.0/0")
    assert vpc.reachable(("task-web", APP, 80)) == [False]
    behind(vpc, "in 10 allow tcp:80 0.0.0.0/0", "out 10 allow tcp:1024-65535 0.0.0.0/0")
    assert vpc.reachable(("task-web", APP, 80), ("task-app", WEB, 80)) == [True, False]


def test_tracked_flows_end_when_an_entry_goes(vpc: Lab) -> None:
    flow = vpc.connect("task-web", APP, 80)
    peer, _ = vpc.accept(vpc.servers["task-app", 80])
    flow.sendall(b"one")
    assert peer.recv(8) == b"one"
    behind(vpc, "in 10 allow tcp:81 0.0.0.0/0", ALL_OUT)
    flow.sendall(b"two")
    assert vpc.heard(peer) is None
    behind(vpc, ALL_IN, ALL_OUT)
    peer.settimeout(5)
    assert peer.recv(8) == b"two"  # stateless: the flow was not forgotten


def test_the_internet_gateway_is_no_subnet(vpc: Lab) -> None:
    """Its packets meet the ACL once, with the private address."""
    inward = "in 10 allow tcp:80 203.0.113.0/24"
    answers = "out 10 allow tcp:32768-61000 203.0.113.10/32"
    behind(vpc, inward, answers, subnet="subnet-a-pub")
    assert vpc.reachable(("internet", "198.18.0.20", 80), ("internet", "198.18.0.20", 81)) == [True, False]
    assert vpc.reachable(("task-web", CLIENT, 443), ("task-web", WEB2, 80)) == [False, True]


def test_a_nat_gateway_meets_its_subnets_acl_on_both_legs(vpc: Lab) -> None:
    private_leg = ("in 10 allow tcp:443 10.0.1.0/24", "out 10 allow tcp:1024-65535 10.0.1.0/24")
    public_leg = ("out 20 allow tcp:443 203.0.113.0/24", "in 20 allow tcp:1024-65535 203.0.113.0/24")
    for entries, expected in (
        (private_leg, False),
        (public_leg, False),
        (private_leg + public_leg, True),
    ):
        behind(vpc, *entries, subnet="subnet-a-pub")
        assert vpc.reachable(("task-app", CLIENT, 443)) == [expected]


def test_protocols_and_icmp_types(vpc: Lab) -> None:
    def arrives(protocol: int, payload: bytes) -> bool:
        target = vpc.socket_in("task-app", socket.SOCK_RAW, protocol)
        vpc.socket_in("task-web", socket.SOCK_RAW, protocol).sendto(payload, (APP, 0))
        return vpc.heard(target) is not None

    echo, timestamp = b"\x08\x00\xf7\xfe\0\0\0\1", b"\x0d\x00\xf2\xfe\0\0\0\1"
    behind(vpc, "in 10 allow icmp:8--1 0.0.0.0/0", "in 20 deny 47 10.0.0.0/8", "in 30 allow 47 0.0.0.0/0")
    assert [arrives(1, echo), arrives(1, timestamp), arrives(47, b"\0\0\0\0")] == [True, False, False]
    behind(vpc, "in 10 deny icmp:8-0 0.0.0.0/0", ALL_IN)
    assert [arrives(1, echo), arrives(1, timestamp), arrives(47, b"\0\0\0\0")] == [False, True, True]


def test_the_resolver_is_beyond_all_acls(vpc: Lab) -> None:
    behind(vpc)
    server = vpc.receive("vpc-a", 53, "10.0.0.2")
    sock = vpc.socket_in("task-app", socket.SOCK_DGRAM)
    sock.sendto(b"query", ("10.0.0.2", 53))
    heard = vpc.heard(server)
    assert heard is not None
    server.sendto(b"answer", heard[1])
    assert vpc.heard(sock) == (b"answer", ("10.0.0.2", 53))


def test_one_acl_serves_many_subnets(vpc: Lab) -> None:
    subnets = ("subnet-a-priv", "subnet-a-pub")
    vpc.cloud.acl(
        "vpc-a", "own", "in 1 allow tcp:80 10.0.0.0/16", "out 1 allow tcp:80 10.0.0.0/16", subnets=subnets
    )
    vpc.settle()
    assert vpc.reachable(("task-web", APP, 80)) == [False]  # the answers' ports
    vpc.cloud.acl(
        "vpc-a", "own", "in 1 allow tcp 10.0.0.0/16", "out 1 allow tcp 10.0.0.0/16", subnets=subnets
    )
    vpc.settle()
    assert vpc.reachable(("task-web", APP, 80), ("task-app", WEB, 80), ("internet", "198.18.0.20", 80)) == [
        True,
        True,
        False,
    ]
