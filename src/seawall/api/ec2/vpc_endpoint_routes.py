"""The routes of a gateway endpoint: one in each of its tables, to its service's prefix list."""

from collections.abc import Sequence

from msgspec.structs import replace

from seawall.api.ec2.lookup import look_up
from seawall.api.ec2.prefix_list_aws import put_aws_prefix_lists, service_prefix_list
from seawall.api.ec2.route_rules import check_route_count
from seawall.model.route_table import Route, RouteTable
from seawall.model.vpc_endpoint import VpcEndpoint
from seawall.store.store import Reader, Transaction
from seawall.wire.errors import ApiError


def tables_of(reader: Reader, endpoint: VpcEndpoint) -> list[RouteTable]:
    """The tables that have its route."""
    return reader.referrers(RouteTable, endpoint.ref)


def add_routes(txn: Transaction, endpoint: VpcEndpoint, table_ids: Sequence[str], region: str) -> None:
    """Raises ApiError: RouteAlreadyExists, RouteLimitExceeded, and those of looking a table up."""
    put_aws_prefix_lists(txn, region)
    prefix_list = service_prefix_list(txn, endpoint.service_name)
    assert prefix_list is not None  # every service with gateway endpoints has one
    for table in [look_up(txn, RouteTable, id) for id in dict.fromkeys(table_ids)]:
        if table.vpc_id != endpoint.vpc_id:
            raise ApiError(
                "InvalidParameterValue",
                f"route table {table.id} and network {endpoint.vpc_id} belong to different networks",
            )
        if any(route.destination == prefix_list.id for route in table.routes):
            raise ApiError(
                "RouteAlreadyExists",
                f"route table {table.id} already has a route with destination-prefix-list-id"
                f" {prefix_list.id}",
            )
        route = Route(destination=prefix_list.id, target_kind="vpc_endpoint", target_id=endpoint.id)
        routes = (*table.routes, route)
        check_route_count(txn, routes)
        txn.put(replace(table, routes=routes))


def remove_routes(txn: Transaction, endpoint: VpcEndpoint, table_ids: Sequence[str]) -> None:
    """From those tables; what is not there need not be removed."""
    for table in [look_up(txn, RouteTable, id) for id in dict.fromkeys(table_ids)]:
        txn.put(replace(table, routes=tuple(r for r in table.routes if r.target_id != endpoint.id)))
