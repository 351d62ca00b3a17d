"""Both families from program to kernel and back; flows whose ground is gone are forgotten, no others."""

import socket
import subprocess
from typing import Any

import pytest
from msgspec.structs import replace
from tests.packet.lab import Lab

from seawall.program.network import (
    Chain,
    Element,
    ElementSet,
    Link,
    LinkEnd,
    Namespace,
    Neighbour,
    NetworkProgram,
    PacketPolicy,
    Route,
    RoutingRule,
    Rule,
)

pytestmark = pytest.mark.world

ROUTER = (
    ("ipv6/conf/all/disable_ipv6", "0"),
    ("ipv6/conf/default/disable_ipv6", "0"),
    ("ipv6/conf/default/addr_gen_mode", "1"),
    ("ipv6/conf/all/forwarding", "1"),
    ("ipv4/ip_forward", "1"),
    ("netfilter/nf_conntrack_tcp_loose", "0"),
)
OPEN = """
    chain send {
        type filter hook forward priority filter; policy drop;
        ct status confirmed accept
        ct state invalid drop
        ip saddr . ip daddr @pairs accept
        ip6 saddr . ip6 daddr @pairs6 accept
    }
"""


def link(name: str, number: int, *addresses: str) -> Link:
    """A host HOST with a router's end hNUMBER; both families, every address whole."""
    mac, router_mac = f"02:00:00:00:01:{number:02x}", f"02:00:00:00:02:{number:02x}"
    gateways = ("169.254.1.1", "fe80::1")
    return Link(
        origin=name,
        mtu=9001,
        router=LinkEnd(
            namespace="router",
            name=f"h{number}",
            ifindex=1000 + number,
            mac=router_mac,
            neighbours=tuple(Neighbour(address=a, mac=mac) for a in addresses),
        ),
        host=LinkEnd(
            namespace=name,
            name="eth1",
            ifindex=2000 + number,
            mac=mac,
            addresses=tuple(f"{a}/{128 if ':' in a else 32}" for a in addresses),
            neighbours=tuple(Neighbour(address=a, mac=router_mac) for a in gateways),
        ),
    )


ONE, TWO = ("10.0.0.1", "fd00::1"), ("10.0.0.2", "fd00::2")


def whole(address: str) -> str:
    return f"{address}/{128 if ':' in address else 32}"


def pairs(name: str, kind: str, *elements: Element, **members: Any) -> ElementSet:
    return ElementSet(name=name, key=(kind, kind), elements=elements, **members)


def program(*sets: ElementSet) -> NetworkProgram:
    policy = PacketPolicy(
        skeleton=OPEN,
        sets=(
            pairs("pairs", "ipv4_addr", Element(key="10.0.0.1 . 10.0.0.2")),
            pairs("pairs6", "ipv6_addr", Element(key="fd00::1 . fd00::2")),
            *sets,
        ),
    )
    defaults = (
        Route(destination="0.0.0.0/0", device="eth1", via="169.254.1.1"),
        Route(destination="::/0", device="eth1", via="fe80::1"),
    )
    routes = [Route(destination=whole(a), device=f"h{n}") for n, host in ((1, ONE), (2, TWO)) for a in host]
    router = Namespace(
        name="router",
        sysctls=ROUTER,
        addresses=("10.0.0.254/32", "fd00::fe/128"),
        routes=(
            *routes,
            Route(destination="fd01::/64"),
            Route(destination="fd02::/64", device="h1", via="fd00::1"),
            Route(destination="::/0", table=1000),
            Route(destination="0.0.0.0/0", table=1000),
        ),
        rules=(
            RoutingRule(priority=10, table=254),
            RoutingRule(priority=20, table=1000, mark=0x10000, mask=0xFFFF0000),
            RoutingRule(priority=30, mark=0x20000, mask=0xFFFF0000),
        ),
        policy=policy,
    )
    hosts = [Namespace(name=name, routes=defaults) for name in ("one", "two")]
    return NetworkProgram(namespaces=(router, *hosts), links=(link("one", 1, *ONE), link("two", 2, *TWO)))


def test_in_force_and_seen_again(lab: Lab) -> None:
    wanted = program()
    lab.apply(wanted)
    assert lab.rest(wanted) == []
    lab.replace_engine()
    assert lab.rest(wanted) == []


@pytest.mark.parametrize(("family", "target"), [(socket.AF_INET, TWO[0]), (socket.AF_INET6, TWO[1])])
def test_packets_pass_at_once(lab: Lab, family: socket.AddressFamily, target: str) -> None:
    lab.apply(program())
    server = lab.namespaces.socket_in("two", family)
    client = lab.namespaces.socket_in("one", family)
    with server, client:
        server.bind((target, 80))
        server.listen()
        client.settimeout(0.9)  # less than until a lost SYN is sent again
        client.connect((target, 80))
        assert client.getsockname()[0] in ONE


def test_what_somebody_changed_is_seen_in_both_families(lab: Lab) -> None:
    wanted = program()
    lab.apply(wanted)
    for command in (
        "ip -6 route del blackhole fd01::/64",
        "ip -6 rule add priority 77 table main",
        "ip -6 neigh del fd00::1 dev h1",
        "ip -6 addr del fd00::fe/128 dev lo",
        "ip -6 route replace blackhole fd02::/64 proto 83",
    ):
        lab.engine.distrust()
        with lab.namespaces.inside("router"):
            subprocess.run(command.split(), check=True)
        assert lab.rest(wanted) != [], command
        lab.apply(wanted)
        assert lab.rest(wanted) == [], command


def test_addresses_and_routes_change(lab: Lab) -> None:
    """One host moves to another address in both families, and the blackhole becomes a way."""
    before = program()
    lab.apply(before)
    router, *hosts = before.namespaces
    routes = [r for r in router.routes if r.device != "h2" and r.destination != "fd01::/64"]
    routes += [Route(destination=whole(a), device="h2") for a in ("10.0.0.3", "fd00::3")]
    routes += [Route(destination="fd01::/64", device="h2", via="fd00::3")]
    after = replace(
        before,
        namespaces=(replace(router, routes=tuple(routes)), *hosts),
        links=(before.links[0], link("two", 2, "10.0.0.3", "fd00::3")),
    )
    lab.apply(after)
    assert lab.rest(after) == []
    lab.apply(before)
    assert lab.rest(before) == []


def releasing(*keys: str, way: Any = "to", kind: str = "ipv4_addr") -> ElementSet:
    return ElementSet(
        name=f"untracked_{kind[:4]}",
        key=(kind, "inet_proto", "inet_service"),
        interval=True,
        releases=way,
        elements=tuple(Element(key=key, origin="sgr-1") for key in keys),
    )


class Talk:
    """TCP connections from host one to host two."""

    def __init__(self, lab: Lab, address: str, *ports: int) -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.connections = {}
        for port in ports:
            server = lab.namespaces.socket_in("two", family)
            client = lab.namespaces.socket_in("one", family)
            server.bind((address, port))
            server.listen()
            client.connect((address, port))
            peer, _ = server.accept()
            server.close()
            self.connections[port] = client, peer

    def alive(self, port: int) -> bool:
        client, peer = self.connections[port]
        peer.settimeout(0.3)
        client.send(b"x")
        try:
            return peer.recv(1) == b"x"
        except TimeoutError:
            return False

    def close(self) -> None:
        for pair in self.connections.values():
            for sock in pair:
                sock.close()


@pytest.mark.parametrize(
    ("way", "address", "kind"),
    [
        ("to", TWO[0], "ipv4_addr"),
        ("from", ONE[0], "ipv4_addr"),
        ("to", TWO[1], "ipv6_addr"),
        ("from", ONE[1], "ipv6_addr"),
    ],
)
def test_only_flows_without_ground_are_forgotten(lab: Lab, way: str, address: str, kind: str) -> None:
    lab.apply(program(releasing(f"{address} . 6 . 80-90", f"{address} . 17 . 1-9", way=way, kind=kind)))
    talk = Talk(lab, TWO[1] if ":" in address else TWO[0], 80, 85, 90, 100)
    lab.apply(program(releasing(f"{address} . 6 . 84-86", f"{address} . 17 . 1-9", way=way, kind=kind)))
    assert [talk.alive(port) for port in (80, 85, 90, 100)] == [False, True, False, True]
    other = releasing(f"{address} . 0-10 . 85", way=way, kind=kind)
    lab.apply(program(replace(other, elements=tuple(replace(e, origin="sgr-2") for e in other.elements))))
    assert talk.alive(85)
    lab.apply(program(releasing(way=way, kind=kind)))
    assert [talk.alive(port) for port in (85, 100)] == [False, True]
    talk.close()


def test_the_wrong_direction_is_left_alone(lab: Lab) -> None:
    lab.apply(program(releasing(f"{ONE[0]} . 0-255 . 0-65535", way="to")))
    talk = Talk(lab, TWO[0], 80)
    lab.apply(program(releasing(way="to")))
    assert talk.alive(80)
    talk.close()


@pytest.mark.parametrize("address", [TWO[0], TWO[1]])
def test_a_released_address_is_forgotten_in_both_families(lab: Lab, address: str) -> None:
    kind = "ipv6_addr" if ":" in address else "ipv4_addr"
    owned = ElementSet(
        name="owned", key=(kind,), releases="address", elements=(Element(key=address, origin="eni-1"),)
    )
    lab.apply(program(owned))
    talk = Talk(lab, address, 80)
    other = Talk(lab, TWO[0] if address == TWO[1] else TWO[1], 81)
    lab.apply(program(replace(owned, elements=(Element(key=address, origin="eni-2"),))))
    assert not talk.alive(80)
    assert other.alive(81)
    lab.replace_engine()
    fresh = Talk(lab, address, 90)
    lab.apply(program(replace(owned, elements=())))
    assert not fresh.alive(90)
    assert other.alive(81)
    for each in (talk, other, fresh):
        each.close()


@pytest.mark.parametrize(("stranger", "address"), [("10.0.0.9", TWO[0]), ("fd00::9", TWO[1])])
def test_the_flows_of_other_addresses_stay(lab: Lab, stranger: str, address: str) -> None:
    kind = "ipv6_addr" if ":" in address else "ipv4_addr"
    owned = ElementSet(name="owned", key=(kind,), releases="address", elements=(Element(key=stranger),))
    lab.apply(program(owned))
    talk = Talk(lab, address, 80)
    lab.apply(program(replace(owned, elements=())))
    assert talk.alive(80)
    talk.close()


def test_elements_and_rules_tell_what_they_counted(lab: Lab) -> None:
    services = ElementSet(
        name="services",
        key=("ipv4_addr", "inet_proto", "inet_service"),
        interval=True,
        counted=True,
        elements=(
            Element(key="10.0.0.0/8 . 17 . 80-90", origin="sgr-1,sgr-2"),
            Element(key="10.0.0.0/8 . 17 . 91", origin="sgr-3"),
        ),
    )
    blocks = ElementSet(
        name="blocks",
        key=("ipv4_addr",),
        interval=True,
        counted=True,
        elements=(Element(key="10.0.0.2/31", origin="a"), Element(key="10.0.1.0/24", origin="b")),
    )
    chain = Chain(
        name="counting",
        rules=(
            Rule(text="ip daddr @blocks"),
            Rule(text="ip daddr . meta l4proto . th dport @services counter", origin="sg-1"),
        ),
    )
    wanted = program(services, blocks)
    router, *hosts = wanted.namespaces
    assert router.policy
    policy = replace(
        router.policy, skeleton=OPEN.replace("drop;\n", "drop;\n jump counting\n", 1), chains=(chain,)
    )
    lab.apply(replace(wanted, namespaces=(replace(router, policy=policy), *hosts)))
    with lab.namespaces.socket_in("one", socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for port in (80, 85, 91, 92):
            sock.sendto(b"12345678", ("10.0.0.2", port))
    found = {(c.where, c.what): c for c in lab.run(lab.engine.counters("router"))}
    assert {key: c.packets for key, c in found.items()} == {
        ("services", "10.0.0.0/8 . 17 . 80-90"): 2,
        ("services", "10.0.0.0/8 . 17 . 91"): 1,
        ("blocks", "10.0.0.2/31"): 4,
        ("blocks", "10.0.1.0/24"): 0,
        ("counting", chain.rules[1].text): 3,
    }
    assert found["services", "10.0.0.0/8 . 17 . 80-90"].origin == "sgr-1,sgr-2"
    assert found["services", "10.0.0.0/8 . 17 . 91"].bytes == 36
    with pytest.raises(LookupError):
        lab.run(lab.engine.counters("one"))


@pytest.mark.parametrize(
    "edit",
    [
        "add element inet TABLE pairs { 10.0.0.2 . 10.0.0.1 }",
        "delete element inet TABLE pairs { 10.0.0.1 . 10.0.0.2 }",
        "add rule inet TABLE send accept",
        "insert rule inet TABLE send drop",
        "flush chain inet TABLE send",
        "delete table inet TABLE",
        "add table inet seawall_0123456789",
        "add table inet other; add chain inet other x { type filter hook forward priority 0; policy drop; }",
    ],
)
def test_whatever_a_hand_changed_is_seen(lab: Lab, edit: str) -> None:
    """By an agent that begins, and by one that comes to its next change."""
    wanted = program()
    lab.apply(wanted)
    for again in (lab.replace_engine, lambda: None):
        table = lab.engine._tables.seal("router")
        assert table
        with lab.namespaces.inside("router"):
            subprocess.run(["nft", edit.replace("TABLE", table.table)], check=True)
        assert lab.rest(wanted) != []
        again()
        extra = ElementSet(name="extra", key=("mark",), elements=(Element(key=str(table.generation)),))
        wanted = program(extra)
        lab.apply(wanted)
        assert lab.rest(wanted) == []
        with lab.namespaces.inside("router"):
            subprocess.run(["nft", "destroy table inet other"], check=False)
        with lab.namespaces.inside("router"):
            listing = subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True).stdout
        assert "10.0.0.1 . 10.0.0.2" in listing
        assert "10.0.0.2 . 10.0.0.1" not in listing
        assert listing.count("chain send") == 1
        assert "\t\taccept\n" not in listing
        lab.engine.distrust()
        lab.apply(wanted)
