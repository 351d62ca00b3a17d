"""A network load balancer's node: its namespace hands each new flow to a target, and knows it from then on.

A flow's hash points into a table of slots, a slot names a target.  Unless the client's address is preserved,
targets see the node's.  TLS, and headers that tell of clients, are left to an engine in the same namespace.
Sources: Network Load Balancers user guide, "Listeners" (idle timeouts), "Target groups" (client IP
preservation, connection termination, sticky sessions), "Troubleshoot" (55,000 connections to a target).
"""

from collections.abc import Iterable, Mapping

import msgspec

from seawall.compile.balancer.listener import final_action
from seawall.compile.balancer.network import engine_listeners, forwarded_to
from seawall.compile.balancer.pools import pool
from seawall.compile.network.interfaces import NO_IPV6, default_route
from seawall.compile.network.kernel_settings import ROUTER_IPV4, TRACKING
from seawall.compile.network.numbers import assign
from seawall.compile.network.placement import Placed
from seawall.compile.network.services import NUMBERS
from seawall.compile.network.spreading import slots
from seawall.model.listener import Listener
from seawall.model.load_balancer import LoadBalancer
from seawall.model.target_group import Target, TargetGroup, target_id
from seawall.program.balancer import PoolTarget
from seawall.program.network import Chain, Element, ElementSet, Namespace, PacketPolicy, Rule

CONNECTIONS_PER_TARGET = 55_000
IDLE_S = 350
_MOST_NUMBERS = 2**31
_SEED = 0x5EA  # the same after every start: a client's target does not change by it
_FIRST_PORT, _LAST_PORT = 1024, 65535
_UNDER_ITS_OWN_ADDRESS = 1  # the mark of connections that targets see coming from the node
_PROTOCOLS = {"TCP": ("tcp",), "UDP": ("udp",), "TCP_UDP": ("tcp", "udp")}
_SETTINGS = (
    *NO_IPV6,
    *ROUTER_IPV4,
    *TRACKING,
    ("netfilter/nf_conntrack_tcp_timeout_established", str(IDLE_S)),
    ("netfilter/nf_conntrack_udp_timeout", "120"),
    ("netfilter/nf_conntrack_udp_timeout_stream", "120"),
    ("netfilter/nf_conntrack_tcp_be_liberal", "1"),
)

# A connection that was forgotten while idle is reset, once either side speaks again.
_SKELETON = """
    set busy {{ type ipv4_addr . inet_service; flags dynamic; size 65535; }}
{objects}
    chain hand_on {{
        type nat hook prerouting priority dstnat; policy accept;
{choices}        ip daddr @own meta l4proto . th dport vmap @listeners
    }}
    chain send {{
        type filter hook forward priority filter; policy drop;
        jump count
        jump end
        ct status confirmed accept
        meta l4proto tcp ct state invalid reject with tcp reset
        ct state invalid drop
        ct status dnat jump begin
    }}
    chain translate {{
        type nat hook postrouting priority srcnat; policy accept;
        ct mark 1 jump hide
    }}
    chain arrive {{
        type filter hook input priority filter; policy drop;
        iif lo accept
        ct status confirmed accept
        meta l4proto tcp ct state invalid reject with tcp reset
        ct state invalid drop
        tcp dport @ports accept
        ct state related accept
    }}
"""


class Behind(msgspec.Struct, frozen=True, kw_only=True):
    """What stands behind the nodes of one load balancer.

    groups      that its listeners forward to, by id
    targets     by group
    addresses   of the nodes of the load balancers that are targets
    """

    balancer: LoadBalancer
    listeners: tuple[Listener, ...]
    groups: dict[str, TargetGroup] = {}
    targets: dict[str, tuple[Target, ...]] = {}
    addresses: dict[str, tuple[str, ...]] = {}


class _Serving(msgspec.Struct, frozen=True, kw_only=True):
    """Targets of one group as one node sees them.

    chosen   the ids of those that get new flows
    cut      whose connections end since they are unhealthy
    ends     connections end with the target they are to
    """

    group: TargetGroup
    known: tuple[PoolTarget, ...]
    chosen: tuple[str, ...]
    cut: tuple[PoolTarget, ...]
    ends: bool


def network_namespace(placed: Placed, behind: Behind) -> Namespace:
    """A node's."""
    served = _in_kernel(behind)
    serving = {id: _serving(placed, behind, group) for id, group in behind.groups.items()}
    known = {target.id: target for of_group in serving.values() for target in of_group.known}
    numbers = assign(known, 1, _MOST_NUMBERS)
    engine = engine_listeners(behind.listeners, behind.groups)
    return Namespace(
        name=placed.namespace,
        sysctls=_SETTINGS,
        routes=(default_route(placed),),
        policy=PacketPolicy(
            skeleton=_skeleton(served),
            sets=(
                _set("own", "ipv4_addr", placed.interface.private_ip_addresses),
                _set("ports", "inet_service", (str(listener.port) for listener in engine)),
                _verdicts(served),
                _map("addresses", "ipv4_addr", {numbers[id]: t.address for id, t in known.items()}),
                _map("target_ports", "inet_service", {numbers[id]: str(t.port) for id, t in known.items()}),
                _ending(serving.values()),
                *(_slots(listener, serving, numbers) for listener in served),
            ),
            chains=(
                _count(behind.balancer.id),
                _end(serving.values()),
                _begin(behind.balancer.id),
                _hide(placed.interface.private_ip_address),
                *(_choose(listener, serving, behind) for listener in served),
            ),
        ),
    )


def preserves(behind: Behind) -> bool:
    """Whether any listener leaves clients their addresses."""
    return any(_preserves(listener, behind) for listener in _in_kernel(behind))


def _in_kernel(behind: Behind) -> list[Listener]:
    engine = {listener.id for listener in engine_listeners(behind.listeners, behind.groups)}
    return [listener for listener in behind.listeners if listener.id not in engine]


def _preserves(listener: Listener, behind: Behind) -> bool:
    """Always for datagrams, which have no other way to tell."""
    if listener.protocol in ("UDP", "TCP_UDP"):
        return True
    groups = (behind.groups.get(id) for id in forwarded_to(listener))
    return any(group.attributes.get("preserve_client_ip.enabled") == "true" for group in groups if group)


def _serving(placed: Placed, behind: Behind, group: TargetGroup) -> _Serving:
    """With too few healthy targets all get flows, and none is cut off."""
    targets = {target.id: target for target in behind.targets.get(group.id, ())}
    zone = placed.interface.availability_zone
    found = pool(behind.balancer, zone, group, tuple(targets.values()), behind.addresses, engine=False)
    states = {t.id: _state(targets, group, t, placed.interface.id) for t in found.targets}
    serving = [target for target in found.targets if target.serving]
    well = [t.id for t in serving if found.check is None or states[t.id] == "healthy"]
    open_to_all = len(well) < found.fail_open_below
    ends = group.attributes.get("target_health_state.unhealthy.connection_termination.enabled") == "true"
    return _Serving(
        group=group,
        known=found.targets,
        chosen=tuple(t.id for t in serving) if open_to_all else tuple(well),
        cut=tuple(t for t in found.targets if ends and not open_to_all and states[t.id] == "unhealthy"),
        ends=found.ends_connections,
    )


def _state(targets: dict[str, Target], group: TargetGroup, found: PoolTarget, node: str) -> str:
    """What this node thinks of a target."""
    if group.target_type == "alb":
        target = next(iter(targets.values()))
    else:
        target = targets[target_id(group.id, found.address, found.port)]
    return target.load_balancer_nodes.get(node, "initial")


def _verdicts(listeners: Iterable[Listener]) -> ElementSet:
    return ElementSet(
        name="listeners",
        key=("inet_proto", "inet_service"),
        value="verdict",
        elements=tuple(
            Element(
                key=f"{NUMBERS[protocol]} . {listener.port}",
                value=f"goto {_name(listener)}",
                origin=listener.id,
            )
            for listener in listeners
            for protocol in _PROTOCOLS[listener.protocol]
        ),
    )


def _map(name: str, value: str, values: Mapping[int, str]) -> ElementSet:
    elements = tuple(Element(key=f"{number:#x}", value=values[number]) for number in sorted(values))
    return ElementSet(name=name, key=("mark",), value=value, elements=elements)


def _set(name: str, kind: str, keys: Iterable[str]) -> ElementSet:
    return ElementSet(name=name, key=(kind,), elements=tuple(Element(key=key) for key in keys))


def _slots(listener: Listener, serving: Mapping[str, _Serving], numbers: Mapping[str, int]) -> ElementSet:
    """Slot -> number of a target."""
    table = _slot_table(listener, serving)
    return _map(f"slots_{listener.port}", "mark", {n: f"{numbers[t]:#x}" for n, t in enumerate(table)})


def _slot_table(listener: Listener, serving: Mapping[str, _Serving]) -> list[str]:
    groups = final_action(listener.default_actions).target_groups
    known = [group for group in groups if group.target_group_id in serving]
    return slots([(group.weight, serving[group.target_group_id].chosen) for group in known])


def _ending(serving: Iterable[_Serving]) -> ElementSet:
    """Targets whose connections end when they are no targets any more: then their addresses leave the set."""
    addresses = {t.address for of_group in serving if of_group.ends for t in of_group.known}
    return ElementSet(
        name="ending",
        key=("ipv4_addr",),
        releases="address",
        elements=tuple(Element(key=address) for address in sorted(addresses)),
    )


def _choose(listener: Listener, serving: Mapping[str, _Serving], behind: Behind) -> Chain:
    """What the first packet of a flow goes through.  Without a target it ends in the node."""
    groups = [serving[g] for g in forwarded_to(listener) if g in serving]
    sticky = any(of_group.group.attributes.get("stickiness.enabled") == "true" for of_group in groups)
    flow = "ip saddr" if sticky else "ip saddr . th sport . ip daddr . th dport"
    size = len(_slot_table(listener, serving)) or 1
    texts = [
        f"meta mark set jhash {flow} mod {size} seed {_SEED:#x}",
        f"meta mark set meta mark map @slots_{listener.port}",
    ]
    if not _preserves(listener, behind):
        texts.append(f"ct mark set {_UNDER_ITS_OWN_ADDRESS}")
    texts.append(
        "meta l4proto { tcp, udp } dnat ip to meta mark map @addresses : meta mark map @target_ports"
    )
    return Chain(name=_name(listener), rules=tuple(Rule(text=text, origin=listener.id) for text in texts))


def _count(balancer_id: str) -> Chain:
    """Each rule's counter is the metric its origin names."""
    return Chain(
        name="count",
        rules=(
            Rule(text="counter", origin=f"{balancer_id}/ProcessedBytes"),
            _reset(balancer_id, "original", "TCP_Client_Reset_Count"),
            _reset(balancer_id, "reply", "TCP_Target_Reset_Count"),
        ),
    )


def _reset(balancer_id: str, direction: str, metric: str) -> Rule:
    return Rule(
        text=f"tcp flags & rst == rst ct direction {direction} counter", origin=f"{balancer_id}/{metric}"
    )


def _end(serving: Iterable[_Serving]) -> Chain:
    """What is said to and by targets that were found unhealthy, where their connections end with that."""
    rules = []
    for target in sorted(
        {t.id: t for of_group in serving for t in of_group.cut}.values(), key=lambda t: t.id
    ):
        for way, port in (("daddr", "dport"), ("saddr", "sport")):
            match = f"ip {way} {target.address} tcp {port} {target.port}"
            rules.append(Rule(text=f"{match} reject with tcp reset", origin=target.id))
    return Chain(name="end", rules=tuple(rules))


def _begin(balancer_id: str) -> Chain:
    """What a new flow meets that has a target: counted, and refused when there are too many already."""
    most = f"add @busy {{ ip daddr . th dport ct count over {CONNECTIONS_PER_TARGET} }}"
    return Chain(
        name="begin",
        rules=(
            Rule(text="counter", origin=f"{balancer_id}/NewFlowCount"),
            Rule(
                text=f"ct mark {_UNDER_ITS_OWN_ADDRESS} meta l4proto {{ tcp, udp }} {most} counter drop",
                origin=f"{balancer_id}/PortAllocationErrorCount",
            ),
            Rule(text="accept"),
        ),
    )


def _hide(address: str) -> Chain:
    """Each connection gets a port of the node's, as from a NAT gateway."""
    text = f"meta l4proto {{ tcp, udp }} snat ip to {address} : {_FIRST_PORT}-{_LAST_PORT} fully-random"
    return Chain(name="hide", rules=(Rule(text=text),))


def _skeleton(listeners: Iterable[Listener]) -> str:
    """With the idle times that are not the usual one."""
    ports: dict[int, list[str]] = {}
    for listener in listeners:
        idle = int(listener.attributes.get("tcp.idle_timeout.seconds", str(IDLE_S)))
        if idle != IDLE_S and "tcp" in _PROTOCOLS[listener.protocol]:
            ports.setdefault(idle, []).append(str(listener.port))
    objects = "".join(
        f"    ct timeout idle_{idle} {{ protocol tcp; l3proto ip; policy = {{ established : {idle} }}; }}\n"
        for idle in sorted(ports)
    )
    choices = "".join(
        f'        tcp dport {{ {", ".join(ports[idle])} }} ct timeout set "idle_{idle}"\n'
        for idle in sorted(ports)
    )
    return _SKELETON.format(objects=objects, choices=choices)


def _name(listener: Listener) -> str:
    return f"listener_{listener.port}"
