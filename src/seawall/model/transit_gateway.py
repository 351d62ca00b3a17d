"""Transit gateways: a router between VPCs, with route tables of its own."""

from datetime import datetime
from typing import Literal

import msgspec

from seawall.model.resource import Ref, Resource, Tags, kind

TransitGatewayState = Literal["pending", "available", "modifying", "deleting", "deleted"]


@kind("transit_gateway")
class TransitGateway(Resource, frozen=True, kw_only=True):
    description: str = ""
    state: TransitGatewayState = "available"
    amazon_side_asn: int = 64512
    auto_accept_shared_attachments: bool = False
    default_route_table_association: bool = True
    default_route_table_propagation: bool = True
    association_default_route_table_id: str | None = None
    propagation_default_route_table_id: str | None = None
    vpn_ecmp_support: bool = True
    dns_support: bool = True
    security_group_referencing_support: bool = False
    create_time: datetime
    deleted_at: datetime | None = None
    tags: Tags = {}


@kind("transit_gateway_attachment")
class TransitGatewayAttachment(Resource, frozen=True, kw_only=True):
    """A VPC at a transit gateway, through one interface in each of its subnets (one per zone)."""

    transit_gateway_id: str
    vpc_id: str
    subnet_ids: tuple[str, ...]
    network_interface_ids: tuple[str, ...] = ()
    state: TransitGatewayState = "available"
    route_table_id: str | None = None  # the table it is associated with: decides about packets from it
    association_state: Literal["associating", "associated", "disassociating"] = "associated"
    appliance_mode: bool = False
    dns_support: bool = True
    security_group_referencing_support: bool = True
    ipv6_support: bool = False  # its VPC's IPv6 blocks are propagated as well
    create_time: datetime
    deleted_at: datetime | None = None
    tags: Tags = {}

    def refs(self) -> tuple[Ref, ...]:
        if self.state == "deleted":
            return ()
        table = (Ref("transit_gateway_route_table", self.route_table_id),) if self.route_table_id else ()
        return (
            Ref("transit_gateway", self.transit_gateway_id),
            Ref("vpc", self.vpc_id),
            *(Ref("subnet", s) for s in self.subnet_ids),
            *table,
        )


class TransitGatewayRoute(msgspec.Struct, frozen=True, kw_only=True):
    """A static route; without an attachment it is a blackhole.  Propagated routes are never stored."""

    destination: str  # a block of either family
    attachment_id: str | None = None


@kind("transit_gateway_route_table")
class TransitGatewayRouteTable(Resource, frozen=True, kw_only=True):
    """`propagations` are the attachments whose VPCs' blocks (both families) are routes here as well.

    Longest prefix first; of two equal ones the static route wins.
    """

    transit_gateway_id: str
    routes: tuple[TransitGatewayRoute, ...] = ()
    propagations: tuple[str, ...] = ()
    default_association: bool = False
    default_propagation: bool = False
    state: TransitGatewayState = "available"
    create_time: datetime
    tags: Tags = {}

    def refs(self) -> tuple[Ref, ...]:
        attachments = [r.attachment_id for r in self.routes if r.attachment_id] + list(self.propagations)
        unique = dict.fromkeys(attachments)
        return (
            Ref("transit_gateway", self.transit_gateway_id),
            *(Ref("transit_gateway_attachment", a) for a in unique),
        )
