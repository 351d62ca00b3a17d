"""What walk says about a probe, held to what the kernel did."""

from ipaddress import IPv4Network, ip_address

import msgspec
from tests.fuzz.prober import Outcome
from tests.fuzz.probes import Probe

from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.compile.walk import Packet, RoundTrip, round_trips
from seawall.model.internet import ENDPOINT_POOL

RESOLVER = "resolver"
ENDPOINTS = IPv4Network(ENDPOINT_POOL)


class Expectation(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that may happen.  `place`: where the request arrives, and as what; None: nowhere.

    hidden    an endpoint stands between: the service sees one of the pool's addresses
    because   walk's own reason, for people
    """

    place: str | None = None
    source: str = ""
    destination: str = ""
    destination_port: int = 0
    connects: bool = False
    hidden: bool = False
    because: str = ""

    def fits(self, found: Outcome, came_back: bool) -> bool:
        return came_back == self.connects and self._arrives(found)

    def _arrives(self, found: Outcome) -> bool:
        """Whether the request was seen there, and nowhere else."""
        if self.place == RESOLVER:
            return not found.requests  # it answers, and tells nobody what it was asked
        if self.place is None or len(found.requests) != 1:
            return self.place is None and not found.requests
        (seen,) = found.requests
        if self.hidden:
            ends = ip_address(seen.source) in ENDPOINTS and self.place == f"service:{seen.destination}"
        else:
            ends = seen.source == self.source and seen.destination == self.destination
        return ends and (seen.place, seen.destination_port) == (self.place, self.destination_port)


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    probe: Probe
    expected: tuple[Expectation, ...]
    found: Outcome

    def __str__(self) -> str:
        walk = "".join(f"\n  walk: {one}" for one in self.expected)
        return f"{self.probe}{walk}\n  kernel: {self.found}"


def expectations(snapshot: NetworkSnapshot, probe: Probe) -> tuple[Expectation, ...]:
    """More than one where a NAT gateway on the way chooses among several addresses."""
    packet = Packet(
        protocol=probe.protocol,
        source=probe.source,
        destination=probe.destination,
        source_port=probe.source_port,
        destination_port=probe.destination_port,
        icmp_type=probe.icmp_type,
        icmp_code=probe.icmp_code,
    )
    return tuple(_expectation(trip) for trip in round_trips(snapshot, packet, start=probe.start))


def _expectation(trip: RoundTrip) -> Expectation:
    last = (trip.back or trip.forward).explanations
    because = "; ".join(f"{e.code}: {e.text}" for e in last)
    there = trip.forward
    if there.delivered_to is None:
        return Expectation(because=because)
    return Expectation(
        place=there.delivered_to,
        source=there.packet.source,
        destination=there.packet.destination,
        destination_port=there.packet.destination_port,
        connects=trip.connects,
        hidden=any(hop.kind == "vpc_endpoint" for hop in there.hops),
        because=because,
    )


def difference(probe: Probe, expected: tuple[Expectation, ...], found: Outcome) -> Difference | None:
    """None where the kernel did what walk said."""
    came_back = any(
        answer.place == (probe.start or "internet")
        and (answer.source, answer.destination) == (probe.destination, probe.source)
        for answer in found.answers
    )
    if any(one.fits(found, came_back) for one in expected):
        return None
    return Difference(probe=probe, expected=expected, found=found)
