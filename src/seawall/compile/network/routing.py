"""Route tables: which one a subnet uses, and its routes as a kernel table chosen by the packet's mark."""

from collections.abc import Iterable, Mapping

from seawall.compile.network.numbers import assign
from seawall.compile.network.placement import Placement
from seawall.compile.network.skeletons import POLICY_BITS
from seawall.model.route_table import Route as VpcRoute
from seawall.model.route_table import RouteTable
from seawall.model.vpc import Vpc
from seawall.program.network import Route, RoutingRule

FIRST_TABLE = 1 << POLICY_BITS
TABLE_MASK = 0xFFFF << POLICY_BITS
EDGE_HOP = "169.254.0.1"  # the edge, seen from a VPC's link to it
VPC_HOP = "169.254.0.2"  # the VPC, seen from the edge
LOCAL_PRIORITY, TABLE_PRIORITY, LAST_PRIORITY = 10, 1000, 32000


def number_tables(tables: Iterable[RouteTable]) -> Mapping[str, int]:
    return assign((table.id for table in tables), 1, 0xFFFF)


def table_of_subnet(subnet_id: str, tables: Iterable[RouteTable]) -> RouteTable | None:
    """The explicitly associated table, else the main one.  `tables` are those of the subnet's VPC."""
    main = None
    for table in tables:
        if any(a.subnet_id == subnet_id for a in table.associations):
            return table
        main = table if table.is_main else main
    return main


def compile_routes(
    vpc: Vpc, tables: Iterable[RouteTable], numbers: Mapping[str, int], placement: Placement
) -> tuple[tuple[Route, ...], tuple[RoutingRule, ...]]:
    """Local routes come first for every packet, then the sender's table; what no route takes is dropped."""
    local = [Route(destination=a.cidr_block) for a in vpc.cidr_blocks]
    local += [
        Route(destination=f"{p.interface.private_ip_address}/32", device=p.router_device)
        for p in placement.in_vpc(vpc.id)
    ]
    rules = [RoutingRule(priority=LOCAL_PRIORITY, table=254), RoutingRule(priority=LAST_PRIORITY)]
    routes = []
    for table in tables:
        number = numbers[table.id]
        kernel_table = FIRST_TABLE + number
        rules.append(
            RoutingRule(
                priority=TABLE_PRIORITY, table=kernel_table, mark=number << POLICY_BITS, mask=TABLE_MASK
            )
        )
        foreign = [r for r in table.routes if r.target_kind != "local"]
        routes += [_route(r, vpc, kernel_table, placement) for r in foreign]
        if not any(r.destination == "0.0.0.0/0" for r in foreign):
            routes.append(Route(destination="0.0.0.0/0", table=kernel_table))
    return tuple(local + routes), tuple(rules)


def _route(route: VpcRoute, vpc: Vpc, kernel_table: int, placement: Placement) -> Route:
    """A route whose target is not there swallows packets, as a blackhole route does."""
    device, via = None, None
    if route.target_kind == "internet_gateway":
        gateway = placement.gateways.get(vpc.id)
        if gateway is not None and gateway.gateway.id == route.target_id:
            device, via = gateway.device, EDGE_HOP
    else:
        for placed in placement.in_vpc(vpc.id):
            nat = placed.nat_gateway
            is_target = route.target_id == (nat.id if nat else placed.interface.id)
            # An interface that checks addresses refuses what is not addressed to it.
            if is_target and (nat or not placed.interface.source_dest_check):
                device, via = placed.router_device, placed.interface.private_ip_address
    return Route(destination=route.destination, device=device, via=via, table=kernel_table)
