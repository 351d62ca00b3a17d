"""What becomes of a packet, decided by the model alone: `walk`, `round_trip`, and the words for it."""

from seawall.compile.walk.packet import Explanation, Hop, Packet, RoundTrip, Walk
from seawall.compile.walk.walk import round_trip, round_trips, walk

__all__ = ["Explanation", "Hop", "Packet", "RoundTrip", "Walk", "round_trip", "round_trips", "walk"]
