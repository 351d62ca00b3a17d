"""Over a transit gateway.  Source: transit gateways guide, "routing", "availability zones"."""

from seawall.compile.walk.cloud import Cloud, addresses, within
from seawall.compile.walk.doors import blackhole
from seawall.compile.walk.journey import Journey
from seawall.compile.walk.places import Origin, Place, Received, Sent
from seawall.model.network_interface import NetworkInterface
from seawall.model.route_table import Route, RouteTable
from seawall.model.transit_gateway import TransitGatewayAttachment, TransitGatewayRouteTable
from seawall.model.transit_routes import transit_routes


def to_transit(journey: Journey, route: Route, table: RouteTable, origin: Origin) -> Place | None:
    """Into the gateway, through the attachment's interface in the sender's zone."""
    cloud = journey.cloud
    zone = cloud.subnets[origin.interface.subnet_id].availability_zone if origin.interface else ""
    for attachment in cloud.attachments.values():
        if attachment.transit_gateway_id == route.target_id and attachment.vpc_id == origin.vpc_id:
            ways = _ports(cloud, attachment)
            mine = [i for i in ways if i.availability_zone == zone]
            if not mine:
                journey.refuse(
                    "TGW_ATTACH_VPC_AZ_RESTRICTION",
                    f"{attachment.id} has no subnet in {zone}, where the packet comes from",
                    "egress",
                    transit_gateway_attachment=attachment.id,
                )
                return None
            if journey.packet.version == 6 and not cloud.vpcs[origin.vpc_id].ipv6_cidr_blocks:
                return blackhole(journey, route, table)
            return Received(mine[0], origin)
    return blackhole(journey, route, table)


def cross(journey: Journey, interface: NetworkInterface) -> Place | None:
    """In through one of the gateway's interfaces, out through one of another attachment."""
    assert interface.owner is not None
    cloud, attachment = journey.cloud, journey.cloud.attachments[interface.owner.id]
    if journey.packet.destination in addresses(interface):
        text = f"{journey.packet.destination} is the address of {interface.id} itself, which hears nothing"
        journey.refuse("NO_POSSIBLE_DESTINATION", text, "ingress", network_interface=interface.id)
        return None
    tables = {table.id: table for table in cloud.snapshot.transit_gateway_route_tables}
    table = tables.get(attachment.route_table_id or "")
    if table is None or attachment.association_state == "disassociating":
        journey.refuse(
            "TGW_ATTACH_MISSING_TGW_RTB_ASSOCIATION",
            f"{attachment.id} is associated with no transit gateway route table",
            "ingress",
            transit_gateway_attachment=attachment.id,
        )
        return None
    return _follow(journey, interface, attachment, table)


def _follow(
    journey: Journey,
    interface: NetworkInterface,
    attachment: TransitGatewayAttachment,
    table: TransitGatewayRouteTable,
) -> Place | None:
    cloud, packet = journey.cloud, journey.packet
    gateway = attachment.transit_gateway_id
    of_gateway = {id: a for id, a in cloud.attachments.items() if a.transit_gateway_id == gateway}
    routes = [
        r for r in transit_routes(table, of_gateway, cloud.vpcs) if within(packet.destination, r.destination)
    ]
    if not routes:
        journey.refuse(
            "TGW_RTB_NO_ROUTE_TO_TGW_ATTACHMENT",
            f"{table.id} has no route for {packet.destination}",
            "egress",
            transit_gateway_route_table=table.id,
        )
        return None
    best = max(routes, key=lambda r: int(r.destination.partition("/")[2]))
    ways = _ports(cloud, best.attachment) if best.attachment else []
    if best.attachment and not best.attachment.appliance_mode:
        ways = [i for i in ways if i.availability_zone == interface.availability_zone] or ways
    six = packet.version == 6
    if best.attachment is None or not ways or (six and not cloud.vpcs[ways[0].vpc_id].ipv6_cidr_blocks):
        journey.refuse(
            "TGW_RTB_BAD_STATE_ROUTE",
            f"the route of {table.id} for {best.destination} is a blackhole",
            "egress",
            transit_gateway_route_table=table.id,
            rule=best.destination,
        )
        return None
    text = f"{table.id} sends {best.destination} to {best.attachment.id}"
    journey.note("transit_gateway_route_table", table.id, "forward", text, rule=best.destination)
    return Sent(ways[0])


def _ports(cloud: Cloud, attachment: TransitGatewayAttachment) -> list[NetworkInterface]:
    """The attachment's interfaces that stand, in the order of their zones."""
    found = [cloud.standing[id] for id in attachment.network_interface_ids if id in cloud.standing]
    return sorted(found, key=lambda i: i.availability_zone)
