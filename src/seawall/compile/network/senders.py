"""Who may send from which address, and what every device and address of a VPC stands for."""

from collections.abc import Iterable, Sequence
from typing import Literal

from seawall.compile.network.addresses import ADDRESS_TYPE, FAMILIES, family
from seawall.compile.network.contribution import Door, Member
from seawall.compile.network.internet_gateway import NEVER_PUBLIC
from seawall.compile.network.placement import Placed
from seawall.compile.network.policies import Policies, member_policy
from seawall.compile.network.routing import Senders
from seawall.compile.network.skeletons import POLICY_BITS
from seawall.model.vpc import Vpc
from seawall.program.network import Element, ElementSet


def sender_sets(
    interfaces: Sequence[Placed], doors: Sequence[Door], policies: Policies, tables: Senders, vpc: Vpc
) -> list[ElementSet]:
    """All sets but those of groups, ACLs and resolvers."""
    marks = {
        p.interface.id: tables.of_subnet.get(p.subnet.id, 0) << POLICY_BITS | policies.of(p.interface.id)
        for p in interfaces
    }
    return [
        *_source_maps(interfaces, marks),
        *_door_sets(doors, tables),
        _receivers(interfaces, doors, policies),
        _always_tracked(interfaces, doors),
        *_public_maps(interfaces, doors),
        *_interface_addresses(interfaces),
        ElementSet(
            name="networks",
            key=("ipv4_addr",),
            interval=True,
            elements=tuple(Element(key=a.cidr_block, origin=vpc.id) for a in vpc.cidr_blocks),
        ),
    ]


def member_sets(
    interfaces: Iterable[Placed], members: Iterable[Member], policies: Policies
) -> tuple[ElementSet, ...]:
    """Address -> policy, for rules that name groups: of the VPC's interfaces and of its peers'."""
    elements: dict[int, list[Element]] = {version: [] for version in FAMILIES}
    known = [
        (p.addresses, policies.of_interface[p.interface.id], p.interface.id)
        for p in interfaces
        if p.interface.group_ids
    ]
    known += [(m.addresses, member_policy(m), m.interface_id) for m in members]
    for addresses, policy, origin in known:
        number = policies.catalog.number(policy)
        for address in addresses:
            elements[family(address)].append(Element(key=address, value=f"{number:#x}", origin=origin))
    return tuple(
        ElementSet(
            name=f"members{version}",
            key=(ADDRESS_TYPE[version],),
            value="mark",
            elements=tuple(elements[version]),
        )
        for version in FAMILIES
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


def _source_maps(interfaces: Iterable[Placed], marks: dict[str, int]) -> Iterable[ElementSet]:
    checked: dict[int, list[Element]] = {version: [] for version in FAMILIES}
    unchecked = []
    for placed in interfaces:
        origin, mark = placed.interface.id, f"{marks[placed.interface.id]:#x}"
        if placed.is_checked:
            for address in placed.addresses:
                element = Element(key=f"{placed.number} . {address}", value=mark, origin=origin)
                checked[family(address)].append(element)
        else:
            unchecked.append(Element(key=str(placed.number), value=mark, origin=origin))
    for version in FAMILIES:
        yield ElementSet(
            name=f"source{version}",
            key=("iface_index", ADDRESS_TYPE[version]),
            value="mark",
            elements=tuple(checked[version]),
        )
    yield ElementSet(name="unchecked", key=("iface_index",), value="mark", elements=tuple(unchecked))


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


def _receivers(interfaces: Iterable[Placed], doors: Iterable[Door], policies: Policies) -> ElementSet:
    elements = [
        Element(key=str(p.number), value=f"{policies.of(p.interface.id):#x}", origin=p.interface.id)
        for p in interfaces
    ]
    elements += [Element(key=str(d.number), value="0x0", origin=d.origin) for d in doors]
    return ElementSet(name="receivers", key=("iface_index",), value="mark", elements=tuple(elements))


def _always_tracked(interfaces: Iterable[Placed], doors: Iterable[Door]) -> ElementSet:
    elements = [
        Element(key=str(p.number), origin=p.interface.id)
        for p in interfaces
        if p.interface.interface_type != "interface"
    ]
    elements += [Element(key=str(d.number), origin=d.origin) for d in doors if d.kind == "egress_only"]
    return ElementSet(name="always_tracked", key=("iface_index",), elements=tuple(elements))


def _public_maps(interfaces: Iterable[Placed], doors: Iterable[Door]) -> Iterable[ElementSet]:
    """The internet gateway's one-to-one translation; without a gateway it is empty."""
    pairs = [
        (private, public, placed.interface.id)
        for placed in (interfaces if any(door.kind == "internet" for door in doors) else ())
        for private, public in placed.public.items()
    ]
    yield ElementSet(
        name="public_to_private",
        key=("ipv4_addr",),
        value="ipv4_addr",
        elements=tuple(Element(key=public, value=private, origin=id) for private, public, id in pairs),
        releases="address",
    )
    yield ElementSet(
        name="private_to_public",
        key=("ipv4_addr",),
        value="ipv4_addr",
        elements=tuple(Element(key=private, value=public, origin=id) for private, public, id in pairs),
    )
    yield ElementSet(
        name="public_sources",
        key=("ipv4_addr",),
        elements=tuple(Element(key=private, origin=id) for private, _, id in pairs),
    )
    yield ElementSet(
        name="never_public",
        key=("ipv4_addr",),
        interval=True,
        elements=tuple(Element(key=block) for block in NEVER_PUBLIC),
    )


def _interface_addresses(interfaces: Iterable[Placed]) -> Iterable[ElementSet]:
    """An address that leaves, or gets another owner, takes its flows with it."""
    for version in FAMILIES:
        yield ElementSet(
            name=f"addresses{version}",
            key=(ADDRESS_TYPE[version],),
            elements=tuple(
                Element(key=address, origin=p.interface.id)
                for p in interfaces
                for address in p.addresses
                if family(address) == version
            ),
            releases="address",
        )
