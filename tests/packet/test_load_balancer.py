"""Nodes of application load balancers tried with real packets: who reaches them, and whom they reach."""

import socket

import pytest
from tests.packet.balancers import balancer, listener, target_group
from tests.packet.lab import Lab

pytestmark = pytest.mark.world

PUBLIC = "198.18.0.20"
NODE = "eni-web-0"


@pytest.fixture
def vpc(lab: Lab) -> Lab:
    """An internet-facing load balancer in a public subnet, a target in a private one that lets it in."""
    cloud = lab.cloud
    a = cloud.vpc("a")
    public, private = cloud.subnet(a, "pub", "10.0.0.0/24"), cloud.subnet(a, "priv", "10.0.1.0/24")
    cloud.table(a, "pub", subnets=(public,), internet_gateway="igw-a")
    cloud.group(a, "lb", "tcp:80-81 0.0.0.0/0", "icmp:8 0.0.0.0/0")
    cloud.group(a, "app", "tcp:8080 sg-a-lb")
    web = balancer(cloud, "web", (public, "10.0.0.20"), groups=("sg-a-lb",), public=(PUBLIC,))
    listener(cloud, web, "HTTP", 80, target_group(cloud, "app", "HTTP", 8080))
    cloud.task("app", private, "10.0.1.20", "sg-a-app")
    lab.settle()
    lab.listen("task-app", 8080, 8081)
    lab.listen(NODE, 80, 81, 9000)
    return lab


def test_it_is_reached_on_its_listeners_ports_and_no_others(vpc: Lab) -> None:
    probes = [("internet", PUBLIC, port) for port in (80, 81, 9000)]
    assert vpc.outcomes(*probes, ("task-app", "10.0.0.20", 80)) == [
        "connected",
        "silence",
        "silence",
        "connected",
    ]
    vpc.cloud.rule("sg-a-lb", "in5", "tcp:9000 0.0.0.0/0")
    vpc.settle()
    assert vpc.outcomes(("internet", PUBLIC, 9000)) == ["silence"]
    listener(vpc.cloud, "app/web/0", "HTTP", 9000, "app/0")
    vpc.settle()
    assert vpc.outcomes(("internet", PUBLIC, 9000)) == ["connected"]


def test_it_sees_the_clients_address(vpc: Lab) -> None:
    vpc.connect("internet", PUBLIC, 80)
    assert vpc.accept(vpc.servers[NODE, 80])[1] == "203.0.113.10"


def test_the_group_of_its_targets_decides_whom_it_reaches(vpc: Lab) -> None:
    probes = ((NODE, "10.0.1.20", 8080), (NODE, "10.0.1.20", 8081))
    assert vpc.outcomes(*probes) == ["connected", "silence"]
    vpc.connect(NODE, "10.0.1.20", 8080)
    assert vpc.accept(vpc.servers["task-app", 8080])[1] == "10.0.0.20"
    vpc.cloud.drop("sgr-a-app-in0")
    vpc.settle()
    assert vpc.outcomes(*probes) == ["silence", "silence"]


def test_its_own_group_decides_what_it_may_ask(vpc: Lab) -> None:
    vpc.cloud.drop("sgr-a-lb-out0")
    vpc.settle()
    assert vpc.outcomes((NODE, "10.0.1.20", 8080), ("internet", PUBLIC, 80)) == ["silence", "connected"]


@pytest.mark.parametrize("way", ["in", "out"])
def test_acls_hold_between_it_and_its_targets(vpc: Lab, way: str) -> None:
    entries = (
        f"{way} 90 deny tcp:1024-65535 10.0.1.0/24",
        "in 100 allow -1 0.0.0.0/0",
        "out 100 allow -1 0.0.0.0/0",
    )
    vpc.cloud.acl("vpc-a", "pub", *entries, subnets=("subnet-a-pub",))
    vpc.settle()
    assert vpc.outcomes((NODE, "10.0.1.20", 8080), ("internet", PUBLIC, 80)) == ["silence", "connected"]


def test_without_a_way_to_the_internet_nobody_out_there_reaches_it(vpc: Lab) -> None:
    vpc.cloud.drop("rtb-a-pub")
    vpc.settle()
    assert vpc.outcomes(("internet", PUBLIC, 80), ("task-app", "10.0.0.20", 80)) == ["silence", "connected"]


def test_nothing_passes_through_it(vpc: Lab) -> None:
    """A packet for somebody else that is put before its door."""
    sender = vpc.socket_in("vpc-a", socket.SOCK_RAW, socket.IPPROTO_RAW)
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device_of(vpc, NODE).encode())
    catcher = vpc.receive("task-app", 53)
    vpc.cloud.rule("sg-a-app", "in9", "udp:53 0.0.0.0/0")
    vpc.settle()
    udp = bytes([0x30, 0x39, 0, 53, 0, 12, 0, 0]) + b"psst"
    head = b"\x45\x00\x00\x00\x00\x00\x00\x00\x40\x11\x00\x00" + socket.inet_aton("10.0.0.20")
    sender.sendto(head + socket.inet_aton("10.0.1.20") + udp, ("10.0.0.20", 0))
    assert vpc.heard(catcher) is None


def test_a_going_load_balancer_takes_its_namespace_with_it(vpc: Lab) -> None:
    vpc.cloud.change("app/web/0", deleting=True)
    vpc.settle()
    assert NODE not in vpc.namespaces.names()
    assert vpc.outcomes(("internet", PUBLIC, 80)) == ["silence"]


def device_of(lab: Lab, interface: str) -> str:
    program = lab.settle()
    return next(link.router.name for link in program.links if link.origin == interface)
