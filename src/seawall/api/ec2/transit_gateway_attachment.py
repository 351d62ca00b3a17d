"""VPCs at transit gateways: attach, modify, detach, describe.

Each subnet of an attachment, one per zone, holds an interface of the gateway.  A loop makes the attachment
available once packets pass through them; see controllers.transit_gateway.
"""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from seawall.api.ec2.addressing import claim_ipv6_address
from seawall.api.ec2.describe import Filters, answer, chosen, filtered, paged
from seawall.api.ec2.interface_creation import create_interface
from seawall.api.ec2.lookup import WORDS, check_id, look_up
from seawall.api.ec2.quotas import TRANSIT_GATEWAYS_PER_VPC, check_count
from seawall.api.ec2.tagging import tag_list, tags_for
from seawall.api.ec2.transit_gateway import check_state, living, named, switch
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.network_interface import NetworkInterface
from seawall.model.resource import Ref
from seawall.model.subnet import Subnet
from seawall.model.transit_gateway import (
    TransitGateway,
    TransitGatewayAttachment,
    TransitGatewayRouteTable,
)
from seawall.model.vpc import Vpc
from seawall.store.ids import new_id
from seawall.store.store import Reader, Transaction
from seawall.wire.errors import ApiError

_SWITCHES = {
    "DnsSupport": "dns_support",
    "SecurityGroupReferencingSupport": "security_group_referencing_support",
    "Ipv6Support": "ipv6_support",
    "ApplianceModeSupport": "appliance_mode",
}
_STORED = {
    "Options.DnsSupport": "names of public addresses resolve to private ones over peerings alone",
    "Options.SecurityGroupReferencingSupport": "it counts only where the transit gateway has it on, too",
}


def living_attachment(reader: Reader, id: str) -> TransitGatewayAttachment:
    """The attachment of that id.  Raises ApiError where it is malformed, unknown or deleted."""
    attachment = look_up(reader, TransitGatewayAttachment, id)
    if attachment.state == "deleted":
        words = WORDS[TransitGatewayAttachment]
        raise ApiError(words.missing_code, words.missing_text.format(id=id))
    return attachment


@operation("ec2", "CreateTransitGatewayVpcAttachment", stored=_STORED)
def create_transit_gateway_vpc_attachment(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        gateway = living(txn, named(params.get("TransitGatewayId"), "TransitGatewayId"))
        vpc = look_up(txn, Vpc, named(params.get("VpcId"), "VpcId"))
        subnets = _subnets(txn, vpc.id, params.get("SubnetIds") or (), ())
        if not subnets:
            raise ApiError("MissingParameter", "Missing required parameter in request: SubnetIds.")
        check_state(gateway, "available")
        present = txn.referrers(TransitGatewayAttachment, vpc.ref)
        if any(a.transit_gateway_id == gateway.id for a in present):
            raise ApiError(
                "DuplicateTransitGatewayAttachment",
                f"{gateway.id} has non-deleted Transit Gateway Attachments with same VPC ID.",
            )
        check_count(len(present) + 1, TRANSIT_GATEWAYS_PER_VPC, "TransitGatewayAttachmentLimitExceeded")
        attachment = TransitGatewayAttachment(
            id=new_id("tgw-attach"),
            transit_gateway_id=gateway.id,
            vpc_id=vpc.id,
            subnet_ids=tuple(subnet.id for subnet in subnets),
            state="pending",
            create_time=call.now,
            tags=tags_for(params, "transit-gateway-attachment"),
        )
        attachment = _with_options(attachment, params, subnets)
        attachment = replace(attachment, network_interface_ids=_interfaces(call, txn, attachment, subnets))
        attachment = _with_defaults(txn, gateway, attachment)
        txn.put(attachment, expect=0)
    return {"TransitGatewayVpcAttachment": _shown(attachment, call)}


def _with_defaults(
    txn: Transaction, gateway: TransitGateway, attachment: TransitGatewayAttachment
) -> TransitGatewayAttachment:
    """Associated with, and propagated to, the gateway's default tables."""
    if gateway.propagation_default_route_table_id:
        table = txn.get(TransitGatewayRouteTable, gateway.propagation_default_route_table_id)
        txn.put(replace(table, propagations=(*table.propagations, attachment.id)))
    if gateway.association_default_route_table_id is None:
        return attachment
    table_id = gateway.association_default_route_table_id
    return replace(attachment, route_table_id=table_id, association_state="associating")


@operation("ec2", "ModifyTransitGatewayVpcAttachment", stored=_STORED)
def modify_transit_gateway_vpc_attachment(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        attachment = _named(txn, params)
        check_state(attachment, "available")
        removed = params.get("RemoveSubnetIds") or ()
        for subnet_id in removed:
            if subnet_id not in attachment.subnet_ids:
                raise ApiError(
                    "InvalidSubnetID.NotFound", f"{subnet_id} is not attached but supplied in RemoveSubnets"
                )
        kept = [subnet_id for subnet_id in attachment.subnet_ids if subnet_id not in removed]
        added = _subnets(txn, attachment.vpc_id, params.get("AddSubnetIds") or (), kept)
        if not kept and not added:
            raise ApiError("InsufficientSubnetsException", "Insufficient Subnets")
        subnets = [txn.get(Subnet, id) for id in kept] + added
        attachment = _with_options(attachment, params, subnets)
        staying = _staying(txn, attachment, kept)
        attachment = replace(
            attachment,
            subnet_ids=tuple(subnet.id for subnet in subnets),
            network_interface_ids=staying + _interfaces(call, txn, attachment, added),
            state="modifying",
        )
        txn.put(attachment)
    return {"TransitGatewayVpcAttachment": _shown(attachment, call)}


def _staying(txn: Transaction, attachment: TransitGatewayAttachment, kept: Sequence[str]) -> tuple[str, ...]:
    """The interfaces in the kept subnets, with an IPv6 address or without, as the attachment has it now."""
    found = []
    for id in attachment.network_interface_ids:
        interface = txn.get(NetworkInterface, id)
        if interface.subnet_id not in kept:
            continue
        found.append(id)
        if not attachment.ipv6_support:
            txn.put(replace(interface, ipv6_addresses=()))
        elif not interface.ipv6_addresses:
            subnet = txn.get(Subnet, interface.subnet_id)
            txn.put(replace(interface, ipv6_addresses=(claim_ipv6_address(txn, subnet),)))
    return tuple(found)


@operation("ec2", "DeleteTransitGatewayVpcAttachment")
def delete_transit_gateway_vpc_attachment(call: Call, params: Params) -> dict[str, Any]:
    """Its propagations end; static routes to it stay, as blackholes."""
    with call.write() as txn:
        attachment = _named(txn, params)
        check_state(attachment, "available", "pending", "modifying")
        for table in txn.referrers(TransitGatewayRouteTable, attachment.ref):
            kept = tuple(id for id in table.propagations if id != attachment.id)
            txn.put(replace(table, propagations=kept))
        attachment = replace(attachment, state="deleting", route_table_id=None, deleted_at=call.now)
        txn.put(attachment)
    return {"TransitGatewayVpcAttachment": _shown(attachment, call)}


@operation("ec2", "DescribeTransitGatewayVpcAttachments")
def describe_transit_gateway_vpc_attachments(call: Call, params: Params) -> dict[str, Any]:
    attachments = chosen(call.store, TransitGatewayAttachment, params.get("TransitGatewayAttachmentIds"))
    filters: Filters[TransitGatewayAttachment] = {
        "state": lambda a: a.state,
        "transit-gateway-attachment-id": lambda a: a.id,
        "transit-gateway-id": lambda a: a.transit_gateway_id,
        "vpc-id": lambda a: a.vpc_id,
    }
    attachments = filtered(params, attachments, filters, tags=lambda a: a.tags)
    page, token = paged(params, attachments, lambda a: a.id)
    return answer("TransitGatewayVpcAttachments", [_shown(a, call) for a in page], token)


@operation("ec2", "DescribeTransitGatewayAttachments", note="There are attachments of VPCs only.")
def describe_transit_gateway_attachments(call: Call, params: Params) -> dict[str, Any]:
    attachments = chosen(call.store, TransitGatewayAttachment, params.get("TransitGatewayAttachmentIds"))
    filters: Filters[TransitGatewayAttachment] = {
        "association.state": lambda a: a.association_state if a.route_table_id else None,
        "association.transit-gateway-route-table-id": lambda a: a.route_table_id,
        "resource-id": lambda a: a.vpc_id,
        "resource-owner-id": lambda a: call.account,
        "resource-type": lambda a: "vpc",
        "state": lambda a: a.state,
        "transit-gateway-attachment-id": lambda a: a.id,
        "transit-gateway-id": lambda a: a.transit_gateway_id,
        "transit-gateway-owner-id": lambda a: call.account,
    }
    attachments = filtered(params, attachments, filters, tags=lambda a: a.tags)
    page, token = paged(params, attachments, lambda a: a.id)
    return answer("TransitGatewayAttachments", [_shown_in_general(a, call) for a in page], token)


def _named(reader: Reader, params: Params) -> TransitGatewayAttachment:
    id = named(params.get("TransitGatewayAttachmentId"), "TransitGatewayAttachmentId")
    return living_attachment(reader, id)


def _subnets(reader: Reader, vpc_id: str, ids: Sequence[str], present: Sequence[str]) -> list[Subnet]:
    """The subnets of those ids: of this VPC, and each, like those `present`, in a zone of its own."""
    zones = [reader.get(Subnet, id).availability_zone for id in present]
    found = []
    for id in ids:
        check_id(id, "subnet", "InvalidSubnetID.Malformed")
        subnet = reader.find(Subnet, id)
        if subnet is None or subnet.vpc_id != vpc_id:
            raise ApiError("InvalidSubnetID.NotFound", f"Subnet {id} was deleted or does not exist.")
        if subnet.availability_zone in zones:
            raise ApiError("DuplicateSubnetsInSameZone", "Duplicate Subnets for same AZ")
        zones.append(subnet.availability_zone)
        found.append(subnet)
    return found


def _with_options(
    attachment: TransitGatewayAttachment, params: Params, subnets: Sequence[Subnet]
) -> TransitGatewayAttachment:
    options = params.get("Options") or Params({})
    given = {field: options[member] == "enable" for member, field in _SWITCHES.items() if member in options}
    attachment = replace(attachment, **given)
    without = [subnet.id for subnet in subnets if subnet.ipv6_cidr_block is None]
    if attachment.ipv6_support and without:
        raise ApiError(
            "InvalidParameterValue", f"Subnet {without[0]} has no IPv6 CIDR block: Ipv6Support needs one."
        )
    return attachment


def _interfaces(
    call: Call, txn: Transaction, attachment: TransitGatewayAttachment, subnets: Sequence[Subnet]
) -> tuple[str, ...]:
    return tuple(
        create_interface(
            txn,
            account=call.account,
            subnet=subnet,
            group_ids=(),
            description=f"Network Interface for Transit Gateway Attachment {attachment.id}",
            interface_type="transit_gateway",
            requester_id=call.account,
            owner=Ref("transit_gateway_attachment", attachment.id),
            now=call.now,
            ipv6=attachment.ipv6_support,
        ).id
        for subnet in subnets
    )


def _shown(attachment: TransitGatewayAttachment, call: Call) -> dict[str, Any]:
    return {
        "TransitGatewayAttachmentId": attachment.id,
        "TransitGatewayId": attachment.transit_gateway_id,
        "VpcId": attachment.vpc_id,
        "VpcOwnerId": call.account,
        "State": attachment.state,
        "SubnetIds": list(attachment.subnet_ids),
        "CreationTime": attachment.create_time,
        "Options": {member: switch(getattr(attachment, field)) for member, field in _SWITCHES.items()},
        "Tags": tag_list(attachment.tags),
    }


def _shown_in_general(attachment: TransitGatewayAttachment, call: Call) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "TransitGatewayAttachmentId": attachment.id,
        "TransitGatewayId": attachment.transit_gateway_id,
        "TransitGatewayOwnerId": call.account,
        "ResourceOwnerId": call.account,
        "ResourceType": "vpc",
        "ResourceId": attachment.vpc_id,
        "State": attachment.state,
        "CreationTime": attachment.create_time,
        "Tags": tag_list(attachment.tags),
    }
    if attachment.route_table_id:
        shown["Association"] = {
            "TransitGatewayRouteTableId": attachment.route_table_id,
            "State": attachment.association_state,
        }
    return shown
