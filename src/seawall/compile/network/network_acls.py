"""Network ACLs: what each lets through at a subnet's boundary, as disjoint interval sets.

First match wins; so every piece of the sets belongs to the entry with the lowest number that covers it.
Sources: VPC user guide, "Control subnet traffic with network access control lists".
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from seawall.compile.network import services
from seawall.compile.network.addresses import (
    ADDRESS_TYPE,
    EVERY_ADDRESS,
    FAMILIES,
    block_range,
    range_text,
)
from seawall.compile.network.boxes import Box, Piece, Range, disjoint
from seawall.compile.network.memory import Memory
from seawall.compile.network.placement import Placed
from seawall.compile.network.policies import Catalog
from seawall.compile.network.security_groups import identifier, piece_key, service_rules
from seawall.model.network_acl import NetworkAcl, NetworkAclEntry
from seawall.model.subnet import Subnet
from seawall.program.network import Chain, Element, ElementSet, Rule
from seawall.program.shelves import Shelves, joined

LEAVE = "leave"  # nobody leaves by the internet gateway without a public address
_WAYS = {"out": True, "in": False}
_REMOTE = {"out": "daddr", "in": "saddr"}


class Boundaries(NamedTuple):
    """`acls` are those in use that refuse something; `of_subnet` names one for each subnet behind it."""

    acls: Mapping[str, NetworkAcl]
    of_subnet: Mapping[str, str]


def boundaries(acls: Sequence[NetworkAcl], subnets: Iterable[Subnet], versions: Iterable[int]) -> Boundaries:
    """Of one VPC that speaks these IP versions."""
    named = {a.subnet_id: acl for acl in acls for a in acl.associations}
    default = next((acl for acl in acls if acl.is_default), None)
    strict = {acl.id: acl for acl in acls if not allows_everything(acl, versions)}
    of_subnet = {}
    for subnet in subnets:
        acl = named.get(subnet.id, default)
        if acl is not None and acl.id in strict:
            of_subnet[subnet.id] = acl.id
    return Boundaries({id: strict[id] for id in sorted(set(of_subnet.values()))}, of_subnet)


def allows_everything(acl: NetworkAcl, versions: Iterable[int]) -> bool:
    """Whether no packet of these IP versions is refused in either direction."""
    return all(
        _total(_allowed(_pieces(acl, egress=egress, version=version)))
        == _volume(EVERY_ADDRESS[version], services.EVERY_PROTOCOL, services.EVERY_SERVICE)
        for version in versions
        for egress in _WAYS.values()
    )


def acl_sets(acl: NetworkAcl) -> tuple[ElementSet, ...]:
    """By direction and family: what is allowed, and what an entry denies (the rest is denied by none)."""
    sets = []
    for way, egress in _WAYS.items():
        for version in FAMILIES:
            pieces = _pieces(acl, egress=egress, version=version)
            allowed = _allowed(pieces)
            denied = [(piece, entry) for piece, entry in pieces if entry.rule_action == "deny"]
            for verdict, chosen in (("allow", allowed), ("deny", denied)):
                sets.append(_set(f"{identifier(acl.id)}_{way}_{verdict}{version}", version, chosen, acl.id))
    return tuple(sets)


def subnet_sets(
    limits: Boundaries, interfaces: Shelves[Placed], memory: Memory, vpc_id: str
) -> Iterator[ElementSet]:
    """The devices of each bounded subnet, of all of them together, and those of transit gateways."""
    bounded = sorted(limits.of_subnet)
    devices = [
        (identifier(subnet), memory.each(("devices", subnet), _device, interfaces, subnet))
        for subnet in bounded
    ]
    gateways = memory.each(("transit", vpc_id), _transit_device, interfaces, bounded)
    for name, elements in (
        ("bounded", joined(*(own for _, own in devices))),
        ("transit", gateways),
        *devices,
    ):
        yield ElementSet(name=name, key=("iface_index",), elements=elements)


def _device(placed: Placed, subnet: str) -> tuple[Element, ...]:
    here = placed.subnet.id == subnet
    return (Element(key=str(placed.number), origin=placed.interface.id),) if here else ()


def _transit_device(placed: Placed, bounded: Collection[str]) -> tuple[Element, ...]:
    gateways = placed.interface.interface_type == "transit_gateway" and placed.subnet.id in bounded
    return _device(placed, placed.subnet.id) if gateways else ()


def boundary_chains(limits: Boundaries) -> tuple[Chain, ...]:
    """Two chains an ACL, and two a subnet that leave out what stays within it.  Jumped-to chains first.

    A packet to a transit gateway leaves even where the gateway's interface is in the same subnet; one from
    it stays within.  Source: transit gateways guide, "Network ACLs for transit gateways".
    """
    chains = [_leave()]
    chains += [_acl_chain(acl_id, way) for acl_id in limits.acls for way in _WAYS]
    for subnet, acl_id in sorted(limits.of_subnet.items()):
        for way, device in (("out", "oif"), ("in", "iif")):
            within = Rule(text=f"{device} @{identifier(subnet)} oif != @transit return", origin=subnet)
            judged = Rule(text=f"jump {identifier(acl_id)}_{way}", origin=acl_id)
            rules = (Rule(text=f"jump {LEAVE}"), within, judged) if way == "out" else (within, judged)
            chains.append(Chain(name=f"{identifier(subnet)}_{way}", rules=rules))
    return tuple(chains)


def _leave() -> Chain:
    """A flow is translated when its first packet leaves; one known before that left by another way first."""
    known = "ct direction original ct status & (confirmed | snat) == confirmed"
    return Chain(
        name=LEAVE,
        rules=(
            Rule(text="oif @internet ip saddr != @public_sources drop"),
            Rule(text=f"oif @internet meta nfproto ipv4 {known} drop"),
        ),
    )


def boundary_verdicts(catalog: Catalog) -> list[ElementSet]:
    """By policy, the chain of its subnet: of what leaves it, and of what enters it."""
    groupless = {"out": (Element(key="0x0", value=f"jump {LEAVE}"),), "in": ()}
    return [
        ElementSet(
            name=f"boundary_{way}",
            key=("mark",),
            value="verdict",
            elements=(*groupless[way], *_verdicts(catalog, way)),
        )
        for way in _WAYS
    ]


def _verdicts(catalog: Catalog, way: str) -> Iterator[Element]:
    for policy in catalog.own:
        if policy.bounded:
            yield Element(
                key=f"{catalog.number(policy):#x}",
                value=f"jump {identifier(policy.bounded)}_{way}",
                origin=policy.bounded,
            )


def entry_services(entry: NetworkAclEntry) -> Range:
    number = services.protocol_range(entry.protocol)[0]
    if entry.protocol != "-1" and number in services.WITH_PORTS:
        return services.port_range(entry.from_port, entry.to_port)
    if entry.protocol != "-1" and number in services.WITH_TYPES:
        return services.type_range(entry.icmp_type, entry.icmp_code)
    return services.EVERY_SERVICE


def _pieces(acl: NetworkAcl, *, egress: bool, version: int) -> list[tuple[Piece, NetworkAclEntry]]:
    boxes, entries = [], {}
    for entry in sorted(acl.entries, key=lambda entry: entry.rule_number):
        of_family, addresses = block_range(entry.cidr_block)
        if entry.egress == egress and of_family == version:
            tag = str(entry.rule_number)
            entries[tag] = entry
            boxes.append(Box(addresses, services.protocol_range(entry.protocol), entry_services(entry), tag))
    return [(piece, entries[piece.tags[0]]) for piece in disjoint(boxes)]


def _allowed(pieces: Iterable[tuple[Piece, NetworkAclEntry]]) -> list[tuple[Piece, NetworkAclEntry]]:
    return [(piece, entry) for piece, entry in pieces if entry.rule_action == "allow"]


def _total(pieces: Iterable[tuple[Piece, NetworkAclEntry]]) -> int:
    return sum(_volume(piece.addresses, piece.protocols, piece.services) for piece, _ in pieces)


def _volume(*ranges: Range) -> int:
    volume = 1
    for first, last in ranges:
        volume *= last - first + 1
    return volume


def _set(name: str, version: int, pieces: Iterable[tuple[Piece, NetworkAclEntry]], acl_id: str) -> ElementSet:
    return ElementSet(
        name=name,
        key=("inet_service", "inet_proto", ADDRESS_TYPE[version]),
        interval=True,
        counted=True,
        elements=tuple(
            Element(
                key=piece_key(piece, range_text(version, piece.addresses)),
                origin=f"{acl_id}/{'egress' if entry.egress else 'ingress'}/{entry.rule_number}",
            )
            for piece, entry in pieces
        ),
    )


def _acl_chain(acl_id: str, way: str) -> Chain:
    name, side = f"{identifier(acl_id)}_{way}", _REMOTE[way]
    texts = service_rules(side, f"{name}_allow", "return") + service_rules(side, f"{name}_deny", "drop")
    direction = "egress" if way == "out" else "ingress"
    last = Rule(text="counter drop", origin=f"{acl_id}/{direction}/32767")
    return Chain(name=name, rules=(*(Rule(text=text, origin=acl_id) for text in texts), last))
