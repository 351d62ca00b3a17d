"""How large a packet may be on each way out of a VPC, who is told so, and what becomes of fragments."""

import contextlib
import errno
import socket
import struct
import subprocess
from typing import NamedTuple

import pytest
from tests.packet.lab import PATIENCE_S, Lab, family_of
from tests.packet.test_gateway_endpoint import gateway_endpoint
from tests.packet.test_interface_endpoint import interface_endpoint
from tests.packet.test_peering import peer
from tests.packet.transit import TGW, attach, gateway, propagate

from seawall.model.internet import S3_ADDRESS

pytestmark = pytest.mark.world

CLIENT, CLIENT6 = "203.0.113.10", "2001:db8:cb00:7100::10"
IP_MTU_DISCOVER, IP_MTU, IPV6_MTU_DISCOVER, IPV6_MTU = 10, 14, 23, 24
NEVER_DF, ALWAYS_DF = 0, 2  # IP_PMTUDISC_DONT and IP_PMTUDISC_DO, the same numbers in IPv6
TCP_MAXSEG = 2
PORT, CLOSED = 4000, 4001
LARGE = bytes(range(250)) * 80
OPEN = ("-1 0.0.0.0/0", "-1 ::/0")
ALL_BUT_ICMP = tuple(
    f"{way} {number} allow {protocol} {block}"
    for way in ("in", "out")
    for number, (protocol, block) in enumerate(
        ((p, b) for p in ("tcp:0-65535", "udp:0-65535") for b in ("0.0.0.0/0", "::/0")), 100
    )
)


class Way(NamedTuple):
    task: str
    target: str
    address: str
    mtu: int


WAYS = {
    "internet gateway": Way("task-web", "internet", CLIENT, 1500),
    "internet gateway, IPv6": Way("task-web", "internet", CLIENT6, 1500),
    "NAT gateway": Way("task-app", "internet", CLIENT, 1500),
    "egress-only gateway": Way("task-app", "internet", CLIENT6, 1500),
    "within the VPC": Way("task-app", "task-web", "10.0.0.20", 9001),
    "within the VPC, IPv6": Way("task-app", "task-web", "2001:db8:1000::20", 9001),
    "peering": Way("task-app", "task-b1", "10.1.1.20", 9001),
    "peering, IPv6": Way("task-app", "task-b1", "2001:db8:1001:1::20", 9001),
    "transit gateway": Way("task-app", "task-c1", "10.2.1.20", 8500),
    "transit gateway, IPv6": Way("task-app", "task-c1", "2001:db8:1002:1::20", 8500),
}
TOLD = [name for name, way in WAYS.items() if way.mtu < 9001]
SIX = {
    "internet": CLIENT6,
    "task-web": "2001:db8:1000::20",
    "task-app": "2001:db8:1000:1::20",
    "task-b1": "2001:db8:1001:1::20",
    "task-c1": "2001:db8:1002:1::20",
}
BACK = {  # the ways on which the far side may begin
    "internet gateway": Way("internet", "task-web", "198.18.0.20", 1500),
    "internet gateway, IPv6": Way("internet", "task-web", "2001:db8:1000::20", 1500),
    "peering": Way("task-b1", "task-app", "10.0.1.20", 9001),
    "peering, IPv6": Way("task-b1", "task-app", "2001:db8:1000:1::20", 9001),
    "transit gateway": Way("task-c1", "task-app", "10.0.1.20", 8500),
    "transit gateway, IPv6": Way("task-c1", "task-app", "2001:db8:1000:1::20", 8500),
}


@pytest.fixture
def ways(lab: Lab) -> Lab:
    """web in a public subnet of a, app behind a NAT and an egress-only gateway; b is a's peer.

    c is reached over a transit gateway.  Everybody takes UDP on one port only, and TCP on 80.
    """
    cloud = lab.cloud
    gateway(cloud, "main")
    for number, name in enumerate("abc"):
        six = f"2001:db8:100{number}"
        vpc = cloud.vpc(name, f"10.{number}.0.0/16", ipv6=f"{six}::/56")
        one = cloud.subnet(vpc, "one", f"10.{number}.1.0/24", ipv6_cidr_block=f"{six}:1::/64")
        rules = [f"{what} {block}" for what in (f"udp:{PORT}", "tcp:80") for block in ("0.0.0.0/0", "::/0")]
        group = cloud.group(vpc, "all", *rules, egress=OPEN)
        task = "app" if name == "a" else f"{name}1"
        cloud.task(task, one, f"10.{number}.1.20", group, ipv6_addresses=(f"{six}:1::20",))
        if name != "b":
            propagate(cloud, attach(cloud, name, one, ipv6_support=True))
    public = cloud.subnet("vpc-a", "pub", "10.0.0.0/24", ipv6_cidr_block="2001:db8:1000::/64")
    cloud.task(
        "web", public, "10.0.0.20", "sg-a-all", ipv6_addresses=("2001:db8:1000::20",), public="198.18.0.20"
    )
    nat = cloud.nat("n", public, "10.0.0.10", "198.18.0.10")
    out = cloud.table("vpc-a", "pub", subnets=(public,), internet_gateway="igw-a")
    cloud.route(out, "::/0", internet_gateway="igw-a")
    cloud.route("rtb-a-main", "0.0.0.0/0", nat_gateway=nat)
    cloud.route("rtb-a-main", "::/0", egress_only_internet_gateway=cloud.egress_only_gateway("vpc-a"))
    pcx = peer(cloud, "vpc-a", "vpc-b")
    for table, number, to in (
        ("rtb-a-main", 1, {"vpc_peering_connection": pcx}),
        ("rtb-b-main", 0, {"vpc_peering_connection": pcx}),
        ("rtb-a-main", 2, {"transit_gateway": TGW}),
        ("rtb-c-main", 0, {"transit_gateway": TGW}),
    ):
        cloud.route(table, f"10.{number}.0.0/16", **to)
        cloud.route(table, f"2001:db8:100{number}::/56", **to)
    lab.settle()
    for name, address in SIX.items():
        lab.awake(name, address)
    return lab


def udp(lab: Lab, namespace: str, family: int, discover: int) -> socket.socket:
    sock = lab.socket_in(namespace, socket.SOCK_DGRAM, family=family)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER, discover)
    else:
        sock.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, discover)
    return sock


def known_mtu(sock: socket.socket) -> int:
    """Of a connected socket's path, as far as its kernel was told."""
    six = sock.family == socket.AF_INET6
    level, name = (socket.IPPROTO_IPV6, IPV6_MTU) if six else (socket.IPPROTO_IP, IP_MTU)
    return sock.getsockopt(level, name)


def is_told(sock: socket.socket, size: int) -> bool:
    """Whether a datagram of that size comes back as too large."""
    try:
        sock.send(bytes(size))
        sock.settimeout(0.4)
        sock.recv(1)
    except TimeoutError:
        return False
    except OSError as error:
        assert error.errno == errno.EMSGSIZE
    return True


def listener(lab: Lab, namespace: str, address: str, port: int = PORT) -> socket.socket:
    return lab.receive(namespace, port, "::" if ":" in address else "0.0.0.0")


@pytest.mark.parametrize("name", WAYS)
def test_the_largest_packet_passes_and_a_larger_one_is_told(ways: Lab, name: str) -> None:
    task, target, address, mtu = WAYS[name]
    ears = listener(ways, target, address)
    sender = udp(ways, task, family_of(address), ALWAYS_DF)
    sender.connect((address, PORT))
    headers = 48 if ":" in address else 28
    sender.send(bytes(mtu - headers))
    heard = ways.heard(ears)
    assert heard is not None and len(heard[0]) == mtu - headers
    assert is_told(sender, mtu - headers + 1)
    assert known_mtu(sender) == mtu


def promise_jumbo_segments(lab: Lab, way: Way) -> None:
    """Have the far side announce segments that its near hop could take and the way cannot."""
    family = "-6" if ":" in way.address else "-4"
    peer_of = {"internet": ("198.18.0.0/16", "2001:db8:1000::/36")}
    blocks = peer_of.get(way.target, ("10.0.0.0/16", "2001:db8:1000::/56"))
    with lab.namespaces.inside(way.target):
        line = ["ip", family, "-o", "route", "show", "default"]
        default = subprocess.run(line, capture_output=True, text=True, check=True).stdout.split()
        via = default[default.index("via") + 1 : default.index("via") + 4]
        block = blocks[family == "-6"]
        more = ["onlink"] if family == "-4" else []
        line = ["ip", family, "route", "add", block, "via", *via, *more, "advmss", "8900"]
        subprocess.run(line, check=True)


def carried(lab: Lab, way: Way, patience_s: float = 10) -> tuple[int, int]:
    """Bytes of 300,000 that arrive in a TCP connection, and the size of its segments at the end.

    patience_s   how long nothing may arrive; what is lost is sent again with growing delay
    """
    (server,) = lab.listen(way.target, 80, address="::" if ":" in way.address else "0.0.0.0")
    flow = lab.connect(way.task, way.address, 80)
    assert flow.getsockopt(socket.IPPROTO_TCP, TCP_MAXSEG) > 8500 - 60
    theirs, _ = lab.accept(server)
    flow.setblocking(False)
    theirs.settimeout(patience_s)
    left, arrived = 300_000, 0
    try:
        while arrived < 300_000:
            if left:
                try:
                    left -= flow.send(bytes(min(left, 65536)))
                except BlockingIOError:
                    pass
            arrived += len(theirs.recv(1 << 20))
    except TimeoutError:
        pass
    return arrived, flow.getsockopt(socket.IPPROTO_TCP, TCP_MAXSEG)


@pytest.mark.parametrize("name", [name for name in TOLD if "transit" not in name])  # that clamps
def test_a_connection_finds_its_segments_size(ways: Lab, name: str) -> None:
    promise_jumbo_segments(ways, WAYS[name])
    arrived, segment = carried(ways, WAYS[name])
    assert arrived == 300_000
    assert 1400 <= segment <= 1460


@pytest.mark.parametrize("where", ["pub", "one"])
@pytest.mark.parametrize("name", [name for name in TOLD if "transit" not in name])
def test_an_acl_without_icmp_hides_the_path_mtu(ways: Lab, name: str, where: str) -> None:
    """At the subnet of the sender, or at that of its NAT gateway."""
    way = WAYS[name]
    concerned = where == "pub" if way.task == "task-web" else where == "one" or name == "NAT gateway"
    ways.cloud.acl("vpc-a", "strict", *ALL_BUT_ICMP, subnets=(f"subnet-a-{where}",))
    ways.settle()
    sender = udp(ways, way.task, family_of(way.address), ALWAYS_DF)
    sender.connect((way.address, PORT))
    assert is_told(sender, 4000) is not concerned
    if not concerned:
        return
    assert known_mtu(sender) == 9001
    promise_jumbo_segments(ways, way)
    assert carried(ways, way, PATIENCE_S)[0] == 0
    both = [
        f"{side} 90 allow {kind}"
        for side in ("in", "out")
        for kind in (("icmpv6:2-0 ::/0",) if ":" in way.address else ("icmp:3-4 0.0.0.0/0",))
    ]
    ways.cloud.acl("vpc-a", "strict", *ALL_BUT_ICMP, *both, subnets=(f"subnet-a-{where}",))
    ways.settle()
    assert is_told(sender, 4000) and known_mtu(sender) == 1500


def test_the_transit_gateways_word_enters_the_subnet_too(ways: Lab) -> None:
    ways.cloud.acl("vpc-a", "strict", *ALL_BUT_ICMP, subnets=("subnet-a-one",))
    ways.settle()
    for address in ("10.2.1.20", "2001:db8:1002:1::20"):
        sender = udp(ways, "task-app", family_of(address), ALWAYS_DF)
        sender.connect((address, PORT))
        assert not is_told(sender, 8600)
        assert known_mtu(sender) == 9001


def passes(
    lab: Lab,
    sender: socket.socket,
    ears: socket.socket,
    to: tuple[str, int],
    deaf: socket.socket | None = None,
) -> object:
    """The source of a datagram in many fragments.  In IPv6 the first ones may be needed to find the MTU.

    `deaf` must not hear the like on its port, which is sent before each.
    """
    for _ in range(4):
        for port in (CLOSED, to[1]) if deaf else (to[1],):
            with contextlib.suppress(OSError):  # the word about the one before may come now
                sender.sendto(LARGE, (to[0], port))
        heard = lab.heard(ears)
        if heard is not None:
            assert heard[0] == LARGE
            if deaf:
                deaf.setblocking(False)
                with pytest.raises(BlockingIOError):
                    deaf.recv(1)
            return heard[1]
    return None


@pytest.mark.parametrize("name", WAYS)
def test_fragments_go_there_and_back_where_the_port_is_open(ways: Lab, name: str) -> None:
    task, target, address, _ = WAYS[name]
    family = family_of(address)
    ears = listener(ways, target, address)
    deaf = listener(ways, target, address, CLOSED) if target != "internet" else None
    sender = udp(ways, task, family, NEVER_DF)
    source = passes(ways, sender, ears, (address, PORT), deaf)
    assert source is not None
    ears.close()
    answer = udp(ways, target, family, NEVER_DF)
    answer.bind(("::" if family == socket.AF_INET6 else "0.0.0.0", PORT))
    assert passes(ways, answer, sender, source) is not None  # type: ignore[arg-type]


@pytest.mark.parametrize("name", BACK)
def test_fragments_come_in_where_the_port_is_open(ways: Lab, name: str) -> None:
    source, task, address, _ = BACK[name]
    ears, deaf = (listener(ways, task, address, port) for port in (PORT, CLOSED))
    sender = udp(ways, source, family_of(address), NEVER_DF)
    assert passes(ways, sender, ears, (address, PORT), deaf) is not None


@pytest.mark.parametrize("kind", ["gateway", "interface"])
def test_an_endpoint_clamps_segments_and_tells_nobody(ways: Lab, kind: str) -> None:
    """Packets of more than 8500 bytes are lost; TCP sends none."""
    cloud = ways.cloud
    address = S3_ADDRESS if kind == "gateway" else "10.0.1.50"
    if kind == "gateway":
        gateway_endpoint(cloud, "vpc-a", "rtb-a-main")
    else:
        cloud.group("vpc-a", "ep", "tcp:443 10.0.0.0/16")
        interface_endpoint(cloud, "ep", "vpc-a", "logs", "sg-a-ep", ("subnet-a-one", address))
    ways.settle()
    (server,) = ways.listen("edge", 443)
    mine = ways.connect("task-app", address, 443)
    theirs, _ = ways.accept(server)
    assert 8400 < mine.getsockopt(socket.IPPROTO_TCP, TCP_MAXSEG) <= 8460
    mine.sendall(bytes(100_000))
    left = 100_000
    while left:
        left -= len(theirs.recv(left))
    errors = ways.socket_in("task-app", socket.SOCK_RAW, socket.IPPROTO_ICMP)
    raw = ways.socket_in("task-app", socket.SOCK_RAW, socket.IPPROTO_RAW)
    port = mine.getsockname()[1]
    for size, told in ((8501, False), (9001, False)):
        segment = struct.pack("!HHIIBBHHH", port, 443, 1, 1, 0x50, 0x10, 64240, 0, 0) + bytes(size - 40)
        head = struct.pack("!BBHHHBBH", 0x45, 0, size, 1, 0x4000, 64, 6, 0)
        ends = socket.inet_aton("10.0.1.20") + socket.inet_aton(address)
        raw.sendto(head + ends + segment, (address, 0))
        assert (ways.heard(errors) is not None) == told
