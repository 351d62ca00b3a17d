"""The target of a route in a request: exactly one, alive, and of the table's VPC."""

from collections.abc import Callable
from typing import NoReturn

from seawall.api.ec2.lookup import check_id, look_up
from seawall.api.ec2.refusal import not_served
from seawall.api.ec2.route_state import transit_attachment
from seawall.api.params import Params
from seawall.model.egress_only_internet_gateway import EgressOnlyInternetGateway
from seawall.model.internet_gateway import InternetGateway
from seawall.model.nat_gateway import NatGateway
from seawall.model.network_interface import NetworkInterface
from seawall.model.prefix_list import PrefixList
from seawall.model.route_table import RouteTable, TargetKind
from seawall.model.vpc_peering_connection import VpcPeeringConnection
from seawall.store.store import Reader
from seawall.wire.errors import ApiError

NOT_SERVED = {
    "VpcEndpointId": "there are no Gateway Load Balancer endpoints",
    "InstanceId": "there are no EC2 instances",
    "LocalGatewayId": "there are no Outposts",
    "CarrierGatewayId": "there are no Wavelength zones",
    "CoreNetworkArn": "there is no Cloud WAN",
    "OdbNetworkArn": "there is no Oracle Database@AWS",
}

Target = tuple[TargetKind, str]


def target_of(reader: Reader, params: Params, table: RouteTable, destination: str) -> Target:
    """The one target that the request names, as kind and id.

    Raises ApiError InvalidParameterCombination (none or several), those of unknown ids, InvalidParameterValue
    (of another VPC, or unfit for the destination's family).
    """
    for member in NOT_SERVED:
        if params.get(member):
            not_served(member)
    given = {member: params.get(member) for member in _FINDERS if params.get(member)}
    if not given:
        raise ApiError(
            "InvalidParameterCombination",
            f"The parameters {', '.join(map(_lower, _FINDERS))} are all empty: exactly one target is needed.",
        )
    if len(given) > 1:
        names = ", ".join(sorted(map(_lower, given)))
        raise ApiError("InvalidParameterCombination", f"The parameters {names} cannot be used together")
    ((member, id),) = given.items()
    return _FINDERS[member](reader, table, destination, str(id))


def _gateway(reader: Reader, table: RouteTable, destination: str, id: str) -> Target:
    if id == "local":
        raise ApiError(
            "InvalidParameterValue", f"cannot create a local route {destination} in route table {table.id}"
        )
    if id.startswith("vpce-"):
        raise ApiError(
            "InvalidParameterValue",
            f"cannot create VPC endpoint route {destination} in route table {table.id}",
        )
    gateway = look_up(reader, InternetGateway, id)
    if gateway.vpc_id != table.vpc_id:
        _elsewhere(table, f"network gateway {gateway.id}")
    return "internet_gateway", gateway.id


def _egress_only(reader: Reader, table: RouteTable, destination: str, id: str) -> Target:
    gateway = look_up(reader, EgressOnlyInternetGateway, id)
    if gateway.vpc_id != table.vpc_id:
        _elsewhere(table, f"egress only internet gateway {gateway.id}")
    if family_of(reader, destination) == 4:
        raise ApiError(
            "InvalidParameterValue",
            f"The destination {destination} is not IPv6: an egress-only internet gateway has no other.",
        )
    return "egress_only_internet_gateway", gateway.id


def _nat(reader: Reader, table: RouteTable, destination: str, id: str) -> Target:
    check_id(id, "nat", "NatGatewayMalformed")
    nat = reader.find(NatGateway, id)
    if nat is None or nat.state in ("deleted", "failed"):
        raise ApiError("InvalidNatGatewayID.NotFound", f"The natGateway ID '{id}' does not exist")
    if nat.vpc_id != table.vpc_id:
        _elsewhere(table, f"NAT gateway {nat.id}")
    if family_of(reader, destination) == 6:
        not_served("NAT64 (an IPv6 route to a NAT gateway)")
    return "nat_gateway", nat.id


def _interface(reader: Reader, table: RouteTable, destination: str, id: str) -> Target:
    interface = look_up(reader, NetworkInterface, id)
    if interface.vpc_id != table.vpc_id:
        _elsewhere(table, f"interface {interface.id}")
    return "network_interface", interface.id


def _peering(reader: Reader, table: RouteTable, destination: str, id: str) -> Target:
    """One that waits for acceptance will do; its routes are blackholes until then."""
    peering = look_up(reader, VpcPeeringConnection, id)
    if peering.status not in ("active", "pending-acceptance"):
        raise ApiError(
            "InvalidVpcPeeringConnectionID.NotFound", f"The vpcPeeringConnection ID '{id}' does not exist"
        )
    if table.vpc_id not in (peering.requester_vpc_id, peering.accepter_vpc_id):
        _elsewhere(table, f"vpc peering connection {peering.id}")
    return "vpc_peering_connection", peering.id


def _transit(reader: Reader, table: RouteTable, destination: str, id: str) -> Target:
    check_id(id, "tgw", "InvalidTransitGatewayID.Malformed")
    if transit_attachment(reader, id, table.vpc_id) is None:
        raise ApiError("InvalidTransitGatewayID.NotFound", f"The transitGateway ID '{id}' does not exist.")
    return "transit_gateway", id


_FINDERS: dict[str, Callable[[Reader, RouteTable, str, str], Target]] = {
    "GatewayId": _gateway,
    "EgressOnlyInternetGatewayId": _egress_only,
    "NatGatewayId": _nat,
    "NetworkInterfaceId": _interface,
    "VpcPeeringConnectionId": _peering,
    "TransitGatewayId": _transit,
}


def family_of(reader: Reader, destination: str) -> int:
    """4 or 6: the family of a block or of a prefix list."""
    if destination.startswith("pl-"):
        return 6 if reader.get(PrefixList, destination).address_family == "IPv6" else 4
    return 6 if ":" in destination else 4


def _elsewhere(table: RouteTable, what: str) -> NoReturn:
    raise ApiError("InvalidParameterValue", f"route table {table.id} and {what} belong to different networks")


def _lower(member: str) -> str:
    return member[0].lower() + member[1:]
