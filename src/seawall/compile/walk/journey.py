"""What is known of a packet on its way: what it looks like now, who had a say, what stays remembered."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from msgspec.structs import replace

from seawall.compile.walk.cloud import Cloud
from seawall.compile.walk.packet import Explanation, Hop, Packet, Verdict

Direction = Literal["egress", "ingress"]
FlowKey = tuple[str, str, frozenset[tuple[str, int]]]


@dataclass
class Flow:
    """What the places on the way remember of a request, for its answer.

    tracked       (VPC, flow) of the connections that security groups know
    translations  (NAT gateway, its address, remote address and port) -> the sender's address and port
    served_by     the gateway endpoint whose service was reached, or the interface of an interface endpoint
    sent_on_by    the network load balancer's node that it came out of: answers go back there
    choices       NAT gateway -> the address it takes for this flow; it takes its first where none is said
    offered       NAT gateway -> all the addresses it had to choose among
    """

    choices: dict[str, str] = field(default_factory=dict)
    offered: dict[str, tuple[str, ...]] = field(default_factory=dict)

    tracked: set[FlowKey] = field(default_factory=set)
    translations: dict[tuple[str, str, str, int], tuple[str, int]] = field(default_factory=dict)
    served_by: str | None = None
    sent_on_by: str | None = None

    def choose(self, nat_gateway_id: str, serving: Sequence[str]) -> str:
        self.offered[nat_gateway_id] = tuple(serving)
        return self.choices.setdefault(nat_gateway_id, serving[0])


class Journey:
    """`is_answer`: the packet answers the request of `flow`, which is new otherwise."""

    def __init__(self, cloud: Cloud, packet: Packet, flow: Flow, *, is_answer: bool) -> None:
        self.cloud = cloud
        self.packet = packet
        self.flow = flow
        self.is_answer = is_answer
        self.hops: list[Hop] = []
        self.explanations: list[Explanation] = []

    def note(self, kind: str, id: str, verdict: Verdict, text: str, rule: str | None = None) -> None:
        self.hops.append(Hop(kind=kind, id=id, verdict=verdict, text=text, rule=rule))

    def refuse(self, code: str, text: str, direction: Direction, **components: str) -> None:
        """Note the end of the journey; the first of the components is the one that dropped the packet."""
        kind, id = next(iter(components.items()), ("network", ""))
        self.note(kind, id, "deny", text, components.get("rule"))
        self.explanations.append(
            Explanation(code=code, text=text, direction=direction, components=components, packet=self.packet)
        )

    def turn(self, **members: object) -> None:
        """Change the packet, as translations do."""
        self.packet = replace(self.packet, **members)

    def remember(self, vpc_id: str) -> None:
        self.flow.tracked.add(self._key(vpc_id))

    def is_known(self, vpc_id: str) -> bool:
        """Whether the packet belongs to a connection that this VPC's security groups have let through."""
        return self._key(vpc_id) in self.flow.tracked

    def _key(self, vpc_id: str) -> FlowKey:
        p = self.packet
        ports = p.source_port, p.destination_port
        if p.protocol in ("icmp", "icmpv6"):  # an answer's type tells it from a request the same way
            ports = (1, 0) if self.is_answer else (0, 1)
        return vpc_id, p.protocol, frozenset({(p.source, ports[0]), (p.destination, ports[1])})


def say(packet: Packet) -> str:
    """A packet in words."""
    match packet.protocol:
        case "tcp" | "udp":
            return f"{packet.protocol} {packet.source} -> {packet.destination} port {packet.destination_port}"
        case "icmp" | "icmpv6":
            kind = f"type {packet.icmp_type} code {packet.icmp_code}"
            return f"{packet.protocol} {kind} {packet.source} -> {packet.destination}"
    return f"protocol {packet.protocol} {packet.source} -> {packet.destination}"
