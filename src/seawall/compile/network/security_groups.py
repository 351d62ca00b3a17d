"""Security groups as interval sets behind fixed chains: changing a rule changes elements, never a chain.

A group has six sets.  NAME_in4, _in6, _out4 and _out6 are its rules about addresses: `service . protocol .
address`.  NAME_inr and _outr are those that name groups: `service . protocol . policy of the other side`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from seawall.compile.network import services
from seawall.compile.network.addresses import ADDRESS_TYPE, FAMILIES, block_range, range_text
from seawall.compile.network.boxes import Box, Piece, Range, disjoint
from seawall.compile.network.policies import Catalog
from seawall.model.prefix_list import PrefixList
from seawall.model.security_group import SecurityGroupRule
from seawall.program.network import Chain, Element, ElementSet, Rule

_REMOTE = {"in": "saddr", "out": "daddr"}
_FIRST_BITS = {"{ tcp, udp }": "dport", "!= { tcp, udp }": "sport"}


def group_sets(
    group_id: str, rules: Sequence[SecurityGroupRule], lists: Mapping[str, PrefixList], catalog: Catalog
) -> tuple[ElementSet, ...]:
    """All sets of a group.  `rules` are the group's own."""
    sets = []
    for way, egress in (("in", False), ("out", True)):
        here = [rule for rule in rules if rule.is_egress == egress]
        for version in FAMILIES:
            boxes = [box for rule in here for box in cidr_boxes(rule, lists, version)]
            name = f"{identifier(group_id)}_{way}{version}"
            sets.append(_box_set(name, ADDRESS_TYPE[version], boxes, partial(_address_texts, version)))
        boxes = [box for rule in here for box in _reference_boxes(rule, catalog)]
        sets.append(_box_set(f"{identifier(group_id)}_{way}r", "mark", boxes, _policy_texts))
    return tuple(sets)


def rule_blocks(rule: SecurityGroupRule, lists: Mapping[str, PrefixList]) -> tuple[str, ...]:
    """The blocks of both families that a rule names, those of its prefix list among them."""
    if rule.prefix_list_id is not None:
        found = lists.get(rule.prefix_list_id)
        return tuple(entry.cidr for entry in found.entries) if found else ()
    return tuple(block for block in (rule.cidr_ipv4, rule.cidr_ipv6) if block)


def cidr_boxes(rule: SecurityGroupRule, lists: Mapping[str, PrefixList], version: int) -> Iterable[Box]:
    """What a rule matches of one family by address."""
    for block in rule_blocks(rule, lists):
        of_family, addresses = block_range(block)
        if of_family == version:
            yield Box(addresses, services.protocol_range(rule.protocol), rule_services(rule), rule.id)


def rule_services(rule: SecurityGroupRule) -> Range:
    """Protocols without ports take them all, whatever ports the rule was given."""
    number = services.protocol_range(rule.protocol)[0]
    if rule.protocol != "-1" and number in services.WITH_PORTS:
        return services.port_range(rule.from_port, rule.to_port)
    if rule.protocol != "-1" and number in services.WITH_TYPES:
        return services.type_range(rule.from_port, rule.to_port)
    return services.EVERY_SERVICE


def allows(rule: SecurityGroupRule, protocol: str, port: int) -> bool:
    """Whether a rule's protocol and ports take in a TCP or UDP port; its peer is not looked at."""
    first, last = services.protocol_range(rule.protocol)
    if not first <= services.NUMBERS[protocol] <= last:
        return False
    first, last = rule_services(rule)
    return first <= port <= last


def policy_chains(catalog: Catalog, turning: bool) -> tuple[Chain, ...]:
    """Two chains a group and two a policy that jump to them.  Jumped-to chains come first.

    turning   packets may come from a load balancer's node under other addresses than its own
    """
    groups = sorted({group for policy in catalog.own for group in policy.groups})
    chains = [_group_chain(group, way) for group in groups for way in ("in", "out")]
    for policy in catalog.own:
        if policy.groups:
            number = catalog.number(policy)
            chains += [_policy_chain(policy.groups, number, way, turning) for way in ("in", "out")]
    return tuple(chains)


def policy_verdicts(catalog: Catalog) -> tuple[ElementSet, ElementSet]:
    """By policy, the chain a sender's and a receiver's first packet goes through; without groups none."""
    sets = []
    for name, way in (("egress", "out"), ("ingress", "in")):
        elements = [Element(key="0x0", value="accept")]
        for policy in catalog.own:
            number = catalog.number(policy)
            value = f"jump {_policy_name(number, way)}" if policy.groups else "accept"
            elements.append(Element(key=f"{number:#x}", value=value, origin=",".join(policy.groups)))
        sets.append(ElementSet(name=name, key=("mark",), value="verdict", elements=tuple(elements)))
    return sets[0], sets[1]


def identifier(id: str) -> str:
    """An id as nft takes it for a name."""
    return id.replace("-", "_")


def _reference_boxes(rule: SecurityGroupRule, catalog: Catalog) -> Iterable[Box]:
    if rule.referenced_group_id is not None:
        for number in catalog.with_group(rule.referenced_group_id):
            yield Box((number, number), services.protocol_range(rule.protocol), rule_services(rule), rule.id)


def _address_texts(version: int, span: Range) -> tuple[str]:
    return (range_text(version, span),)


def _policy_texts(span: Range) -> Iterable[str]:
    """One by one: a set of ranges compares bytes, and marks are in the host's order of bytes."""
    return (f"{number:#x}" for number in range(span[0], span[1] + 1))


def _box_set(
    name: str, kind: str, boxes: Sequence[Box], texts: Callable[[Range], Iterable[str]]
) -> ElementSet:
    return ElementSet(
        name=name,
        key=("inet_service", "inet_proto", kind),
        interval=True,
        counted=True,
        elements=tuple(
            Element(key=piece_key(piece, text), origin=",".join(piece.tags))
            for piece in disjoint(boxes)
            for text in texts(piece.addresses)
        ),
    )


def piece_key(piece: Piece, addresses: str) -> str:
    """The service stands first: few pieces share one, and the kernel walks through those that do."""
    return f"{services.range_text(piece.services)} . {services.range_text(piece.protocols)} . {addresses}"


def service_rules(address: str, name: str, verdict: str) -> list[str]:
    """Look `service . protocol . address` up in the sets NAME4 and NAME6."""
    return [
        f"meta l4proto {protocols} th {bits} . meta l4proto . {word} {address} @{name}{version} {verdict}"
        for protocols, bits in _FIRST_BITS.items()
        for version, word in ((4, "ip"), (6, "ip6"))
    ]


def _group_chain(group_id: str, way: str) -> Chain:
    name = f"{identifier(group_id)}_{way}"
    texts = service_rules(_REMOTE[way], name, "accept")
    texts += [
        f"meta l4proto {protocols} th {bits} . meta l4proto . meta mark @{name}r accept"
        for protocols, bits in _FIRST_BITS.items()
    ]
    return Chain(name=name, rules=tuple(Rule(text=text, origin=group_id) for text in texts))


def _policy_chain(groups: Sequence[str], number: int, way: str, turning: bool) -> Chain:
    """The mark has told the own policy; from here on it is the other side's.

    What a load balancer's node sends on is both: its client's, and by its own groups the node's.
    """
    side = _REMOTE[way]
    asked = [Rule(text=f"jump {identifier(group)}_{way}", origin=group) for group in groups]
    rules = [
        Rule(text="meta mark set 0"),
        Rule(text=f"meta mark set ip {side} map @members4"),
        Rule(text=f"meta mark set ip6 {side} map @members6"),
        *asked,
    ]
    if turning and way == "in":
        rules += [Rule(text="meta mark set 0"), Rule(text="meta mark set iif map @turner_policies"), *asked]
    return Chain(name=_policy_name(number, way), rules=tuple(rules))


def _policy_name(number: int, way: str) -> str:
    return f"policy_{number}_{way}"
