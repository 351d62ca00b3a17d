"""Which route table decides for a subnet, or for what comes in through an internet gateway."""

from typing import Any, NoReturn

from msgspec.structs import replace

from seawall.api.ec2.lookup import check_id, look_up, required
from seawall.api.ec2.refusal import not_served
from seawall.api.ec2.route_rules import check_for_gateway
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.internet_gateway import InternetGateway
from seawall.model.resource import Ref
from seawall.model.route_table import RouteTable, RouteTableAssociation
from seawall.model.subnet import Subnet
from seawall.store.ids import new_id
from seawall.store.store import Transaction
from seawall.wire.errors import ApiError


@operation(
    "ec2", "AssociateRouteTable", refused={"PublicIpv4Pool": "there are no pools of brought addresses"}
)
def associate_route_table(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        if params.get("PublicIpv4Pool"):
            not_served("PublicIpv4Pool")
        table = look_up(txn, RouteTable, required(params.get("RouteTableId"), "routeTableId"))
        wanted = _wanted(txn, params, table)
        for holder, held in _held(txn, wanted):
            if holder.id == table.id:
                return _associated(held.association_id)  # EC2 answers a repeated call with the same id
            raise ApiError(
                "Resource.AlreadyAssociated",
                f"the specified association for route table {table.id} conflicts with an existing"
                " association",
            )
        txn.put(replace(table, associations=(*table.associations, wanted)))
    return _associated(wanted.association_id)


def _wanted(txn: Transaction, params: Params, table: RouteTable) -> RouteTableAssociation:
    """The new association: of a subnet or of an internet gateway, never of both."""
    subnet_id, gateway_id = params.get("SubnetId"), params.get("GatewayId")
    if subnet_id and gateway_id:
        raise ApiError(
            "InvalidParameterCombination", "The parameters gatewayId, subnetId cannot be used together"
        )
    if not gateway_id:
        subnet = look_up(txn, Subnet, required(subnet_id, "subnetId"))
        if subnet.vpc_id != table.vpc_id:
            _elsewhere(table, f"subnet {subnet.id}")
        return RouteTableAssociation(association_id=new_id("rtbassoc"), subnet_id=subnet.id)
    gateway = look_up(txn, InternetGateway, gateway_id)
    if gateway.vpc_id != table.vpc_id:
        _elsewhere(table, f"network gateway {gateway.id}")
    check_for_gateway(txn, table, gateway.id)
    return RouteTableAssociation(association_id=new_id("rtbassoc"), gateway_id=gateway.id)


def _held(txn: Transaction, wanted: RouteTableAssociation) -> list[tuple[RouteTable, RouteTableAssociation]]:
    """The association that the subnet or gateway has already, with its table; at most one."""
    if wanted.subnet_id:
        tables = txn.referrers(RouteTable, Ref("subnet", wanted.subnet_id))
    else:
        tables = txn.referrers(RouteTable, Ref("internet_gateway", wanted.gateway_id or ""))
    return [
        (table, held)
        for table in tables
        for held in table.associations
        if (held.subnet_id, held.gateway_id, held.main) == (wanted.subnet_id, wanted.gateway_id, False)
    ]


@operation("ec2", "DisassociateRouteTable")
def disassociate_route_table(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        table, association = _association(txn, required(params.get("AssociationId"), "associationId"))
        if association.main:
            raise ApiError(
                "InvalidParameterValue",
                f"cannot disassociate the main route table association {association.association_id}",
            )
        txn.put(_without(table, association))
    return {}


@operation("ec2", "ReplaceRouteTableAssociation")
def replace_route_table_association(call: Call, params: Params) -> dict[str, Any]:
    """Move a subnet, a gateway, or the name of main table, from one table to another of the same VPC."""
    with call.write() as txn:
        old, association = _association(txn, required(params.get("AssociationId"), "associationId"))
        new = look_up(txn, RouteTable, required(params.get("RouteTableId"), "routeTableId"))
        if new.vpc_id != old.vpc_id:
            _elsewhere(new, f"subnet {association.subnet_id}" if association.subnet_id else old.vpc_id)
        if new.id == old.id:
            return _associated(association.association_id, "NewAssociationId")
        if association.gateway_id:
            check_for_gateway(txn, new, association.gateway_id)
        txn.put(_without(old, association))
        moved = replace(association, association_id=new_id("rtbassoc"))
        txn.put(replace(new, associations=(*new.associations, moved)))
    return _associated(moved.association_id, "NewAssociationId")


def forget(txn: Transaction, gone: Ref) -> None:
    """Write every table without its association with the subnet or gateway `gone`."""
    for table in txn.referrers(RouteTable, gone):
        kept = tuple(a for a in table.associations if gone.id not in (a.subnet_id, a.gateway_id))
        txn.put(replace(table, associations=kept))


def _association(txn: Transaction, id: str) -> tuple[RouteTable, RouteTableAssociation]:
    check_id(id, "rtbassoc", "InvalidRouteTableAssociationID.Malformed")
    for table in txn.all(RouteTable):
        for association in table.associations:
            if association.association_id == id:
                return table, association
    raise ApiError("InvalidAssociationID.NotFound", f"The association ID '{id}' does not exist")


def _without(table: RouteTable, association: RouteTableAssociation) -> RouteTable:
    return replace(table, associations=tuple(a for a in table.associations if a != association))


def _associated(id: str, member: str = "AssociationId") -> dict[str, Any]:
    return {member: id, "AssociationState": {"State": "associated"}}


def _elsewhere(table: RouteTable, what: str) -> NoReturn:
    raise ApiError("InvalidParameterValue", f"Route table {table.id} and {what} belong to different networks")
