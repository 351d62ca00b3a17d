"""Who may send from which address, and what every device and address of a VPC stands for."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Literal

from seawall.compile.network.addresses import ADDRESS_TYPE, FAMILIES, family
from seawall.compile.network.contribution import Door, Member
from seawall.compile.network.internet_gateway import NEVER_PUBLIC
from seawall.compile.network.memory import Memory
from seawall.compile.network.placement import Placed
from seawall.compile.network.policies import Catalog, interface_policy, member_policy
from seawall.compile.network.routing import Senders
from seawall.compile.network.skeletons import NOTHING_TO_ASK, POLICY_BITS
from seawall.model.vpc import Vpc
from seawall.program.network import Element, ElementSet
from seawall.program.shelves import Shelves, joined

Numbers = Mapping[str, int]  # of policies, by key
OfEach = Callable[..., tuple[Element, ...]]


class InterfaceSets:
    """The sets of a VPC that have elements for each interface; those of an unchanged one are kept."""

    def __init__(
        self,
        vpc: Vpc,
        interfaces: Shelves[Placed],
        catalog: Catalog,
        bounded: tuple[str, ...],
        memory: Memory,
    ) -> None:
        self._vpc = vpc
        self._interfaces = interfaces
        self._policies = catalog.numbers, bounded
        self._memory = memory

    def senders(self, doors: Sequence[Door], tables: Senders) -> Iterable[ElementSet]:
        """All sets but those of groups, ACLs and resolvers."""
        yield from self._source_maps(doors, tables)
        yield from _door_sets(doors, tables)
        every_door = [Element(key=str(d.number), value="0x0", origin=d.origin) for d in doors]
        yield ElementSet(
            name="receivers",
            key=("iface_index",),
            value="mark",
            elements=joined(self._each(_receiver, *self._policies), tuple(every_door)),
        )
        one_way = [Element(key=str(d.number), origin=d.origin) for d in doors if d.kind == "egress_only"]
        yield ElementSet(
            name="always_tracked",
            key=("iface_index",),
            elements=joined(self._each(_always_tracked), tuple(one_way)),
        )
        yield from self._public_maps(translated=any(door.kind == "internet" for door in doors))
        for version in FAMILIES:  # an address that leaves, or gets another owner, takes its flows with it
            yield ElementSet(
                name=f"addresses{version}",
                key=(ADDRESS_TYPE[version],),
                elements=self._each(_addresses, version),
                releases="address",
            )
        yield ElementSet(
            name="networks",
            key=("ipv4_addr",),
            interval=True,
            elements=tuple(Element(key=a.cidr_block, origin=self._vpc.id) for a in self._vpc.cidr_blocks),
        )

    def members(self, others: tuple[Member, ...]) -> Iterable[ElementSet]:
        """Address -> policy, for rules that name groups: of the VPC's interfaces and of its peers'."""
        numbers, _ = self._policies
        for version in FAMILIES:
            own = self._each(_own_member, version, *self._policies)
            theirs = self._memory.each(
                ("other members", self._vpc.id, version), _member, Shelves((others,)), version, numbers
            )
            yield ElementSet(
                name=f"members{version}",
                key=(ADDRESS_TYPE[version],),
                value="mark",
                elements=joined(own, theirs),
            )

    def _each(self, of_each: OfEach, *facts: object) -> Shelves[Element]:
        variant = facts[0] if facts and isinstance(facts[0], int) else None  # the family
        key = of_each.__name__, self._vpc.id, variant
        return self._memory.each(key, of_each, self._interfaces, *facts)

    def _source_maps(self, doors: Sequence[Door], tables: Senders) -> Iterable[ElementSet]:
        _, bounded = self._policies
        quiet = not bounded and all(door.kind != "egress_only" for door in doors)
        facts = (tables.of_subnet, *self._policies, quiet)
        for version in FAMILIES:
            yield ElementSet(
                name=f"source{version}",
                key=("iface_index", ADDRESS_TYPE[version]),
                value="mark",
                elements=self._each(_source, version, *facts),
            )
        yield ElementSet(
            name="unchecked", key=("iface_index",), value="mark", elements=self._each(_unchecked, *facts)
        )

    def _public_maps(self, *, translated: bool) -> Iterable[ElementSet]:
        """The internet gateway's one-to-one translation; without a gateway it is empty."""
        yield ElementSet(
            name="public_to_private",
            key=("ipv4_addr",),
            value="ipv4_addr",
            elements=self._each(_public_to_private) if translated else (),
            releases="address",
        )
        yield ElementSet(
            name="private_to_public",
            key=("ipv4_addr",),
            value="ipv4_addr",
            elements=self._each(_private_to_public) if translated else (),
        )
        yield ElementSet(
            name="public_sources",
            key=("ipv4_addr",),
            elements=self._each(_public_source) if translated else (),
        )
        yield ElementSet(
            name="never_public",
            key=("ipv4_addr",),
            interval=True,
            elements=tuple(Element(key=block) for block in NEVER_PUBLIC),
        )


def address_sets(
    name: str, addresses: Iterable[str], *, releases: Literal["", "address"] = ""
) -> tuple[ElementSet, ...]:
    """NAME4 and NAME6."""
    known = list(addresses)
    return tuple(
        ElementSet(
            name=f"{name}{version}",
            key=(ADDRESS_TYPE[version],),
            elements=tuple(Element(key=a) for a in known if family(a) == version),
            releases=releases,
        )
        for version in FAMILIES
    )


def _door_sets(doors: Sequence[Door], tables: Senders) -> Iterable[ElementSet]:
    for version in FAMILIES:
        yield ElementSet(
            name=f"doors{version}",
            key=("iface_index", ADDRESS_TYPE[version]),
            value="mark",
            interval=True,
            elements=tuple(
                Element(
                    key=f"{door.number} . {source}",
                    value=f"{tables.of_door.get(door.number, 0) << POLICY_BITS:#x}",
                    origin=door.origin,
                )
                for door in doors
                for source in door.sources
                if family(source) == version
            ),
        )
    for name, kinds in (
        ("doors", ("internet", "egress_only", "link")),
        ("internet", ("internet",)),
        ("egress_only", ("egress_only",)),
    ):
        chosen = [Element(key=str(d.number), origin=d.origin) for d in doors if d.kind in kinds]
        yield ElementSet(name=name, key=("iface_index",), elements=tuple(chosen))


def _policy_number(placed: Placed, numbers: Numbers, bounded: Collection[str]) -> int:
    return numbers.get(interface_policy(placed, bounded).key, 0)


def _mark(placed: Placed, tables: Numbers, numbers: Numbers, bounded: Collection[str], quiet: bool) -> str:
    """`tables` are by subnet.  `quiet` is a VPC in which no packet of a known flow is asked anything."""
    table = tables.get(placed.subnet.id, 0)
    policy = _policy_number(placed, numbers, bounded)
    return f"{table << POLICY_BITS | (NOTHING_TO_ASK if quiet and policy else 0) | policy:#x}"


def _source(
    placed: Placed, version: int, tables: Numbers, numbers: Numbers, bounded: Collection[str], quiet: bool
) -> tuple[Element, ...]:
    if not placed.is_checked:
        return ()
    mark, origin = _mark(placed, tables, numbers, bounded, quiet), placed.interface.id
    return tuple(
        Element(key=f"{placed.number} . {address}", value=mark, origin=origin)
        for address in placed.addresses
        if family(address) == version
    )


def _unchecked(
    placed: Placed, tables: Numbers, numbers: Numbers, bounded: Collection[str], quiet: bool
) -> tuple[Element, ...]:
    if placed.is_checked:
        return ()
    mark = _mark(placed, tables, numbers, bounded, quiet)
    return (Element(key=str(placed.number), value=mark, origin=placed.interface.id),)


def _receiver(placed: Placed, numbers: Numbers, bounded: Collection[str]) -> tuple[Element, ...]:
    number = _policy_number(placed, numbers, bounded)
    return (Element(key=str(placed.number), value=f"{number:#x}", origin=placed.interface.id),)


def _always_tracked(placed: Placed) -> tuple[Element, ...]:
    if placed.interface.interface_type == "interface":
        return ()
    return (Element(key=str(placed.number), origin=placed.interface.id),)


def _own_member(
    placed: Placed, version: int, numbers: Numbers, bounded: Collection[str]
) -> tuple[Element, ...]:
    if not placed.interface.group_ids:
        return ()
    number = _policy_number(placed, numbers, bounded)
    return _member_elements(placed.addresses, version, number, placed.interface.id)


def _member(member: Member, version: int, numbers: Numbers) -> tuple[Element, ...]:
    number = numbers.get(member_policy(member).key, 0)
    return _member_elements(member.addresses, version, number, member.interface_id)


def _member_elements(addresses: Iterable[str], version: int, number: int, origin: str) -> tuple[Element, ...]:
    return tuple(
        Element(key=address, value=f"{number:#x}", origin=origin)
        for address in addresses
        if family(address) == version
    )


def _addresses(placed: Placed, version: int) -> tuple[Element, ...]:
    return tuple(
        Element(key=address, origin=placed.interface.id)
        for address in placed.addresses
        if family(address) == version
    )


def _public_to_private(placed: Placed) -> tuple[Element, ...]:
    origin = placed.interface.id
    return tuple(Element(key=public, value=own, origin=origin) for own, public in placed.public.items())


def _private_to_public(placed: Placed) -> tuple[Element, ...]:
    origin = placed.interface.id
    return tuple(Element(key=own, value=public, origin=origin) for own, public in placed.public.items())


def _public_source(placed: Placed) -> tuple[Element, ...]:
    return tuple(Element(key=own, origin=placed.interface.id) for own in placed.public)
