"""Internet gateways and egress-only ones: a VPC's links to the edge of the internet.

An internet gateway translates public IPv4 addresses one to one and lets IPv6 pass both ways.  An egress-only
one is for IPv6 and lets nothing in that was not asked for.
"""

from collections.abc import Iterable, Mapping

from seawall.compile.network.addresses import without
from seawall.compile.network.contribution import Contribution, Door, EdgeName, Hop
from seawall.compile.network.numbers import mac_address
from seawall.compile.network.placement import FAR_IPV6, ROUTER_IPV6, AttachedGateway, Placed, Placement
from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.model.internet import EDGE_NAMESPACE
from seawall.model.route_table import RouteTable
from seawall.model.vpc import Vpc
from seawall.program.network import Link, LinkEnd, Neighbour

INTERNET_MTU = 1500
EDGE_HOP, VPC_HOP = "169.254.0.1", "169.254.0.2"  # the edge as a VPC sees it, and the other way round
EDGE_HOP6, VPC_HOP6 = ROUTER_IPV6, FAR_IPV6
# RFC 1918 and 6598: an internet gateway takes neither as a destination nor as a source.
NEVER_PUBLIC = ("10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16")
_NO_SOURCES = (*NEVER_PUBLIC, "0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3")
_NO_SOURCES6 = ("::/8", "fc00::/7", "fe80::/10", "ff00::/8")


def contribution(snapshot: NetworkSnapshot, placement: Placement) -> Contribution:
    """Links, doors, routes to them, and their VPC's addresses on the internet."""
    vpcs = {vpc.id: vpc for vpc in snapshot.vpcs}
    gateways = [g for g in (*placement.gateways.values(), *placement.egress_only) if g.vpc_id in vpcs]
    tables = {a.gateway_id: table for table in snapshot.route_tables for a in table.associations}
    return Contribution(
        links=tuple(_link(g, ipv6=bool(vpcs[g.vpc_id].ipv6_cidr_blocks)) for g in gateways),
        hops=tuple(_hop(gateway) for gateway in gateways),
        doors=tuple(_door(gateway, vpcs[gateway.vpc_id], tables) for gateway in gateways),
        edge=_ipv6_names(gateways, vpcs),
    )


def public_names(placed: Placed, gateways: Mapping[str, AttachedGateway]) -> tuple[EdgeName, ...]:
    """Every public address of an interface that works now.  `gateways` are the internet gateways by VPC."""
    gateway = gateways.get(placed.interface.vpc_id)
    if gateway is None:
        return ()
    return tuple(
        EdgeName(
            block=f"{public}/32",
            number=gateway.edge_number,
            device=gateway.edge_device,
            via=VPC_HOP,
            origin=placed.interface.id,
        )
        for public in placed.public.values()
    )


def _link(gateway: AttachedGateway, *, ipv6: bool) -> Link:
    vpc_mac, edge_mac = mac_address(gateway.id), mac_address(f"{gateway.id}/host")
    return Link(
        origin=gateway.id,
        mtu=INTERNET_MTU,
        router=LinkEnd(
            namespace=gateway.vpc_id,
            name=gateway.device,
            ifindex=gateway.number,
            mac=vpc_mac,
            neighbours=_neighbours(edge_mac, EDGE_HOP, *([EDGE_HOP6] if ipv6 else [])),
        ),
        host=LinkEnd(
            namespace=EDGE_NAMESPACE,
            name=gateway.edge_device,
            ifindex=gateway.edge_number,
            mac=edge_mac,
            neighbours=_neighbours(vpc_mac, VPC_HOP, VPC_HOP6),
        ),
    )


def _hop(gateway: AttachedGateway) -> Hop:
    four = EDGE_HOP if gateway.kind == "internet" else None
    return Hop(vpc_id=gateway.vpc_id, target_id=gateway.id, device=gateway.device, via=four, via6=EDGE_HOP6)


def _door(gateway: AttachedGateway, vpc: Vpc, tables: Mapping[str | None, RouteTable]) -> Door:
    """Whoever claims one of the VPC's own addresses out there is lying."""
    four = without(4, (*_NO_SOURCES, *vpc.all_blocks)) if gateway.kind == "internet" else ()
    table = tables.get(gateway.id)
    return Door(
        vpc_id=vpc.id,
        origin=gateway.id,
        number=gateway.number,
        sources=(*four, *without(6, (*_NO_SOURCES6, *vpc.all_blocks))),
        kind=gateway.kind,
        route_table=table.id if table else None,
    )


def _ipv6_names(gateways: Iterable[AttachedGateway], vpcs: Mapping[str, Vpc]) -> tuple[EdgeName, ...]:
    """A VPC's blocks are its own on the internet as well; packets to them take its first gateway."""
    found: list[EdgeName] = []
    for gateway in gateways:
        for block in vpcs[gateway.vpc_id].ipv6_cidr_blocks:
            name = EdgeName(
                block=block.ipv6_cidr_block,
                number=gateway.edge_number,
                device=gateway.edge_device,
                via=VPC_HOP6,
                origin=gateway.id,
                routed=all(name.block != block.ipv6_cidr_block for name in found),
            )
            found.append(name)
    return tuple(found)


def _neighbours(mac: str, *addresses: str) -> tuple[Neighbour, ...]:
    return tuple(Neighbour(address=address, mac=mac) for address in addresses)
