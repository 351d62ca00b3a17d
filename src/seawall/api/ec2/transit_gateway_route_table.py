"""A transit gateway's route tables, who is associated with them, and who is propagated to them."""

from typing import Any

from msgspec.structs import replace

from seawall.api.ec2.describe import Filters, answer, chosen, filtered, paged
from seawall.api.ec2.lookup import WORDS, look_up
from seawall.api.ec2.quotas import TRANSIT_GATEWAY_ROUTE_TABLES, check_count
from seawall.api.ec2.refusal import not_served
from seawall.api.ec2.tagging import tag_list, tags_for
from seawall.api.ec2.transit_gateway import check_state, living, named
from seawall.api.ec2.transit_gateway_attachment import living_attachment
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.transit_gateway import TransitGatewayAttachment, TransitGatewayRouteTable
from seawall.store.ids import new_id
from seawall.store.store import Reader
from seawall.wire.errors import ApiError

_ANNOUNCEMENTS = {"TransitGatewayRouteTableAnnouncementId": "there are no peerings of transit gateways"}


def named_table(reader: Reader, params: Params) -> TransitGatewayRouteTable:
    """The table that the request names.  Raises ApiError."""
    id = named(params.get("TransitGatewayRouteTableId"), "TransitGatewayRouteTableId")
    return look_up(reader, TransitGatewayRouteTable, id)


def attachment_of(reader: Reader, table: TransitGatewayRouteTable, id: str) -> TransitGatewayAttachment:
    """An attachment of the table's own gateway; another gateway's does not exist for it.  Raises ApiError."""
    attachment = living_attachment(reader, id)
    if attachment.transit_gateway_id != table.transit_gateway_id:
        words = WORDS[TransitGatewayAttachment]
        raise ApiError(words.missing_code, words.missing_text.format(id=id))
    check_state(attachment, "pending", "available", "modifying")
    return attachment


@operation("ec2", "CreateTransitGatewayRouteTable")
def create_transit_gateway_route_table(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        gateway = living(txn, named(params.get("TransitGatewayId"), "TransitGatewayId"))
        check_state(gateway, "available", "modifying")
        count = len(txn.referrers(TransitGatewayRouteTable, gateway.ref)) + 1
        check_count(count, TRANSIT_GATEWAY_ROUTE_TABLES, "TransitGatewayRouteTableLimitExceeded")
        table = TransitGatewayRouteTable(
            id=new_id("tgw-rtb"),
            transit_gateway_id=gateway.id,
            create_time=call.now,
            tags=tags_for(params, "transit-gateway-route-table"),
        )
        txn.put(table, expect=0)
    return {"TransitGatewayRouteTable": _shown(table) | {"State": "pending"}}


@operation("ec2", "DeleteTransitGatewayRouteTable")
def delete_transit_gateway_route_table(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        table = named_table(txn, params)
        default = {"association": table.default_association, "propagation": table.default_propagation}
        for kind, is_default in default.items():
            if is_default:
                raise ApiError(
                    "IncorrectState",
                    f"{table.id} is set as default {kind} route table for {table.transit_gateway_id}",
                )
        if txn.referrers(TransitGatewayAttachment, table.ref):
            raise ApiError("IncorrectState", f"{table.id} has associated attachments")
        txn.delete(TransitGatewayRouteTable, table.id)
    return {"TransitGatewayRouteTable": _shown(table) | {"State": "deleting"}}


@operation("ec2", "DescribeTransitGatewayRouteTables")
def describe_transit_gateway_route_tables(call: Call, params: Params) -> dict[str, Any]:
    tables = chosen(call.store, TransitGatewayRouteTable, params.get("TransitGatewayRouteTableIds"))
    filters: Filters[TransitGatewayRouteTable] = {
        "default-association-route-table": lambda t: t.default_association,
        "default-propagation-route-table": lambda t: t.default_propagation,
        "state": lambda t: t.state,
        "transit-gateway-id": lambda t: t.transit_gateway_id,
        "transit-gateway-route-table-id": lambda t: t.id,
    }
    tables = filtered(params, tables, filters, tags=lambda t: t.tags)
    page, token = paged(params, tables, lambda t: t.id)
    return answer("TransitGatewayRouteTables", [_shown(table) for table in page], token)


@operation("ec2", "AssociateTransitGatewayRouteTable")
def associate_transit_gateway_route_table(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        table = named_table(txn, params)
        attachment = attachment_of(txn, table, _attachment_id(params))
        if attachment.route_table_id is not None:
            raise ApiError(
                "Resource.AlreadyAssociated",
                f"Transit Gateway Attachment {attachment.id} is already associated to a route table.",
            )
        attachment = replace(attachment, route_table_id=table.id, association_state="associating")
        txn.put(attachment)
    return {"Association": _shown_association(attachment)}


@operation("ec2", "DisassociateTransitGatewayRouteTable")
def disassociate_transit_gateway_route_table(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        table = named_table(txn, params)
        attachment = attachment_of(txn, table, _attachment_id(params))
        if attachment.route_table_id != table.id:
            raise ApiError(
                "InvalidAssociation.NotFound",
                f"Transit Gateway Attachment {attachment.id} is not associated with route table {table.id}.",
            )
        attachment = replace(attachment, association_state="disassociating")
        txn.put(attachment)
    return {"Association": _shown_association(attachment)}


@operation("ec2", "EnableTransitGatewayRouteTablePropagation", refused=_ANNOUNCEMENTS)
def enable_transit_gateway_route_table_propagation(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        _refuse_announcement(params)
        table = named_table(txn, params)
        attachment = attachment_of(txn, table, _attachment_id(params))
        if attachment.id in table.propagations:
            raise ApiError(
                "TransitGatewayRouteTablePropagation.Duplicate",
                f"Propagation {attachment.id} already exists in Transit Gateway Route Table {table.id}.",
            )
        txn.put(replace(table, propagations=(*table.propagations, attachment.id)))
    return {"Propagation": _shown_propagation(table, attachment) | {"State": "enabled"}}


@operation("ec2", "DisableTransitGatewayRouteTablePropagation", refused=_ANNOUNCEMENTS)
def disable_transit_gateway_route_table_propagation(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        _refuse_announcement(params)
        table = named_table(txn, params)
        attachment = attachment_of(txn, table, _attachment_id(params))
        if attachment.id not in table.propagations:
            raise ApiError(
                "TransitGatewayRouteTablePropagation.NotFound",
                f"Propagation {attachment.id} does not exist in Transit Gateway Route Table {table.id}.",
            )
        kept = tuple(id for id in table.propagations if id != attachment.id)
        txn.put(replace(table, propagations=kept))
    return {"Propagation": _shown_propagation(table, attachment) | {"State": "disabled"}}


@operation("ec2", "GetTransitGatewayRouteTableAssociations")
def get_transit_gateway_route_table_associations(call: Call, params: Params) -> dict[str, Any]:
    table = named_table(call.store, params)
    attachments = call.store.referrers(TransitGatewayAttachment, table.ref)
    attachments = filtered(params, attachments, _ATTACHMENT_FILTERS)
    page, token = paged(params, attachments, lambda a: a.id)
    shown = [_resource(a) | {"State": a.association_state} for a in page]
    return answer("Associations", shown, token)


@operation("ec2", "GetTransitGatewayRouteTablePropagations")
def get_transit_gateway_route_table_propagations(call: Call, params: Params) -> dict[str, Any]:
    table = named_table(call.store, params)
    attachments = [call.store.get(TransitGatewayAttachment, id) for id in sorted(table.propagations)]
    attachments = filtered(params, attachments, _ATTACHMENT_FILTERS)
    page, token = paged(params, attachments, lambda a: a.id)
    shown = [_resource(a) | {"State": "enabled"} for a in page]
    return answer("TransitGatewayRouteTablePropagations", shown, token)


@operation("ec2", "GetTransitGatewayAttachmentPropagations")
def get_transit_gateway_attachment_propagations(call: Call, params: Params) -> dict[str, Any]:
    attachment = living_attachment(call.store, _attachment_id(params))
    tables = call.store.referrers(TransitGatewayRouteTable, attachment.ref)
    tables = [table for table in tables if attachment.id in table.propagations]
    filters: Filters[TransitGatewayRouteTable] = {"transit-gateway-route-table-id": lambda t: t.id}
    tables = filtered(params, tables, filters)
    page, token = paged(params, tables, lambda t: t.id)
    shown = [{"TransitGatewayRouteTableId": table.id, "State": "enabled"} for table in page]
    return answer("TransitGatewayAttachmentPropagations", shown, token)


_ATTACHMENT_FILTERS: Filters[TransitGatewayAttachment] = {
    "resource-id": lambda a: a.vpc_id,
    "resource-type": lambda a: "vpc",
    "transit-gateway-attachment-id": lambda a: a.id,
}


def _attachment_id(params: Params) -> str:
    return named(params.get("TransitGatewayAttachmentId"), "TransitGatewayAttachmentId")


def _refuse_announcement(params: Params) -> None:
    for member in _ANNOUNCEMENTS:
        if params.get(member):
            not_served(member)


def _resource(attachment: TransitGatewayAttachment) -> dict[str, Any]:
    return {
        "TransitGatewayAttachmentId": attachment.id,
        "ResourceId": attachment.vpc_id,
        "ResourceType": "vpc",
    }


def _shown_association(attachment: TransitGatewayAttachment) -> dict[str, Any]:
    return {
        **_resource(attachment),
        "TransitGatewayRouteTableId": attachment.route_table_id,
        "State": attachment.association_state,
    }


def _shown_propagation(
    table: TransitGatewayRouteTable, attachment: TransitGatewayAttachment
) -> dict[str, Any]:
    return {**_resource(attachment), "TransitGatewayRouteTableId": table.id}


def _shown(table: TransitGatewayRouteTable) -> dict[str, Any]:
    return {
        "TransitGatewayRouteTableId": table.id,
        "TransitGatewayId": table.transit_gateway_id,
        "State": table.state,
        "DefaultAssociationRouteTable": table.default_association,
        "DefaultPropagationRouteTable": table.default_propagation,
        "CreationTime": table.create_time,
        "Tags": tag_list(table.tags),
    }
