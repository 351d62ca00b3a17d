"""Route tables: create, describe, delete."""

from collections.abc import Callable, Iterable
from typing import Any

from seawall.api.ec2.birth import new_route_table
from seawall.api.ec2.describe import Filters, Value, answer, chosen, filtered, paged
from seawall.api.ec2.idempotency import once
from seawall.api.ec2.lookup import look_up, required
from seawall.api.ec2.quotas import ROUTE_TABLES_PER_VPC, check_quota
from seawall.api.ec2.route_state import route_state
from seawall.api.ec2.tagging import tag_list, tags_for
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.route_table import Route, RouteTable, RouteTableAssociation, TargetKind
from seawall.model.vpc import Vpc
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
    check_quota(txn, count + 1, ROUTE_TABLES_PER_VPC, "RouteTableLimitExceeded")
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


@operation("ec2", "DescribeRouteTables")
def describe_route_tables(call: Call, params: Params) -> dict[str, Any]:
    reader = call.store
    tables = chosen(reader, RouteTable, params.get("RouteTableIds"))
    filters = _filters(reader, call.account)
    tables = filtered(params, tables, filters, tags=lambda table: table.tags)
    page, token = paged(params, tables, lambda table: table.id, largest=LARGEST_PAGE)
    return answer("RouteTables", [_shown(reader, table, call.account) for table in page], token)


def _filters(reader: Reader, account: str) -> Filters[RouteTable]:
    found: dict[str, Any] = {
        f"association.{name}": _over_associations(field)
        for name, field in {
            "gateway-id": "gateway_id",
            "main": "main",
            "route-table-association-id": "association_id",
            "subnet-id": "subnet_id",
        }.items()
    }
    found |= {f"route.{name}": _over_routes(reader, member) for name, member in _ROUTE_FILTERS.items()}
    return found | {
        "association.route-table-id": lambda table: table.id if table.associations else None,
        "owner-id": lambda table: account,
        "route-table-id": lambda table: table.id,
        "vpc-id": lambda table: table.vpc_id,
    }


_ROUTE_FILTERS = {
    "destination-cidr-block": "DestinationCidrBlock",
    "destination-ipv6-cidr-block": "DestinationIpv6CidrBlock",
    "destination-prefix-list-id": "DestinationPrefixListId",
    "egress-only-internet-gateway-id": "EgressOnlyInternetGatewayId",
    "gateway-id": "GatewayId",
    "instance-id": "InstanceId",
    "nat-gateway-id": "NatGatewayId",
    "network-interface-id": "NetworkInterfaceId",
    "origin": "Origin",
    "state": "State",
    "transit-gateway-id": "TransitGatewayId",
    "vpc-peering-connection-id": "VpcPeeringConnectionId",
}


def _over_associations(field: str) -> Callable[[RouteTable], Iterable[Value]]:
    return lambda table: [getattr(association, field) for association in table.associations]


def _over_routes(reader: Reader, member: str) -> Callable[[RouteTable], Iterable[Value]]:
    return lambda table: [_shown_route(reader, table, route).get(member) for route in table.routes]


def _shown(reader: Reader, table: RouteTable, account: str) -> dict[str, Any]:
    return {
        "RouteTableId": table.id,
        "VpcId": table.vpc_id,
        "OwnerId": account,
        "Associations": [_shown_association(table, association) for association in table.associations],
        "Routes": [_shown_route(reader, table, route) for route in table.routes],
        "PropagatingVgws": [],
        "Tags": tag_list(table.tags),
    }


def _shown_association(table: RouteTable, association: RouteTableAssociation) -> dict[str, Any]:
    shown = {
        "Main": association.main,
        "RouteTableAssociationId": association.association_id,
        "RouteTableId": table.id,
        "SubnetId": association.subnet_id,
        "GatewayId": association.gateway_id,
        "AssociationState": {"State": "associated"},
    }
    return {member: value for member, value in shown.items() if value is not None}


_TARGET_MEMBERS: dict[TargetKind, str] = {
    "local": "GatewayId",
    "internet_gateway": "GatewayId",
    "egress_only_internet_gateway": "EgressOnlyInternetGatewayId",
    "nat_gateway": "NatGatewayId",
    "network_interface": "NetworkInterfaceId",
    "vpc_peering_connection": "VpcPeeringConnectionId",
    "transit_gateway": "TransitGatewayId",
    "vpc_endpoint": "GatewayId",
}


def _shown_route(reader: Reader, table: RouteTable, route: Route) -> dict[str, Any]:
    return {
        _destination_member(route.destination): route.destination,
        _TARGET_MEMBERS[route.target_kind]: route.target_id,
        "Origin": route.origin,
        "State": route_state(reader, table.vpc_id, route),
    }


def _destination_member(destination: str) -> str:
    if destination.startswith("pl-"):
        return "DestinationPrefixListId"
    return "DestinationIpv6CidrBlock" if ":" in destination else "DestinationCidrBlock"
