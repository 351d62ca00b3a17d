"""Load balancers' nodes: behind each interface a namespace of its own.

The interface has groups, a subnet's ACL and routes like any other.  Behind them the node of an application
load balancer, in which an engine listens, hears what its listeners' ports and its own questions to targets
bring; to all else it is deaf.  The VPC's router lets no answer pass that nobody asked for, so the node's own
policy needs no memory of connections.  For those of network load balancers see network_balancer.
Sources: Application Load Balancer guide, "Listeners" and "Security groups for your Application Load
Balancer"; VPC user guide, "Network ACL rules" (load balancers' ephemeral ports 1024 to 65535).
"""

from collections.abc import Mapping, Sequence

from seawall.compile.balancer.network import forwarded_to
from seawall.compile.network.contribution import Stand, Turn
from seawall.compile.network.interfaces import default_route, default_route6
from seawall.compile.network.kernel_settings import ipv6_settings
from seawall.compile.network.memory import Memory
from seawall.compile.network.network_balancer import Behind, network_namespace, preserves
from seawall.compile.network.placement import Placed
from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.model.listener import Listener
from seawall.model.load_balancer import LoadBalancer
from seawall.model.target_group import Target, TargetGroup
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
        id: Stand(
            namespace=id,
            device=DEVICE,
            transit=balancer.type == "network",
            ipv6=bool(standing[id].ipv6_addresses),
        )
        for balancer in snapshot.load_balancers
        for id in node_interfaces(balancer)
        if id in standing
    }


def nodes(
    balancers: Sequence[Behind], placed: Mapping[str, Placed], memory: Memory
) -> tuple[tuple[Namespace, ...], tuple[Turn, ...]]:
    """Their namespaces, and where VPCs have to lead answers back to.  `placed` are their interfaces."""
    namespaces: list[Namespace] = []
    turns: list[Turn] = []
    for behind in balancers:
        for node in (placed[id] for id in node_interfaces(behind.balancer) if id in placed):
            made = _namespace if behind.balancer.type == "application" else network_namespace
            namespaces.append(memory.recall(("node", node.interface.id), made, node, behind))
            if behind.balancer.type == "network" and preserves(behind):
                turns.append(_turn(node))
    return tuple(namespaces), tuple(turns)


def behind_balancers(snapshot: NetworkSnapshot, placed: Mapping[str, Placed]) -> tuple[Behind, ...]:
    """What stands behind each load balancer."""
    groups = {group.id: group for group in snapshot.target_groups}
    targets: dict[str, list[Target]] = {}
    for target in snapshot.targets if snapshot.load_balancers else ():
        targets.setdefault(target.target_group_id, []).append(target)
    addresses = {
        balancer.id: tuple(
            placed[id].interface.private_ip_address for id in node_interfaces(balancer) if id in placed
        )
        for balancer in snapshot.load_balancers
    }
    return tuple(
        _behind(balancer, snapshot.listeners, groups, targets, addresses)
        for balancer in snapshot.load_balancers
        if not balancer.deleting
    )


def _behind(
    balancer: LoadBalancer,
    listeners: Sequence[Listener],
    groups: Mapping[str, TargetGroup],
    targets: Mapping[str, Sequence[Target]],
    addresses: Mapping[str, tuple[str, ...]],
) -> Behind:
    """Of an application load balancer the listeners alone: what it does with requests is its engine's."""
    mine = (listener for listener in listeners if listener.load_balancer_id == balancer.id)
    own = tuple(sorted(mine, key=lambda listener: listener.port))
    if balancer.type == "application":
        return Behind(balancer=balancer, listeners=own)
    used = sorted({id for listener in own for id in forwarded_to(listener) if id in groups})
    return Behind(
        balancer=balancer,
        listeners=own,
        groups={id: groups[id] for id in used},
        targets={id: tuple(targets.get(id, ())) for id in used},
        addresses={
            target.target: addresses.get(target.target, ())
            for id in used
            if groups[id].target_type == "alb"
            for target in targets.get(id, ())
        },
    )


def _turn(node: Placed) -> Turn:
    return Turn(
        vpc_id=node.interface.vpc_id,
        origin=node.interface.id,
        number=node.number,
        device=node.router_device,
        via=node.interface.private_ip_address,
        group_ids=node.interface.group_ids,
    )


def node_interfaces(balancer: LoadBalancer) -> tuple[str, ...]:
    """Of the nodes that it has, or shall have; none when it is going."""
    return () if balancer.deleting else tuple(node.network_interface_id for node in balancer.nodes)


def _namespace(placed: Placed, behind: Behind) -> Namespace:
    ports = tuple(Element(key=str(each.port), origin=each.id) for each in behind.listeners)
    return Namespace(
        name=placed.namespace,
        sysctls=(*ipv6_settings(on=placed.ipv6), *NODE_SETTINGS),
        routes=(default_route(placed), *([default_route6(placed)] if placed.ipv6 else [])),
        policy=PacketPolicy(
            skeleton=SKELETON,
            sets=(ElementSet(name="ports", key=("inet_service",), elements=ports),),
        ),
    )
