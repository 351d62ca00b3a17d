"""Revoked rules: tracked flows go on, untracked ones end at once.  And how often a resolver may be asked."""

import contextlib
import socket
import time
from collections.abc import Callable

import pytest
from tests.packet.lab import Lab

pytestmark = pytest.mark.world

CLIENT = "203.0.113.10"
WEB, APP = "10.0.0.20", "10.0.1.20"


@pytest.fixture
def vpc(lab: Lab) -> Lab:
    """web lets everybody in on 80 and 443, app is behind a NAT gateway."""
    cloud = lab.cloud
    a = cloud.vpc("a")
    public, private = cloud.subnet(a, "pub", "10.0.0.0/24"), cloud.subnet(a, "priv", "10.0.1.0/24")
    cloud.group(a, "web", "tcp:80 0.0.0.0/0", "tcp:443 0.0.0.0/0", "udp:53 0.0.0.0/0")
    cloud.group(a, "app", "-1 0.0.0.0/0")
    nat = cloud.nat("n", public, "10.0.0.10", "198.18.0.10")
    cloud.table(a, "pub", subnets=(public,), internet_gateway="igw-a")
    cloud.table(a, "priv", subnets=(private,), nat_gateway=nat)
    cloud.task("web", public, WEB, "sg-a-web", public="198.18.0.20")
    cloud.task("app", private, APP, "sg-a-app")
    lab.settle()
    lab.listen("task-web", 80, 443)
    lab.listen("internet", 443)
    return lab


def flow_to(lab: Lab, namespace: str, address: str, server: tuple[str, int]) -> Callable[[], bool]:
    """A connection; the answer tells whether it still carries bytes both ways."""
    one = lab.connect(namespace, address, server[1])
    other, _ = lab.accept(lab.servers[server])

    def lives() -> bool:
        one.sendall(b"x")
        if lab.heard(other) is None:
            return False
        other.sendall(b"y")
        return lab.heard(one) is not None

    assert lives()
    return lives


def test_a_revoked_rule_for_everybody_ends_its_flows(vpc: Lab) -> None:
    inside = flow_to(vpc, "task-app", WEB, ("task-web", 80))
    outside = flow_to(vpc, "internet", "198.18.0.20", ("task-web", 80))
    spared = flow_to(vpc, "internet", "198.18.0.20", ("task-web", 443))
    vpc.cloud.drop("sgr-a-web-in0")
    vpc.settle()
    assert [inside(), outside(), spared()] == [False, False, True]


def test_a_rule_revoked_while_nobody_looked_ends_its_flows_too(vpc: Lab) -> None:
    """What was allowed, and to whom, is then known from the kernel's table alone."""
    ended = flow_to(vpc, "internet", "198.18.0.20", ("task-web", 80))
    spared = flow_to(vpc, "internet", "198.18.0.20", ("task-web", 443))
    tracked = flow_to(vpc, "task-app", "203.0.113.10", ("internet", 443))
    vpc.replace_engine()
    vpc.cloud.drop("sgr-a-web-in0")
    vpc.settle()
    assert [ended(), spared(), tracked()] == [False, True, True]


def test_a_second_rule_for_everybody_keeps_them(vpc: Lab) -> None:
    vpc.cloud.rule("sg-a-web", "also", "tcp:1-100 0.0.0.0/0")
    vpc.settle()
    flow = flow_to(vpc, "internet", "198.18.0.20", ("task-web", 80))
    vpc.cloud.drop("sgr-a-web-in0")
    vpc.settle()
    assert flow()
    vpc.cloud.drop("sgr-a-web-also")
    vpc.settle()
    assert not flow()


def test_a_narrower_rule_is_tracked(vpc: Lab) -> None:
    vpc.cloud.rule("sg-a-web", "in0", "tcp:80 203.0.113.0/24")
    vpc.settle()
    flow = flow_to(vpc, "internet", "198.18.0.20", ("task-web", 80))
    vpc.cloud.drop("sgr-a-web-in0")
    vpc.settle()
    assert flow() and vpc.reachable(("internet", "198.18.0.20", 80)) == [False]


def test_without_free_answers_flows_are_tracked(vpc: Lab) -> None:
    vpc.cloud.rule("sg-a-web", "out0", "tcp:443 0.0.0.0/0", is_egress=True)
    vpc.settle()
    flow = flow_to(vpc, "internet", "198.18.0.20", ("task-web", 80))
    vpc.cloud.drop("sgr-a-web-in0")
    vpc.settle()
    assert flow()


def test_the_rule_for_answers_ends_untracked_flows_too(vpc: Lab) -> None:
    flow = flow_to(vpc, "internet", "198.18.0.20", ("task-web", 80))
    vpc.cloud.drop("sgr-a-web-out0")
    vpc.settle()
    assert not flow()


def test_what_passes_a_nat_gateway_is_always_tracked(vpc: Lab) -> None:
    """app may send to and hear from everybody; its rule goes, its connections through the gateway stay."""
    through = flow_to(vpc, "task-app", CLIENT, ("internet", 443))
    beside = flow_to(vpc, "task-app", WEB, ("task-web", 443))
    vpc.cloud.drop("sgr-a-app-out0")
    vpc.settle()
    assert [through(), beside()] == [True, False]
    assert vpc.reachable(("task-app", CLIENT, 443)) == [False]


def test_other_groups_of_an_interface_may_hold_a_flow(vpc: Lab) -> None:
    vpc.cloud.group("vpc-a", "more", "tcp:80 0.0.0.0/0")
    vpc.cloud.change("eni-web", group_ids=("sg-a-more", "sg-a-web"))
    vpc.settle()
    flow = flow_to(vpc, "internet", "198.18.0.20", ("task-web", 80))
    vpc.cloud.drop("sgr-a-web-in0")
    vpc.settle()
    assert flow()
    vpc.cloud.change("eni-web", group_ids=("sg-a-web",))
    vpc.settle()
    assert not flow()


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
def test_a_resolver_hears_1024_packets_a_second_of_an_interface(lab: Lab, family: str) -> None:
    cloud = lab.cloud
    a = cloud.vpc("a", ipv6="2001:db8:1000::/56")
    subnet = cloud.subnet(a, "one", "10.0.0.0/24", ipv6_cidr_block="2001:db8:1000::/64")
    cloud.group(a, "none", egress=())
    for number, name in ((20, "one"), (21, "two")):
        cloud.task(
            name, subnet, f"10.0.0.{number}", "sg-a-none", ipv6_addresses=(f"2001:db8:1000::{number}",)
        )
    lab.settle()
    address = {"ipv4": "10.0.0.2", "ipv6": "fd00:ec2::253"}[family]
    server = lab.receive("vpc-a", 53, address)
    first, second = (
        lab.socket_in(f"task-{name}", socket.SOCK_DGRAM, family=server.family) for name in ("one", "two")
    )
    server.setblocking(False)
    heard, began = 0, time.monotonic()
    for _ in range(3000):
        first.sendto(b"asked", (address, 53))
        with contextlib.suppress(BlockingIOError):  # what passes is there already
            heard += server.recv(16) == b"asked"
    assert 1024 <= heard <= 1024 * (1 + time.monotonic() - began) < 3000
    second.sendto(b"mine", (address, 53))
    packet = lab.heard(server)  # each interface has its own measure
    assert packet is not None and packet[0] == b"mine"
