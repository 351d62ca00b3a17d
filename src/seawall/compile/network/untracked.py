"""Flows that AWS does not track: they end at once when the rule that let them in goes.

A rule for everybody (0.0.0.0/0 or ::/0) on TCP or UDP makes untracked flows where the other direction has a
rule for everybody on all ports.  Here they are tracked like all others; these sets say whose flows have to be
forgotten when an element leaves.  What passes a NAT gateway, a transit gateway, an endpoint or an egress-only
gateway is always tracked (the skeleton marks those connections), and so is ICMP.
Source: EC2 user guide, "Security group connection tracking".
"""

from collections.abc import Iterable, Mapping, Sequence

from seawall.compile.network import services
from seawall.compile.network.addresses import ADDRESS_TYPE, EVERY_ADDRESS, FAMILIES, family
from seawall.compile.network.boxes import Box, Piece, disjoint
from seawall.compile.network.placement import Placed
from seawall.compile.network.policies import Policies, Policy
from seawall.compile.network.security_groups import cidr_boxes, piece_key
from seawall.model.security_group import SecurityGroupRule
from seawall.program.network import Element, ElementSet

_TRANSPORTS = (services.TCP, services.UDP)


def untracked_sets(
    interfaces: Sequence[Placed],
    policies: Policies,
    rules: Mapping[str, Sequence[SecurityGroupRule]],
) -> list[ElementSet]:
    """`rules` are by group.  Four sets: flows towards an interface and from it, of both families."""
    sets = []
    for version in FAMILIES:
        open_to = {p.key: _open(p, rules, version) for p in policies.catalog.own}
        for name, releases, index in (("untracked_in", "to", 0), ("untracked_out", "from", 1)):
            elements = [
                Element(key=piece_key(piece, address), origin=",".join(piece.tags))
                for placed in interfaces
                for piece in open_to.get(policies.of_interface[placed.interface.id].key, _NONE)[index]
                for address in placed.addresses
                if family(address) == version
            ]
            sets.append(
                ElementSet(
                    name=f"{name}{version}",
                    key=(ADDRESS_TYPE[version], "inet_proto", "inet_service"),
                    interval=True,
                    releases="to" if releases == "to" else "from",
                    elements=tuple(elements),
                )
            )
    return sets


_NONE: tuple[list[Piece], list[Piece]] = ([], [])


def _open(
    policy: Policy, rules: Mapping[str, Sequence[SecurityGroupRule]], version: int
) -> tuple[list[Piece], list[Piece]]:
    """The untracked services of interfaces with these groups: inwards and outwards."""
    own = [rule for group in policy.groups for rule in rules.get(group, ())]
    inward = _for_everybody((r for r in own if not r.is_egress), version)
    outward = _for_everybody((r for r in own if r.is_egress), version)
    return _answered(inward, outward), _answered(outward, inward)


def _for_everybody(rules: Iterable[SecurityGroupRule], version: int) -> list[Box]:
    return [
        box._replace(protocols=(transport, transport))
        for rule in rules
        for box in cidr_boxes(rule, {}, version)
        for transport in _TRANSPORTS
        if box.addresses == EVERY_ADDRESS[version] and box.protocols[0] <= transport <= box.protocols[1]
    ]


def _answered(boxes: Iterable[Box], answers: Iterable[Box]) -> list[Piece]:
    """Those whose answers may go to everybody, to any port."""
    free = {box.protocols for box in answers if box.services == services.EVERY_SERVICE}
    return disjoint([box for box in boxes if box.protocols in free])
