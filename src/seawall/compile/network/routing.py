"""Route tables: which one a sender uses, and its routes as kernel tables chosen by the packet's mark.

The mark's high half numbers a table.  Routes that are more specific than the VPC's own blocks stand in a
kernel table that is looked at before the interfaces' addresses, all others in one after them.  A table has
variants where its routes depend on the sender: on its zone (transit gateways), or on its own subnet, whose
inside no route ever redirects.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from seawall.compile.network.addresses import block_range
from seawall.compile.network.contribution import Door, Hop, Turn
from seawall.compile.network.numbers import assign
from seawall.compile.network.placement import Placed
from seawall.compile.network.skeletons import POLICY_BITS
from seawall.model.prefix_list import PrefixList
from seawall.model.route_table import Route as VpcRoute
from seawall.model.route_table import RouteTable
from seawall.model.subnet import Subnet
from seawall.model.vpc import Vpc
from seawall.program.network import Route, RoutingRule

SPECIFIC_TABLE, OUTER_TABLE = 1 << POLICY_BITS, 2 << POLICY_BITS
TABLE_MASK = 0xFFFF << POLICY_BITS
SPECIFIC_PRIORITY, LOCAL_PRIORITY, OUTER_PRIORITY, LAST_PRIORITY = 5, 10, 1000, 32000
MAIN_TABLE = 254


class Variant(NamedTuple):
    """A route table as one sort of sender sees it."""

    table: RouteTable
    zone: str = ""
    subnet: Subnet | None = None  # only where a route covers the sender's own subnet

    @property
    def key(self) -> str:
        return f"{self.table.id}/{self.zone}/{self.subnet.id if self.subnet else ''}"


class Senders(NamedTuple):
    """The number of the table that holds for each subnet and each door (by ifindex); 0: local only.

    of_turn   for answers to what came out of a load balancer's node, by its interface
    """

    variants: Mapping[int, Variant]
    of_subnet: Mapping[str, int]
    of_door: Mapping[int, int]
    of_turn: Mapping[str, int]


def table_of_subnet(subnet_id: str, tables: Iterable[RouteTable]) -> RouteTable | None:
    """The explicitly associated table, else the main one.  `tables` are those of the subnet's VPC."""
    main = None
    for table in tables:
        if any(a.subnet_id == subnet_id for a in table.associations):
            return table
        main = table if table.is_main else main
    return main


def number_senders(
    vpc: Vpc,
    tables: Sequence[RouteTable],
    subnets: Iterable[Subnet],
    doors: Iterable[Door],
    lists: Mapping[str, PrefixList],
    zonal: frozenset[str],
    turns: Iterable[Turn] = (),
) -> Senders:
    """`zonal` are the targets whose hops depend on the zone."""
    named = {a.subnet_id: table for table in tables for a in table.associations if a.subnet_id}
    main = next((table for table in tables if table.is_main), None)
    by_id = {table.id: table for table in tables}
    subnet_variants = {
        subnet.id: _variant(table, subnet, vpc, lists, zonal)
        for subnet in subnets
        if (table := named.get(subnet.id, main)) is not None
    }
    door_variants = {
        door.number: Variant(by_id[door.route_table]) for door in doors if door.route_table in by_id
    }
    variants = {v.key: v for v in (*subnet_variants.values(), *door_variants.values())}
    turning = [turn.origin for turn in turns]
    numbers = assign((*variants, *turning), 1, 0xFFFF)
    return Senders(
        variants={numbers[key]: variants[key] for key in sorted(variants)},
        of_subnet={id: numbers[variant.key] for id, variant in subnet_variants.items()},
        of_door={number: numbers[variant.key] for number, variant in door_variants.items()},
        of_turn={id: numbers[id] for id in turning},
    )


def local_routes(vpc: Vpc) -> tuple[Route, ...]:
    """Nothing within the VPC's blocks is elsewhere."""
    return tuple(Route(destination=block) for block in vpc.all_blocks)


def interface_routes(placed: Placed) -> tuple[Route, ...]:
    return tuple(
        Route(destination=f"{a}/{128 if ':' in a else 32}", device=placed.router_device)
        for a in placed.addresses
    )


def table_routes(
    vpc: Vpc,
    senders: Senders,
    hops: Mapping[str, tuple[Hop, ...]],
    lists: Mapping[str, PrefixList],
) -> tuple[tuple[Route, ...], tuple[RoutingRule, ...]]:
    """Kernel tables and the rules that choose them; what no route takes is dropped.

    `hops` are the VPC's by target.
    """
    routes: list[Route] = []
    rules = [RoutingRule(priority=LOCAL_PRIORITY, table=MAIN_TABLE), RoutingRule(priority=LAST_PRIORITY)]
    for number, variant in senders.variants.items():
        found = _variant_routes(vpc, number, variant, hops, lists)
        routes += found
        for priority, base in ((SPECIFIC_PRIORITY, SPECIFIC_TABLE), (OUTER_PRIORITY, OUTER_TABLE)):
            if any(route.table == base + number for route in found):
                rules.append(
                    RoutingRule(
                        priority=priority, table=base + number, mark=number << POLICY_BITS, mask=TABLE_MASK
                    )
                )
    return tuple(routes), tuple(rules)


def destinations(table: RouteTable, lists: Mapping[str, PrefixList]) -> dict[str, VpcRoute]:
    """Block -> route, prefix lists spelt out.  An explicit block beats an equal one from a list; of two lists
    the one with the lower id counts.  Source: VPC user guide, "Route priority".
    """
    found: dict[str, VpcRoute] = {}
    by_list = sorted((r for r in table.routes if r.destination in lists), key=lambda r: r.destination)
    for route in reversed(by_list):
        found |= {entry.cidr: route for entry in lists[route.destination].entries}
    found |= {r.destination: r for r in table.routes if not r.destination.startswith("pl-")}
    return {block: route for block, route in found.items() if route.target_kind != "local"}


def _variant(
    table: RouteTable, subnet: Subnet, vpc: Vpc, lists: Mapping[str, PrefixList], zonal: frozenset[str]
) -> Variant:
    zone = subnet.availability_zone if any(r.target_id in zonal for r in table.routes) else ""
    blocks = [block for block in (subnet.cidr_block, subnet.ipv6_cidr_block) if block]
    redirected = [block for block in destinations(table, lists) if _within_any(block, vpc.all_blocks)]
    own = any(_overlap(a, b) for a in redirected for b in blocks)
    return Variant(table, zone, subnet if own else None)


def _variant_routes(
    vpc: Vpc,
    number: int,
    variant: Variant,
    hops: Mapping[str, tuple[Hop, ...]],
    lists: Mapping[str, PrefixList],
) -> list[Route]:
    own = variant.subnet
    own_blocks = [b for b in (own.cidr_block, own.ipv6_cidr_block) if b] if own else []
    routes = []
    for block, route in destinations(variant.table, lists).items():
        if ":" in block and not vpc.ipv6_cidr_blocks:
            continue
        specific = _within_any(block, vpc.all_blocks)
        if specific and any(_overlap(block, b) for b in own_blocks):
            continue
        table = (SPECIFIC_TABLE if specific else OUTER_TABLE) + number
        routes.append(_route(block, table, variant.zone, hops.get(route.target_id, ())))
    return routes


def _route(block: str, table: int, zone: str, hops: Iterable[Hop]) -> Route:
    """A route whose target is not there swallows packets, as a blackhole route does."""
    for hop in hops:
        via = hop.via6 if ":" in block else hop.via
        if via is not None and hop.zone in (None, zone):
            return Route(destination=block, device=hop.device, via=via, table=table)
    return Route(destination=block, table=table)


def _within_any(block: str, blocks: Iterable[str]) -> bool:
    version, (first, last) = block_range(block)
    return any(
        of == version and outer[0] <= first and last <= outer[1] for of, outer in map(block_range, blocks)
    )


def _overlap(a: str, b: str) -> bool:
    (version, one), (other_version, two) = block_range(a), block_range(b)
    return version == other_version and one[0] <= two[1] and two[0] <= one[1]
