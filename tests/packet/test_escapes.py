"""What a task with raw sockets tries in order to get out of its place, and that it does not.

Every attempt ends with a packet of the same sort that is allowed: silence means refused, not broken.
"""

import errno
import socket
import struct
import subprocess
from collections.abc import Callable, Iterable, Iterator

import pytest
from tests.packet.ears import Ears, Fence, one_processor
from tests.packet.lab import Lab, family_of
from tests.packet.raw_packets import (
    ARP,
    BROADCAST_MAC,
    DESTINATION_OPTIONS,
    FRAGMENT,
    HOP_BY_HOP,
    ICMP,
    ICMPV6,
    IPV4,
    IPV6,
    ROUTING,
    TCP,
    UDP,
    arp,
    extension,
    fragment6,
    icmp,
    icmpv6,
    ip,
    ipv4,
    ipv6,
    mac_bytes,
    tcp_syn,
    udp,
    with_pseudo,
)

from seawall.model.internet import API_ADDRESS, CLIENT_ADDRESS, CLIENT_IPV6_ADDRESS

pytestmark = pytest.mark.world

BLOCK6 = "2001:db8:1000::/56"
MALLORY, MALLORY6 = "10.0.0.20", "2001:db8:1000::20"
FRIEND, FRIEND6 = "10.0.0.30", "2001:db8:1000::30"  # whom the victim trusts
OPEN, OPEN6 = "10.0.1.40", "2001:db8:1000:1::40"  # takes UDP 53 and TCP 80 from everybody
VICTIM, VICTIM6 = "10.0.1.50", "2001:db8:1000:1::50"  # takes them from the friend only
MARK = b"mallory was here"
VICTIMS = ("task-victim", "task-friend", "task-open", "task-twin")


class Attacker:
    """Sends from mallory's namespace and hears everywhere else."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.fence = Fence(lab.namespaces)
        self.ears = {name: Ears(lab.namespaces, name) for name in (*VICTIMS, "internet")}
        self.own_ears = Ears(lab.namespaces, "task-mallory")
        self.four = lab.socket_in("task-mallory", socket.SOCK_RAW, socket.IPPROTO_RAW)
        self.six = lab.socket_in("task-mallory", socket.SOCK_RAW, socket.IPPROTO_RAW, socket.AF_INET6)
        self.wire = {device: self._wire(device) for device in ("eth0", "eth1")}
        self.router_mac = self._mac_of("10.0.0.1")

    def _wire(self, device: str) -> socket.socket:
        sock = self.lab.socket_in("task-mallory", socket.SOCK_RAW, 0, socket.AF_PACKET)
        with self.lab.namespaces.inside("task-mallory"):
            sock.bind((device, 0))
        return sock

    def _mac_of(self, address: str) -> str:
        with self.lab.namespaces.inside("task-mallory"):
            line = ["ip", "-o", "neigh", "show", address]
            done = subprocess.run(line, capture_output=True, text=True, check=True)
        return done.stdout.split("lladdr ")[1].split()[0]

    def send(self, *packets: bytes) -> None:
        """Packets as they are, to the router: the kernel of the task has no say in them."""
        for packet in packets:
            self.frame(packet, IPV6 if packet[0] >> 4 == 6 else IPV4)

    def frame(self, body: bytes, kind: int, *, to: str | None = None, device: str = "eth1") -> None:
        ends = mac_bytes(to or self.router_mac) + self.wire[device].getsockname()[4]
        self.wire[device].send(ends + struct.pack("!H", kind) + body)

    def reached(self, mark: bytes = MARK) -> set[str]:
        """Who has heard a packet with the mark since the last time."""
        self.fence.wait()
        return {name for name, ears in self.ears.items() if any(mark in data for data in ears.heard())}

    def answered(self) -> list[bytes]:
        """What came back to mallory since the last time."""
        self.fence.wait()
        return self.own_ears.heard()

    def close(self) -> None:
        for thing in (self.fence, self.own_ears, *self.ears.values()):
            thing.close()


@pytest.fixture
def mallory(lab: Lab) -> Iterator[Attacker]:
    cloud = lab.cloud
    everything = ("-1 0.0.0.0/0", "-1 ::/0")
    for name in "ab":
        vpc = cloud.vpc(name, ipv6=BLOCK6 if name == "a" else "2001:db8:1000:100::/56")
        near = cloud.subnet(
            vpc, "near", "10.0.0.0/24", **({"ipv6_cidr_block": "2001:db8:1000::/64"} if name == "a" else {})
        )
        far = cloud.subnet(
            vpc, "far", "10.0.1.0/24", **({"ipv6_cidr_block": "2001:db8:1000:1::/64"} if name == "a" else {})
        )
        table = cloud.table(vpc, "all", subnets=(near, far), internet_gateway=f"igw-{name}")
        cloud.route(table, "::/0", internet_gateway=f"igw-{name}")
        cloud.group(vpc, "all", "-1 0.0.0.0/0", "-1 ::/0", egress=everything)
    cloud.group("vpc-a", "mallory", egress=everything)
    cloud.group("vpc-a", "friend", egress=everything)
    both = [f"{what} {block}" for what in ("udp:53", "tcp:80") for block in ("0.0.0.0/0", "::/0")]
    cloud.group("vpc-a", "open", *both, "icmp:8 0.0.0.0/0", "icmpv6:128 ::/0", egress=everything)
    cloud.group("vpc-a", "victim", "udp:53 sg-a-friend", "tcp:80 sg-a-friend", egress=everything)
    near, far = "subnet-a-near", "subnet-a-far"
    public = {"public": "198.18.0.20"}
    cloud.task("mallory", near, MALLORY, "sg-a-mallory", ipv6_addresses=(MALLORY6,), **public)
    cloud.task("friend", near, FRIEND, "sg-a-friend", ipv6_addresses=(FRIEND6,))
    cloud.task("open", far, OPEN, "sg-a-open", ipv6_addresses=(OPEN6,))
    cloud.task("victim", far, VICTIM, "sg-a-victim", ipv6_addresses=(VICTIM6,), public="198.18.0.50")
    cloud.task("twin", "subnet-b-far", VICTIM, "sg-b-all", public="198.18.0.60")
    lab.settle()
    with one_processor():
        attacker = Attacker(lab)
        yield attacker
        attacker.close()


def datagram(source: str, destination: str, port: int = 53, payload: bytes = MARK) -> bytes:
    return ip(source, destination, UDP, udp(source, destination, port, payload))


def test_the_attacker_can_send_what_is_allowed(mallory: Attacker) -> None:
    """Else everything below would pass for nothing."""
    mallory.send(datagram(MALLORY, OPEN), datagram(MALLORY6, OPEN6))
    assert mallory.reached() == {"task-open"}
    mallory.send(datagram(MALLORY, CLIENT_ADDRESS), datagram(MALLORY6, CLIENT_IPV6_ADDRESS))
    assert mallory.reached() == {"internet"}
    mallory.send(datagram(MALLORY, VICTIM), datagram(MALLORY6, VICTIM6), datagram(MALLORY, "10.0.1.99"))
    assert mallory.reached() == set()


@pytest.mark.parametrize(
    "source",
    [
        *(FRIEND, "10.0.0.1", "10.0.0.2", "169.254.169.253", "169.254.0.1", "198.18.0.50", CLIENT_ADDRESS),
        *("127.0.0.1", "0.0.0.0", "255.255.255.255", "10.0.0.255", "224.0.0.1", "8.8.8.8", API_ADDRESS),
        *(FRIEND6, "fe80::1", "fe80::2", "::1", "::", "ff02::1", "fd00:ec2::253", "2001:db8:1000:100::1"),
        *(f"::ffff:{FRIEND}", f"::{FRIEND}", "2001:db8::1", CLIENT_IPV6_ADDRESS),
    ],
)
def test_nobodys_name_can_be_borrowed(mallory: Attacker, source: str) -> None:
    six = ":" in source
    targets = (VICTIM6, OPEN6, CLIENT_IPV6_ADDRESS) if six else (VICTIM, OPEN, CLIENT_ADDRESS)
    for target in targets:
        mallory.send(datagram(source, target), ip(source, target, TCP, tcp_syn(source, target, 80) + MARK))
        if six:
            ping = icmpv6(source, target, 128, 0, b"\0\1\0\1" + MARK)
            mallory.send(ip(source, target, ICMPV6, ping))
        else:
            mallory.send(ip(source, target, ICMP, icmp(8, 0, b"\0\1\0\1" + MARK)))
    assert mallory.reached() == set()


def test_arp_moves_no_address(mallory: Attacker) -> None:
    """Answers, announcements and questions in others' names change nobody's way."""
    own = mallory.wire["eth1"].getsockname()[4].hex(":")
    for address in (FRIEND, VICTIM, OPEN, "10.0.0.1"):
        for to in (BROADCAST_MAC, mallory.router_mac):
            for kind, target in ((2, address), (1, address), (2, "10.0.0.1"), (2, OPEN)):
                mallory.frame(arp(kind, own, address, to, target), ARP, to=to)
    friend = mallory.lab.receive("task-friend", 4000)
    victim = mallory.lab.receive("task-victim", 53)
    mallory.answered()
    friend.sendto(b"for the victim", (VICTIM, 53))
    heard = mallory.lab.heard(victim)
    assert heard == (b"for the victim", (FRIEND, 4000))
    victim.sendto(b"for the friend", heard[1])
    assert mallory.lab.heard(friend) == (b"for the friend", (VICTIM, 53))
    assert not any(b"for the" in data for data in mallory.answered())


def test_neighbour_discovery_moves_no_address(mallory: Attacker) -> None:
    own = mallory.wire["eth1"].getsockname()[4]
    for address in (FRIEND6, VICTIM6, "fe80::1"):
        for source in (MALLORY6, address, "fe80::2"):
            for target in (OPEN6, "ff02::1", "fe80::1"):
                packed = socket.inet_pton(socket.AF_INET6, address)
                told = icmpv6(source, target, 136, 0, b"\xa0\0\0\0" + packed + b"\x02\x01" + own)
                router = icmpv6(source, target, 134, 0, b"\x40\0\xff\xff" + bytes(8) + b"\x01\x01" + own)
                asked = icmpv6(source, target, 135, 0, b"\0\0\0\0" + packed + b"\x01\x01" + own)
                for body in (told, router, asked):
                    mallory.send(ipv6(source, target, ICMPV6, body, hops=255))
    friend = mallory.lab.receive("task-friend", 4000, "::")
    victim = mallory.lab.receive("task-victim", 53, "::")
    mallory.answered()
    friend.sendto(b"for the victim", (VICTIM6, 53))
    assert mallory.lab.heard(victim) == (b"for the victim", (FRIEND6, 4000))
    assert not any(b"for the" in data for data in mallory.answered())
    with mallory.lab.namespaces.inside("vpc-a"):
        shown = subprocess.run(["ip", "-6", "route"], capture_output=True, text=True, check=True).stdout
    assert "ra " not in shown


def test_other_link_addresses_lead_nowhere(mallory: Attacker) -> None:
    """Frames for other stations, for all, for groups; and frames within VLAN tags."""
    victim_mac = mallory.lab.cloud.resources["eni-victim"].mac_address
    for to in (victim_mac, BROADCAST_MAC, "01:00:5e:00:00:01", "33:33:00:00:00:01"):
        for packet in (datagram(MALLORY, VICTIM), datagram(FRIEND, VICTIM), datagram(MALLORY, OPEN)):
            mallory.frame(packet, IPV4, to=to)
        mallory.frame(datagram(MALLORY6, VICTIM6), IPV6, to=to)
    for tag in (0x8100, 0x88A8):
        tagged = struct.pack("!HH", 1, IPV4) + datagram(FRIEND, VICTIM)
        mallory.frame(tagged, tag)
    assert mallory.reached() == set()
    assert mallory.answered() == []


def test_broadcast_and_multicast_reach_nobody(mallory: Attacker) -> None:
    for target in ("10.0.0.255", "10.0.1.255", "255.255.255.255", "224.0.0.1", "239.1.1.1", "10.0.1.0"):
        mallory.send(datagram(MALLORY, target), ip(MALLORY, target, ICMP, icmp(8, 0, b"\0\1\0\1" + MARK)))
    for target in ("ff02::1", "ff02::2", "ff05::2", "ff02::fb", "ff0e::1", "2001:db8:1000::"):
        ping = icmpv6(MALLORY6, target, 128, 0, b"\0\1\0\1" + MARK)
        mallory.send(datagram(MALLORY6, target), ip(MALLORY6, target, ICMPV6, ping))
    assert mallory.reached() == set()
    assert not any(MARK in data for data in mallory.answered())


@pytest.mark.parametrize(
    "address",
    [
        *("10.0.0.1", "10.0.1.1", "10.0.0.2", "169.254.169.253", "169.254.0.1", "169.254.0.2", "127.0.0.1"),
        *("169.254.0.9", "169.254.0.10", "fe80::1", "fe80::2", "::1", "fd00:ec2::253"),
    ],
)
def test_no_router_serves_its_tenants(mallory: Attacker, address: str) -> None:
    """Whatever listens in the namespaces behind the wire, or in the world around them, is not for tasks."""
    lab, six = mallory.lab, ":" in address
    servers = []
    for namespace in ("vpc-a", "edge", "fargate"):
        servers += [lab.receive(namespace, 9999, "::"), *lab.listen(namespace, 9998, address="::")]
    outside = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
    world_port = outside.getsockname()[1]
    source = MALLORY6 if six else MALLORY
    mallory.send(datagram(source, address, 9999))
    for port in (9998, 22, 80, 443, world_port):
        mallory.send(ip(source, address, TCP, tcp_syn(source, address, port, source_port=3000)))
    for protocol in (4, 41, 47, 50, 89, 132):
        mallory.send(ip(source, address, protocol, datagram(FRIEND, VICTIM)))
    ping = icmpv6(source, address, 128, 0, bytes(4)) if six else icmp(8, 0, bytes(4))
    mallory.send(ip(source, address, ICMPV6 if six else ICMP, ping))
    mallory.fence.wait()
    for server in (*servers, outside):
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.recv(10) if server.type == socket.SOCK_DGRAM else server.accept()
    outside.close()
    assert mallory.answered() == []
    assert mallory.reached() == set()


def test_tunnels_are_not_unpacked(mallory: Attacker) -> None:
    inner, inner6 = datagram(FRIEND, VICTIM), datagram(FRIEND6, VICTIM6)
    gre, gre6 = struct.pack("!HH", 0, IPV4) + inner, struct.pack("!HH", 0, IPV6) + inner6
    vxlan = b"\x08\0\0\0\0\0\1\0" + mac_bytes(BROADCAST_MAC) + bytes(6) + b"\x08\0" + inner
    for target in ("10.0.0.1", "10.0.0.2"):
        for protocol, body in ((4, inner), (41, inner6), (47, gre), (47, gre6)):
            mallory.send(ipv4(MALLORY, target, protocol, body))
        for port in (4789, 6081, 8472):
            mallory.send(datagram(MALLORY, target, port, vxlan))
    assert mallory.reached() == set()


def test_source_routes_are_refused(mallory: Attacker) -> None:
    """Loose and strict, by the router and by a host that is open to all."""
    for via in ("10.0.0.1", OPEN, FRIEND):
        for kind in (131, 137):
            for hops in ([VICTIM], ["10.0.0.1", VICTIM], [FRIEND, VICTIM]):
                route = b"".join(map(socket.inet_aton, hops))
                options = bytes((kind, 3 + len(route), 4)) + route
                body = udp(MALLORY, VICTIM, 53, MARK)
                mallory.send(ipv4(MALLORY, via, UDP, body, options=options))
    assert "task-victim" not in mallory.reached()


def test_routing_headers_lead_nowhere(mallory: Attacker) -> None:
    victim = socket.inet_pton(socket.AF_INET6, VICTIM6)
    for via in ("fe80::1", OPEN6, FRIEND6):
        for kind in (0, 2, 4):
            body = udp(MALLORY6, VICTIM6, 53, MARK)
            header = extension(UDP, bytes((kind, 1)) + bytes(4) + victim)
            mallory.send(ipv6(MALLORY6, via, ROUTING, header + body))
    assert "task-victim" not in mallory.reached()


@pytest.mark.parametrize("kinds", [(HOP_BY_HOP,), (DESTINATION_OPTIONS,), (DESTINATION_OPTIONS,) * 4])
def test_extension_headers_hide_no_port(mallory: Attacker, kinds: tuple[int, ...]) -> None:
    def hidden(target: str, port: int) -> bytes:
        body = udp(MALLORY6, target, port, MARK)
        for following in (UDP, *kinds[1:]):
            body = extension(following) + body
        return ipv6(MALLORY6, target, kinds[0], body)

    mallory.send(hidden(VICTIM6, 53), hidden(OPEN6, 54), hidden(OPEN6, 22))
    assert mallory.reached() == set()
    mallory.send(hidden(OPEN6, 53))
    assert mallory.reached() == {"task-open"}


def pieces4(target: str, parts: Iterable[tuple[int, bytes, bool]], identifier: int) -> list[bytes]:
    return [
        ipv4(MALLORY, target, UDP, body, identifier=identifier, offset=offset, more=more)
        for offset, body, more in parts
    ]


def pieces6(target: str, parts: Iterable[tuple[int, bytes, bool]], identifier: int) -> list[bytes]:
    return [
        ipv6(MALLORY6, target, FRAGMENT, fragment6(UDP, identifier, offset, more) + body)
        for offset, body, more in parts
    ]


Pieces = Callable[[str, Iterable[tuple[int, bytes, bool]], int], list[bytes]]
FAMILIES = pytest.mark.parametrize(
    ("pieces", "source", "target", "closed"),
    [(pieces4, MALLORY, OPEN, VICTIM), (pieces6, MALLORY6, OPEN6, VICTIM6)],
    ids=["ipv4", "ipv6"],
)


@FAMILIES
def test_fragments_obey_the_rules(
    mallory: Attacker, pieces: Pieces, source: str, target: str, closed: str
) -> None:
    """All pieces are one packet for the rules: refused or let through together, in any order."""
    payload = bytes(16) + MARK * 20

    def cut(to: str, port: int) -> list[tuple[int, bytes, bool]]:
        whole = udp(source, to, port, payload)
        return [(0, whole[:8], True), (8, whole[8:24], True), (24, whole[24:], False)]

    mallory.send(*pieces(closed, cut(closed, 53), 1), *pieces(target, cut(target, 54), 2))
    mallory.send(*pieces(target, cut(target, 22)[::-1], 3))
    assert mallory.reached() == set()
    mallory.send(*pieces(target, cut(target, 53)[::-1], 4))
    assert mallory.reached() == {"task-open"}


@FAMILIES
def test_overlapping_fragments_change_no_port(
    mallory: Attacker, pieces: Pieces, source: str, target: str, closed: str
) -> None:
    """The first piece shows an open port, a later one writes another over it."""
    good, evil = (udp(source, target, port, MARK * 4) for port in (53, 54))
    orders = (
        [(0, good[:16], True), (0, evil[:16], True), (16, good[16:], False)],
        [(16, good[16:], False), (0, good[:16], True), (0, evil[:16], True)],
        [(0, good[:16], True), (0, evil, False)],
        [(8, evil[8:], False), (0, good[:24], True), (0, evil[:8], True)],
        [(0, good[:8], True), (8, good[8:24], True), (0, evil[:24], True), (24, good[24:], False)],
    )
    listening = mallory.lab.receive("task-open", 54, "::")
    for identifier, parts in enumerate(orders, 100):
        mallory.send(*pieces(target, parts, identifier))
    mallory.fence.wait()
    listening.setblocking(False)
    with pytest.raises(BlockingIOError):
        listening.recv(100)


@FAMILIES
def test_pieces_without_a_beginning_reach_nobody(
    mallory: Attacker, pieces: Pieces, source: str, target: str, closed: str
) -> None:
    for to in (target, closed):
        mallory.send(*pieces(to, [(8, MARK * 2, True), (48, MARK, False)], 200))
    assert mallory.reached() == set()


def test_tiny_fragments_hide_no_tcp_port(mallory: Attacker) -> None:
    for target in (VICTIM, OPEN):
        whole = tcp_syn(MALLORY, target, 22) + MARK
        for size in (8, 16):
            first = ipv4(MALLORY, target, TCP, whole[:size], identifier=300 + size, more=True)
            mallory.send(first, ipv4(MALLORY, target, TCP, whole[size:], identifier=300 + size, offset=size))
    assert mallory.reached() == set()


def test_forged_errors_are_no_way_in(mallory: Attacker) -> None:
    """ICMP errors and redirects about flows that never were, or that mallory has no part in."""
    for target, inner in ((VICTIM, datagram(VICTIM, FRIEND)), (VICTIM, datagram(VICTIM, MALLORY))):
        for kind, code in ((3, 3), (3, 4), (5, 1), (11, 0), (12, 0)):
            mallory.send(ipv4(MALLORY, target, ICMP, icmp(kind, code, bytes(4) + inner)))
            mallory.send(ipv4("10.0.0.1", target, ICMP, icmp(kind, code, bytes(4) + inner)))
    inner6 = datagram(VICTIM6, FRIEND6)
    for kind in (1, 2, 3, 4, 137):
        for source in (MALLORY6, "fe80::1"):
            mallory.send(ipv6(source, VICTIM6, ICMPV6, icmpv6(source, VICTIM6, kind, 0, bytes(4) + inner6)))
    assert mallory.reached() == set()


def test_answers_that_were_not_asked_for_are_refused(mallory: Attacker) -> None:
    """ACK, SYN+ACK, RST and FIN out of nowhere, echo replies, and DNS answers to a lucky port."""
    for flags in (0x10, 0x12, 0x04, 0x14, 0x01, 0x11, 0x00, 0x29, 0x3F):
        for target, source in ((VICTIM, MALLORY), (VICTIM6, MALLORY6)):
            body = bytearray(tcp_syn(source, target, 4000, source_port=80) + MARK)
            body[13], body[16:18] = flags, b"\0\0"
            fresh = tcp_checksum(source, target, bytes(body))
            mallory.send(ip(source, target, TCP, fresh))
    mallory.send(ipv4(MALLORY, VICTIM, ICMP, icmp(0, 0, b"\0\1\0\1" + MARK)))
    mallory.send(ip(MALLORY, VICTIM, UDP, udp(MALLORY, VICTIM, 4000, MARK, source_port=53)))
    assert mallory.reached() == set()


def tcp_checksum(source: str, target: str, body: bytes) -> bytes:
    return body[:16] + struct.pack("!H", with_pseudo(source, target, TCP, body)) + body[18:]


def test_another_vpc_is_out_of_reach(mallory: Attacker) -> None:
    """Its private addresses are one's own; link-local hops and routers' MACs do not lead there either."""
    for target in ("10.0.0.20", VICTIM, "169.254.0.1", "169.254.0.2"):
        mallory.send(datagram(MALLORY, target))
        mallory.send(
            ipv4(
                MALLORY,
                target,
                UDP,
                udp(MALLORY, target, 53, MARK),
                options=b"\x83\x07\x04" + socket.inet_aton(VICTIM),
            )
        )
    mallory.send(datagram("198.18.0.20", "198.18.0.60"), datagram(FRIEND, "198.18.0.60"))
    assert mallory.reached() == set()
    mallory.send(datagram(MALLORY, "198.18.0.60"))  # over the internet, under its own public address
    assert mallory.reached() == {"task-twin"}


def test_eth0_leads_to_ones_own_endpoint_only(mallory: Attacker) -> None:
    """No task hears another there, and none asks for credentials in another's name."""
    lab = mallory.lab
    addresses = {}
    for link in lab.settle().links:
        if link.router.namespace == "fargate":
            addresses[link.host.namespace] = link.host.addresses[0].split("/")[0]
            router_mac = link.router.mac
    own = addresses["task-mallory"]
    endpoint = lab.receive("fargate", 80, "169.254.170.2")
    elsewhere = lab.receive("fargate", 9999)
    for name, address in addresses.items():
        for to in (router_mac, BROADCAST_MAC, lab.cloud.resources["eni-victim"].mac_address):
            if name != "task-mallory":
                spoofed = (datagram(address, "169.254.170.2", 80), datagram(own, address, 80))
                for packet in spoofed:
                    mallory.frame(packet, IPV4, to=to, device="eth0")
            mallory.frame(arp(2, router_mac, address, to, "169.254.172.1"), ARP, to=to, device="eth0")
    for source in (MALLORY, "10.0.0.1", "127.0.0.1", "169.254.170.2", "169.254.172.1"):
        mallory.frame(datagram(source, "169.254.170.2", 80), IPV4, to=router_mac, device="eth0")
    mallory.frame(datagram(own, VICTIM, 53), IPV4, to=router_mac, device="eth0")
    mallory.frame(datagram(own, CLIENT_ADDRESS, 53), IPV4, to=router_mac, device="eth0")
    assert mallory.reached() == set()
    for sock in (endpoint, elsewhere):
        sock.setblocking(False)
        with pytest.raises(BlockingIOError):
            sock.recv(100)
    mallory.frame(datagram(own, "169.254.170.2", 80), IPV4, to=router_mac, device="eth0")
    mallory.fence.wait()
    assert endpoint.recvfrom(100) == (MARK, (own, 4444))


def test_the_internet_is_no_neighbour(mallory: Attacker) -> None:
    """A host out there names inner addresses, as sources and as targets, in both families."""
    raw = {
        family: mallory.lab.socket_in("internet", socket.SOCK_RAW, socket.IPPROTO_RAW, family)
        for family in (socket.AF_INET, socket.AF_INET6)
    }
    attempts = [
        (source, target)
        for source in (FRIEND, "198.18.0.20", "10.0.0.1")
        for target in ("198.18.0.50", VICTIM)
    ]
    attempts += [(CLIENT_ADDRESS, VICTIM), (CLIENT_ADDRESS, OPEN), (CLIENT_ADDRESS, "169.254.0.2")]
    attempts += [(source, VICTIM6) for source in (FRIEND6, MALLORY6, "fe80::1", "::1", CLIENT_IPV6_ADDRESS)]
    for source, target in attempts:
        try:
            raw[family_of(target)].sendto(datagram(source, target), (target, 0))
        except OSError as error:
            assert error.errno in (errno.EINVAL, errno.ENETUNREACH, errno.EHOSTUNREACH)
    assert mallory.reached() <= {"internet"}  # the router out there says that it knows no way
    raw[socket.AF_INET6].sendto(datagram(CLIENT_IPV6_ADDRESS, OPEN6), (OPEN6, 0))
    assert mallory.reached() == {"task-open"}


def test_root_in_a_task_has_raw_sockets_and_nothing_more(mallory: Attacker) -> None:
    """With what a container is given: NET_RAW, and neither NET_ADMIN nor SYS_ADMIN, in its own namespace."""
    user = mallory.lab.namespaces.user_path("task-mallory")
    net = mallory.lab.namespaces.path("task-mallory")
    drop = ["setpriv", "--bounding-set=-net_admin,-sys_admin", "--inh-caps=-all"]
    enter = ["nsenter", f"--user={user}", f"--net={net}", *drop]
    program = "import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 3).bind(('eth1', 0))"
    subprocess.run([*enter, "python3", "-c", program], check=True)
    changes = [
        *("ip addr add 10.0.0.99/24 dev eth1", f"ip addr del {MALLORY}/24 dev eth1", "ip link set eth1 down"),
        *("ip -6 addr add 2001:db8:1000::99/128 dev eth1", "ip link set eth1 address 02:00:00:00:00:01"),
        *("ip link set eth1 mtu 1400", "ip link add dummy0 type dummy", "ip link del eth1"),
        *(
            "ip route add 10.9.0.0/16 dev eth1",
            "ip -6 route del default",
            "ip rule add priority 1 table main",
        ),
        *(
            "ip neigh replace 10.0.0.1 lladdr 02:00:00:00:00:01 dev eth1",
            "ip tunnel add t mode gre remote 10.0.1.50",
        ),
        *("nft add table inet mine", "ip link set eth1 netns 1", "tc qdisc add dev eth1 root pfifo"),
    ]
    for change in changes:
        done = subprocess.run([*enter, *change.split()], capture_output=True, text=True, check=False)
        assert done.returncode != 0, change
        assert "not permitted" in done.stderr.lower(), (change, done.stderr)
    for path in ("ipv4/ip_forward", "ipv4/conf/eth1/accept_redirects", "ipv6/conf/all/forwarding"):
        write = f"echo 1 > /proc/sys/net/{path}"
        done = subprocess.run([*enter, "sh", "-c", write], capture_output=True, text=True, check=False)
        assert done.returncode != 0, path
