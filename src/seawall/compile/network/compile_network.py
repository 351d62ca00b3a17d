"""From what exists to what the networks shall look like.  Pure: the same snapshot, the same program."""

from seawall.compile.network.interfaces import (
    fargate_namespace,
    interface_link,
    link_local_addresses,
    link_local_link,
    task_namespace,
)
from seawall.compile.network.internet import client_link, client_namespace, edge_namespace, gateway_link
from seawall.compile.network.nat_gateway import nat_namespace
from seawall.compile.network.placement import place
from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.compile.network.uplink import default_route, uplink_link, uplink_namespace
from seawall.compile.network.vpc import vpc_namespace
from seawall.compile.zones import compile_resolvers
from seawall.program.network import NetworkProgram


def compile_network(snapshot: NetworkSnapshot) -> NetworkProgram:
    """Every namespace and link of the world.  Raises ValueError where a pool of numbers runs out."""
    placement = place(snapshot)
    placed = list(placement.interfaces.values())
    tasks = [p for p in placed if p.nat_gateway is None]
    nats = [p for p in placed if p.nat_gateway is not None]
    local_addresses = link_local_addresses(tasks)
    local_links = [link_local_link(p, local_addresses[p.interface.id], placement) for p in tasks]
    return NetworkProgram(
        namespaces=(
            edge_namespace(placement, (default_route(),) if snapshot.uplink else ()),
            *((uplink_namespace(),) if snapshot.uplink else ()),
            client_namespace(),
            fargate_namespace(local_links),
            *(vpc_namespace(vpc, snapshot, placement) for vpc in snapshot.vpcs),
            *(nat_namespace(p) for p in nats),
            *(task_namespace(p) for p in tasks),
        ),
        links=(
            client_link(placement),
            *((uplink_link(placement),) if snapshot.uplink else ()),
            *(gateway_link(attached) for attached in placement.gateways.values()),
            *(interface_link(p, placement) for p in placed),
            *local_links,
        ),
        resolvers=compile_resolvers(snapshot, placement),
    )
