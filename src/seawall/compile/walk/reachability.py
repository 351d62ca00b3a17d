"""Reachability Analyzer: a path's question put to `round_trip`, the answer in the shapes of the EC2 API."""

from collections.abc import Iterator
from ipaddress import ip_network
from typing import NamedTuple

import msgspec

from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.compile.walk.packet import Explanation, Packet, RoundTrip
from seawall.compile.walk.path_shapes import PathShapes
from seawall.compile.walk.walk import round_trip
from seawall.model.internet import CLIENT_ADDRESS, CLIENT_IPV6_ADDRESS
from seawall.model.network_insights import NetworkInsightsPath
from seawall.model.network_interface import NetworkInterface
from seawall.model.resource import Document

SOURCE_PORT = 49_152  # of a sender that may have any
USUAL_PORTS = (443, 80)
MOST_PORTS = 64  # that are tried where the path names none


class Reachability(msgspec.Struct, frozen=True, kw_only=True):
    """The lists hold PathComponent and Explanation structures of the EC2 API."""

    found: bool
    forward: tuple[Document, ...] = ()
    back: tuple[Document, ...] = ()
    explanations: tuple[Document, ...] = ()


class Ends(NamedTuple):
    """`start` as for `round_trip`."""

    start: str | None
    source: str
    destination: str


def analyse(snapshot: NetworkSnapshot, path: NetworkInsightsPath) -> Reachability:
    """Whether a packet of the path, and its answer, get through.

    Where the path leaves the port open, any port that gets through will do.
    Raises LookupError when an end of the path is not there (any more).
    """
    shapes = PathShapes(snapshot)
    ends = _ends(snapshot, path)
    if isinstance(ends, Explanation):
        return Reachability(found=False, explanations=(shapes.explanation(ends),))
    trips = []
    for port in _ports(snapshot, path, ends):
        trip = round_trip(snapshot, _packet(path, ends, port), start=ends.start)
        if trip.connects and _touches(path, trip):
            back = shapes.components(trip.back, trip.forward.packet.reply()) if trip.back else ()
            first = _packet(path, ends, port)
            return Reachability(found=True, forward=shapes.components(trip.forward, first), back=back)
        trips.append(trip)
    return Reachability(found=False, explanations=tuple(_why_not(path, trips[0], shapes)))


def _why_not(path: NetworkInsightsPath, trip: RoundTrip, shapes: PathShapes) -> Iterator[Document]:
    walks = (trip.forward, trip.back) if trip.back else (trip.forward,)
    found = [explanation for walked in walks for explanation in walked.explanations]
    for explanation in found:
        yield shapes.explanation(explanation)
    if not found:
        named = {"destination": path.destination} if path.destination else {}
        yield shapes.explanation(
            Explanation(
                code="NO_POSSIBLE_DESTINATION",
                text="the way leads elsewhere",
                direction="egress",
                components=named,
                packet=trip.forward.packet,
            )
        )


def _touches(path: NetworkInsightsPath, trip: RoundTrip) -> bool:
    """Whether the way leads past both ends: a gateway's name alone says nothing about addresses."""
    passed = {hop.id for hop in trip.forward.hops}
    return path.source in passed and (path.destination is None or path.destination in passed)


def _ends(snapshot: NetworkSnapshot, path: NetworkInsightsPath) -> Ends | Explanation:
    given = path.filter_at_source
    wanted = path.destination_ip or (given.destination_address if given else None)
    own = path.source_ip or (given.source_address if given else None)
    six = ":" in (wanted or own or "")
    outside = path.source.startswith("igw-")
    _check_gateway(snapshot, path.source if outside else None)
    source = None if outside else _interface(snapshot, path.source)
    if own is None:
        own = _private(source, six=six) if source else (CLIENT_IPV6_ADDRESS if six else CLIENT_ADDRESS)
    destination = wanted or _address_of(snapshot, path.destination or "", outside=outside, six=six)
    if destination is None:
        return Explanation(
            code="IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS",
            text=f"{path.destination} has no public address",
            direction="ingress",
            components={"internet_gateway": path.source, "network_interface": path.destination or ""},
            packet=Packet(protocol=path.protocol, source=own, destination=""),
        )
    return Ends(source.id if source else None, own, destination)


def _address_of(snapshot: NetworkSnapshot, id: str, *, outside: bool, six: bool) -> str | None:
    """Where a resource is spoken to.  None: from outside there is no way to speak to it."""
    if id.startswith("igw-"):
        _check_gateway(snapshot, id)
        return CLIENT_IPV6_ADDRESS if six else CLIENT_ADDRESS
    if id.startswith("vpce-"):
        endpoint = next((e for e in snapshot.vpc_endpoints if e.id == id), None)
        if endpoint is None:
            raise LookupError(f"{id} does not exist")
        if not endpoint.network_interface_ids:
            return _first_address(snapshot, endpoint.service_name)
        return _interface(snapshot, endpoint.network_interface_ids[0]).private_ip_address
    interface = _interface(snapshot, id)
    if not outside or six:
        return _private(interface, six=six)
    return interface.public_addresses.get(interface.private_ip_address) or next(
        (e.public_ip for e in snapshot.elastic_ips if e.network_interface_id == id), None
    )


def _first_address(snapshot: NetworkSnapshot, service_name: str) -> str:
    """An address out of the prefix list of a gateway endpoint's service: one that a service has, if any."""
    blocks = [
        ip_network(entry.cidr)
        for listed in snapshot.prefix_lists
        if listed.name == service_name
        for entry in listed.entries
    ]
    for address in snapshot.services.values():
        if any(ip_network(address).subnet_of(block) for block in blocks if block.version == 4):  # type: ignore[arg-type]
            return address
    if not blocks:
        raise LookupError(f"{service_name} has no addresses")
    return str(blocks[0][10])


def _private(interface: NetworkInterface, *, six: bool) -> str:
    if not six:
        return interface.private_ip_address
    if not interface.ipv6_addresses:
        raise LookupError(f"{interface.id} has no IPv6 address")
    return interface.ipv6_addresses[0]


def _interface(snapshot: NetworkSnapshot, id: str) -> NetworkInterface:
    found = next((i for i in snapshot.network_interfaces if i.id == id), None)
    if found is None:
        raise LookupError(f"{id} does not exist")
    return found


def _check_gateway(snapshot: NetworkSnapshot, id: str | None) -> None:
    if id is not None and not any(gateway.id == id for gateway in snapshot.internet_gateways):
        raise LookupError(f"{id} does not exist")


def _ports(snapshot: NetworkSnapshot, path: NetworkInsightsPath, ends: Ends) -> list[int]:
    """The ports to try, in this order: the one that is named, else where some rule begins."""
    if path.destination_port is not None:
        return [path.destination_port]
    given = path.filter_at_source.destination_port_range if path.filter_at_source else None
    first, last = given or (0, 65535)
    begin = {r.from_port for r in snapshot.security_group_rules if r.protocol == path.protocol}
    begin |= {e.from_port for acl in snapshot.network_acls for e in acl.entries}
    wanted = [*USUAL_PORTS, first, *sorted(port for port in begin if port is not None)]
    return [port for port in dict.fromkeys(wanted) if first <= port <= last][:MOST_PORTS]


def _packet(path: NetworkInsightsPath, ends: Ends, port: int) -> Packet:
    given = path.filter_at_source.source_port_range if path.filter_at_source else None
    return Packet(
        protocol=path.protocol,
        source=ends.source,
        destination=ends.destination,
        source_port=given[0] if given else SOURCE_PORT,
        destination_port=port,
    )
