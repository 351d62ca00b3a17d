"""What walk says about a probe, held to what the kernel did."""

import msgspec
from seawall.compile.walk import Packet, round_trip
from tests.fuzz.prober import Outcome, Sighting
from tests.fuzz.probes import Probe

from seawall.compile.network.snapshot import NetworkSnapshot


class Expectation(msgspec.Struct, frozen=True, kw_only=True):
    """`request`: where it arrives and how it looks there; None: nowhere.

    `because` is walk's own reason, for people.
    """

    request: Sighting | None = None
    connects: bool = False
    because: str = ""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    probe: Probe
    expected: Expectation
    found: Outcome

    def __str__(self) -> str:
        return f"{self.probe}\n  walk: {self.expected}\n  kernel: {self.found}"


def expectation(snapshot: NetworkSnapshot, probe: Probe) -> Expectation:
    packet = Packet(
        protocol=probe.protocol,
        source=probe.source,
        destination=probe.destination,
        source_port=probe.source_port,
        destination_port=probe.destination_port,
        icmp_type=probe.icmp_type,
        icmp_code=probe.icmp_code,
    )
    trip = round_trip(snapshot, packet, start=probe.start)
    there = trip.forward
    because = "; ".join(f"{hop.component_id}: {hop.sentence}" for hop in there.hops[-2:])
    if there.delivered_to is None:
        return Expectation(because=because)
    seen = Sighting(
        there.delivered_to, there.packet.source, there.packet.destination, there.packet.destination_port
    )
    return Expectation(request=seen, connects=trip.connects, because=because)


def difference(probe: Probe, expected: Expectation, found: Outcome) -> Difference | None:
    """None where the kernel did what walk said."""
    requests = frozenset([expected.request] if expected.request else [])
    came_back = any(
        answer.place == (probe.start or "internet")
        and (answer.source, answer.destination) == (probe.destination, probe.source)
        for answer in found.answers
    )
    if found.requests == requests and came_back == expected.connects:
        return None
    return Difference(probe=probe, expected=expected, found=found)
