"""Which interfaces stand on the host, where, and under which numbers."""

from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import chain
from typing import Literal, NamedTuple

import msgspec

from seawall.compile.network.contribution import Stand
from seawall.compile.network.memory import Memory
from seawall.compile.network.numbers import Numbers, Tally, number_devices, wish
from seawall.compile.network.shelving import shelf_of
from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.model.network_interface import NetworkInterface
from seawall.model.subnet import Subnet
from seawall.program.shelves import Shelves, joined

ROUTER_IPV6 = "fe80::1"  # the router, seen from an interface's far end
FAR_IPV6 = "fe80::2"  # the far end, seen from the router
StandOf = Callable[[NetworkInterface, Mapping[str, Stand]], Stand | None]


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """An interface with a link: `number` is its device in the VPC's namespace.

    public      private address -> the public one that stands for it
    ipv6        the VPC has an IPv6 block and the far end speaks IPv6
    addresses   its private addresses of both families that work now
    """

    interface: NetworkInterface
    subnet: Subnet
    stand: Stand
    number: int
    far_number: int
    public: Mapping[str, str] = {}
    ipv6: bool = False
    addresses: tuple[str, ...] = ()

    @property
    def router_device(self) -> str:
        return f"e{self.number}"

    @property
    def namespace(self) -> str:
        return self.stand.namespace

    @property
    def device(self) -> str:
        return self.stand.device

    @property
    def via6(self) -> str | None:
        """The next hop of IPv6 routes to it."""
        return FAR_IPV6 if self.ipv6 else None

    @property
    def is_checked(self) -> bool:
        """Whether it sends from, and takes in, its own addresses only."""
        return self.interface.source_dest_check and not self.stand.transit


class AttachedGateway(msgspec.Struct, frozen=True, kw_only=True):
    """An internet gateway with a VPC: `number` is its device there, `edge_number` the one in the edge."""

    id: str
    kind: Literal["internet", "egress_only"]
    vpc_id: str
    number: int
    edge_number: int

    @property
    def device(self) -> str:
        return f"g{self.number}"

    @property
    def edge_device(self) -> str:
        return f"g{self.edge_number}"


class Placement(msgspec.Struct, frozen=True, kw_only=True):
    """`interfaces` are on shelves by their ids."""

    interfaces: Shelves[Placed]
    by_vpc: Mapping[str, Shelves[Placed]]
    gateways: Mapping[str, AttachedGateway]  # internet gateways by VPC
    egress_only: tuple[AttachedGateway, ...]
    numbers: Numbers  # of every device, by what it is for

    def find(self, interface_id: str) -> Placed | None:
        return found_on(self.interfaces, interface_id)

    def in_vpc(self, vpc_id: str) -> Shelves[Placed]:
        return self.by_vpc.get(vpc_id, Shelves())


def found_on(interfaces: Shelves[Placed], id: str) -> Placed | None:
    """The one with this id."""
    shelf = interfaces.shelves[shelf_of(id)] if interfaces.shelves else ()
    return next((placed for placed in shelf if placed.interface.id == id), None)


def place(
    snapshot: NetworkSnapshot,
    interfaces: Shelves[NetworkInterface],
    stand_of: StandOf,
    stands: Mapping[str, Stand],
    keys_of: Callable[[NetworkInterface], tuple[str, ...]],
    devices: Iterable[str],
    memory: Memory,
) -> Placement:
    """Every interface that has a link now.

    stand_of  where an interface's far end is, given `stands`: the known ones by interface
    keys_of   what of an interface needs numbers: its ID, ID/host for the far end, perhaps more
    devices   what else needs numbers
    """
    subnets = {subnet.id: subnet for subnet in snapshot.subnets}
    standing = memory.each("standing", _standing, interfaces, stand_of, stands, subnets.keys())
    others = (*(key for g in _gateways(snapshot) for key in (g[0], f"{g[0]}/host")), *devices)
    wishes = joined(memory.each("wishes", _wishes, standing, keys_of), tuple(map(wish, others)))
    numbers = number_devices(
        memory.own("numbers", Tally).all_different(wishes),
        lambda: (*chain.from_iterable(map(keys_of, standing)), *others),
    )
    allocated: dict[str | None, dict[str | None, str]] = {}
    for elastic in snapshot.elastic_ips:
        held = allocated.setdefault(elastic.network_interface_id, {})
        held[elastic.private_ip_address] = elastic.public_ip
    speaking_ipv6 = frozenset(vpc.id for vpc in snapshot.vpcs if vpc.ipv6_cidr_blocks)
    facts = _Facts(stand_of, stands, subnets, numbers, allocated, speaking_ipv6)
    found = memory.each("placed", _placed, standing, facts)
    gateways = [
        AttachedGateway(
            id=id, kind=kind, vpc_id=vpc_id, number=numbers[id], edge_number=numbers[f"{id}/host"]
        )
        for id, kind, vpc_id in _gateways(snapshot)
    ]
    return Placement(
        interfaces=found,
        by_vpc={vpc.id: memory.each(("in vpc", vpc.id), _in_vpc, found, vpc.id) for vpc in snapshot.vpcs},
        gateways={g.vpc_id: g for g in gateways if g.kind == "internet"},
        egress_only=tuple(g for g in gateways if g.kind == "egress_only"),
        numbers=numbers,
    )


class _Facts(NamedTuple):
    stand_of: StandOf
    stands: Mapping[str, Stand]
    subnets: Mapping[str, Subnet]
    numbers: Numbers
    allocated: Mapping[str | None, Mapping[str | None, str]]  # by interface: private address -> elastic IP
    speaking_ipv6: Collection[str]


def _standing(
    interface: NetworkInterface, stand_of: StandOf, stands: Mapping[str, Stand], subnets: Collection[str]
) -> tuple[NetworkInterface, ...]:
    stands_now = interface.subnet_id in subnets and stand_of(interface, stands) is not None
    return (interface,) if stands_now else ()


def _wishes(
    interface: NetworkInterface, keys_of: Callable[[NetworkInterface], tuple[str, ...]]
) -> tuple[int, ...]:
    return tuple(map(wish, keys_of(interface)))


def _placed(interface: NetworkInterface, facts: _Facts) -> tuple[Placed, ...]:
    stand = facts.stand_of(interface, facts.stands)
    if stand is None:
        return ()
    ipv6 = stand.ipv6 and interface.vpc_id in facts.speaking_ipv6
    allocated = facts.allocated.get(interface.id, {})
    public = {a or interface.private_ip_address: p for a, p in allocated.items()} | interface.public_addresses
    return (
        Placed(
            interface=interface,
            subnet=facts.subnets[interface.subnet_id],
            stand=stand,
            number=facts.numbers[interface.id],
            far_number=facts.numbers[f"{interface.id}/host"],
            public={a: p for a, p in public.items() if a in interface.private_ip_addresses},
            ipv6=ipv6,
            addresses=interface.private_ip_addresses + (interface.ipv6_addresses if ipv6 else ()),
        ),
    )


def _in_vpc(placed: Placed, vpc_id: str) -> tuple[Placed, ...]:
    return (placed,) if placed.interface.vpc_id == vpc_id else ()


def _gateways(
    snapshot: NetworkSnapshot,
) -> list[tuple[str, Literal["internet", "egress_only"], str]]:
    found: list[tuple[str, Literal["internet", "egress_only"], str]] = []
    found += [(g.id, "internet", g.vpc_id) for g in snapshot.internet_gateways if g.vpc_id]
    found += [(g.id, "egress_only", g.vpc_id) for g in snapshot.egress_only_internet_gateways]
    return sorted(found)
