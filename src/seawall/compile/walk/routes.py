"""At a route table: where it sends the packet.  Source: VPC user guide, "Route tables"."""

from collections.abc import Callable

from seawall.compile.walk.doors import blackhole
from seawall.compile.walk.endpoints import to_gateway_endpoint
from seawall.compile.walk.interfaces import carries_others
from seawall.compile.walk.internet import to_egress_only, to_internet_gateway
from seawall.compile.walk.journey import Journey
from seawall.compile.walk.judges import route_decision
from seawall.compile.walk.peering import to_peer
from seawall.compile.walk.places import Origin, Place, Received, Routing, Within
from seawall.compile.walk.transit import to_transit
from seawall.model.route_table import Route, RouteTable


def follow(journey: Journey, place: Routing) -> Place | None:
    table, destination = place.table, journey.packet.destination
    found = route_decision(journey.cloud, table, destination, own=place.own)
    route = found.route
    if route is None:
        text = f"{table.id} has no route for {destination}"
        journey.refuse("NO_ROUTE_TO_DESTINATION", text, "egress", route_table=table.id)
        return None
    if route.target_kind == "local":
        journey.note("route_table", table.id, "forward", f"{table.id}: within the VPC", rule="local")
        return Within(place.origin)
    text = f"{table.id} sends {found.block} to {route.target_id}"
    journey.note("route_table", table.id, "forward", text, rule=route.destination)
    return _TARGETS[route.target_kind](journey, route, table, place.origin)


def _to_interface(journey: Journey, route: Route, table: RouteTable, origin: Origin) -> Place | None:
    interface = journey.cloud.standing.get(route.target_id)
    if interface is None or interface.vpc_id != origin.vpc_id:
        return blackhole(journey, route, table)
    if journey.packet.version == 6 and not interface.ipv6_addresses:
        text = f"{interface.id} has no IPv6 address, and behind it nothing hears IPv6"
        journey.refuse("NO_POSSIBLE_DESTINATION", text, "ingress", network_interface=interface.id)
        return None
    if not carries_others(interface):
        journey.refuse(
            "ENI_SOURCE_DEST_CHECK_RESTRICTION",
            f"{interface.id} checks destinations, and {journey.packet.destination} is not its own",
            "ingress",
            network_interface=interface.id,
        )
        return None
    return Received(interface, origin)


def _to_nat_gateway(journey: Journey, route: Route, table: RouteTable, origin: Origin) -> Place | None:
    found = (
        journey.cloud.standing.get(interface_id)
        for interface_id, nat in journey.cloud.nat_gateways.items()
        if nat.id == route.target_id and nat.vpc_id == origin.vpc_id
    )
    interface = next(found, None)
    if interface is None or journey.packet.version == 6:
        return blackhole(journey, route, table)
    return Received(interface, origin)


_TARGETS: dict[str, Callable[[Journey, Route, RouteTable, Origin], Place | None]] = {
    "network_interface": _to_interface,
    "nat_gateway": _to_nat_gateway,
    "vpc_peering_connection": to_peer,
    "transit_gateway": to_transit,
    "vpc_endpoint": to_gateway_endpoint,
    "internet_gateway": to_internet_gateway,
    "egress_only_internet_gateway": to_egress_only,
}
