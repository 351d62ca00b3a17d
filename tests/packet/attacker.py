"""A task with raw sockets among others that do not trust it; and ears at all of them."""

import socket
import struct
import subprocess

from tests.packet.ears import Ears, Fence
from tests.packet.lab import Lab
from tests.packet.raw_packets import IPV4, IPV6, UDP, ip, mac_bytes, udp

BLOCK6 = "2001:db8:1000::/56"
MALLORY, MALLORY6 = "10.0.0.20", "2001:db8:1000::20"
FRIEND, FRIEND6 = "10.0.0.30", "2001:db8:1000::30"  # whom the victim trusts
OPEN, OPEN6 = "10.0.1.40", "2001:db8:1000:1::40"  # takes UDP 53 and TCP 80 from everybody
VICTIM, VICTIM6 = "10.0.1.50", "2001:db8:1000:1::50"  # takes them from the friend only
MULTICAST_ROUTERS = socket.inet_pton(socket.AF_INET6, "ff02::16")
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
        """What came back to mallory since the last time; the router's kernel tells its multicast groups."""
        self.fence.wait()
        return [data for data in self.own_ears.heard() if data[24:40] != MULTICAST_ROUTERS]

    def close(self) -> None:
        for thing in (self.fence, self.own_ears, *self.ears.values()):
            thing.close()


def datagram(source: str, destination: str, port: int = 53, payload: bytes = MARK) -> bytes:
    return ip(source, destination, UDP, udp(source, destination, port, payload))


def furnish(lab: Lab) -> None:
    """Two VPCs with equal IPv4 addresses and everybody in them."""
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
