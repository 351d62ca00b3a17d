"""Routes: create, replace, delete."""

from typing import Any

from msgspec.structs import replace

from seawall.api.ec2.cidr import parse_block, parse_ipv6_block
from seawall.api.ec2.lookup import look_up, required
from seawall.api.ec2.route_rules import check_for_gateway, check_inside_vpc, check_route_count, is_local
from seawall.api.ec2.route_target import NOT_SERVED, target_of
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.prefix_list import PrefixList
from seawall.model.route_table import Route, RouteTable
from seawall.store.store import Transaction
from seawall.wire.errors import ApiError

_REFUSED = NOT_SERVED | {"NatGatewayId": "with an IPv6 destination: there is no NAT64"}
_DESTINATIONS = {
    "DestinationCidrBlock": "destination-cidr-block",
    "DestinationIpv6CidrBlock": "destination-ipv6-cidr-block",
    "DestinationPrefixListId": "destination-prefix-list-id",
}


@operation("ec2", "CreateRoute", refused=_REFUSED)
def create_route(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        table, destination = _table_and_destination(txn, params)
        kind, id = target_of(txn, params, table, destination)
        route = Route(destination=destination, target_kind=kind, target_id=id)
        check_inside_vpc(txn, table.vpc_id, route)
        present = _find(table, destination)
        if present == route:
            return {"Return": True}  # EC2 accepts the very same route again
        if present is not None:
            raise ApiError("RouteAlreadyExists", f"The route identified by {destination} already exists.")
        _put(txn, replace(table, routes=(*table.routes, route)))
    return {"Return": True}


@operation("ec2", "ReplaceRoute", refused=_REFUSED)
def replace_route(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        table, destination = _table_and_destination(txn, params)
        present = _find(table, destination)
        if present is None:
            raise ApiError(
                "InvalidParameterValue",
                f"There is no route defined for '{destination}' in the route table. Use CreateRoute instead.",
            )
        _refuse_endpoint(present, table, "replace")
        if params.get("LocalTarget"):
            route = _restored(present)
        else:
            kind, id = target_of(txn, params, table, destination)
            route = replace(present, target_kind=kind, target_id=id)
        check_inside_vpc(txn, table.vpc_id, route)
        _put(txn, replace(table, routes=tuple(route if r is present else r for r in table.routes)))
    return {}


@operation("ec2", "DeleteRoute")
def delete_route(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        table, destination = _table_and_destination(txn, params)
        present = _find(table, destination)
        if present is None:
            (member,) = (member for member in _DESTINATIONS if params.get(member))
            raise ApiError(
                "InvalidRoute.NotFound",
                f"no route with {_DESTINATIONS[member]} {destination} in route table {table.id}",
            )
        _refuse_endpoint(present, table, "remove")
        if is_local(present):
            raise ApiError(
                "InvalidParameterValue", f"cannot remove local route {destination} in route table {table.id}"
            )
        txn.put(replace(table, routes=tuple(r for r in table.routes if r is not present)))
    return {}


def _table_and_destination(txn: Transaction, params: Params) -> tuple[RouteTable, str]:
    table = look_up(txn, RouteTable, required(params.get("RouteTableId"), "routeTableId"))
    given = {member: params.get(member) for member in _DESTINATIONS if params.get(member)}
    if len(given) > 1:
        names = ", ".join(sorted(member[0].lower() + member[1:] for member in given))
        raise ApiError("InvalidParameterCombination", f"The parameters {names} cannot be used together")
    if "DestinationPrefixListId" in given:
        return table, look_up(txn, PrefixList, str(given["DestinationPrefixListId"])).id
    if "DestinationIpv6CidrBlock" in given:
        block = parse_ipv6_block(str(given["DestinationIpv6CidrBlock"]), "destinationIpv6CidrBlock")
        return table, str(block)
    destination = required(given.get("DestinationCidrBlock"), "destinationCidrBlock")
    return table, str(parse_block(destination, "destinationCidrBlock"))


def _find(table: RouteTable, destination: str) -> Route | None:
    return next((r for r in table.routes if r.destination == destination), None)


def _restored(route: Route) -> Route:
    """The local route as it was born."""
    if not is_local(route):
        raise ApiError(
            "InvalidParameterValue", f"The route {route.destination} is no local route of its table."
        )
    return replace(route, target_kind="local", target_id="local")


def _refuse_endpoint(route: Route, table: RouteTable, verb: str) -> None:
    """Routes to gateway endpoints come and go with the endpoint's association."""
    if route.target_kind == "vpc_endpoint":
        raise ApiError(
            "InvalidParameterValue",
            f"cannot {verb} VPC endpoint route {route.destination} in route table {table.id}",
        )


def _put(txn: Transaction, table: RouteTable) -> None:
    """Write the table if its quota and its gateways allow it."""
    check_route_count(txn, table.routes)
    for association in table.associations:
        if association.gateway_id:
            check_for_gateway(txn, table, association.gateway_id)
    txn.put(table)
