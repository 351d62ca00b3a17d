"""What a route table may hold: how many routes, which ones inside the VPC, which ones for a gateway."""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_network

from seawall.api.ec2.quotas import ROUTES_PER_TABLE, check_quota
from seawall.api.ec2.route_target import family_of
from seawall.model.prefix_list import PrefixList
from seawall.model.resource import Ref
from seawall.model.route_table import Route, RouteTable
from seawall.model.subnet import Subnet
from seawall.model.vpc import Vpc
from seawall.store.store import Reader
from seawall.wire.errors import ApiError

Network = IPv4Network | IPv6Network


def is_local(route: Route) -> bool:
    """One of the routes the table was born with, wherever it points now."""
    return route.origin == "CreateRouteTable"


def check_route_count(reader: Reader, routes: Iterable[Route]) -> None:
    """The quota counts each family apart; a prefix list counts with all the entries it may ever have.

    Raises ApiError RouteLimitExceeded.
    """
    counts = {4: 0, 6: 0}
    for route in routes:
        if not is_local(route):
            counts[family_of(reader, route.destination)] += weight_of(reader, route.destination)
    for count in counts.values():
        check_quota(reader, count, ROUTES_PER_TABLE, "RouteLimitExceeded")


def weight_of(reader: Reader, destination: str) -> int:
    """What a block or prefix list counts against the quotas of route tables and security groups."""
    if not destination.startswith("pl-"):
        return 1
    return reader.get(PrefixList, destination).max_entries


def check_inside_vpc(reader: Reader, vpc_id: str, route: Route) -> None:
    """A route at least as specific as a local one intercepts traffic inside the VPC.

    It can lead to an interface or a NAT gateway, and only for exactly one subnet or a whole block of the VPC
    (VPC user guide, "Replace or restore the target for a local route").
    """
    block = _block(route)
    if block is None or not _within(block, reader.get(Vpc, vpc_id).all_blocks):
        return
    if route.target_kind not in ("local", "network_interface", "nat_gateway"):
        raise ApiError(
            "InvalidParameterValue",
            f"The destination CIDR block {block} is equal to or more specific than one of this VPC's CIDR"
            " blocks. This route can target only an interface or an instance.",
        )
    subnets = reader.referrers(Subnet, Ref("vpc", vpc_id))
    known = {*reader.get(Vpc, vpc_id).all_blocks, *(s.cidr_block for s in subnets)}
    if str(block) not in known | {s.ipv6_cidr_block for s in subnets}:
        raise ApiError("InvalidParameterValue", "Route destination doesn't match any subnet CIDR blocks.")


def check_for_gateway(reader: Reader, table: RouteTable, gateway_id: str) -> None:
    """A table for an internet gateway holds routes to interfaces or local, for blocks inside the VPC alone.

    (VPC user guide, "Gateway route tables": rules and considerations.)
    """
    blocks = reader.get(Vpc, table.vpc_id).all_blocks
    for route in table.routes:
        if route.target_kind not in ("local", "network_interface"):
            reason = f"has the unsupported target {route.target_id}"
        elif (block := _block(route)) is None:
            reason = "has a prefix list as its destination"
        elif not _within(block, blocks):
            reason = "leads outside of the VPC"
        else:
            continue
        raise ApiError(
            "InvalidParameterValue",
            f"Route table {table.id} cannot route for gateway {gateway_id}: the route"
            f" {route.destination} {reason}.",
        )


def _block(route: Route) -> Network | None:
    return None if route.destination.startswith("pl-") else ip_network(route.destination)


def _within(block: Network, outer: Iterable[str]) -> bool:
    for text in outer:
        other = ip_network(text)
        if other.version == block.version and block.subnet_of(other):  # type: ignore[arg-type]
            return True
    return False
