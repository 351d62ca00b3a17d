"""Reachability Analyzer: a path's question put to `round_trips`, the answer in the shapes of the EC2 API."""

from collections.abc import Iterator, Sequence
from itertools import islice

import msgspec

from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.compile.walk.packet import Explanation, Packet, RoundTrip, Walk
from seawall.compile.walk.path_ends import THOROUGHFARES, Ends, NoPublicAddress, path_ends
from seawall.compile.walk.path_shapes import PathShapes
from seawall.compile.walk.walk import round_trips
from seawall.model.network_insights import NetworkInsightsPath, PathFilter
from seawall.model.resource import Document

SOURCE_PORT = 49_152  # of a sender that may have any
USUAL_PORTS = (443, 80)
MOST_PORTS = 64  # that are tried where the path names none
MOST_TRIALS = 256
_ANY_PORT = (0, 65535)
_CHOSEN_PORTS = (1024, 65535)  # by a NAT gateway


class Reachability(msgspec.Struct, frozen=True, kw_only=True):
    """The lists hold PathComponent and Explanation structures of the EC2 API."""

    found: bool
    forward: tuple[Document, ...] = ()
    back: tuple[Document, ...] = ()
    explanations: tuple[Document, ...] = ()


def analyse(
    snapshot: NetworkSnapshot, path: NetworkInsightsPath, *, through: Sequence[str] = ()
) -> Reachability:
    """Whether a packet of the path gets through, and its answer back.

    Where something is open (a port, who sends through a peering connection, which of its addresses a NAT
    gateway takes), the first way that is found will do.  A path to a peering connection or transit gateway
    ends there: nothing answers.
    through   ARNs that must be on the way
    Raises LookupError when an end of the path is not there (any more).
    """
    shapes = PathShapes(snapshot)
    wanted = {path.source, path.destination, *(arn.rpartition("/")[2] for arn in through)} - {None}
    astray: RoundTrip | None = None
    try:
        for ends, port in islice(_questions(snapshot, path), MOST_TRIALS):
            sent = _packet(path, ends, port)
            for trip in round_trips(snapshot, sent, start=ends.start):
                if _holds(path, trip) and wanted <= shapes.passed(trip.forward):
                    return _found(path, trip, sent, shapes)
                if astray is None or path.source not in shapes.passed(astray.forward):
                    astray = trip
    except NoPublicAddress:
        return Reachability(found=False, explanations=(shapes.explanation(_unspoken(path)),))
    return Reachability(found=False, explanations=tuple(_why_not(path, astray, shapes)))


def _questions(snapshot: NetworkSnapshot, path: NetworkInsightsPath) -> Iterator[tuple[Ends, int]]:
    ports = _ports(snapshot, path)
    for ends in path_ends(snapshot, path):
        for port in ports:
            yield ends, port


def _holds(path: NetworkInsightsPath, trip: RoundTrip) -> bool:
    """Whether it gets through, looking as it must where it arrives."""
    if _passes_on(path.destination):
        return True
    return trip.connects and _fits(path.filter_at_destination, trip.forward)


def _passes_on(id: str | None) -> bool:
    return id is not None and id.startswith(THOROUGHFARES)


def _fits(given: PathFilter | None, walked: Walk) -> bool:
    if given is None:
        return True
    packet = walked.packet
    translated = any(hop.kind == "nat_gateway" for hop in walked.hops)
    first, last = _CHOSEN_PORTS if translated else (packet.source_port, packet.source_port)
    source_ports = given.source_port_range or _ANY_PORT
    ports = given.destination_port_range or _ANY_PORT
    return (
        given.source_address in (None, packet.source)
        and given.destination_address in (None, packet.destination)
        and first <= source_ports[1]
        and source_ports[0] <= last
        and ports[0] <= packet.destination_port <= ports[1]
    )


def _found(path: NetworkInsightsPath, trip: RoundTrip, sent: Packet, shapes: PathShapes) -> Reachability:
    first = path.source if _passes_on(path.source) else None
    if _passes_on(path.destination):
        forward = shapes.components(trip.forward, sent, first=first, last=path.destination)
        return Reachability(found=True, forward=forward)
    back = shapes.components(trip.back, trip.forward.packet.reply(), last=first) if trip.back else ()
    return Reachability(found=True, forward=shapes.components(trip.forward, sent, first=first), back=back)


def _why_not(path: NetworkInsightsPath, trip: RoundTrip | None, shapes: PathShapes) -> Iterator[Document]:
    walks = [walked for walked in (trip.forward, trip.back) if walked] if trip else []
    found = [explanation for walked in walks for explanation in walked.explanations]
    if not found:
        named = {"destination": path.destination} if path.destination else {}
        nowhere = Packet(protocol=path.protocol, source="", destination="")
        found = [
            Explanation(
                code="NO_POSSIBLE_DESTINATION",
                text="the way leads elsewhere",
                direction="egress",
                components=named,
                packet=nowhere,
            )
        ]
    yield from map(shapes.explanation, found)


def _unspoken(path: NetworkInsightsPath) -> Explanation:
    return Explanation(
        code="IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS",
        text=f"{path.destination} has no public address",
        direction="ingress",
        components={"internet_gateway": path.source, "network_interface": path.destination or ""},
        packet=Packet(protocol=path.protocol, source="", destination=""),
    )


def _ports(snapshot: NetworkSnapshot, path: NetworkInsightsPath) -> list[int]:
    """The ports to try, in this order: the one that is named, else where some rule begins."""
    if path.destination_port is not None:
        return [path.destination_port]
    filters = (path.filter_at_source, path.filter_at_destination)
    ranges = [f.destination_port_range for f in filters if f and f.destination_port_range] or [_ANY_PORT]
    first, last = max(r[0] for r in ranges), min(r[1] for r in ranges)
    begin = {r.from_port for r in snapshot.security_group_rules if r.protocol == path.protocol}
    begin |= {e.from_port for acl in snapshot.network_acls for e in acl.entries}
    wanted = [*USUAL_PORTS, first, *sorted(port for port in begin if port is not None)]
    return [port for port in dict.fromkeys(wanted) if first <= port <= last][:MOST_PORTS]


def _packet(path: NetworkInsightsPath, ends: Ends, port: int) -> Packet:
    given = path.filter_at_source.source_port_range if path.filter_at_source else None
    if given is None and path.filter_at_destination:
        given = path.filter_at_destination.source_port_range  # where nothing translates it on the way
    return Packet(
        protocol=path.protocol,
        source=ends.source,
        destination=ends.destination,
        source_port=given[0] if given else SOURCE_PORT,
        destination_port=port,
    )
