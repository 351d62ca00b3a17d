"""From place to place, until a packet is delivered or dropped."""

from seawall.compile.walk.interfaces import find, receive, send
from seawall.compile.walk.internet import on_internet
from seawall.compile.walk.journey import Journey
from seawall.compile.walk.places import Delivered, OnInternet, Place, Received, Routing, Sent, Within
from seawall.compile.walk.routes import follow

MOST_PLACES = 100  # what goes round in circles ends here


def travel(journey: Journey, place: Place | None) -> str | None:
    """Where the packet is delivered (see Walk), None where it is dropped; the journey has noted why."""
    for _ in range(MOST_PLACES):
        if place is None or isinstance(place, Delivered):
            return place.to if place else None
        place = _visit(journey, place)
    journey.refuse("CANNOT_ROUTE", "the routes lead in a circle", "egress")
    return None


def _visit(journey: Journey, place: Sent | Routing | Within | Received | OnInternet) -> Place | None:
    match place:
        case Sent():
            return send(journey, place)
        case Routing():
            return follow(journey, place)
        case Within():
            return find(journey, place)
        case Received():
            return receive(journey, place)
        case OnInternet():
            return on_internet(journey)
