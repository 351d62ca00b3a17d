"""Routes: create, replace, delete."""

from typing import Any

from msgspec.structs import replace

from seawall.api.ec2.cidr import parse_block
from seawall.api.ec2.lookup import look_up, required
from seawall.api.ec2.quotas import ROUTES_PER_TABLE, check_quota
from seawall.api.ec2.refusal import not_served
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.internet_gateway import InternetGateway
from seawall.model.nat_gateway import NatGateway
from seawall.model.network_interface import NetworkInterface
from seawall.model.route_table import Route, RouteTable
from seawall.store.store import Transaction
from seawall.wire.errors import ApiError

_TARGETS = ("GatewayId", "NatGatewayId", "NetworkInterfaceId")
_NOT_SERVED = {
    "DestinationIpv6CidrBlock": "IPv6 is not served yet",
    "DestinationPrefixListId": "there are no prefix lists",
    "VpcEndpointId": "there are no endpoints",
    "InstanceId": "there are no EC2 instances",
    "TransitGatewayId": "there are no transit gateways",
    "VpcPeeringConnectionId": "there is no peering",
    "EgressOnlyInternetGatewayId": "IPv6 is not served yet",
    "LocalGatewayId": "there are no Outposts",
    "CarrierGatewayId": "there are no Wavelength zones",
    "CoreNetworkArn": "there is no Cloud WAN",
}


@operation("ec2", "CreateRoute", refused=_NOT_SERVED)
def create_route(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        table, destination = _table_and_destination(txn, params)
        route = _route(txn, params, table, destination)
        present = _find(table, destination)
        if present == route:
            return {"Return": True}  # EC2 accepts the very same route again
        if present is not None:
            raise ApiError("RouteAlreadyExists", f"The route identified by {destination} already exists.")
        own = sum(1 for other in table.routes if other.target_kind != "local")
        check_quota(own + 1, ROUTES_PER_TABLE, "RouteLimitExceeded")
        txn.put(replace(table, routes=(*table.routes, route)))
    return {"Return": True}


@operation(
    "ec2",
    "ReplaceRoute",
    refused=_NOT_SERVED | {"LocalTarget": "the local route cannot be pointed elsewhere, so not back either"},
)
def replace_route(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        table, destination = _table_and_destination(txn, params)
        present = _find(table, destination)
        if present is None:
            raise ApiError(
                "InvalidParameterValue",
                f"There is no route defined for '{destination}' in the route table. Use CreateRoute instead.",
            )
        if present.target_kind == "local":
            raise ApiError(
                "InvalidParameterValue", f"cannot replace local route {destination} in route table {table.id}"
            )
        route = _route(txn, params, table, destination)
        txn.put(replace(table, routes=tuple(route if r is present else r for r in table.routes)))
    return {}


@operation("ec2", "DeleteRoute", refused=_NOT_SERVED)
def delete_route(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        table, destination = _table_and_destination(txn, params)
        present = _find(table, destination)
        if present is None:
            raise ApiError(
                "InvalidRoute.NotFound",
                f"no route with destination-cidr-block {destination} in route table {table.id}",
            )
        if present.target_kind == "local":
            raise ApiError(
                "InvalidParameterValue", f"cannot remove local route {destination} in route table {table.id}"
            )
        txn.put(replace(table, routes=tuple(r for r in table.routes if r is not present)))
    return {}


def _table_and_destination(txn: Transaction, params: Params) -> tuple[RouteTable, str]:
    for member in _NOT_SERVED:
        if params.get(member):
            not_served(member)
    table = look_up(txn, RouteTable, required(params.get("RouteTableId"), "routeTableId"))
    destination = required(params.get("DestinationCidrBlock"), "destinationCidrBlock")
    return table, str(parse_block(destination, "destinationCidrBlock"))


def _find(table: RouteTable, destination: str) -> Route | None:
    return next((r for r in table.routes if r.destination == destination), None)


def _route(txn: Transaction, params: Params, table: RouteTable, destination: str) -> Route:
    """The route that the request describes, its one target looked up and of the same VPC."""
    given = {member: params.get(member) for member in _TARGETS if params.get(member)}
    if not given:
        raise ApiError(
            "InvalidParameterCombination",
            "The parameters gatewayId, natGatewayId, networkInterfaceId are all empty:"
            " exactly one target is needed.",
        )
    if len(given) > 1:
        names = ", ".join(sorted(name[0].lower() + name[1:] for name in given))
        raise ApiError("InvalidParameterCombination", f"The parameters {names} cannot be used together")
    ((member, id),) = given.items()
    assert id is not None
    if member == "GatewayId":
        return _to_internet_gateway(txn, table, destination, id)
    if member == "NatGatewayId":
        return _to_nat_gateway(txn, table, destination, id)
    interface = look_up(txn, NetworkInterface, id)
    if interface.vpc_id != table.vpc_id:
        raise ApiError(
            "InvalidParameterValue",
            f"route table {table.id} and interface {interface.id} belong to different networks",
        )
    return Route(destination=destination, target_kind="network_interface", target_id=interface.id)


def _to_internet_gateway(txn: Transaction, table: RouteTable, destination: str, id: str) -> Route:
    if id == "local":
        raise ApiError(
            "InvalidParameterValue", f"cannot create a local route {destination} in route table {table.id}"
        )
    gateway = look_up(txn, InternetGateway, id)
    if gateway.vpc_id != table.vpc_id:
        raise ApiError(
            "InvalidParameterValue",
            f"route table {table.id} and network gateway {gateway.id} belong to different networks",
        )
    return Route(destination=destination, target_kind="internet_gateway", target_id=gateway.id)


def _to_nat_gateway(txn: Transaction, table: RouteTable, destination: str, id: str) -> Route:
    nat = txn.find(NatGateway, id)
    if nat is None or nat.state in ("deleted", "failed"):
        raise ApiError("InvalidNatGatewayID.NotFound", f"The natGateway ID '{id}' does not exist")
    if nat.vpc_id != table.vpc_id:
        raise ApiError(
            "InvalidParameterValue",
            f"route table {table.id} and NAT gateway {nat.id} belong to different networks",
        )
    return Route(destination=destination, target_kind="nat_gateway", target_id=nat.id)
