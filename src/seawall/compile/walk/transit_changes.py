"""Associations and routes of transit gateways that would lead a packet further."""

from collections.abc import Iterable

from msgspec.structs import replace

from seawall.compile.walk.change import Change, put
from seawall.compile.walk.cloud import Cloud, within
from seawall.compile.walk.packet import Explanation
from seawall.model.transit_gateway import TransitGatewayRoute


def associate(cloud: Cloud, cause: Explanation, answering: bool) -> Iterable[Change]:
    """With each of the gateway's tables."""
    attachment = cloud.attachments[cause.components["transit_gateway_attachment"]]
    for table in cloud.snapshot.transit_gateway_route_tables:
        if table.transit_gateway_id == attachment.transit_gateway_id:
            changed = replace(attachment, route_table_id=table.id)
            yield Change(
                "aws ec2 associate-transit-gateway-route-table"
                f" --transit-gateway-route-table-id {table.id}"
                f" --transit-gateway-attachment-id {attachment.id}",
                lambda snapshot, changed=changed: put(snapshot, "transit_gateway_attachments", changed),  # type: ignore[misc]
            )


def add_transit_route(cloud: Cloud, cause: Explanation, answering: bool) -> Iterable[Change]:
    """To each attachment whose VPC has the destination."""
    tables = {table.id: table for table in cloud.snapshot.transit_gateway_route_tables}
    table = tables[cause.components["transit_gateway_route_table"]]
    destination = cause.packet.destination
    for attachment in cloud.attachments.values():
        blocks = cloud.vpcs[attachment.vpc_id].all_blocks
        for block in blocks:
            if attachment.transit_gateway_id == table.transit_gateway_id and within(destination, block):
                static = any(r.destination == block for r in table.routes)
                route = TransitGatewayRoute(destination=block, attachment_id=attachment.id)
                others = tuple(r for r in table.routes if r.destination != block)
                changed = replace(table, routes=(*others, route))
                yield Change(
                    f"aws ec2 {'replace' if static else 'create'}-transit-gateway-route"
                    f" --transit-gateway-route-table-id {table.id} --destination-cidr-block {block}"
                    f" --transit-gateway-attachment-id {attachment.id}",
                    lambda snapshot, changed=changed: put(snapshot, "transit_gateway_route_tables", changed),  # type: ignore[misc]
                )
