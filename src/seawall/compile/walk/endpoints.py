"""At a VPC endpoint.  Source: AWS PrivateLink guide, "gateway endpoints", "interface endpoints"."""

from seawall.compile.walk.aws_services import reach_service
from seawall.compile.walk.cloud import addresses, within_any
from seawall.compile.walk.doors import blackhole, leaves_by_door
from seawall.compile.walk.journey import Journey
from seawall.compile.walk.places import Delivered, Origin, Place, Within
from seawall.model.endpoint_service import PORTS, find_service
from seawall.model.network_interface import NetworkInterface
from seawall.model.prefix_list import PrefixList
from seawall.model.route_table import Route, RouteTable
from seawall.model.vpc_endpoint import VpcEndpoint


def to_gateway_endpoint(journey: Journey, route: Route, table: RouteTable, origin: Origin) -> Place | None:
    endpoint = journey.cloud.endpoints.get(route.target_id)
    lists = (e for e in journey.cloud.snapshot.prefix_lists if e.owner_id == "AWS")
    service = next((e for e in lists if endpoint and e.name == endpoint.service_name), None)
    if endpoint is None or service is None or journey.packet.version == 6:
        return blackhole(journey, route, table)
    if not leaves_by_door(journey, origin) or not _carries(journey, endpoint, service, origin):
        return None
    text = f"{endpoint.id} carries it to {service.name}"
    journey.note("vpc_endpoint", endpoint.id, "forward", text)
    journey.flow.served_by = endpoint.id
    return reach_service(journey)


def _carries(journey: Journey, endpoint: VpcEndpoint, service: PrefixList, origin: Origin) -> bool:
    packet = journey.packet
    echo = packet.protocol == "icmp" and packet.icmp_type == 8
    own = [a.cidr_block for a in journey.cloud.vpcs[origin.vpc_id].cidr_blocks]
    refusal: tuple[str, str] | None = None
    if packet.protocol != "tcp" and not echo:
        refusal = "VPCE_GATEWAY_PROTOCOL_RESTRICTION", f"{endpoint.id} carries TCP and ICMP echo only"
    elif not within_any(packet.source, own):
        code = "VPCE_GATEWAY_EGRESS_SOURCE_ADDRESS_RESTRICTION"
        refusal = code, f"{endpoint.id} serves addresses of {origin.vpc_id} only"
    elif not within_any(packet.destination, [entry.cidr for entry in service.entries]):
        refusal = "NO_POSSIBLE_DESTINATION", f"{endpoint.id} leads to {service.name} only"
    if refusal is not None:
        journey.refuse(refusal[0], refusal[1], "ingress", vpc_endpoint=endpoint.id)
    return refusal is None


def from_gateway_endpoint(journey: Journey, endpoint_id: str) -> Place:
    """An answer of the service behind it."""
    journey.note("vpc_endpoint", endpoint_id, "forward", f"{endpoint_id} carries it back")
    return Within(Origin(journey.cloud.endpoints[endpoint_id].vpc_id))


def serve(journey: Journey, interface: NetworkInterface) -> Place | None:
    """At the interface of an interface endpoint."""
    assert interface.owner is not None
    endpoint, packet = journey.cloud.endpoints[interface.owner.id], journey.packet
    service = find_service(endpoint.service_name, journey.cloud.snapshot.region)
    if service is None or packet.protocol != "tcp" or packet.destination_port not in PORTS:
        journey.refuse(
            "VPCE_SERVICE_NOT_INSTALLED_IN_AZ" if service is None else "PROTOCOL_RESTRICTION",
            f"{endpoint.id} answers TCP on the ports {', '.join(map(str, PORTS))} only",
            "ingress",
            vpc_endpoint=endpoint.id,
        )
        return None
    if packet.source in addresses(interface):
        text = f"{endpoint.id} takes nothing that claims to come from itself"
        journey.refuse("NO_POSSIBLE_DESTINATION", text, "ingress", vpc_endpoint=endpoint.id)
        return None
    journey.flow.served_by = interface.id
    text = f"{endpoint.id} hands it on to {endpoint.service_name}"
    journey.note("vpc_endpoint", endpoint.id, "pass", text)
    return Delivered(f"service:{service.address}")
