"""Load balancers' nodes: behind each interface a namespace of its own, in which the engine listens.

The interface has groups, a subnet's ACL and routes like any other.  Behind them a node hears what its
listeners' ports and its own questions to targets bring; to all else it is deaf.  The VPC's router lets no
answer pass that nobody asked for, so the node's own policy needs no memory of connections.
Sources: Application Load Balancer guide, "Listeners" and "Security groups for your Application Load
Balancer"; VPC user guide, "Network ACL rules" (load balancers' ephemeral ports 1024 to 65535).
"""

from collections.abc import Mapping, Sequence

from seawall.compile.network.contribution import Stand
from seawall.compile.network.interfaces import default_route, default_route6
from seawall.compile.network.kernel_settings import ipv6_settings
from seawall.compile.network.placement import Placed
from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.model.listener import Listener
from seawall.model.load_balancer import LoadBalancer
from seawall.program.network import Element, ElementSet, Namespace, PacketPolicy

DEVICE = "eth0"
NODE_SETTINGS = (
    ("ipv4/ip_forward", "0"),
    ("ipv4/ip_local_port_range", "1024 65535"),
    ("ipv4/ip_unprivileged_port_start", "0"),
    ("ipv4/tcp_tw_reuse", "1"),
    ("core/somaxconn", "65535"),
    ("ipv4/tcp_max_syn_backlog", "65535"),
)

SKELETON = """
    chain arrive {
        type filter hook input priority filter; policy drop;
        tcp flags & (syn | ack) != syn accept
        tcp dport @ports accept
        iif lo accept
        icmp type { echo-request, echo-reply, destination-unreachable, time-exceeded } accept
        icmpv6 type { echo-request, echo-reply, destination-unreachable, packet-too-big } accept
        icmpv6 type time-exceeded accept
    }
"""


def stands(snapshot: NetworkSnapshot) -> Mapping[str, Stand]:
    """The interfaces of nodes that are to be there."""
    standing = {i.id: i for i in snapshot.network_interfaces if i.status != "detaching"}
    return {
        id: Stand(namespace=id, device=DEVICE, ipv6=bool(standing[id].ipv6_addresses))
        for balancer in snapshot.load_balancers
        for id in node_interfaces(balancer)
        if id in standing
    }


def nodes(
    balancers: Sequence[LoadBalancer], listeners: Sequence[Listener], placed: Mapping[str, Placed]
) -> tuple[Namespace, ...]:
    """Their namespaces.  `placed` are their interfaces."""
    of_balancer: dict[str, list[Listener]] = {}
    for listener in sorted(listeners, key=lambda listener: listener.port):
        of_balancer.setdefault(listener.load_balancer_id, []).append(listener)
    return tuple(
        _namespace(placed[id], of_balancer.get(balancer.id, ()))
        for balancer in balancers
        for id in node_interfaces(balancer)
        if id in placed
    )


def node_interfaces(balancer: LoadBalancer) -> tuple[str, ...]:
    """Of the nodes that it has, or shall have; none when it is going."""
    return () if balancer.deleting else tuple(node.network_interface_id for node in balancer.nodes)


def _namespace(placed: Placed, listeners: Sequence[Listener]) -> Namespace:
    ports = tuple(Element(key=str(listener.port), origin=listener.id) for listener in listeners)
    return Namespace(
        name=placed.namespace,
        sysctls=(*ipv6_settings(on=placed.ipv6), *NODE_SETTINGS),
        routes=(default_route(placed), *([default_route6(placed)] if placed.ipv6 else [])),
        policy=PacketPolicy(
            skeleton=SKELETON,
            sets=(ElementSet(name="ports", key=("inet_service",), elements=ports),),
        ),
    )
