"""Random worlds: VPCs with everything that decides about packets, each from one number.

The same seed gives the same world.  Ids hold the seed, so that no world finds namespaces, and with them
tracked flows, of another one.
"""

import random
from datetime import timedelta
from ipaddress import IPv4Address, IPv4Network, IPv6Network
from typing import Any

from msgspec.structs import replace
from tests.fuzz.connections import BORN, Connections
from tests.fuzz.filters import Filters
from tests.fuzz.routes import Routes

from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.model.egress_only_internet_gateway import EgressOnlyInternetGateway
from seawall.model.internet import API_ADDRESS, CLIENT_ADDRESS, CLIENT_NETWORK, IPV6_POOL, PUBLIC_POOL
from seawall.model.internet_gateway import InternetGateway
from seawall.model.nat_gateway import NatGateway
from seawall.model.network_interface import (
    InterfaceAttachment,
    NetworkInterface,
    PublicAssociation,
    SecondaryAddress,
)
from seawall.model.prefix_list import PrefixList, PrefixListEntry
from seawall.model.resource import Ref
from seawall.model.subnet import Subnet
from seawall.model.vpc import CidrAssociation, Ipv6CidrAssociation, Vpc

# Often the same one: VPCs with equal addresses must not meet.
BLOCKS = ("10.0.0.0/16", "10.0.0.0/16", "10.0.0.0/16", "10.1.0.0/16", "172.31.0.0/16", "192.168.0.0/20")
SECOND_BLOCK = "10.200.0.0/20"
ZONES = (("us-east-1a", "use1-az1"), ("us-east-1b", "use1-az2"))
MOST_INTERFACES = 10  # of one world, so that every pair can be tried


def random_world(seed: int) -> NetworkSnapshot:
    return _World(seed).snapshot()


class _World:
    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.random = random.Random(seed)
        self.made: dict[str, list[Any]] = {}
        self.public = iter(IPv4Network(PUBLIC_POOL).hosts())
        self.filters = Filters(seed, self.random, self.made)
        self.routes = Routes(seed, self.random, self.made)
        self.connections = Connections(seed, self.random, self.made, self.interface)
        self.count = 0

    def snapshot(self) -> NetworkSnapshot:
        for number in range(self.random.choice((1, 1, 2, 2, 2, 3))):
            self.vpc(number)
        self.connections.connect()
        self.filters.fill()
        return NetworkSnapshot(
            region="us-east-1",
            account="123456789012",
            services={"*.amazonaws.com": API_ADDRESS},
            **{field: tuple(found) for field, found in self.made.items()},
        )

    def put(self, field: str, resource: Any) -> Any:
        self.made.setdefault(field, []).append(resource)
        return resource

    def name(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}-{self.seed}x{self.count}"

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def public_address(self) -> str:
        return str(next(self.public))

    def vpc(self, number: int) -> None:
        id = self.name("vpc")
        blocks = [self.random.choice(BLOCKS), *([SECOND_BLOCK] if self.chance(0.15) else [])]
        pool = IPv6Network(IPV6_POOL)
        six = str(IPv6Network((int(pool[0]) + ((self.seed % 4096) * 8 + number << 72), 56)))
        vpc = self.put(
            "vpcs",
            Vpc(
                id=id,
                enable_dns_support=self.chance(0.9),
                cidr_blocks=tuple(
                    CidrAssociation(association_id=self.name("a"), cidr_block=b) for b in blocks
                ),
                ipv6_cidr_blocks=(Ipv6CidrAssociation(association_id=self.name("a"), ipv6_cidr_block=six),)
                if self.chance(0.5)
                else (),
            ),
        )
        attached = self.chance(0.9)
        self.put("internet_gateways", InternetGateway(id=self.name("igw"), vpc_id=id if attached else None))
        if vpc.ipv6_cidr_blocks and self.chance(0.6):
            self.put(
                "egress_only_internet_gateways", EgressOnlyInternetGateway(id=self.name("eigw"), vpc_id=id)
            )
        if self.chance(0.3):
            self.prefix_list()
        subnets = self.subnets(vpc)
        self.filters.groups(vpc)
        for _ in range(self.random.choice((0, 0, 1, 1, 2))):
            self.nat_gateway(vpc, self.random.choice(subnets))
        for _ in range(self.random.randint(1, 5)):
            if len(self.made.get("network_interfaces", ())) < MOST_INTERFACES:
                self.task(vpc, self.random.choice(subnets))
        self.routes.tables(vpc, subnets)
        self.filters.acls(vpc, subnets)

    def prefix_list(self) -> None:
        blocks = (CLIENT_NETWORK, f"{CLIENT_ADDRESS}/32", "10.0.0.0/24", "10.0.1.0/25", "198.18.0.0/28")
        entries = self.random.sample(blocks, self.random.randint(1, 3))
        self.put(
            "prefix_lists",
            PrefixList(
                id=self.name("pl"),
                name="some",
                owner_id="123456789012",
                address_family="IPv4",
                max_entries=10,
                entries=tuple(PrefixListEntry(cidr=cidr) for cidr in entries),
            ),
        )

    def subnets(self, vpc: Vpc) -> list[Subnet]:
        found = []
        six = [a.ipv6_cidr_block for a in vpc.ipv6_cidr_blocks]
        for number in range(self.random.randint(1, 4)):
            block = IPv4Network(self.random.choice(vpc.cidr_blocks).cidr_block)
            length = self.random.choice((24, 24, 24, 27))  # room for all that may be put there
            cidr = list(block.subnets(new_prefix=24))[number]
            zone, zone_id = self.random.choice(ZONES)
            own_six = IPv6Network((int(IPv6Network(six[0])[0]) + (number << 64), 64)) if six else None
            found.append(
                Subnet(
                    id=self.name("subnet"),
                    vpc_id=vpc.id,
                    cidr_block=str(IPv4Network((int(cidr[0]), length))),
                    ipv6_cidr_block=str(own_six) if own_six and self.chance(0.85) else None,
                    availability_zone=zone,
                    availability_zone_id=zone_id,
                )
            )
        self.made.setdefault("subnets", []).extend(found)
        return found

    def free_address(self, subnet: Subnet) -> str:
        taken = {
            address
            for interface in self.made.get("network_interfaces", ())
            if interface.subnet_id == subnet.id
            for address in interface.private_ip_addresses
        }
        hosts = IPv4Network(subnet.cidr_block)
        return next(a for a in iter(lambda: self.pick_address(hosts), None) if a not in taken)

    def pick_address(self, network: IPv4Network) -> str:
        """The edges of the subnet and of its halves are likelier than the rest."""
        last = network.num_addresses - 2
        half = network.num_addresses // 2
        offset = self.random.choice((4, last, half - 1, half, self.random.randint(4, last)))
        return str(network[offset])

    def interface(self, subnet: Subnet, owner: Ref, **members: Any) -> NetworkInterface:
        address = self.free_address(subnet)
        octets = IPv4Address(address).packed
        interface = NetworkInterface(
            id=self.name("eni"),
            vpc_id=subnet.vpc_id,
            subnet_id=subnet.id,
            availability_zone=subnet.availability_zone,
            private_ip_address=address,
            mac_address="0a:58:" + octets.hex(":"),
            description="",
            status="in-use",
            attachment=InterfaceAttachment(
                attachment_id=self.name("eni-attach"), instance_owner_id="amazon-ecs", attach_time=BORN
            ),
            owner=owner,
            **members,
        )
        self.put("network_interfaces", interface)
        return interface

    def association(self) -> PublicAssociation:
        return PublicAssociation(public_ip=self.public_address(), ip_owner_id="amazon")

    def task(self, vpc: Vpc, subnet: Subnet) -> None:
        groups = [g.id for g in self.made["security_groups"] if g.vpc_id == vpc.id]
        six: tuple[str, ...] = ()
        if subnet.ipv6_cidr_block and self.chance(0.8):
            six = (str(IPv6Network(subnet.ipv6_cidr_block)[self.random.randint(4, 2**62)]),)
        self.interface(
            subnet,
            Ref("task", self.name("t")),
            group_ids=tuple(self.random.sample(groups, self.random.randint(1, min(3, len(groups))))),
            association=self.association() if self.chance(0.5) else None,
            ipv6_addresses=six,
            source_dest_check=self.chance(0.85),
        )
        if self.chance(0.15):
            self.add_address(subnet)

    def add_address(self, subnet: Subnet) -> None:
        """A secondary one, for the newest interface."""
        association = self.association() if self.chance(0.5) else None
        second = SecondaryAddress(private_ip_address=self.free_address(subnet), association=association)
        newest = self.made["network_interfaces"].pop()
        self.put("network_interfaces", replace(newest, secondary_addresses=(second,)))

    def nat_gateway(self, vpc: Vpc, subnet: Subnet) -> None:
        """Mostly one that works, and some with several addresses, of which it may be about to lose one."""
        id = self.name("nat")
        public = self.chance(0.75)
        interface = self.interface(
            subnet,
            Ref("nat_gateway", id),
            group_ids=(),
            interface_type="nat_gateway",
            source_dest_check=False,
            association=self.association() if public else None,
        )
        if self.chance(0.3):
            self.add_addresses(subnet, self.random.randint(1, 2), public=public)
        state = self.random.choice(("available",) * 12 + ("pending", "failed", "deleting", "deleted"))
        self.put(
            "nat_gateways",
            NatGateway(
                id=id,
                vpc_id=vpc.id,
                subnet_id=subnet.id,
                connectivity_type="public" if public else "private",
                network_interface_id=interface.id,
                state=state,
                create_time=BORN,
            ),
        )

    def add_addresses(self, subnet: Subnet, number: int, *, public: bool) -> None:
        """For the newest interface, a NAT gateway's."""
        for place in range(number):
            second = SecondaryAddress(
                private_ip_address=self.free_address(subnet),
                association=self.association() if public else None,
                draining_until=BORN + timedelta(days=9999) if place and self.chance(0.5) else None,
            )
            newest = self.made["network_interfaces"].pop()
            self.put(
                "network_interfaces",
                replace(newest, secondary_addresses=(*newest.secondary_addresses, second)),
            )
