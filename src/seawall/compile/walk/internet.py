"""On the internet, and through the gateways to and from it.

Sources: VPC user guide, "Internet gateways", "Egress-only internet gateways", "Gateway route tables".
"""

from seawall.compile.walk.aws_services import reach_service
from seawall.compile.walk.cloud import Cloud, within, within_any
from seawall.compile.walk.doors import blackhole, leaves_by_door
from seawall.compile.walk.journey import Journey
from seawall.compile.walk.places import Delivered, OnInternet, Origin, Place, Routing, Within
from seawall.model.internet import CLIENT_IPV6_NETWORK, CLIENT_NETWORK
from seawall.model.route_table import Route, RouteTable

NEVER_PUBLIC = ("10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16")
NEVER_PUBLIC_IPV6 = ("::/8", "fc00::/7", "fe80::/10", "ff00::/8")


def to_internet_gateway(journey: Journey, route: Route, table: RouteTable, origin: Origin) -> Place | None:
    gateway = journey.cloud.internet_gateway(origin.vpc_id)
    if gateway is None or gateway.id != route.target_id:
        return blackhole(journey, route, table)
    return _out(journey, gateway.id, origin)


def to_egress_only(journey: Journey, route: Route, table: RouteTable, origin: Origin) -> Place | None:
    gateways = journey.cloud.snapshot.egress_only_internet_gateways
    known = any(g.id == route.target_id and g.vpc_id == origin.vpc_id for g in gateways)
    if not known or journey.packet.version == 4:
        return blackhole(journey, route, table)
    if journey.is_answer:
        text = f"{route.target_id} takes no answers to requests that came from outside"
        named = {"egress_only_internet_gateway": route.target_id}
        journey.refuse("NO_POSSIBLE_DESTINATION", text, "egress", **named)
        return None
    return _out(journey, route.target_id, origin)


def _out(journey: Journey, gateway_id: str, origin: Origin) -> Place | None:
    """IPv4 under the public address, IPv6 as it is."""
    brought_back = _is_brought_back(journey, origin)
    if not leaves_by_door(journey, origin):
        return None
    source = journey.packet.source
    if journey.packet.version == 4:
        return _out_under_public_address(journey, gateway_id, origin, brought_back=brought_back)
    if not within_any(source, journey.cloud.vpcs[origin.vpc_id].all_blocks):
        text = f"{source} is no address of {origin.vpc_id}"
        journey.refuse("GATEWAY_REJECTS_SPOOFED_TRAFFIC", text, "egress", internet_gateway=gateway_id)
        return None
    journey.note("internet_gateway", gateway_id, "forward", f"{gateway_id} lets it out")
    return OnInternet()


def _is_brought_back(journey: Journey, origin: Origin) -> bool:
    """Whether a transit gateway brings what went out to it from this very VPC; an overlapping VPC's packet
    under the same address is another flow."""
    by_transit = origin.interface is not None and origin.interface.interface_type == "transit_gateway"
    return by_transit and journey.is_known(origin.vpc_id)


def _out_under_public_address(
    journey: Journey, gateway_id: str, origin: Origin, *, brought_back: bool
) -> Place | None:
    packet, public = journey.packet, _public_of(journey.cloud, origin.vpc_id)
    components = {"internet_gateway": gateway_id}
    if origin.interface is not None:
        components["network_interface"] = origin.interface.id
    if within_any(packet.destination, NEVER_PUBLIC):
        text = f"{packet.destination} is a private address; there is no way to it over the internet"
        journey.refuse("IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS", text, "egress", **components)
        return None
    if packet.source not in public:
        text = f"{packet.source} has no public address; {gateway_id} drops it silently"
        journey.refuse("IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS", text, "egress", **components)
        return None
    if brought_back:
        text = (
            f"{packet.source} was brought back into its VPC; {gateway_id} knows it by its own interface only"
        )
        journey.refuse("IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS", text, "egress", **components)
        return None
    shown = public[packet.source]
    text = f"{gateway_id} makes {shown} of {packet.source}"
    journey.note("internet_gateway", gateway_id, "translate", text)
    journey.turn(source=shown)
    return OnInternet()


def _public_of(cloud: Cloud, vpc_id: str) -> dict[str, str]:
    return {
        private: public
        for interface in cloud.standing.values()
        if interface.vpc_id == vpc_id
        for private, public in cloud.public_addresses(interface).items()
    }


def on_internet(journey: Journey) -> Place | None:
    """To a VPC's public addresses, a client, or AWS's services."""
    cloud, destination = journey.cloud, journey.packet.destination
    if destination in cloud.public:
        interface, private = cloud.public[destination]
        return _in(journey, interface.vpc_id, private)
    for vpc in cloud.snapshot.vpcs:
        if any(within(destination, a.ipv6_cidr_block) for a in vpc.ipv6_cidr_blocks):
            return _in(journey, vpc.id, None)
    clients = (CLIENT_NETWORK, CLIENT_IPV6_NETWORK)
    if within_any(destination, clients) or _is_beyond(cloud, destination):
        journey.note("internet", "internet", "pass", f"{destination} is on the internet")
        return Delivered("internet")
    return reach_service(journey)


def _is_beyond(cloud: Cloud, destination: str) -> bool:
    """Whether only the uplink can know that address."""
    world = ("198.18.0.0/15", *NEVER_PUBLIC, "2001:db8::/32")
    return cloud.snapshot.uplink and not within_any(destination, world)


def _in(journey: Journey, vpc_id: str, private: str | None) -> Place | None:
    """From the internet into a VPC; `private` is what a public address stands for."""
    cloud, packet = journey.cloud, journey.packet
    gateway = cloud.internet_gateway(vpc_id)
    through = gateway or cloud.egress_only_gateway(vpc_id)
    if through is None:
        text = f"{vpc_id} has no gateway to the internet"
        journey.refuse("NO_POSSIBLE_DESTINATION", text, "ingress", vpc=vpc_id)
        return None
    if within_any(packet.source, (*NEVER_PUBLIC, *NEVER_PUBLIC_IPV6, *cloud.vpcs[vpc_id].all_blocks)):
        text = f"{packet.source} cannot come from the internet"
        journey.refuse("GATEWAY_REJECTS_SPOOFED_TRAFFIC", text, "ingress", internet_gateway=through.id)
        return None
    if private is not None:
        text = f"{through.id} makes {private} of {packet.destination}"
        journey.note("internet_gateway", through.id, "translate", text)
        journey.turn(destination=private)
    if gateway is None and not journey.is_known(vpc_id):
        text = f"{through.id} lets nothing in that was not asked for"
        named = {"egress_only_internet_gateway": through.id}
        journey.refuse("NO_POSSIBLE_DESTINATION", text, "ingress", **named)
        return None
    table = cloud.table_of_gateway(through.id)
    return Within(Origin(vpc_id)) if table is None else Routing(table, Origin(vpc_id))
