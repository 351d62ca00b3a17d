"""IPv6 in a VPC: groups, routes, both sorts of internet gateways, ACLs, sources, and what stays closed."""

import errno
import socket
import struct
from collections.abc import Iterator

import pytest
from tests.packet.lab import Lab

pytestmark = pytest.mark.world

CLIENT = "2001:db8:cb00:7100::10"
BLOCK = "2001:db8:1000::/56"
WEB, WEB2, APP = "2001:db8:1000::20", "2001:db8:1000::21", "2001:db8:1000:1::20"
EVERYWHERE = "::/0"
ALL = ("-1 0.0.0.0/0", "-1 ::/0")


@pytest.fixture
def vpc(lab: Lab) -> Iterator[Lab]:
    """web and web2 behind an internet gateway, app behind an egress-only one; all in both families."""
    cloud = lab.cloud
    a = cloud.vpc("a", ipv6=BLOCK)
    public = cloud.subnet(a, "pub", "10.0.0.0/24", ipv6_cidr_block="2001:db8:1000::/64")
    private = cloud.subnet(a, "priv", "10.0.1.0/24", ipv6_cidr_block="2001:db8:1000:1::/64")
    cloud.group(a, "web", "tcp:80 ::/0", "tcp:9000 sg-a-web", egress=ALL)
    cloud.group(a, "app", "tcp:8000 sg-a-web", "icmpv6:128--1 2001:db8:1000::/64", egress=ALL)
    outside = cloud.egress_only_gateway(a)
    cloud.route(cloud.table(a, "pub", subnets=(public,)), EVERYWHERE, internet_gateway="igw-a")
    cloud.route(cloud.table(a, "priv", subnets=(private,)), EVERYWHERE, egress_only_internet_gateway=outside)
    cloud.task("web", public, "10.0.0.20", "sg-a-web", ipv6_addresses=("2001:db8:1000::20",))
    cloud.task("web2", public, "10.0.0.21", "sg-a-web", ipv6_addresses=("2001:db8:1000::21",))
    cloud.task("app", private, "10.0.1.20", "sg-a-app", ipv6_addresses=("2001:db8:1000:1::20",))
    lab.settle()
    for name, address in (("task-web", WEB), ("task-web2", WEB2), ("task-app", APP), ("internet", CLIENT)):
        lab.awake(name, address)
    for task, ports in (("web", (80, 9000)), ("web2", (80, 9000)), ("app", (8000, 80))):
        lab.listen(f"task-{task}", *ports, address="::")
    lab.listen("internet", 443, address=CLIENT)
    yield lab


def test_groups_decide_about_every_pair(vpc: Lab) -> None:
    expected = {
        ("task-web", WEB2, 80): True,  # same subnet
        ("task-web", WEB2, 9000): True,  # a group that names itself
        ("task-app", WEB, 80): True,  # across subnets
        ("task-app", WEB, 9000): False,
        ("task-web", APP, 8000): True,
        ("task-web", APP, 80): False,
        ("task-app", "10.0.0.20", 80): False,  # ::/0 is no IPv4 address
        ("internet", WEB, 80): True,  # through the internet gateway
        ("internet", WEB, 9000): False,
        ("internet", APP, 8000): False,
        ("task-web", CLIENT, 443): True,
        ("task-app", CLIENT, 443): True,  # through the egress-only gateway
    }
    assert dict(zip(expected, vpc.reachable(*expected), strict=True)) == expected


def test_nothing_new_comes_in_through_an_egress_only_gateway(vpc: Lab) -> None:
    vpc.cloud.rule("sg-a-app", "in8", "tcp:80 ::/0")
    vpc.cloud.drop("igw-a")
    vpc.settle()
    assert vpc.reachable(("internet", APP, 80), ("task-app", CLIENT, 443)) == [False, True]


def test_nor_is_what_came_in_through_the_other_gateway_answered_through_it(vpc: Lab) -> None:
    """app's group lets everybody in, the VPC has an internet gateway, and app's way out is egress-only."""
    vpc.cloud.rule("sg-a-app", "in8", "-1 ::/0")
    vpc.settle()
    ear = vpc.receive("task-app", 4000, "::")
    asking = vpc.receive("internet", 4000, CLIENT)
    asking.sendto(b"question", (APP, 4000))
    heard = vpc.heard(ear)
    assert heard == (b"question", (CLIENT, 4000))
    ear.sendto(b"answer", heard[1])
    assert vpc.heard(asking) is None
    assert vpc.reachable(("internet", APP, 80), ("task-web", APP, 80), ("task-app", CLIENT, 443)) == [
        False,
        True,
        True,
    ]


def test_addresses_are_seen_untranslated(vpc: Lab) -> None:
    flow = vpc.connect("task-app", CLIENT, 443)
    peer, seen = vpc.accept(vpc.servers["internet", 443])
    assert seen == APP
    flow.sendall(b"hello")
    assert peer.recv(16) == b"hello"


def test_without_a_route_or_a_block_there_is_silence(vpc: Lab) -> None:
    table = vpc.cloud.resources["rtb-a-priv"]
    vpc.cloud.change(table.id, routes=table.routes[:-1])
    vpc.settle()
    unused = "2001:db8:1000:1::99"
    assert vpc.reachable(("task-app", CLIENT, 443), ("task-web", unused, 80), ("task-web", APP, 8000)) == [
        False,
        False,
        True,
    ]


def test_a_detached_gateway_is_a_blackhole(vpc: Lab) -> None:
    vpc.cloud.change("igw-a", vpc_id=None)
    vpc.settle()
    assert vpc.outcomes(("task-web", CLIENT, 443), ("internet", WEB, 80))[0] == "silence"
    assert vpc.reachable(("internet", WEB, 80), ("task-app", CLIENT, 443)) == [False, True]


def test_other_sources_are_dropped(vpc: Lab) -> None:
    vpc.cloud.rule("sg-a-web", "in8", "udp:53 ::/0")
    vpc.settle()
    target = vpc.receive("task-web2", 53, "::")
    for namespace, good in (("task-web", WEB), ("internet", CLIENT)):
        for source in (APP, "2001:db8:1000::99", "2001:db8:2::1", "fe80::7", "::1"):
            send_udp(vpc, namespace, source, WEB2)
        assert vpc.heard(target) is None
        send_udp(vpc, namespace, good, WEB2)
        assert vpc.heard(target) == (b"spoof", (good, 12345))


def test_icmp_types_have_their_own_rules(vpc: Lab) -> None:
    target = vpc.socket_in("task-app", socket.SOCK_RAW, socket.IPPROTO_ICMPV6, socket.AF_INET6)
    sender = vpc.socket_in("task-web", socket.SOCK_RAW, socket.IPPROTO_ICMPV6, socket.AF_INET6)
    for kind in (129, 200, 128):
        sender.sendto(bytes([kind, 0, 0, 0, 0, 1, 0, 1]), (APP, 0))
    heard = vpc.heard(target)
    assert heard is not None and heard[0][0] == 128
    assert vpc.heard(target) is None


def test_icmp_codes_and_prefix_lists(vpc: Lab) -> None:
    some = vpc.cloud.prefix_list("six", "2001:db8:ffff::/48", f"{WEB}/128")
    vpc.cloud.drop("sgr-a-app-in1")
    vpc.cloud.rule("sg-a-app", "code", f"icmpv6:139-1 {some}")
    vpc.cloud.rule("sg-a-app", "list", f"tcp:80 {some}")
    vpc.settle()
    probes = [(task, APP, 80) for task in ("task-web", "task-web2")]
    assert vpc.reachable(*probes) == [True, False]
    target = vpc.socket_in("task-app", socket.SOCK_RAW, socket.IPPROTO_ICMPV6, socket.AF_INET6)
    for task in ("task-web2", "task-web"):
        sender = vpc.socket_in(task, socket.SOCK_RAW, socket.IPPROTO_ICMPV6, socket.AF_INET6)
        for kind in ((139, 0), (128, 1), (139, 1)):
            sender.sendto(bytes([*kind, 0, 0, 0, 1, 0, 1]), (APP, 0))
    heard = vpc.heard(target)
    assert heard is not None
    assert (heard[0][:2], heard[1][0]) == (bytes((139, 1)), WEB)
    assert vpc.heard(target) is None
    vpc.cloud.prefix_list("six", "2001:db8:ffff::/48")
    vpc.settle()
    assert vpc.reachable(*probes) == [False, False]


def test_an_acl_without_ipv6_entries_refuses_ipv6(vpc: Lab) -> None:
    everything = ("in 100 allow -1 0.0.0.0/0", "out 100 allow -1 0.0.0.0/0")
    vpc.cloud.acl("vpc-a", "four", *everything, subnets=("subnet-a-priv",))
    vpc.settle()
    across, within, four = ("task-app", WEB, 80), ("task-web", WEB2, 80), ("task-app", "10.0.0.20", 80)
    assert vpc.reachable(across, within, four) == [False, True, False]
    vpc.cloud.acl(
        "vpc-a",
        "four",
        *everything,
        f"out 101 allow tcp:80 {WEB}/128",
        "in 101 allow tcp:1024-65535 ::/0",
        subnets=("subnet-a-priv",),
    )
    vpc.settle()
    assert vpc.reachable(across, ("task-app", WEB2, 80), ("task-web", APP, 8000)) == [True, False, False]


def test_a_vpc_gains_and_loses_its_block(vpc: Lab) -> None:
    cloud = vpc.cloud
    six = cloud.resources["vpc-a"].ipv6_cidr_blocks
    cloud.change("vpc-a", ipv6_cidr_blocks=())
    program = vpc.settle()
    assert vpc.rest(program) == []
    with vpc.namespaces.inside("task-web"), open("/proc/net/if_inet6") as addresses:
        assert addresses.read() == ""
    cloud.change("vpc-a", ipv6_cidr_blocks=six)
    program = vpc.settle()
    assert vpc.rest(program) == []
    vpc.listen("task-web", 81, address="::")
    cloud.rule("sg-a-web", "in8", "tcp:81 ::/0")
    vpc.settle()
    for name, address in (("task-web", WEB), ("task-app", APP)):
        vpc.awake(name, address)
    assert vpc.reachable(("task-app", WEB, 81), ("internet", WEB, 81)) == [True, True]


def test_a_path_mtu_is_told(vpc: Lab) -> None:
    """Interfaces take 9001 bytes, gateways 1500."""
    sock = vpc.socket_in("task-web", socket.SOCK_DGRAM, family=socket.AF_INET6)
    sock.setsockopt(socket.IPPROTO_IPV6, 23, 2)  # IPV6_MTU_DISCOVER: never fragment here
    sock.connect((CLIENT, 9))
    sock.settimeout(2)
    sock.send(bytes(4000))
    with pytest.raises(OSError) as told:
        sock.recv(10)
    assert told.value.errno == errno.EMSGSIZE
    assert sock.getsockopt(socket.IPPROTO_IPV6, 24) == 1500  # IPV6_MTU


def send_udp(lab: Lab, namespace: str, source: str, target: str) -> None:
    """A datagram to port 53 with a source of one's choice."""
    payload = b"spoof"
    udp = struct.pack(">HHHH", 12345, 53, 8 + len(payload), 0)
    ends = socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, target)
    pseudo = ends + struct.pack(">II", len(udp) + len(payload), socket.IPPROTO_UDP)
    data = pseudo + udp + payload + b"\0" * (len(payload) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    datagram = udp[:6] + struct.pack(">H", ~total & 0xFFFF or 0xFFFF) + payload
    header = struct.pack(">IHBB", 6 << 28, len(datagram), socket.IPPROTO_UDP, 64) + ends
    sock = lab.socket_in(namespace, socket.SOCK_RAW, socket.IPPROTO_RAW, socket.AF_INET6)
    sock.sendto(header + datagram, (target, 0))
