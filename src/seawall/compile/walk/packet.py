"""A packet, and the way it took: what every walk is about."""

from typing import Literal

import msgspec
from msgspec.structs import replace

Verdict = Literal["pass", "deny", "forward", "translate"]


class Packet(msgspec.Struct, frozen=True, kw_only=True):
    """`protocol` is tcp, udp, icmp, icmpv6 or a number as text.  What a protocol lacks stays 0."""

    protocol: str
    source: str
    destination: str
    source_port: int = 0
    destination_port: int = 0
    icmp_type: int = 0
    icmp_code: int = 0

    @property
    def version(self) -> int:
        return 6 if ":" in self.destination else 4

    def reply(self) -> "Packet":
        """What the receiver answers: the same the other way round, a reply for an echo or timestamp."""
        kinds = {("icmp", 8): 0, ("icmp", 13): 14, ("icmpv6", 128): 129}
        kind = kinds.get((self.protocol, self.icmp_type), self.icmp_type)
        return replace(
            self,
            source=self.destination,
            destination=self.source,
            source_port=self.destination_port,
            destination_port=self.source_port,
            icmp_type=kind,
        )


class Hop(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that had a say.

    kind      network_interface, security_group, network_acl, route_table, internet_gateway, nat_gateway...
    id        its id
    rule      what decided there: a rule's id, ACL/ingress/NUMBER, a route's destination
    """

    kind: str
    id: str
    verdict: Verdict
    text: str
    rule: str | None = None


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Why a packet got no further.

    code         as Reachability Analyzer spells it
    direction    "egress" or "ingress", seen from the component
    components   kind -> id of everything concerned
    """

    code: str
    text: str
    direction: Literal["egress", "ingress"]
    components: dict[str, str]
    packet: Packet


class Walk(msgspec.Struct, frozen=True, kw_only=True):
    """The way of one packet.

    delivered_to   an interface's id, "internet", "resolver" or "service:ADDRESS"; None: dropped on the way
    packet         as it arrived, or as it was where it was dropped
    """

    hops: tuple[Hop, ...]
    delivered_to: str | None
    packet: Packet
    explanations: tuple[Explanation, ...] = ()


class RoundTrip(msgspec.Struct, frozen=True, kw_only=True):
    """A request and its answer.  `back` is None where the request never arrived."""

    forward: Walk
    back: Walk | None
    connects: bool
