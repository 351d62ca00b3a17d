"""Whether two places can talk, why not, and the fewest changes that would let them."""

from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.compile.walk.change import Change
from seawall.compile.walk.cloud import Cloud
from seawall.compile.walk.packet import Explanation, Hop, Packet, RoundTrip
from seawall.compile.walk.private_names import private_name_changes, unused_endpoint
from seawall.compile.walk.repair import candidates
from seawall.compile.walk.walk import round_trip, round_trips
from seawall.model.vpc_endpoint import VpcEndpoint

MOST_CHANGES = 5
MOST_TRIALS = 300


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """cause     the first thing in the way; None where they can talk
    answering    it is the answer that does not come back
    commands     what makes it work, pasted in this order; empty where nothing is known to
    allowed_by   ids of the rules that let the request through
    sometimes    it does work when a NAT gateway on the way happens to take another of its addresses
    """

    trip: RoundTrip
    cause: Explanation | None
    answering: bool
    commands: tuple[str, ...]
    allowed_by: tuple[str, ...]
    sometimes: bool = False


class Name(msgspec.Struct, frozen=True, kw_only=True):
    """What the destination was called, and how a snapshot's resolver for the sender understands it."""

    text: str
    meaning: Callable[[NetworkSnapshot], str]


def explain(
    snapshot: NetworkSnapshot, packet: Packet, *, start: str | None, name: Name | None = None
) -> Answer:
    """Raises LookupError when there is no interface `start`.

    Costs one walk where they can talk; up to MOST_TRIALS more where a fix is looked for.
    name    for a destination that was named: a change may then be to what the name means
    """
    trips = round_trips(snapshot, packet, start=start)
    trip = next((trip for trip in trips if not trip.connects), trips[0])
    cause, answering = _cause(trip)
    if cause is not None:
        cause = _named_cause(Cloud(snapshot), cause, packet, start, name)
    commands = tuple(c.command for c in _repair(snapshot, packet, start, name)) if cause else ()
    return Answer(
        trip=trip,
        cause=cause,
        answering=answering,
        commands=commands,
        allowed_by=_allowing(trip.forward.hops),
        sometimes=not trip.connects and any(other.connects for other in trips),
    )


def _endpoint_of_name(
    cloud: Cloud, packet: Packet, start: str | None, name: Name | None
) -> VpcEndpoint | None:
    sender = cloud.standing.get(start or "")
    if name is None or sender is None:
        return None
    return unused_endpoint(cloud, sender.vpc_id, name.text, packet.destination)


def _named_cause(
    cloud: Cloud, cause: Explanation, packet: Packet, start: str | None, name: Name | None
) -> Explanation:
    """The name is the true cause where the VPC has an endpoint that it does not lead to."""
    endpoint = _endpoint_of_name(cloud, packet, start, name)
    if endpoint is None or name is None:
        return cause
    what = f"{endpoint.id} has private DNS off"
    if endpoint.private_dns_enabled:
        what = f"{endpoint.vpc_id} lacks a DNS attribute that the private DNS of {endpoint.id} needs"
    text = f"{what}: {name.text} means the public {packet.destination}, and {cause.text}"
    return replace(cause, text=text, components={**cause.components, "vpc_endpoint": endpoint.id})


def _cause(trip: RoundTrip) -> tuple[Explanation | None, bool]:
    if trip.connects:
        return None, False
    if trip.forward.explanations:
        return trip.forward.explanations[0], False
    found = trip.back.explanations if trip.back else ()
    return (found[0] if found else _astray(trip)), True


def _astray(trip: RoundTrip) -> Explanation:
    """The answer arrives, but not where it was asked, or under another address."""
    packet = trip.back.packet if trip.back else trip.forward.packet
    text = f"the answer comes from {packet.source} to {packet.destination}, which is not what was asked"
    return Explanation(code="CANNOT_ROUTE", text=text, direction="ingress", components={}, packet=packet)


def _allowing(hops: tuple[Hop, ...]) -> tuple[str, ...]:
    kinds = ("security_group", "network_acl", "route_table")
    return tuple(hop.rule for hop in hops if hop.kind in kinds and hop.rule is not None)


def _repair(
    snapshot: NetworkSnapshot, packet: Packet, start: str | None, name: Name | None
) -> tuple[Change, ...]:
    """The shortest list of changes that works, by trying: all of one, then all of two..."""
    waiting: list[tuple[NetworkSnapshot, tuple[Change, ...]]] = [(snapshot, ())]
    trials = 0
    while waiting and trials < MOST_TRIALS:
        current, made = waiting.pop(0)
        if name is not None:
            packet = replace(packet, destination=name.meaning(current))
        cause, answering = _cause(round_trip(current, packet, start=start))
        trials += 1
        if cause is None:
            return made
        if len(made) == MOST_CHANGES:
            continue
        cloud = Cloud(current)
        endpoint = _endpoint_of_name(cloud, packet, start, name)
        of_name = private_name_changes(cloud, endpoint) if endpoint else ()
        for change in (*of_name, *candidates(cloud, cause, answering=answering)):
            if change.command not in {other.command for other in made}:
                waiting.append((change.effect(current), (*made, change)))
    return ()
