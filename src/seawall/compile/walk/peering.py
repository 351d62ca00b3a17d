"""Over a VPC peering connection.  Source: VPC peering guide."""

from seawall.compile.walk.cloud import within_any
from seawall.compile.walk.doors import blackhole, leaves_by_door
from seawall.compile.walk.interfaces import is_for_router
from seawall.compile.walk.journey import Journey
from seawall.compile.walk.places import Origin, Place, Within
from seawall.model.route_table import Route, RouteTable


def to_peer(journey: Journey, route: Route, table: RouteTable, origin: Origin) -> Place | None:
    cloud, packet = journey.cloud, journey.packet
    peering = next((p for p in cloud.peerings_of(origin.vpc_id) if p.id == route.target_id), None)
    if peering is None:
        return blackhole(journey, route, table)
    own, other = cloud.vpcs[origin.vpc_id], cloud.vpcs[peering.other(origin.vpc_id)]
    if packet.version == 6 and not (own.ipv6_cidr_blocks and other.ipv6_cidr_blocks):
        return blackhole(journey, route, table)
    if not leaves_by_door(journey, origin):
        return None
    code = "PCX_REQUIRES_ADDRESS_IN_VPC_CIDR"
    if not within_any(packet.source, own.all_blocks):
        text = f"{peering.id} carries packets between the two VPCs' own blocks only"
        journey.refuse(code, text, "ingress", vpc_peering_connection=peering.id)
        return None
    text = f"{peering.id} carries it to {other.id}"
    journey.note("vpc_peering_connection", peering.id, "forward", text)
    destination = packet.destination
    if not within_any(destination, other.all_blocks) or is_for_router(cloud, other, destination):
        text = f"no interface of {other.id} has {destination}; a peering leads no further"
        journey.refuse(code, text, "ingress", vpc_peering_connection=peering.id)
        return None
    return Within(Origin(other.id))
