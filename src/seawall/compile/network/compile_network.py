"""From what exists to what the networks shall look like.  Pure: the same snapshot, the same program."""

from collections.abc import Collection, Iterable
from itertools import chain
from types import ModuleType

from msgspec.structs import replace

from seawall.compile.network import (
    gateway_endpoint,
    interface_endpoint,
    interfaces,
    internet_gateway,
    load_balancer,
    nat_gateway,
    peering,
    transit_gateway,
)
from seawall.compile.network.contribution import Contribution, Stand, Turn
from seawall.compile.network.internet import client_link, client_namespace, edge_namespace
from seawall.compile.network.memory import Memory
from seawall.compile.network.network_balancer import Behind
from seawall.compile.network.placement import Placed, Placement, place
from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.compile.network.uplink import default_route, uplink_link, uplink_namespace
from seawall.compile.network.vpc import VpcParts, vpc_namespace
from seawall.compile.zones import compile_names
from seawall.model.network_interface import NetworkInterface
from seawall.model.security_group import SecurityGroupRule
from seawall.program.network import NetworkProgram
from seawall.program.shelves import Shelves, joined

# See contribution.py for what each of them offers.
PARTS: tuple[ModuleType, ...] = (
    interfaces,
    internet_gateway,
    nat_gateway,
    peering,
    transit_gateway,
    gateway_endpoint,
    interface_endpoint,
    load_balancer,
)
_BEHIND_LISTENERS = ("listeners", "listener_rules", "target_groups", "targets")


def compile_network(snapshot: NetworkSnapshot, memory: Memory | None = None) -> NetworkProgram:
    """Every namespace and link of the world.  Raises ValueError where a pool of numbers runs out.

    memory   of earlier compilations: what did not change since then is the same object
    """
    memory = Memory() if memory is None else memory
    memory.turn()
    # What filters packets is no concern of those who place, connect and name.
    unfiltered = replace(snapshot, security_groups=(), security_group_rules=(), network_acls=())
    topology = replace(
        unfiltered,
        **dict.fromkeys(("hosted_zones", "record_sets", *_BEHIND_LISTENERS), ()),
    )
    every = memory.shelved("interfaces", snapshot.network_interfaces)
    fixed = replace(topology, network_interfaces=tuple(memory.each("fixed", _if_fixed, every)))
    placement = memory.recall("placement", _place, every, fixed, memory)
    added = memory.recall("contributions", _contributions, fixed, _of_note(placement, fixed, memory))
    balancers, turns = memory.recall(
        "balancers", load_balancer.nodes, *_of_balancers(snapshot, placement), memory
    )
    attached = memory.recall("attached", interfaces.interface_networks, placement, memory)
    uplink = (default_route(),) if snapshot.uplink else ()
    public = memory.each(
        "public names", internet_gateway.public_names, placement.interfaces, placement.gateways
    )
    namespaces = [
        edge_namespace(placement, joined(added.edge, public), uplink, memory),
        *((uplink_namespace(),) if snapshot.uplink else ()),
        client_namespace(),
        *(vpc_namespace(parts, memory) for parts in _vpc_parts(snapshot, placement, added, turns)),
        *added.namespaces,
        *balancers,
    ]
    links = [
        client_link(placement),
        *((uplink_link(placement),) if snapshot.uplink else ()),
        *added.links,
    ]
    by_elastic = frozenset(address.network_interface_id for address in snapshot.elastic_ips)
    named = memory.each("named", _with_names, every, by_elastic)
    zones, resolvers = memory.recall(
        "names", compile_names, replace(unfiltered, network_interfaces=tuple(named))
    )
    return NetworkProgram(
        namespaces=joined(
            tuple(memory.same(("namespace", n.name), n) for n in namespaces), attached.namespaces
        ),
        links=joined(tuple(memory.same(("link", link.router), link) for link in links), attached.links),
        zones=zones,
        resolvers=resolvers,
    )


def _of_balancers(
    snapshot: NetworkSnapshot, placement: Placement
) -> tuple[tuple[Behind, ...], dict[str, Placed]]:
    """What the namespaces of load balancers' nodes are made from: what is behind them, their interfaces."""
    ids = [id for balancer in snapshot.load_balancers for id in load_balancer.node_interfaces(balancer)]
    placed = {id: found for id in ids if (found := placement.find(id))}
    return load_balancer.behind_balancers(snapshot, placed), placed


def _with_names(
    interface: NetworkInterface, by_elastic: Collection[str | None]
) -> tuple[NetworkInterface, ...]:
    """All but those whose only names follow from their addresses: most tasks' have no other."""
    plain = interfaces.is_of_task(interface) and not interface.public_addresses
    return () if plain and interface.id not in by_elastic else (interface,)


def _of_note(placement: Placement, fixed: NetworkSnapshot, memory: Memory) -> Placement:
    """Without the interfaces that add to the networks around them nothing but themselves: most of tasks."""
    peered = {id for p in fixed.vpc_peering_connections for id in (p.requester_vpc_id, p.accepter_vpc_id)}
    return replace(
        placement,
        interfaces=memory.each("of note", _if_of_note, placement.interfaces),
        by_vpc={id: own for id, own in placement.by_vpc.items() if id in peered},
    )


def _if_of_note(placed: Placed) -> tuple[Placed, ...]:
    plain = interfaces.is_of_task(placed.interface) and placed.is_checked
    return () if plain else (placed,)


def _place(every: Shelves[NetworkInterface], fixed: NetworkSnapshot, memory: Memory) -> Placement:
    stands: dict[str, Stand] = {}
    devices = ["client", "client/host", "uplink", "uplink/host"]
    for part in PARTS:
        if hasattr(part, "stands"):
            stands |= memory.recall(("stands", part.__name__), part.stands, fixed)
        if hasattr(part, "devices"):
            devices += part.devices(fixed)
    return place(fixed, every, interfaces.stand_of, stands, interfaces.device_keys, devices, memory)


def _if_fixed(interface: NetworkInterface) -> tuple[NetworkInterface, ...]:
    return () if interfaces.is_of_task(interface) else (interface,)


def _contributions(fixed: NetworkSnapshot, placement: Placement) -> Contribution:
    """Those of all parts in one."""
    found = [part.contribution(fixed, placement) for part in PARTS if hasattr(part, "contribution")]
    return Contribution(
        **{
            name: tuple(chain.from_iterable(getattr(one, name) for one in found))
            for name in Contribution.__struct_fields__
        }
    )


def _vpc_parts(
    snapshot: NetworkSnapshot, placement: Placement, added: Contribution, turns: Iterable[Turn]
) -> Iterable[VpcParts]:
    """The snapshot, taken apart by VPC."""
    rules: dict[str, list[SecurityGroupRule]] = {}
    for rule in snapshot.security_group_rules:
        rules.setdefault(rule.group_id, []).append(rule)
    by_group = {group: tuple(sorted(own, key=lambda r: r.id)) for group, own in rules.items()}
    lists = {entry.id: entry for entry in snapshot.prefix_lists}
    for vpc in snapshot.vpcs:
        yield VpcParts(
            vpc=vpc,
            subnets=tuple(s for s in snapshot.subnets if s.vpc_id == vpc.id),
            tables=tuple(t for t in snapshot.route_tables if t.vpc_id == vpc.id),
            acls=tuple(a for a in snapshot.network_acls if a.vpc_id == vpc.id),
            interfaces=placement.in_vpc(vpc.id),
            rules=by_group,
            lists=lists,
            hops=tuple(h for h in added.hops if h.vpc_id == vpc.id),
            doors=tuple(d for d in added.doors if d.vpc_id == vpc.id),
            members=tuple(m for m in added.members if m.vpc_id == vpc.id),
            routes=tuple(route for vpc_id, route in added.routes if vpc_id == vpc.id),
            turns=tuple(turn for turn in turns if turn.vpc_id == vpc.id),
        )
