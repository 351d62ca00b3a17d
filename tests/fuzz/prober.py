"""Many probes at once in one world, and what came of each; no time is waited for (see tests.packet.ears)."""

import contextlib
import socket
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network

import msgspec
from tests.fuzz.packets import ECHO_LIKE, MAGIC, Packet, answer, answered, build, parse
from tests.fuzz.probes import VPC_RESOLVER, Probe, senders
from tests.packet.ears import Ears, Fence

from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.host.namespaces import Namespaces
from seawall.model.internet import (
    API_ADDRESS,
    CLIENT_NAMESPACE,
    EDGE_NAMESPACE,
    S3_ADDRESS,
    VPC_RESOLVER_IPV6,
)
from seawall.model.vpc import Vpc

SERVICES = (API_ADDRESS, S3_ADDRESS)  # what listens in the edge
IP_FREEBIND, IPV6_FREEBIND = 15, 78
BATCH = 48  # small enough for every socket's buffer


class Sighting(msgspec.Struct, frozen=True):
    """A packet that came in somewhere: at an interface, at "internet", or at "service:ADDRESS"."""

    place: str
    source: str
    destination: str
    destination_port: int


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """Where the request and its answer were seen."""

    requests: frozenset[Sighting] = frozenset()
    answers: frozenset[Sighting] = frozenset()


class _Place:
    """One namespace: what comes in there, and a way to send.

    own   its addresses; None: all
    """

    def __init__(
        self, namespaces: Namespaces, namespace: str, device: str | None, own: frozenset[str] | None = None
    ) -> None:
        self.namespace = namespace
        self.own = own
        self.ears = Ears(namespaces, namespace, device)
        with namespaces.inside(namespace):
            self.four = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
            self.six = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
        for sock in (self.four, self.six):
            sock.setblocking(False)

    def send(self, packet: Packet) -> None:
        """What has no route is not sent, and then not seen."""
        sock = self.six if ":" in packet.destination else self.four
        for data in build(packet):
            with contextlib.suppress(OSError):
                sock.sendto(data, (packet.destination, 0))

    def answer(self, packet: Packet) -> None:
        """Where the address is its own, the kernel answers for TCP and ICMP, and we for everything else."""
        local = self.own is None or packet.destination in self.own
        if local and packet.protocol != 6 and packet.protocol not in ECHO_LIKE:
            self.send(answer(packet))

    def close(self) -> None:
        for sock in (self.ears, self.four, self.six):
            sock.close()


class _Resolvers:
    """What stands in for a VPC's resolver: takes connections, and sends questions back as answers."""

    def __init__(self, namespaces: Namespaces, vpc: Vpc) -> None:
        self.listening: list[socket.socket] = []
        self.asked: list[socket.socket] = []
        with namespaces.inside(vpc.id):
            for address in (str(IPv4Network(vpc.cidr_block)[2]), VPC_RESOLVER, VPC_RESOLVER_IPV6):
                for kind, kept in ((socket.SOCK_STREAM, self.listening), (socket.SOCK_DGRAM, self.asked)):
                    kept.append(self._bound(address, kind))
        for sock in self.listening:
            sock.listen(64)

    def _bound(self, address: str, kind: int) -> socket.socket:
        """Whether the address is the namespace's or not."""
        six = ":" in address
        sock = socket.socket(socket.AF_INET6 if six else socket.AF_INET, kind)
        sock.setsockopt(*((socket.IPPROTO_IPV6, IPV6_FREEBIND) if six else (socket.SOL_IP, IP_FREEBIND)), 1)
        sock.bind((address, 53))
        sock.setblocking(False)
        return sock

    def answer(self) -> None:
        """All that was asked since the last time."""
        for sock in self.asked:
            with contextlib.suppress(BlockingIOError):
                while True:
                    question, asker = sock.recvfrom(65536)
                    with contextlib.suppress(OSError):  # no way to a forged sender
                        sock.sendto(answered(question), asker)

    def close(self) -> None:
        for sock in (*self.listening, *self.asked):
            sock.close()


class Prober:
    """Listens everywhere in a world that is in force.  Use it as a context, on one processor."""

    def __init__(self, namespaces: Namespaces, snapshot: NetworkSnapshot) -> None:
        self.namespaces = namespaces
        self.listeners: list[socket.socket] = []
        self.served: set[tuple[str, int]] = set()
        self.first_mark = MAGIC  # of the probes on their way; none is given twice
        self.places = {
            CLIENT_NAMESPACE: _Place(namespaces, CLIENT_NAMESPACE, "eth0"),
            EDGE_NAMESPACE: _Place(namespaces, EDGE_NAMESPACE, None),
        }
        standing = namespaces.names()
        for interface in senders(snapshot):
            assert interface.owner is not None
            namespace = f"task-{interface.owner.id}"
            if namespace in standing:
                own = frozenset((*interface.private_ip_addresses, *interface.ipv6_addresses))
                self.places[interface.id] = _Place(namespaces, namespace, "eth1", own)
        self.resolvers = [_Resolvers(namespaces, vpc) for vpc in snapshot.vpcs if vpc.id in standing]
        self.fence = Fence(namespaces)

    def __enter__(self) -> "Prober":
        return self

    def __exit__(self, *_: object) -> None:
        for thing in (*self.places.values(), *self.resolvers, *self.listeners, self.fence):
            thing.close()

    def outcomes(self, probes: Sequence[Probe]) -> list[Outcome]:
        """What came of each.  Raises TimeoutError when not even the fence is answered."""
        self._serve(probes)
        requests: list[set[Sighting]] = [set() for _ in probes]
        answers: list[set[Sighting]] = [set() for _ in probes]
        for first in range(0, len(probes), BATCH):
            for number, probe in enumerate(probes[first : first + BATCH], first):
                place = self.places.get(probe.start or CLIENT_NAMESPACE)
                if place is not None:
                    place.send(probe.packet(self.first_mark + number))
            self._settle(requests, answers)
            self._settle(requests, answers)  # what the first round answered
        self.first_mark += len(probes)
        return [
            Outcome(requests=frozenset(asked), answers=frozenset(answered))
            for asked, answered in zip(requests, answers, strict=True)
        ]

    def _serve(self, probes: Iterable[Probe]) -> None:
        """TCP is answered, and UDP is taken in in silence."""
        ports = {(p.protocol, p.destination_port) for p in probes if p.protocol in ("tcp", "udp")}
        for place in self.places.values():
            with self.namespaces.inside(place.namespace):
                for protocol, port in sorted(ports - self.served):
                    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
                    sock = socket.socket(socket.AF_INET6, kind)
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
                    sock.bind(("::", port))
                    if protocol == "tcp":
                        sock.listen(64)
                    self.listeners.append(sock)
        self.served |= ports

    def _settle(self, requests: list[set[Sighting]], answers: list[set[Sighting]]) -> None:
        self.fence.wait()
        for resolver in self.resolvers:
            resolver.answer()
        for name, place in self.places.items():
            for packet in filter(None, map(parse, place.ears.heard())):
                where = name
                if name == EDGE_NAMESPACE:
                    if packet.destination not in SERVICES:
                        continue  # passing by
                    where = f"service:{packet.destination}"
                number = packet.mark - self.first_mark
                if not 0 <= number < len(requests):
                    continue  # of an earlier round
                seen = Sighting(where, packet.source, packet.destination, packet.destination_port)
                if packet.direction == "answer":
                    answers[number].add(seen)
                else:
                    requests[number].add(seen)
                    place.answer(packet)
