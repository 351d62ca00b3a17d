"""Flows that AWS does not track: they end at once when the rule that let them in goes.

A rule for everybody (0.0.0.0/0 or ::/0) on TCP or UDP makes untracked flows where the other direction has a
rule for everybody on all ports.  Here they are tracked like all others; these sets say whose flows have to be
forgotten when an element leaves.  What passes a NAT gateway, a transit gateway, an endpoint or an egress-only
gateway is always tracked (the skeleton marks those connections), and so is ICMP.
Source: EC2 user guide, "Security group connection tracking".
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from seawall.compile.network import services
from seawall.compile.network.addresses import EVERY_ADDRESS, FAMILIES
from seawall.compile.network.boxes import Box, Piece, disjoint
from seawall.compile.network.policies import Catalog, Policy
from seawall.compile.network.security_groups import cidr_boxes
from seawall.model.security_group import SecurityGroupRule
from seawall.program.network import Element, ElementSet

_TRANSPORTS = (services.TCP, services.UDP)
_SETS: tuple[tuple[str, Literal["to", "from"], bool], ...] = (
    ("untracked_in", "to", False),
    ("untracked_out", "from", True),
)

Pieces = Mapping[tuple[bool, int], Mapping[str, list[Piece]]]


class OpenRules(NamedTuple):
    """What a group's rules for everybody allow on TCP and UDP, by (egress, family)."""

    boxes: Mapping[tuple[bool, int], tuple[Box, ...]]


def open_rules(rules: Sequence[SecurityGroupRule]) -> OpenRules:
    """Of one group."""
    return OpenRules(
        {
            (egress, version): tuple(_for_everybody((r for r in rules if r.is_egress == egress), version))
            for egress in (False, True)
            for version in FAMILIES
        }
    )


def untracked_pieces(catalog: Catalog, groups: Mapping[str, OpenRules]) -> Pieces:
    """What each policy leaves untracked, by (egress, family) and policy; those that leave nothing are out."""
    return {
        (egress, version): {
            policy.key: pieces
            for policy in catalog.own
            if (pieces := _untracked(policy, groups, egress=egress, version=version))
        }
        for egress in (False, True)
        for version in FAMILIES
    }


def untracked_sets(catalog: Catalog, pieces: Pieces) -> list[ElementSet]:
    """Four sets: flows towards an interface and from it, of both families.

    An element is a policy's: who has the policy is in the map of members, and a rule for everybody adds as
    little as any other.
    """
    return [
        ElementSet(
            name=f"{name}{version}",
            key=("mark", "inet_proto", "inet_service"),
            interval=True,
            releases=releases,
            owners=f"members{version}",
            elements=tuple(
                Element(key=_key(piece, catalog.numbers[key]), origin=",".join(piece.tags))
                for key, open_to in pieces[egress, version].items()
                for piece in open_to
            ),
        )
        for version in FAMILIES
        for name, releases, egress in _SETS
    ]


def _untracked(policy: Policy, groups: Mapping[str, OpenRules], *, egress: bool, version: int) -> list[Piece]:
    """What is open to everybody, if its answers may go to everybody, to any port."""
    asked, answers = (
        [box for group in policy.groups for box in groups[group].boxes[way, version]]
        for way in (egress, not egress)
    )
    free = {box.protocols for box in answers if box.services == services.EVERY_SERVICE}
    return disjoint([box for box in asked if box.protocols in free])


def _key(piece: Piece, policy: int) -> str:
    """As ElementSet.releases wants it."""
    return f"{policy:#x} . {services.range_text(piece.protocols)} . {services.range_text(piece.services)}"


def _for_everybody(rules: Iterable[SecurityGroupRule], version: int) -> list[Box]:
    return [
        box._replace(protocols=(transport, transport))
        for rule in rules
        for box in cidr_boxes(rule, {}, version)
        for transport in _TRANSPORTS
        if box.addresses == EVERY_ADDRESS[version] and box.protocols[0] <= transport <= box.protocols[1]
    ]
