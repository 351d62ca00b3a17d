"""Random security groups and network ACLs: overlapping ranges, references, orders of denial."""

import random
from collections.abc import Mapping, Sequence
from ipaddress import ip_network
from typing import Any

from seawall.model.internet import CLIENT_ADDRESS, CLIENT_IPV6_NETWORK, CLIENT_NETWORK, PUBLIC_POOL
from seawall.model.network_acl import NetworkAcl, NetworkAclAssociation, NetworkAclEntry
from seawall.model.security_group import SecurityGroup, SecurityGroupRule
from seawall.model.subnet import Subnet
from seawall.model.vpc import Vpc

# Neighbouring, nested and overlapping ones.
PORTS = (
    (22, 22),
    (80, 80),
    (80, 90),
    (85, 1000),
    (443, 443),
    (1000, 2000),
    (1024, 65535),
    (8000, 8010),
    (8005, 9000),
    (0, 65535),
    (65535, 65535),
)
EPHEMERAL = ((1024, 65535), (32768, 60999), (49152, 65535))
# A NAT gateway picks its ports out of 1024-65535 at random: its subnet's ACL treats them all alike.
ALIKE = tuple((a, b) for a, b in PORTS if b < 1024 or (a <= 1024 and b == 65535))
ICMP = ((-1, -1), (8, -1), (8, 0), (13, -1), (0, 0), (3, -1))
ICMPV6 = ((-1, -1), (128, -1), (128, 0), (129, 0), (1, -1))
NUMBERS = ("253", "50")  # protocols without ports


class Filters:
    """Writes groups, rules and ACLs into `made`, the world's resources by the snapshot's field."""

    def __init__(self, seed: int, chosen: random.Random, made: dict[str, list[Any]]) -> None:
        self.seed = seed
        self.random = chosen
        self.made = made
        self.count = 0
        self.acl_ports = PORTS

    def name(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}-{self.seed}y{self.count}"

    def put(self, field: str, resource: Any) -> None:
        self.made.setdefault(field, []).append(resource)

    def groups(self, vpc: Vpc) -> None:
        for _ in range(self.random.randint(1, 4)):
            id = self.name("sg")
            self.put("security_groups", SecurityGroup(id=id, vpc_id=vpc.id, name=id, description="any"))

    def fill(self) -> None:
        """The rules of all groups: last, for they name interfaces and groups."""
        for group in self.made["security_groups"]:
            for _ in range(self.random.randint(1, 5)):
                self.rule(group, is_egress=False)
            if self.random.random() < 0.75:
                self.put("security_group_rules", self.everything(group, "0.0.0.0/0", None))
                self.put("security_group_rules", self.everything(group, None, "::/0"))
            else:
                for _ in range(self.random.randint(1, 4)):
                    self.rule(group, is_egress=True)

    def everything(self, group: SecurityGroup, four: str | None, six: str | None) -> SecurityGroupRule:
        return SecurityGroupRule(
            id=self.name("sgr"),
            group_id=group.id,
            is_egress=True,
            protocol="-1",
            cidr_ipv4=four,
            cidr_ipv6=six,
        )

    def rule(self, group: SecurityGroup, *, is_egress: bool) -> None:
        peer = self.peer(group)
        six = peer.get("cidr_ipv6") is not None
        protocols = ("tcp",) * 8 + ("udp",) * 5 + ("-1",) * 4 + (("icmpv6" if six else "icmp"),) * 3 + NUMBERS
        protocol = self.random.choice(protocols)
        first, last = self.ports(protocol)
        self.put(
            "security_group_rules",
            SecurityGroupRule(
                id=self.name("sgr"),
                group_id=group.id,
                is_egress=is_egress,
                protocol=protocol,
                from_port=first,
                to_port=last,
                **peer,
            ),
        )

    def ports(self, protocol: str) -> tuple[int | None, int | None]:
        if protocol in ("tcp", "udp"):
            return self.random.choice(PORTS)
        if protocol in ("6", "17"):
            return self.random.choice(self.acl_ports)
        if protocol in ("icmp", "icmpv6", "1", "58"):
            return self.random.choice(ICMPV6 if protocol in ("icmpv6", "58") else ICMP)
        return None, None

    def peer(self, group: SecurityGroup) -> Mapping[str, str]:
        lists = [pl.id for pl in self.made.get("prefix_lists", ())]
        if lists and self.random.random() < 0.1:
            return {"prefix_list_id": self.random.choice(lists)}
        if self.random.random() < 0.25:
            return self.reference(group)
        if self.random.random() < 0.3:
            return {"cidr_ipv6": self.block(group.vpc_id, 6)}
        return {"cidr_ipv4": self.block(group.vpc_id, 4)}

    def reference(self, group: SecurityGroup) -> Mapping[str, str]:
        """To itself, to a group of its VPC, or to one of a peer's."""
        groups: list[SecurityGroup] = self.made["security_groups"]
        own = [g.id for g in groups if g.vpc_id == group.vpc_id]
        found: list[Mapping[str, str]] = [{"referenced_group_id": id} for id in (group.id, *own)]
        for peering in self.made.get("vpc_peering_connections", ()):
            if group.vpc_id in (peering.requester_vpc_id, peering.accepter_vpc_id):
                found += [
                    {"referenced_group_id": g.id, "vpc_peering_connection_id": peering.id}
                    for g in groups
                    if g.vpc_id == peering.other(group.vpc_id)
                ]
        return self.random.choice(found)

    def block(self, vpc_id: str, version: int) -> str:
        """Everything, or somewhere near somebody of the VPC, or of the internet."""
        anywhere = "0.0.0.0/0" if version == 4 else "::/0"
        near = [anywhere] * 12
        near += (
            [CLIENT_NETWORK, f"{CLIENT_ADDRESS}/32", PUBLIC_POOL] if version == 4 else [CLIENT_IPV6_NETWORK]
        )
        for interface in self.made.get("network_interfaces", ()):
            if interface.vpc_id == vpc_id or self.random.random() < 0.2:
                for address in (*interface.private_ip_addresses, *interface.ipv6_addresses):
                    if ip_network(address).version == version:
                        near += self.around(address)
                near += [f"{a}/32" for a in interface.public_addresses.values() if version == 4]
        return self.random.choice(near)

    def around(self, address: str) -> list[str]:
        lengths = (16, 24, 25, 28, 32) if ":" not in address else (56, 64, 68, 128)
        return [str(ip_network(f"{address}/{length}", strict=False)) for length in lengths]

    def acls(self, vpc: Vpc, subnets: Sequence[Subnet]) -> None:
        """A default ACL, mostly as it was born, and ACLs of some subnets."""
        interfaces = self.made.get("network_interfaces", ())
        translated = any(i.interface_type == "nat_gateway" and i.vpc_id == vpc.id for i in interfaces)
        self.acl_ports = ALIKE if translated else PORTS
        entries = self.open_entries() if self.random.random() < 0.8 else self.entries(vpc)
        id = self.name("acl")
        self.put("network_acls", NetworkAcl(id=id, vpc_id=vpc.id, is_default=True, entries=entries))
        named = [subnet for subnet in subnets if self.random.random() < 0.35]
        if not named:
            return
        associations = [
            NetworkAclAssociation(association_id=self.name("aclassoc"), subnet_id=subnet.id)
            for subnet in named
        ]
        split = self.random.randint(0, len(named))
        for part in (associations[:split], associations[split:]):
            if part:
                entries = self.entries(vpc)
                acl = NetworkAcl(
                    id=self.name("acl"),
                    vpc_id=vpc.id,
                    is_default=False,
                    entries=entries,
                    associations=tuple(part),
                )
                self.put("network_acls", acl)

    def open_entries(self) -> tuple[NetworkAclEntry, ...]:
        return tuple(
            NetworkAclEntry(
                rule_number=number, protocol="-1", rule_action="allow", egress=egress, cidr_block=block
            )
            for number, block in ((100, "0.0.0.0/0"), (101, "::/0"))
            for egress in (True, False)
        )

    def entries(self, vpc: Vpc) -> tuple[NetworkAclEntry, ...]:
        found: list[NetworkAclEntry] = []
        for egress in (True, False):
            if self.random.random() < 0.3:
                found += [entry for entry in self.open_entries() if entry.egress == egress]
                continue
            numbers = sorted(self.random.sample(range(1, 400), self.random.randint(2, 6)))
            found += [self.entry(vpc, egress, number) for number in numbers]
            if self.random.random() < 0.6:
                found.append(self.ephemeral(egress, 500))
            if self.random.random() < 0.5:
                found += [
                    NetworkAclEntry(
                        rule_number=entry.rule_number + 32000,
                        protocol="-1",
                        rule_action="allow",
                        egress=egress,
                        cidr_block=entry.cidr_block,
                    )
                    for entry in self.open_entries()
                    if entry.egress == egress
                ]
        self.random.shuffle(found)  # the numbers count, not the order of the list
        return tuple(found)

    def entry(self, vpc: Vpc, egress: bool, number: int) -> NetworkAclEntry:
        version = 6 if vpc.ipv6_cidr_blocks and self.random.random() < 0.3 else 4
        icmp = "1" if version == 4 else "58"
        protocol = self.random.choice(("6", "6", "6", "17", "17", "-1", icmp, icmp, "253"))
        block = self.acl_block(vpc, version)
        first, last = self.ports(protocol)
        ports = protocol in ("6", "17")
        return NetworkAclEntry(
            rule_number=number,
            protocol=protocol,
            rule_action=self.random.choice(("allow", "allow", "deny")),
            egress=egress,
            cidr_block=block,
            from_port=first if ports else None,
            to_port=last if ports else None,
            icmp_type=None if ports else first,
            icmp_code=None if ports else last,
        )

    def ephemeral(self, egress: bool, number: int) -> NetworkAclEntry:
        first, last = self.random.choice(EPHEMERAL) if self.acl_ports is PORTS else EPHEMERAL[0]
        return NetworkAclEntry(
            rule_number=number,
            protocol=self.random.choice(("6", "6", "17")),
            rule_action="allow",
            egress=egress,
            cidr_block="0.0.0.0/0",
            from_port=first,
            to_port=last,
        )

    def acl_block(self, vpc: Vpc, version: int) -> str:
        anywhere = "0.0.0.0/0" if version == 4 else "::/0"
        own = [block for block in vpc.all_blocks if (":" in block) == (version == 6)]
        near = []
        for block in own:
            network = ip_network(block)
            near += [str(next(network.subnets(new_prefix=24 if version == 4 else 64)))]
        return self.random.choice([anywhere] * 4 + own + near + ([CLIENT_NETWORK] if version == 4 else []))
