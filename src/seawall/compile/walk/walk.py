"""What becomes of a packet, and of its answer, by the model alone.

It shares no code with what compiles the model to kernel state, so that the two check each other.
"""

from collections.abc import Iterator

from msgspec.structs import replace

from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.compile.walk.cloud import Cloud, addresses
from seawall.compile.walk.endpoints import from_gateway_endpoint
from seawall.compile.walk.journey import Flow, Journey
from seawall.compile.walk.packet import Packet, RoundTrip, Walk
from seawall.compile.walk.places import OnInternet, Sent
from seawall.compile.walk.travel import travel


def walk(snapshot: NetworkSnapshot, packet: Packet, *, start: str | None) -> Walk:
    """The first packet of a new flow, from the interface `start`, or from the internet (None).

    Where a NAT gateway has several addresses it is one that does not arrive, if there is one.
    Raises LookupError when there is no such interface.
    """
    found = [walked for walked, _ in _walks(Cloud(snapshot), packet, start)]
    return next((walked for walked in found if walked.delivered_to is None), found[0])


def round_trip(snapshot: NetworkSnapshot, packet: Packet, *, start: str | None) -> RoundTrip:
    """A request and its answer; one that fails, if there is one, where NAT gateways have several addresses.

    Raises LookupError when there is no interface `start`.
    """
    trips = round_trips(snapshot, packet, start=start)
    return next((trip for trip in trips if not trip.connects), trips[0])


def round_trips(snapshot: NetworkSnapshot, packet: Packet, *, start: str | None) -> tuple[RoundTrip, ...]:
    """One for each choice of addresses by the NAT gateways on the way, which nobody can foretell: one in all
    where none has several.  Raises LookupError when there is no interface `start`."""
    cloud = Cloud(snapshot)
    return tuple(
        _there_and_back(cloud, walked, flow, start, packet) for walked, flow in _walks(cloud, packet, start)
    )


def _walks(cloud: Cloud, packet: Packet, start: str | None) -> Iterator[tuple[Walk, Flow]]:
    """The walk with everybody's first choice, then those with the other choices it comes upon."""
    waiting: list[dict[str, str]] = [{}]
    while waiting:
        given = waiting.pop()
        flow = Flow(choices=dict(given))
        yield _walk(cloud, packet, start, flow), flow
        decided = dict(given)
        for id, serving in flow.offered.items():
            if id not in given:
                waiting += [{**decided, id: other} for other in serving[1:]]
                decided[id] = serving[0]


def _there_and_back(cloud: Cloud, forward: Walk, flow: Flow, start: str | None, packet: Packet) -> RoundTrip:
    if forward.delivered_to is None:
        return RoundTrip(forward=forward, back=None, connects=False)
    to_itself = forward.delivered_to == start and not forward.hops
    if forward.delivered_to == "resolver":  # it answers whoever has the address
        own = addresses(cloud.standing[start]) if start else ()
        return RoundTrip(forward=forward, back=None, connects=packet.source in own)
    if to_itself:
        return RoundTrip(forward=forward, back=None, connects=True)
    back = _back(cloud, forward, flow)
    home = "internet" if start is None else start
    same = back.delivered_to == home and back.packet.source == packet.destination
    return RoundTrip(forward=forward, back=back, connects=same and back.packet.destination == packet.source)


def _walk(cloud: Cloud, packet: Packet, start: str | None, flow: Flow) -> Walk:
    journey = Journey(cloud, packet, flow, is_answer=False)
    if start is None:
        return _told(journey, travel(journey, OnInternet()))
    interface = cloud.standing.get(start)
    if interface is None:
        if not any(i.id == start for i in cloud.snapshot.network_interfaces):
            raise LookupError(f"there is no interface {start}")
        journey.refuse(
            "BAD_STATE", f"{start} is attached to nothing that works", "egress", network_interface=start
        )
        return _told(journey, None)
    if packet.destination in addresses(interface):
        return _told(journey, start)
    return _told(journey, travel(journey, Sent(interface)))


def _back(cloud: Cloud, forward: Walk, flow: Flow) -> Walk:
    packet = forward.packet.reply()
    place = forward.delivered_to or ""
    journey = Journey(cloud, packet, flow, is_answer=True)
    if place in cloud.standing:
        interface = cloud.standing[place]
        if packet.source not in addresses(interface):
            journey.refuse(
                "NO_POSSIBLE_DESTINATION",
                f"{packet.source} is no address of {place}: nothing answers",
                "ingress",
                network_interface=place,
            )
            return _told(journey, None)
        return _told(journey, travel(journey, Sent(interface)))
    if flow.served_by in cloud.endpoints:
        return _told(journey, travel(journey, from_gateway_endpoint(journey, flow.served_by or "")))
    if flow.served_by is not None:
        return _told(journey, travel(journey, Sent(cloud.standing[flow.served_by])))
    return _told(journey, travel(journey, OnInternet()))


def _told(journey: Journey, delivered_to: str | None) -> Walk:
    return Walk(
        hops=tuple(journey.hops),
        delivered_to=delivered_to,
        packet=replace(journey.packet),
        explanations=tuple(journey.explanations),
    )
