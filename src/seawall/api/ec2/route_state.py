"""Whether a route leads anywhere."""

from typing import Literal

from seawall.model.egress_only_internet_gateway import EgressOnlyInternetGateway
from seawall.model.internet_gateway import InternetGateway
from seawall.model.nat_gateway import NatGateway
from seawall.model.network_interface import NetworkInterface
from seawall.model.resource import Ref
from seawall.model.route_table import Route
from seawall.model.transit_gateway import TransitGatewayAttachment
from seawall.model.vpc_endpoint import VpcEndpoint
from seawall.model.vpc_peering_connection import VpcPeeringConnection
from seawall.store.store import Reader


def route_state(reader: Reader, vpc_id: str, route: Route) -> Literal["active", "blackhole"]:
    """`blackhole` when the target is gone, detached from the VPC, failed, deleted or not yet accepted."""
    return "active" if _alive(reader, vpc_id, route) else "blackhole"


def transit_attachment(
    reader: Reader, transit_gateway_id: str, vpc_id: str
) -> TransitGatewayAttachment | None:
    """The attachment over which the VPC reaches that transit gateway now, or None."""
    attachments = reader.referrers(TransitGatewayAttachment, Ref("vpc", vpc_id))
    for attachment in attachments:
        if attachment.transit_gateway_id == transit_gateway_id and attachment.state in (
            "available",
            "modifying",
        ):
            return attachment
    return None


def _alive(reader: Reader, vpc_id: str, route: Route) -> bool:
    kind, id = route.target_kind, route.target_id
    if kind == "local":
        return True
    if kind == "internet_gateway":
        gateway = reader.find(InternetGateway, id)
        return gateway is not None and gateway.vpc_id == vpc_id
    if kind == "egress_only_internet_gateway":
        return reader.find(EgressOnlyInternetGateway, id) is not None
    if kind == "nat_gateway":
        nat = reader.find(NatGateway, id)
        return nat is not None and nat.state in ("pending", "available")
    if kind == "vpc_peering_connection":
        peering = reader.find(VpcPeeringConnection, id)
        return peering is not None and peering.status == "active"
    if kind == "transit_gateway":
        return transit_attachment(reader, id, vpc_id) is not None
    if kind == "vpc_endpoint":
        endpoint = reader.find(VpcEndpoint, id)
        return endpoint is not None and endpoint.state == "available"
    interface = reader.find(NetworkInterface, id)
    return interface is not None and interface.status != "detaching" and interface.attachment is not None
