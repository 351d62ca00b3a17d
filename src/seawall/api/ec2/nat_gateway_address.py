"""The addresses of a NAT gateway: the primary one and up to seven more, which come and go while it works.

They are the private addresses of the gateway's interface and the Elastic IPs associated with them.  Source:
VPC user guide, "NAT gateway basics" and "Edit secondary IP address associations"; EC2 API reference,
NatGatewayAddress.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from ipaddress import AddressValueError, IPv4Address
from typing import Any

from msgspec.structs import replace

from seawall.api.ec2.addressing import claim_private_address
from seawall.api.ec2.lookup import look_up, required
from seawall.api.ec2.public_association import associate
from seawall.api.ec2.quotas import ADDRESSES_PER_NAT_GATEWAY, check_quota
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.elastic_ip import ElasticIp
from seawall.model.nat_gateway import NatGateway
from seawall.model.network_interface import NetworkInterface, PublicAssociation, SecondaryAddress
from seawall.model.subnet import Subnet
from seawall.store.store import Reader, Transaction
from seawall.wire.errors import ApiError

DRAIN_S = 350  # by default; 1 to 4000
_ZONES = {
    "AvailabilityZone": "regional gateways are not served",
    "AvailabilityZoneId": "regional gateways are not served",
}


@operation("ec2", "AssociateNatGatewayAddress", refused=_ZONES)
def associate_nat_gateway_address(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        nat, interface = _available(txn, params, "public")
        elastic = [look_up(txn, ElasticIp, id) for id in params.get("AllocationIds") or ()]
        if not elastic:
            raise ApiError("MissingParameter", "The request must contain the parameter AllocationIds")
        wanted = private_addresses(params.get("PrivateIpAddresses"), "privateIpAddress")
        added = claim_secondary(txn, call.account, interface, elastic, wanted)
        shown = shown_addresses(txn, nat, added, status="associating")
    return {"NatGatewayId": nat.id, "NatGatewayAddresses": shown}


@operation("ec2", "DisassociateNatGatewayAddress")
def disassociate_nat_gateway_address(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        nat, interface = _available(txn, params, "public")
        ids = params.get("AssociationIds") or ()
        primary = interface.association.association_id if interface.association else None
        known = {
            s.association.association_id: s.private_ip_address
            for s in interface.secondary_addresses
            if s.association
        }
        for id in ids:
            if id == primary:
                raise ApiError(
                    "InvalidParameter", "The primary address of a NAT gateway cannot be disassociated."
                )
            if id not in known:
                raise ApiError("InvalidAssociationID.NotFound", f"The association ID '{id}' does not exist")
        leaving = [known[id] for id in ids]
        _drain(call, txn, interface, leaving, params)
        shown = shown_addresses(txn, nat, leaving)
    return {"NatGatewayId": nat.id, "NatGatewayAddresses": shown}


@operation("ec2", "AssignPrivateNatGatewayAddress")
def assign_private_nat_gateway_address(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        nat, interface = _available(txn, params, "private")
        wanted = wanted_or_counted(params, "PrivateIpAddresses", "PrivateIpAddressCount")
        added = claim_secondary(txn, call.account, interface, (), wanted)
        shown = shown_addresses(txn, nat, added, status="assigning")
    return {"NatGatewayId": nat.id, "NatGatewayAddresses": shown}


@operation("ec2", "UnassignPrivateNatGatewayAddress")
def unassign_private_nat_gateway_address(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        nat, interface = _available(txn, params, "private")
        leaving = [str(a) for a in private_addresses(params.get("PrivateIpAddresses"), "privateIpAddress")]
        for address in leaving:
            if address == interface.private_ip_address:
                raise ApiError(
                    "InvalidParameter", "The primary address of a NAT gateway cannot be unassigned."
                )
            if address not in interface.private_ip_addresses:
                raise ApiError(
                    "InvalidParameterValue",
                    f"Some of the specified addresses are not assigned to interface {interface.id}",
                )
        _drain(call, txn, interface, leaving, params)
        shown = shown_addresses(txn, nat, leaving)
    return {"NatGatewayId": nat.id, "NatGatewayAddresses": shown}


def claim_secondary(
    txn: Transaction,
    account: str,
    interface: NetworkInterface,
    elastic: Sequence[ElasticIp],
    wanted: Sequence[IPv4Address | None],
) -> list[str]:
    """Give a gateway's interface more private addresses, one per Elastic IP or as many as `wanted`.

    wanted   which ones; None: any free one.  Fewer than Elastic IPs: the rest is chosen
    Raises   ApiError: NatGatewayAddress quota, InsufficientFreeAddressesInSubnet, Resource.AlreadyAssociated,
             InvalidParameterCombination (more private addresses than Elastic IPs).
    """
    if elastic and len(wanted) > len(elastic):
        raise ApiError(
            "InvalidParameterCombination",
            "The number of private IP addresses exceeds the number of allocation IDs.",
        )
    count = max(len(elastic), len(wanted))
    check_quota(
        txn,
        len(interface.private_ip_addresses) + count,
        ADDRESSES_PER_NAT_GATEWAY,
        "NatGatewayAddressLimitExceeded",
    )
    subnet = txn.get(Subnet, interface.subnet_id)
    added = []
    for index in range(count):
        private = claim_private_address(txn, subnet, wanted[index] if index < len(wanted) else None)
        secondary = SecondaryAddress(private_ip_address=private)
        interface = replace(interface, secondary_addresses=(*interface.secondary_addresses, secondary))
        if elastic:
            interface = associate(txn, interface, elastic[index], account, private)
        txn.put(interface)
        added.append(private)
    return added


def wanted_or_counted(params: Params, addresses: str, count: str) -> list[IPv4Address | None]:
    """The addresses a request names, or None for each it only counts.  Raises ApiError for both or none."""
    named = private_addresses(params.get(addresses), addresses)
    number = params.get(count)
    if named and number:
        raise ApiError(
            "InvalidParameterCombination", f"You may not specify both {addresses} and {count} in one request."
        )
    if not named and not number:
        raise ApiError("MissingParameter", f"The request must contain the parameter {addresses} or {count}")
    return [*named] if named else [None] * int(number or 0)


def private_addresses(texts: Iterable[str] | None, parameter: str) -> list[IPv4Address]:
    return [private_address(text, parameter) for text in texts or ()]


def private_address(text: str, parameter: str = "privateIpAddress") -> IPv4Address:
    """Raises ApiError InvalidParameterValue."""
    try:
        return IPv4Address(text)
    except AddressValueError as error:
        raise ApiError(
            "InvalidParameterValue", f"Value ({text}) for parameter {parameter} is invalid."
        ) from error


def shown_addresses(
    reader: Reader, nat: NatGateway, only: Iterable[str] | None = None, *, status: str | None = None
) -> list[dict[str, Any]]:
    """NatGatewayAddresses, the primary one first.

    only     of these private addresses
    status   instead of what the gateway's state says
    """
    interface = reader.find(NetworkInterface, nat.network_interface_id or "")
    if interface is None:
        return [_named(_shown(nat, None, None, primary=True, status=status or _PRIMARY_STATUS[nat.state]))]
    chosen = set(interface.private_ip_addresses if only is None else only)
    found = [(interface.private_ip_address, interface.association, True, _PRIMARY_STATUS[nat.state])]
    found += [
        (s.private_ip_address, s.association, False, _secondary_status(nat, s))
        for s in interface.secondary_addresses
    ]
    return [
        _named(_shown(nat, private, association, primary=primary, status=status or own))
        for private, association, primary, own in found
        if private in chosen
    ]


_PRIMARY_STATUS = {
    "pending": "associating",
    "available": "succeeded",
    "deleting": "disassociating",
    "deleted": "succeeded",
    "failed": "failed",
}


def _secondary_status(nat: NatGateway, secondary: SecondaryAddress) -> str:
    if secondary.draining_until is None:
        return _PRIMARY_STATUS[nat.state]
    return "disassociating" if secondary.association else "unassigning"


def _shown(
    nat: NatGateway, private: str | None, association: PublicAssociation | None, *, primary: bool, status: str
) -> dict[str, Any]:
    return {
        "AllocationId": association.allocation_id if association else nat.allocation_id if primary else None,
        "NetworkInterfaceId": nat.network_interface_id,
        "PrivateIp": private,
        "PublicIp": association.public_ip if association else None,
        "AssociationId": association.association_id if association else None,
        "IsPrimary": primary,
        "FailureMessage": nat.failure_message,
        "Status": status,
    }


def _named(members: dict[str, Any]) -> dict[str, Any]:
    return {member: value for member, value in members.items() if value is not None}


def _available(txn: Transaction, params: Params, connectivity: str) -> tuple[NatGateway, NetworkInterface]:
    nat = look_up(txn, NatGateway, required(params.get("NatGatewayId"), "natGatewayId"))
    if nat.connectivity_type != connectivity:
        raise ApiError(
            "InvalidParameter", f"The connectivity type of NAT gateway {nat.id} is {nat.connectivity_type}."
        )
    interface = txn.find(NetworkInterface, nat.network_interface_id or "")
    if nat.state != "available" or interface is None:
        raise ApiError("IncorrectState", f"NAT gateway {nat.id} is in state {nat.state}.")
    return nat, interface


def _drain(
    call: Call, txn: Transaction, interface: NetworkInterface, leaving: Sequence[str], params: Params
) -> None:
    """New connections stop using the addresses now; a loop takes them away when the time is over."""
    given = params.get("MaxDrainDurationSeconds")
    until = call.now + timedelta(seconds=DRAIN_S if given is None else int(given))
    secondary = tuple(
        replace(s, draining_until=s.draining_until or until) if s.private_ip_address in leaving else s
        for s in interface.secondary_addresses
    )
    txn.put(replace(interface, secondary_addresses=secondary))
