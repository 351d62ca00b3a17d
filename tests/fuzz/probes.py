"""Which packets are tried in a world: every pair, at the edges of what its rules say."""

import random
from collections.abc import Iterator
from functools import cached_property
from ipaddress import IPv4Network

import msgspec
from msgspec.structs import replace
from tests.fuzz.packets import NUMBERS, Packet

from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.model.internet import (
    API_ADDRESS,
    CLIENT_ADDRESS,
    CLIENT_IPV6_ADDRESS,
    PUBLIC_POOL,
    S3_ADDRESS,
    VPC_RESOLVER_IPV6,
)
from seawall.model.network_interface import NetworkInterface
from seawall.model.security_group import SecurityGroupRule

COMMON_PORTS = frozenset((22, 80, 443, 8000))
# By the ranges that ACLs let answers through in.
SOURCE_PORTS = ((600, 999), (2002, 7000), (9010, 32767), (32768, 49151), (49152, 60999), (61000, 65000))
MOST_SOURCE_PORTS = 50_000
PROTOCOLS = ("tcp",) * 10 + ("udp",) * 5 + ("icmp",) * 4 + ("253", "50")
ICMP_TYPES = {"icmp": ((8, 0), (8, 0), (8, 5), (13, 0)), "icmpv6": ((128, 0), (128, 0), (128, 5))}
FRAGMENTED, LARGE = 0.2, (1500, 3000)  # of UDP's probes, and bytes
SPOOFED = 0.03  # the share of probes with somebody else's address as their source
VPC_RESOLVER = "169.254.169.253"
NOT_ASSIGNED = str(IPv4Network(PUBLIC_POOL)[0xFFF0])


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """One packet.  `start` is the interface it leaves from; None: the client on the internet.

    `protocol` is a name ("tcp", "udp", "icmp", "icmpv6") or a number as text.  `size`: of UDP's payload at
    least; what is larger than the MTU travels in fragments.
    """

    start: str | None
    protocol: str
    source: str
    destination: str
    source_port: int = 0
    destination_port: int = 0
    icmp_type: int = 0
    icmp_code: int = 0
    size: int = 0

    def packet(self, mark: int) -> Packet:
        return Packet(
            source=self.source,
            destination=self.destination,
            protocol=NUMBERS.get(self.protocol) or int(self.protocol),
            source_port=self.source_port,
            destination_port=self.destination_port,
            kind=self.icmp_type,
            code=self.icmp_code,
            size=self.size,
            mark=mark,
        )


def senders(snapshot: NetworkSnapshot) -> list[NetworkInterface]:
    """The interfaces that something runs behind."""
    return [i for i in snapshot.network_interfaces if i.owner is not None and i.owner.kind == "task"]


class Candidates:
    """An endless row of probes of a world, spread over all pairs of a sender and an address.

    Source ports are unique in a world and nobody's destination, and protocols without ports are tried once
    between any two: no probe meets the flow of another.
    """

    def __init__(self, snapshot: NetworkSnapshot, seed: int) -> None:
        self.random = random.Random(f"probes of {seed}")
        self.snapshot = snapshot
        self.interfaces = {interface.id: interface for interface in snapshot.network_interfaces}
        self.owners: dict[str, list[str]] = {}
        for interface in snapshot.network_interfaces:
            for address in _addresses(interface):
                self.owners.setdefault(address, []).append(interface.id)
        self.rules: dict[str, list[SecurityGroupRule]] = {}
        for rule in snapshot.security_group_rules:
            self.rules.setdefault(rule.group_id, []).append(rule)
        self.pairs = list(self._pairs())
        self.random.shuffle(self.pairs)
        self.used = _edges(snapshot)
        self.portless: set[tuple[str, frozenset[str]]] = set()

    def __iter__(self) -> Iterator[Probe]:
        while True:
            for start, source, destination in self.pairs:
                if self.random.random() < self.weight(start, destination):
                    probe = self.probe(start, source, destination)
                    if probe is not None:
                        yield probe

    def again(self, probe: Probe) -> Probe:
        """The same in a flow of its own."""
        return replace(probe, source_port=self.source_port()) if probe.source_port else probe

    def weight(self, start: str | None, destination: str) -> float:
        """What can only fail is tried less often."""
        owners = self.owners.get(destination)
        if destination == NOT_ASSIGNED or (start is None and owners is None):
            return 0.1
        if destination in self.routers:
            return 0.3
        if owners is None or self._is_public(destination):
            return 1.0
        vpc = self.interfaces[start].vpc_id if start else None
        if any(self.interfaces[owner].vpc_id == vpc for owner in owners):
            return 1.0
        connected = self.snapshot.vpc_peering_connections or self.snapshot.transit_gateways
        return 0.7 if start and connected else 0.15

    def _is_public(self, address: str) -> bool:
        return ":" in address or any(
            address in interface.public_addresses.values() for interface in self.interfaces.values()
        )

    def probe(self, start: str | None, source: str, destination: str) -> Probe | None:
        if start is not None and self.random.random() < SPOOFED:
            source = self.random.choice([a for a in self.owners if (":" in a) == (":" in destination)])
        service = self.service(start, destination)
        if service.protocol in ("tcp", "udp"):
            service = replace(service, source_port=self.source_port())
            if service.protocol == "udp" and self.random.random() < FRAGMENTED:
                service = replace(service, size=self.random.choice(LARGE))
        elif service.protocol not in NUMBERS:
            flows = {
                (service.protocol, frozenset((one, other)))
                for one in (*([start] if start else ()), *self.owners.get(source, [source]))
                for other in self.owners.get(destination, [destination])  # in VPCs with one block, several
            }
            if flows & self.portless:
                return None
            self.portless |= flows
        return replace(service, start=start, source=source, destination=destination)

    def service(self, start: str | None, destination: str) -> Probe:
        """What is asked for: mostly what a rule of the receiver, or of the sender, is about."""
        six = ":" in destination
        icmp = "icmpv6" if six else "icmp"
        if destination in self.routers and self.random.random() < 0.8:
            return _service(self.random.choice(("udp", "tcp")), destination_port=53)
        rules = [
            rule
            for owner in self.owners.get(destination, ())
            for group in self.interfaces[owner].group_ids
            for rule in self.rules.get(group, ())
            if not rule.is_egress and (rule.cidr_ipv4 is None if six else rule.cidr_ipv6 is None)
        ]
        if start is not None and (not rules or self.random.random() < 0.2):
            groups = self.interfaces[start].group_ids
            rules = [rule for group in groups for rule in self.rules.get(group, ()) if rule.is_egress]
        rule = self.random.choice(rules) if rules and self.random.random() < 0.85 else None
        protocol = (
            rule.protocol if rule is not None and rule.protocol != "-1" else self.random.choice(PROTOCOLS)
        )
        if protocol in ("icmp", "icmpv6"):
            kind, code = self.random.choice(ICMP_TYPES[icmp])
            return _service(icmp, icmp_type=kind, icmp_code=code)
        if protocol in ("tcp", "udp"):
            return _service(protocol, destination_port=self.port(rule))
        return _service(protocol)

    def port(self, rule: SecurityGroupRule | None) -> int:
        """One of a rule's ends, a neighbour of one, something between; or any that matters."""
        if rule is None or rule.from_port is None or rule.to_port is None or self.random.random() < 0.1:
            return self.random.choice(sorted(COMMON_PORTS | self.edges))
        first, last = rule.from_port, rule.to_port
        middle = (first + last) // 2
        port = self.random.choice((first, first, last, last, middle, first - 1, last + 1))
        return min(max(port, 1), 65535)

    @cached_property
    def routers(self) -> tuple[str, ...]:
        """Where a VPC's resolver may answer, and the router's own address in some subnets."""
        blocks = (*(vpc.cidr_block for vpc in self.snapshot.vpcs), self.snapshot.subnets[-1].cidr_block)
        four = [str(IPv4Network(block)[place]) for block in blocks for place in (1, 2)]
        six = [VPC_RESOLVER_IPV6] if any(vpc.ipv6_cidr_blocks for vpc in self.snapshot.vpcs) else []
        return tuple(dict.fromkeys((VPC_RESOLVER, *four, *six)))

    @cached_property
    def edges(self) -> set[int]:
        return _edges(self.snapshot)

    def source_port(self) -> int:
        """One that was not used yet; when nearly all were, the flows of the first ones are long over."""
        if len(self.used) > MOST_SOURCE_PORTS:
            self.used = set(self.edges)
        while True:
            port = self.random.randint(*self.random.choice(SOURCE_PORTS))
            if port not in self.used:
                self.used.add(port)
                return port

    def _pairs(self) -> Iterator[tuple[str | None, str, str]]:
        """Sender, its address, and whom it asks."""
        asked = self._asked()
        for interface in senders(self.snapshot):
            own = (*interface.private_ip_addresses, *interface.ipv6_addresses)
            for source in own:
                for destination in asked:
                    if (":" in source) == (":" in destination) and destination not in own:
                        yield interface.id, source, destination
        for destination in asked:
            if destination not in (CLIENT_ADDRESS, CLIENT_IPV6_ADDRESS):
                yield None, CLIENT_IPV6_ADDRESS if ":" in destination else CLIENT_ADDRESS, destination

    def _asked(self) -> list[str]:
        """All that anybody may have an address of, without repetitions (equal VPCs share addresses)."""
        found = [CLIENT_ADDRESS, API_ADDRESS, S3_ADDRESS, NOT_ASSIGNED, *self.owners]
        if any(vpc.ipv6_cidr_blocks for vpc in self.snapshot.vpcs):
            found.append(CLIENT_IPV6_ADDRESS)
        found += [str(IPv4Network(subnet.cidr_block)[5]) for subnet in self.snapshot.subnets[:1]]
        found += self.routers
        return list(dict.fromkeys(found))


def _service(protocol: str, **members: int) -> Probe:
    return Probe(start=None, protocol=protocol, source="", destination="", **members)


def _addresses(interface: NetworkInterface) -> tuple[str, ...]:
    public = interface.public_addresses.values()
    return (*interface.private_ip_addresses, *public, *interface.ipv6_addresses)


def _edges(snapshot: NetworkSnapshot) -> set[int]:
    """The first and last ports of all rules, and their neighbours outside."""
    spans = [(r.from_port, r.to_port) for r in snapshot.security_group_rules if r.protocol in ("tcp", "udp")]
    spans += [(entry.from_port, entry.to_port) for acl in snapshot.network_acls for entry in acl.entries]
    found = set(COMMON_PORTS)
    for first, last in spans:
        if first is not None and last is not None:
            found |= {first, first - 1, (first + last) // 2, last, last + 1}
    return {port for port in found if 1 <= port <= 65535}
