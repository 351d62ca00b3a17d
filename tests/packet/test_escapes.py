"""What a task with raw sockets tries in order to get out of its place, and that it does not.

Every attempt ends with a packet of the same sort that is allowed: silence means refused, not broken.
"""

import errno
import socket
import struct
import subprocess

import pytest
from tests.packet.attacker import (
    FRIEND,
    FRIEND6,
    MALLORY,
    MALLORY6,
    MARK,
    OPEN,
    OPEN6,
    VICTIM,
    VICTIM6,
    Attacker,
    datagram,
)
from tests.packet.lab import family_of
from tests.packet.raw_packets import (
    ARP,
    BROADCAST_MAC,
    ICMP,
    ICMPV6,
    IPV4,
    IPV6,
    TCP,
    UDP,
    arp,
    icmp,
    icmpv6,
    ip,
    ipv4,
    ipv6,
    tcp_syn,
    udp,
)

from seawall.model.internet import API_ADDRESS, CLIENT_ADDRESS, CLIENT_IPV6_ADDRESS

pytestmark = pytest.mark.world


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
    assert "task-open" in mallory.reached()


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
        *("ip neigh replace 10.0.0.1 lladdr 02:00:00:00:00:01 dev eth1",),
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
