"""A NAT gateway: a namespace with one interface that rewrites what comes in and sends it out again."""

from collections.abc import Mapping, Sequence

from seawall.compile.network.contribution import Contribution, Hop, Stand
from seawall.compile.network.interfaces import NO_IPV6, default_route
from seawall.compile.network.kernel_settings import ROUTER_IPV4, TRACKING
from seawall.compile.network.placement import Placed, Placement
from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.program.network import Chain, Element, ElementSet, Namespace, PacketPolicy, Rule

TRANSLATOR = (*NO_IPV6, *ROUTER_IPV4, *TRACKING)
_IDLE = (
    # A NAT gateway forgets a connection that was idle for 350 seconds, and does not judge its windows.
    ("netfilter/nf_conntrack_tcp_timeout_established", "350"),
    ("netfilter/nf_conntrack_udp_timeout", "350"),
    ("netfilter/nf_conntrack_udp_timeout_stream", "350"),
    ("netfilter/nf_conntrack_icmp_timeout", "350"),
    ("netfilter/nf_conntrack_tcp_be_liberal", "1"),
)
CONNECTIONS_PER_DESTINATION = 55_000  # with each of its addresses
FIRST_PORT, LAST_PORT = 1024, 65535


# What nobody inside asked for never comes in.  A connection that was forgotten while idle is reset, once its
# client speaks again: it has no entry, and none is made from the middle (tcp_loose 0).
SKELETON = """
    set busy { type ipv4_addr . inet_proto . inet_service; flags dynamic; size 65535; }

    chain fragments {
        type filter hook prerouting priority -450; policy accept;
        ip frag-off & 0x3fff != 0 meta l4proto { tcp, icmp } drop
    }
    chain send {
        type filter hook forward priority filter; policy drop;
        jump count
        ct status confirmed accept
        meta l4proto tcp ct state invalid reject with tcp reset
        ct state invalid drop
        ip saddr @addresses drop
        ip daddr @addresses drop
        jump begin
        meta l4proto { tcp, udp, icmp } accept
    }
    chain translate {
        type nat hook postrouting priority srcnat; policy accept;
        jump choose
    }
    chain arrive {
        type filter hook input priority filter; policy drop;
        ct state related accept
    }
"""


LIVE = ("pending", "available")


def stands(snapshot: NetworkSnapshot) -> Mapping[str, Stand]:
    """The interfaces of gateways that work."""
    standing = {i.id for i in snapshot.network_interfaces if i.status != "detaching"}
    return {
        nat.network_interface_id: Stand(namespace=nat.id, device="eth0", transit=True)
        for nat in snapshot.nat_gateways
        if nat.state in LIVE and nat.network_interface_id in standing
    }


def contribution(snapshot: NetworkSnapshot, placement: Placement) -> Contribution:
    """Their namespaces, and the way to each from the routes that name it."""
    live = [
        placed for nat in snapshot.nat_gateways if (placed := placement.find(nat.network_interface_id or ""))
    ]
    return Contribution(
        namespaces=tuple(nat_namespace(placed) for placed in live),
        hops=tuple(
            Hop(
                vpc_id=placed.interface.vpc_id,
                target_id=placed.namespace,
                device=placed.router_device,
                via=placed.interface.private_ip_address,
            )
            for placed in live
        ),
    )


def nat_namespace(placed: Placed) -> Namespace:
    """Sources: VPC user guide, "NAT gateway basics" (protocols, fragments, ports, 55,000 connections to one
    destination per address) and "Troubleshoot NAT gateways" (350 seconds, then a reset).
    """
    origin = placed.namespace
    interface = placed.interface
    leaving = {s.private_ip_address for s in interface.secondary_addresses if s.draining_until}
    serving = [a for a in interface.private_ip_addresses if a not in leaving]
    everywhere = tuple(Element(key=a, origin=origin) for a in interface.private_ip_addresses)
    return Namespace(
        name=placed.namespace,
        sysctls=(*TRANSLATOR, *_IDLE),
        routes=(default_route(placed),),
        policy=PacketPolicy(
            skeleton=SKELETON,
            sets=(ElementSet(name="addresses", key=("ipv4_addr",), elements=everywhere),),
            chains=(_count(origin), _begin(serving, origin), _choose(serving, origin)),
        ),
    )


def _count(origin: str) -> Chain:
    """Each rule's counter is the metric its origin names; see controllers.nat_metrics."""
    from_source, from_destination = "ct direction original", "ct direction reply"
    answers = "tcp flags & (syn | ack) == syn | ack"
    return Chain(
        name="count",
        rules=(
            Rule(text=f"{from_source} counter", origin=f"{origin}/FromSource"),
            Rule(text=f"{from_destination} counter", origin=f"{origin}/FromDestination"),
            Rule(text=f"{from_destination} {answers} counter", origin=f"{origin}/ConnectionEstablishedCount"),
            Rule(text="ct state invalid counter", origin=f"{origin}/PacketsDropCount"),
        ),
    )


def _begin(serving: Sequence[str], origin: str) -> Chain:
    """What a connection's first packet meets: counted, and refused when there are too many already."""
    most = CONNECTIONS_PER_DESTINATION * len(serving)
    destination = "ip daddr . meta l4proto . th dport"
    refused = f"meta l4proto {{ tcp, udp }} add @busy {{ {destination} ct count over {most} }} counter drop"
    return Chain(
        name="begin",
        rules=(
            Rule(text="meta l4proto tcp counter", origin=f"{origin}/ConnectionAttemptCount"),
            Rule(text=refused, origin=f"{origin}/ErrorPortAllocation"),
        ),
    )


def _choose(serving: Sequence[str], origin: str) -> Chain:
    """Every connection gets one of the addresses, at random where there are several."""
    source = serving[0]
    if len(serving) > 1:
        numbered = ", ".join(f"{number} : {address}" for number, address in enumerate(serving))
        source = f"numgen random mod {len(serving)} map {{ {numbered} }}"
    ports = f"snat ip to {source} : {FIRST_PORT}-{LAST_PORT} fully-random"
    return Chain(
        name="choose",
        rules=(
            Rule(text=f"meta l4proto {{ tcp, udp }} {ports}", origin=origin),
            Rule(text=f"snat ip to {source}", origin=origin),
        ),
    )
