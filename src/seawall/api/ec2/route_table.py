"""Route tables and their associations with subnets."""

from typing import Any

from msgspec.structs import replace

from seawall.api.ec2.birth import new_route_table
from seawall.api.ec2.describe import Filters, answer, chosen, filtered, paged
from seawall.api.ec2.idempotency import once
from seawall.api.ec2.lookup import check_id, look_up, required
from seawall.api.ec2.quotas import ROUTE_TABLES_PER_VPC, check_quota
from seawall.api.ec2.refusal import not_served
from seawall.api.ec2.route_state import route_state
from seawall.api.ec2.tagging import tag_list, tags_for
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.route_table import Route, RouteTable, RouteTableAssociation
from seawall.model.subnet import Subnet
from seawall.model.vpc import Vpc
from seawall.store.ids import new_id
from seawall.store.store import Reader, Transaction
from seawall.wire.errors import ApiError

LARGEST_PAGE = 100


@operation("ec2", "CreateRouteTable")
def create_route_table(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        table = look_up(txn, RouteTable, once(call, params, txn, _create))
        shown = {"RouteTable": _shown(txn, table, call.account)}
        token = params.get("ClientToken")
        return shown | {"ClientToken": token} if token else shown


def _create(call: Call, params: Params, txn: Transaction) -> str:
    vpc = look_up(txn, Vpc, required(params.get("VpcId"), "vpcId"))
    count = len(txn.referrers(RouteTable, vpc.ref))
    check_quota(count + 1, ROUTE_TABLES_PER_VPC, "RouteTableLimitExceeded")
    return new_route_table(txn, vpc, tags=tags_for(params, "route-table")).id


@operation("ec2", "DeleteRouteTable")
def delete_route_table(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        table = look_up(txn, RouteTable, required(params.get("RouteTableId"), "routeTableId"))
        if table.associations:
            raise ApiError(
                "DependencyViolation", f"The routeTable '{table.id}' has dependencies and cannot be deleted."
            )
        txn.delete(RouteTable, table.id)
    return {}


@operation("ec2", "AssociateRouteTable", refused={"GatewayId": "edge route tables are not served"})
def associate_route_table(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        if params.get("GatewayId"):
            not_served("GatewayId")
        table = look_up(txn, RouteTable, required(params.get("RouteTableId"), "routeTableId"))
        subnet = look_up(txn, Subnet, required(params.get("SubnetId"), "subnetId"))
        if subnet.vpc_id != table.vpc_id:
            raise ApiError(
                "InvalidParameterValue",
                f"Route table {table.id} and subnet {subnet.id} belong to different networks",
            )
        for holder in txn.referrers(RouteTable, subnet.ref):
            held = next(a for a in holder.associations if a.subnet_id == subnet.id)
            if holder.id == table.id:
                return _associated(held.association_id)  # EC2 answers a repeated call with the same id
            raise ApiError(
                "Resource.AlreadyAssociated",
                f"the specified association for route table {table.id} conflicts with an existing"
                " association",
            )
        made = RouteTableAssociation(association_id=new_id("rtbassoc"), subnet_id=subnet.id)
        txn.put(replace(table, associations=(*table.associations, made)))
    return _associated(made.association_id)


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
    """Move a subnet, or the name of main table, from one table to another of the same VPC."""
    with call.write() as txn:
        old, association = _association(txn, required(params.get("AssociationId"), "associationId"))
        new = look_up(txn, RouteTable, required(params.get("RouteTableId"), "routeTableId"))
        if new.vpc_id != old.vpc_id:
            what = f"subnet {association.subnet_id}" if association.subnet_id else f"network {old.vpc_id}"
            raise ApiError(
                "InvalidParameterValue", f"Route table {new.id} and {what} belong to different networks"
            )
        if new.id == old.id:
            return _associated(association.association_id, "NewAssociationId")
        txn.put(_without(old, association))
        moved = replace(association, association_id=new_id("rtbassoc"))
        txn.put(replace(new, associations=(*new.associations, moved)))
    return _associated(moved.association_id, "NewAssociationId")


@operation("ec2", "DescribeRouteTables")
def describe_route_tables(call: Call, params: Params) -> dict[str, Any]:
    reader = call.store
    tables = chosen(reader, RouteTable, params.get("RouteTableIds"))
    filters = _filters(reader, call.account)
    tables = filtered(params, tables, filters, tags=lambda table: table.tags)
    page, token = paged(params, tables, lambda table: table.id, largest=LARGEST_PAGE)
    return answer("RouteTables", [_shown(reader, table, call.account) for table in page], token)


def _filters(reader: Reader, account: str) -> Filters[RouteTable]:
    nothing = (
        "association.gateway-id",
        "route.destination-ipv6-cidr-block",
        "route.destination-prefix-list-id",
        "route.egress-only-internet-gateway-id",
        "route.instance-id",
        "route.transit-gateway-id",
        "route.vpc-peering-connection-id",
    )
    found: dict[str, Any] = {name: lambda table: None for name in nothing}
    found |= {
        "association.main": lambda table: [a.main for a in table.associations],
        "association.route-table-association-id": lambda table: [
            a.association_id for a in table.associations
        ],
        "association.route-table-id": lambda table: table.id if table.associations else None,
        "association.subnet-id": lambda table: [a.subnet_id for a in table.associations],
        "owner-id": lambda table: account,
        "route-table-id": lambda table: table.id,
        "route.destination-cidr-block": lambda table: [r.destination for r in table.routes],
        "route.gateway-id": lambda table: [
            r.target_id for r in table.routes if r.target_kind in ("local", "internet_gateway")
        ],
        "route.nat-gateway-id": lambda table: [
            r.target_id for r in table.routes if r.target_kind == "nat_gateway"
        ],
        "route.network-interface-id": lambda table: [
            r.target_id for r in table.routes if r.target_kind == "network_interface"
        ],
        "route.origin": lambda table: [r.origin for r in table.routes],
        "route.state": lambda table: [route_state(reader, table.vpc_id, r) for r in table.routes],
        "vpc-id": lambda table: table.vpc_id,
    }
    return found


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


def _shown(reader: Reader, table: RouteTable, account: str) -> dict[str, Any]:
    return {
        "RouteTableId": table.id,
        "VpcId": table.vpc_id,
        "OwnerId": account,
        "Associations": [_shown_association(table, association) for association in table.associations],
        "Routes": [_shown_route(reader, table, route, account) for route in table.routes],
        "PropagatingVgws": [],
        "Tags": tag_list(table.tags),
    }


def _shown_association(table: RouteTable, association: RouteTableAssociation) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "Main": association.main,
        "RouteTableAssociationId": association.association_id,
        "RouteTableId": table.id,
        "AssociationState": {"State": "associated"},
    }
    return shown | {"SubnetId": association.subnet_id} if association.subnet_id else shown


def _shown_route(reader: Reader, table: RouteTable, route: Route, account: str) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "DestinationCidrBlock": route.destination,
        "Origin": route.origin,
        "State": route_state(reader, table.vpc_id, route),
    }
    if route.target_kind in ("local", "internet_gateway"):
        return shown | {"GatewayId": route.target_id}
    if route.target_kind == "nat_gateway":
        return shown | {"NatGatewayId": route.target_id}
    return shown | {"NetworkInterfaceId": route.target_id}
