"""Transit gateways: create, modify, delete, describe.

A loop makes a new one available and ends one that is deleted; see controllers.transit_gateway.
"""

from typing import Any, Literal

from msgspec.structs import replace

from seawall.api.ec2.describe import Filters, answer, chosen, filtered, paged
from seawall.api.ec2.lookup import WORDS, look_up
from seawall.api.ec2.quotas import TRANSIT_GATEWAYS, check_count
from seawall.api.ec2.refusal import not_served
from seawall.api.ec2.tagging import tag_list, tags_for
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.transit_gateway import (
    TransitGateway,
    TransitGatewayAttachment,
    TransitGatewayRouteTable,
)
from seawall.store.ids import new_id
from seawall.store.store import Reader, Transaction
from seawall.wire.errors import ApiError

_SWITCHES = {
    "AutoAcceptSharedAttachments": "auto_accept_shared_attachments",
    "DefaultRouteTableAssociation": "default_route_table_association",
    "DefaultRouteTablePropagation": "default_route_table_propagation",
    "VpnEcmpSupport": "vpn_ecmp_support",
    "DnsSupport": "dns_support",
}
_STORED = {
    "Options.AmazonSideAsn": "there is no BGP session to use it",
    "Options.AutoAcceptSharedAttachments": "there is one account",
    "Options.VpnEcmpSupport": "there are no VPN attachments",
    "Options.DnsSupport": "names of public addresses resolve to private ones over peerings alone",
}
_NOT_SERVED = {
    "SecurityGroupReferencingSupport": "group references do not reach over a transit gateway",
    "MulticastSupport": "there is no multicast",
    "EncryptionSupport": "there is no VPC encryption control",
}
_BLOCKS = ("TransitGatewayCidrBlocks", "AddTransitGatewayCidrBlocks", "RemoveTransitGatewayCidrBlocks")
_NO_BLOCKS = "there are no Connect peers to take addresses from them"
_REASONS = {
    f"Options.{m}": reason for m, reason in (_NOT_SERVED | dict.fromkeys(_BLOCKS, _NO_BLOCKS)).items()
}
_AT_BIRTH = {"Options.MulticastSupport", "Options.TransitGatewayCidrBlocks"}
_LATER = {
    "Options.EncryptionSupport",
    "Options.AddTransitGatewayCidrBlocks",
    "Options.RemoveTransitGatewayCidrBlocks",
}
_ASN_RANGES = ((64512, 65534), (4200000000, 4294967294))

Default = Literal["association", "propagation"]
_DEFAULTS: dict[Default, tuple[str, str]] = {
    "association": ("DefaultRouteTableAssociation", "AssociationDefaultRouteTableId"),
    "propagation": ("DefaultRouteTablePropagation", "PropagationDefaultRouteTableId"),
}


def living(reader: Reader, id: str) -> TransitGateway:
    """The gateway of that id.  Raises ApiError where it is malformed, unknown or deleted."""
    gateway = look_up(reader, TransitGateway, id)
    if gateway.state in ("deleting", "deleted"):
        words = WORDS[TransitGateway]
        raise ApiError(words.missing_code, words.missing_text.format(id=id))
    return gateway


def named(value: str | None, parameter: str) -> str:
    """`value`, or the refusal of a request that lacks it, in the words of the transit gateway calls."""
    if not value:
        raise ApiError("MissingParameter", f"Missing required parameter in request: {parameter}.")
    return value


@operation(
    "ec2",
    "CreateTransitGateway",
    stored=_STORED,
    refused={member: reason for member, reason in _REASONS.items() if member not in _LATER},
)
def create_transit_gateway(call: Call, params: Params) -> dict[str, Any]:
    """With a default for either, the gateway is born with one route table."""
    with call.write() as txn:
        alive = [g for g in txn.all(TransitGateway) if g.state != "deleted"]
        check_count(len(alive) + 1, TRANSIT_GATEWAYS, "TransitGatewayLimitExceeded")
        gateway = TransitGateway(
            id=new_id("tgw"),
            description=params.get("Description") or "",
            state="pending",
            create_time=call.now,
            tags=tags_for(params, "transit-gateway"),
        )
        gateway = _with_options(gateway, params)
        association, propagation = (
            gateway.default_route_table_association,
            gateway.default_route_table_propagation,
        )
        if association or propagation:
            table = TransitGatewayRouteTable(
                id=new_id("tgw-rtb"),
                transit_gateway_id=gateway.id,
                default_association=association,
                default_propagation=propagation,
                create_time=call.now,
            )
            txn.put(table, expect=0)
            gateway = replace(
                gateway,
                association_default_route_table_id=table.id if association else None,
                propagation_default_route_table_id=table.id if propagation else None,
            )
        txn.put(gateway, expect=0)
    return {"TransitGateway": shown(gateway, call)}


@operation(
    "ec2",
    "ModifyTransitGateway",
    stored=_STORED,
    refused={member: reason for member, reason in _REASONS.items() if member not in _AT_BIRTH},
)
def modify_transit_gateway(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        gateway = living(txn, named(params.get("TransitGatewayId"), "TransitGatewayId"))
        check_state(gateway, "available")
        options = params.get("Options") or Params({})
        for which in _DEFAULTS:
            _check_default(txn, gateway, options, which)
        changed = _with_options(gateway, params)
        if params.get("Description") is not None:
            changed = replace(changed, description=params["Description"])
        for which in _DEFAULTS:
            changed = _with_default(txn, changed, options, which)
        txn.put(changed)
    return {"TransitGateway": shown(changed, call) | {"State": "modifying"}}


@operation("ec2", "DeleteTransitGateway")
def delete_transit_gateway(call: Call, params: Params) -> dict[str, Any]:
    """Its route tables go with it."""
    with call.write() as txn:
        gateway = living(txn, named(params.get("TransitGatewayId"), "TransitGatewayId"))
        attached = [a.id for a in txn.referrers(TransitGatewayAttachment, gateway.ref)]
        if attached:
            raise ApiError(
                "IncorrectState", f"{gateway.id} has non-deleted VPC Attachments: {', '.join(attached)}."
            )
        for table in txn.referrers(TransitGatewayRouteTable, gateway.ref):
            txn.delete(TransitGatewayRouteTable, table.id)
        gateway = replace(gateway, state="deleting", deleted_at=call.now)
        txn.put(gateway)
    return {"TransitGateway": shown(gateway, call)}


@operation("ec2", "DescribeTransitGateways")
def describe_transit_gateways(call: Call, params: Params) -> dict[str, Any]:
    gateways = chosen(call.store, TransitGateway, params.get("TransitGatewayIds"))
    filters: Filters[TransitGateway] = {
        "options.amazon-side-asn": lambda g: g.amazon_side_asn,
        "options.association-default-route-table-id": lambda g: g.association_default_route_table_id,
        "options.auto-accept-shared-attachments": lambda g: switch(g.auto_accept_shared_attachments),
        "options.default-route-table-association": lambda g: switch(g.default_route_table_association),
        "options.default-route-table-propagation": lambda g: switch(g.default_route_table_propagation),
        "options.dns-support": lambda g: switch(g.dns_support),
        "options.propagation-default-route-table-id": lambda g: g.propagation_default_route_table_id,
        "options.vpn-ecmp-support": lambda g: switch(g.vpn_ecmp_support),
        "owner-id": lambda g: call.account,
        "state": lambda g: g.state,
        "transit-gateway-id": lambda g: g.id,
    }
    gateways = filtered(params, gateways, filters, tags=lambda g: g.tags)
    page, token = paged(params, gateways, lambda g: g.id)
    return answer("TransitGateways", [shown(gateway, call) for gateway in page], token)


def switch(on: bool) -> str:
    return "enable" if on else "disable"


def check_state(resource: TransitGateway | TransitGatewayAttachment, *allowed: str) -> None:
    """Refuse what is on its way from one state to another.  Raises ApiError IncorrectState."""
    if resource.state not in allowed:
        raise ApiError("IncorrectState", f"{resource.id} is in invalid state")


def shown(gateway: TransitGateway, call: Call) -> dict[str, Any]:
    options = {
        "AmazonSideAsn": gateway.amazon_side_asn,
        "AssociationDefaultRouteTableId": gateway.association_default_route_table_id,
        "PropagationDefaultRouteTableId": gateway.propagation_default_route_table_id,
        "SecurityGroupReferencingSupport": "disable",
        "MulticastSupport": "disable",
        **{member: switch(getattr(gateway, field)) for member, field in _SWITCHES.items()},
    }
    return {
        "TransitGatewayId": gateway.id,
        "TransitGatewayArn": call.arn(f"transit-gateway/{gateway.id}"),
        "State": gateway.state,
        "OwnerId": call.account,
        "Description": gateway.description,
        "CreationTime": gateway.create_time,
        "Options": {member: value for member, value in options.items() if value is not None},
        "Tags": tag_list(gateway.tags),
    }


def _with_options(gateway: TransitGateway, params: Params) -> TransitGateway:
    options = params.get("Options") or Params({})
    for member in _NOT_SERVED:
        if options.get(member) == "enable":
            not_served(f"{member}=enable")
    for member in _BLOCKS:
        if options.get(member):
            not_served(member)
    asn = options.get("AmazonSideAsn")
    if asn is not None:
        if not any(first <= asn <= last for first, last in _ASN_RANGES):
            raise ApiError(
                "InvalidParameterValue",
                f"Value ({asn}) for parameter AmazonSideAsn is invalid. The ASN must be from 64512 to 65534"
                " or from 4200000000 to 4294967294.",
            )
        gateway = replace(gateway, amazon_side_asn=asn)
    given = {field: options[member] == "enable" for member, field in _SWITCHES.items() if member in options}
    return replace(gateway, **given)


def _check_default(reader: Reader, gateway: TransitGateway, options: Params, which: Default) -> None:
    """A default and its table go together, and the table is one of this gateway's."""
    flag_member, id_member = _DEFAULTS[which]
    flag, table_id = options.get(flag_member), options.get(id_member)
    present = getattr(gateway, f"{which}_default_route_table_id")
    wanted = flag or switch(getattr(gateway, f"default_route_table_{which}"))
    if wanted == "disable" and table_id:
        conflict = f"disable {flag_member} conflicts with {id_member} {table_id}"
        raise ApiError("InvalidParameterCombination", conflict)
    if flag == "enable" and not table_id and not present:
        conflict = f"enable {flag_member} conflicts with {id_member} null"
        raise ApiError("InvalidParameterCombination", conflict)
    if table_id and look_up(reader, TransitGatewayRouteTable, table_id).transit_gateway_id != gateway.id:
        raise ApiError(
            "InvalidRouteTableID.NotFound",
            f"Transit Gateway Route Table {table_id} was deleted or does not exist in Transit Gateway"
            f" {gateway.id}.",
        )


def _with_default(
    txn: Transaction, gateway: TransitGateway, options: Params, which: Default
) -> TransitGateway:
    """The gateway with its new default table, the tables' own marks written."""
    flag_member, id_member = _DEFAULTS[which]
    before: str | None = getattr(gateway, f"{which}_default_route_table_id")
    after = options.get(id_member) or before
    if options.get(flag_member) == "disable":
        after = None
    for table_id, mark in ((before, False), (after, True)):
        if table_id is not None:
            table = txn.get(TransitGatewayRouteTable, table_id)
            txn.put(replace(table, **{f"default_{which}": mark}))
    return replace(gateway, **{f"{which}_default_route_table_id": after})
