"""At AWS's own services, which stand on the internet and behind endpoints."""

from seawall.compile.walk.journey import Journey
from seawall.compile.walk.places import Delivered, Place
from seawall.model.internet import API_ADDRESS, REGISTRY_ADDRESS, RESOLVER_ADDRESS, S3_ADDRESS


def reach_service(journey: Journey) -> Place | None:
    destination = journey.packet.destination
    known = {API_ADDRESS, REGISTRY_ADDRESS, RESOLVER_ADDRESS, S3_ADDRESS}
    if destination in known or destination in journey.cloud.snapshot.services.values():
        journey.note("service", destination, "pass", "an AWS service takes it")
        return Delivered(f"service:{destination}")
    journey.refuse("NO_POSSIBLE_DESTINATION", f"nobody has {destination}", "egress")
    return None
