"""Static routes of transit gateways, and the search through all routes of a table."""

from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

from msgspec.structs import replace

from seawall.api.ec2.cidr import parse_block, parse_ipv6_block
from seawall.api.ec2.describe import Filters, filtered, paged
from seawall.api.ec2.quotas import ROUTES_PER_TRANSIT_GATEWAY, check_count
from seawall.api.ec2.transit_gateway import named
from seawall.api.ec2.transit_gateway_route_table import attachment_of, named_table
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.resource import Ref
from seawall.model.transit_gateway import (
    TransitGatewayAttachment,
    TransitGatewayRoute,
    TransitGatewayRouteTable,
)
from seawall.model.transit_routes import TransitRoute, transit_routes
from seawall.model.vpc import Vpc
from seawall.store.store import Reader, Transaction
from seawall.wire.errors import ApiError

MOST_FOUND = 1000


@operation("ec2", "CreateTransitGatewayRoute")
def create_transit_gateway_route(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        table = named_table(txn, params)
        destination = _destination(params)
        if _find(table, destination) is not None:
            raise ApiError(
                "RouteAlreadyExists",
                f"Route {destination} already exists in Transit Gateway Route Table {table.id}.",
            )
        return {"Route": _write(txn, table, destination, params)}


@operation("ec2", "ReplaceTransitGatewayRoute")
def replace_transit_gateway_route(call: Call, params: Params) -> dict[str, Any]:
    """EC2 makes the route where there is none."""
    with call.write() as txn:
        table = named_table(txn, params)
        return {"Route": _write(txn, table, _destination(params), params)}


@operation("ec2", "DeleteTransitGatewayRoute")
def delete_transit_gateway_route(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        table = named_table(txn, params)
        destination = _destination(params)
        present = _find(table, destination)
        if present is None:
            raise ApiError(
                "InvalidRoute.NotFound",
                f"The route {destination} does not exist in Transit Gateway Route Table {table.id}.",
            )
        txn.put(replace(table, routes=tuple(r for r in table.routes if r is not present)))
    return {"Route": {"DestinationCidrBlock": destination, "Type": "static", "State": "deleted"}}


@operation("ec2", "SearchTransitGatewayRoutes")
def search_transit_gateway_routes(call: Call, params: Params) -> dict[str, Any]:
    routes: Sequence[TransitRoute] = _routes(call.store, named_table(call.store, params))
    filters: dict[str, Callable[[TransitRoute], Any]] = {
        "attachment.resource-id": lambda r: r.attachment.vpc_id if r.attachment else None,
        "attachment.resource-type": lambda r: "vpc" if r.attachment else None,
        "attachment.transit-gateway-attachment-id": lambda r: r.attachment.id if r.attachment else None,
        "prefix-list-id": lambda r: None,
        "state": _state,
        "type": lambda r: r.type,
    }
    for given in params.get("Filters") or ():
        search = _SEARCHES.get(given.get("Name") or "")
        if search is not None:
            filters[given["Name"]] = search(routes, given.get("Values") or ())
    typed: Filters[TransitRoute] = filters
    found = {_key(route): route for route in filtered(params, routes, typed)}
    page, token = paged(params, sorted(found), lambda key: key)
    page, token = _at_most(page, token, params)
    shown: dict[str, Any] = {
        "Routes": [_shown(found[key]) for key in page],
        "AdditionalRoutesAvailable": token is not None,
    }
    return shown | ({"NextToken": token} if token else {})


def _at_most(page: list[str], token: str | None, params: Params) -> tuple[list[str], str | None]:
    """Without MaxResults the search tells the first thousand."""
    if params.get("MaxResults") is not None or len(page) <= MOST_FOUND:
        return page, token
    return paged(Params({"MaxResults": MOST_FOUND}), page, lambda key: key)


def _destination(params: Params) -> str:
    text = named(params.get("DestinationCidrBlock"), "DestinationCidrBlock")
    if ":" in text:
        return str(parse_ipv6_block(text, "destinationCidrBlock"))
    return str(parse_block(text, "destinationCidrBlock"))


def _find(table: TransitGatewayRouteTable, destination: str) -> TransitGatewayRoute | None:
    return next((r for r in table.routes if r.destination == destination), None)


def _write(
    txn: Transaction, table: TransitGatewayRouteTable, destination: str, params: Params
) -> dict[str, Any]:
    attachment_id, blackhole = params.get("TransitGatewayAttachmentId"), params.get("Blackhole")
    if blackhole and attachment_id:
        raise ApiError(
            "InvalidParameterCombination",
            "The parameters Blackhole and TransitGatewayAttachmentId cannot be used together",
        )
    attachment = None
    if not blackhole:
        attachment = attachment_of(txn, table, named(attachment_id, "TransitGatewayAttachmentId"))
    route = TransitGatewayRoute(destination=destination, attachment_id=attachment.id if attachment else None)
    others = tuple(r for r in table.routes if r.destination != destination)
    gateway = Ref("transit_gateway", table.transit_gateway_id)
    tables = [t for t in txn.referrers(TransitGatewayRouteTable, gateway) if t.id != table.id]
    count = len(others) + 1 + sum(len(t.routes) for t in tables)
    check_count(count, ROUTES_PER_TRANSIT_GATEWAY, "TransitGatewayRouteLimitExceeded")
    txn.put(replace(table, routes=(*others, route)))
    return _shown(TransitRoute(destination=destination, attachment=attachment, type="static"))


def _routes(reader: Reader, table: TransitGatewayRouteTable) -> tuple[TransitRoute, ...]:
    attachments = {a.id: a for a in reader.all(TransitGatewayAttachment)}
    return transit_routes(table, attachments, {vpc.id: vpc for vpc in reader.all(Vpc)})


def _state(route: TransitRoute) -> str:
    return "active" if route.attachment else "blackhole"


def _key(route: TransitRoute) -> str:
    """In the order of addresses."""
    block = ip_network(route.destination)
    return f"{block.version} {int(block.network_address):032x} {block.prefixlen:03}"


def _shown(route: TransitRoute) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "DestinationCidrBlock": route.destination,
        "Type": route.type,
        "State": _state(route),
    }
    if route.attachment:
        shown["TransitGatewayAttachments"] = [
            {
                "ResourceId": route.attachment.vpc_id,
                "TransitGatewayAttachmentId": route.attachment.id,
                "ResourceType": "vpc",
            }
        ]
    return shown


Found = Callable[[TransitRoute], Iterable[str]]


def _exact(routes: Sequence[TransitRoute], wanted: Sequence[str]) -> Found:
    return _by(wanted, lambda block, value: block == value)


def _subnet_of(routes: Sequence[TransitRoute], wanted: Sequence[str]) -> Found:
    return _by(wanted, lambda block, value: _within(block, value))


def _supernet_of(routes: Sequence[TransitRoute], wanted: Sequence[str]) -> Found:
    return _by(wanted, lambda block, value: _within(value, block))


def _longest_prefix(routes: Sequence[TransitRoute], wanted: Sequence[str]) -> Found:
    """The one route that a packet to each of the addresses takes."""
    best: dict[str, list[str]] = {}
    for text in wanted:
        try:
            address = ip_address(text)
        except ValueError as error:
            raise ApiError("InvalidParameterValue", f"The value '{text}' is no IP address.") from error
        covering = [ip_network(r.destination) for r in routes if address in ip_network(r.destination)]
        if covering:
            best.setdefault(str(max(covering, key=lambda block: block.prefixlen)), []).append(text)
    return lambda route: best.get(route.destination, ())


_SEARCHES: dict[str, Callable[[Sequence[TransitRoute], Sequence[str]], Found]] = {
    "route-search.exact-match": _exact,
    "route-search.longest-prefix-match": _longest_prefix,
    "route-search.subnet-of-match": _subnet_of,
    "route-search.supernet-of-match": _supernet_of,
}

Network = IPv4Network | IPv6Network


def _by(wanted: Sequence[str], matches: Callable[[Network, Network], bool]) -> Found:
    """Each value that matches a route is one of the route's values, for `filtered` to find."""
    values = {text: _network(text) for text in wanted}
    return lambda route: [t for t, value in values.items() if matches(ip_network(route.destination), value)]


def _network(text: str) -> Network:
    return parse_ipv6_block(text, "filter") if ":" in text else parse_block(text, "filter")


def _within(inner: Network, outer: Network) -> bool:
    return inner.version == outer.version and inner.subnet_of(outer)  # type: ignore[arg-type]
