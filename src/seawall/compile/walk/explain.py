"""Whether two places can talk, why not, and the fewest changes that would let them."""

import msgspec

from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.compile.walk.cloud import Cloud
from seawall.compile.walk.packet import Explanation, Hop, Packet, RoundTrip
from seawall.compile.walk.repair import Change, candidates
from seawall.compile.walk.walk import round_trip

MOST_CHANGES = 5
MOST_TRIALS = 300


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """cause     the first thing in the way; None where they can talk
    answering    it is the answer that does not come back
    commands     what makes it work, pasted in this order; empty where nothing is known to
    allowed_by   ids of the rules that let the request through
    """

    trip: RoundTrip
    cause: Explanation | None
    answering: bool
    commands: tuple[str, ...]
    allowed_by: tuple[str, ...]


def explain(snapshot: NetworkSnapshot, packet: Packet, *, start: str | None) -> Answer:
    """Raises LookupError when there is no interface `start`.

    Costs one walk where they can talk; up to MOST_TRIALS more where a fix is looked for.
    """
    trip = round_trip(snapshot, packet, start=start)
    cause, answering = _cause(trip)
    commands = tuple(c.command for c in _repair(snapshot, packet, start)) if cause else ()
    return Answer(
        trip=trip,
        cause=cause,
        answering=answering,
        commands=commands,
        allowed_by=_allowing(trip.forward.hops),
    )


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


def _repair(snapshot: NetworkSnapshot, packet: Packet, start: str | None) -> tuple[Change, ...]:
    """The shortest list of changes that works, by trying: all of one, then all of two..."""
    waiting: list[tuple[NetworkSnapshot, tuple[Change, ...]]] = [(snapshot, ())]
    trials = 0
    while waiting and trials < MOST_TRIALS:
        current, made = waiting.pop(0)
        cause, answering = _cause(round_trip(current, packet, start=start))
        trials += 1
        if cause is None:
            return made
        if len(made) == MOST_CHANGES:
            continue
        for change in candidates(Cloud(current), cause, answering=answering):
            if change.command not in {other.command for other in made}:
                waiting.append((change.effect(current), (*made, change)))
    return ()
