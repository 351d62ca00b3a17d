"""Further addresses of a network interface, of both families."""

from collections.abc import Sequence
from ipaddress import IPv4Address
from typing import Any

from msgspec.structs import replace

from seawall.api.ec2.lookup import look_up, required
from seawall.api.ec2.managed_interface import refuse_managed
from seawall.api.ec2.network_interface import NO_PREFIXES
from seawall.api.ec2.public_association import disassociate
from seawall.api.ec2.refusal import not_served
from seawall.api.ec2.requested_address import (
    check_one_of,
    claim_ipv6_addresses,
    claim_private_addresses,
    count_of,
    ipv6_address,
    private_address,
)
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.elastic_ip import ElasticIp
from seawall.model.network_interface import NetworkInterface, SecondaryAddress
from seawall.model.resource import Ref
from seawall.model.subnet import Subnet
from seawall.store.store import Transaction
from seawall.wire.errors import ApiError

_NO_IPV4_PREFIXES = {member: why for member, why in NO_PREFIXES.items() if "4" in member}
_NO_IPV6_PREFIXES = {member: why for member, why in NO_PREFIXES.items() if "6" in member}
_SOME_ARE_NOT = "Some of the specified addresses are not assigned to interface"


@operation("ec2", "AssignPrivateIpAddresses", refused=_NO_IPV4_PREFIXES)
def assign_private_ip_addresses(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        interface = _own(txn, params)
        check_one_of(params, "PrivateIpAddresses", "SecondaryPrivateIpAddressCount")
        named = [private_address(text) for text in params.get("PrivateIpAddresses") or ()]
        count = count_of(params, "SecondaryPrivateIpAddressCount")
        if not named and not count:
            raise ApiError(
                "MissingParameter",
                "Either 'privateIpAddresses' or 'secondaryPrivateIpAddressCount' should be provided.",
            )
        _make_free(txn, interface, named, bool(params.get("AllowReassignment")))
        subnet = txn.get(Subnet, interface.subnet_id)
        added = claim_private_addresses(txn, subnet, named or [None] * count)
        more = tuple(SecondaryAddress(private_ip_address=address) for address in added)
        txn.put(replace(interface, secondary_addresses=(*interface.secondary_addresses, *more)))
    return {
        "NetworkInterfaceId": interface.id,
        "AssignedPrivateIpAddresses": [{"PrivateIpAddress": address} for address in added],
    }


def _make_free(
    txn: Transaction, interface: NetworkInterface, wanted: Sequence[IPv4Address], may_move: bool
) -> None:
    """Take addresses that other interfaces hold from them, where the request allows that.

    A primary address never moves, nor does one of a service's interface.
    """
    held: list[str] = []
    for address in wanted:
        for ref in txn.referrer_refs(Ref("private_address", f"{interface.subnet_id}/{address}")):
            holder = txn.get(NetworkInterface, ref.id)
            fixed = holder.requester_managed or holder.private_ip_address == str(address)
            if not may_move or fixed or holder.id == interface.id:
                held.append(str(address))
            else:
                _unassign(txn, holder, [str(address)])
    if held:
        raise ApiError("InvalidParameterValue", f"[{', '.join(held)}] assigned, but move is not allowed.")


@operation("ec2", "UnassignPrivateIpAddresses", refused=_NO_IPV4_PREFIXES)
def unassign_private_ip_addresses(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        interface = _own(txn, params)
        gone = [str(private_address(text)) for text in params.get("PrivateIpAddresses") or ()]
        if not gone:
            raise ApiError("MissingParameter", "The request must contain the parameter privateIpAddresses")
        known = {s.private_ip_address for s in interface.secondary_addresses}
        if not known.issuperset(gone):
            raise ApiError("InvalidParameterValue", f"{_SOME_ARE_NOT} {interface.id}")
        _unassign(txn, interface, gone)
    return {}


def _unassign(txn: Transaction, interface: NetworkInterface, gone: Sequence[str]) -> None:
    """Write the interface without those secondary addresses; their Elastic IPs become free."""
    for address in txn.referrers(ElasticIp, interface.ref):
        if address.private_ip_address in gone:
            disassociate(txn, address)
    kept = tuple(s for s in interface.secondary_addresses if s.private_ip_address not in gone)
    txn.put(replace(interface, secondary_addresses=kept))


@operation("ec2", "AssignIpv6Addresses", refused=_NO_IPV6_PREFIXES)
def assign_ipv6_addresses(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        interface = _own(txn, params)
        check_one_of(params, "Ipv6Addresses", "Ipv6AddressCount")
        named = [ipv6_address(text) for text in params.get("Ipv6Addresses") or ()]
        count = count_of(params, "Ipv6AddressCount")
        if not named and not count:
            raise ApiError(
                "MissingParameter", "Either 'ipv6Addresses' or 'ipv6AddressCount' should be provided."
            )
        added = claim_ipv6_addresses(txn, txn.get(Subnet, interface.subnet_id), named, count)
        txn.put(replace(interface, ipv6_addresses=(*interface.ipv6_addresses, *added)))
    return {"NetworkInterfaceId": interface.id, "AssignedIpv6Addresses": added}


@operation("ec2", "UnassignIpv6Addresses", refused=_NO_IPV6_PREFIXES)
def unassign_ipv6_addresses(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        interface = _own(txn, params)
        gone = [str(ipv6_address(text)) for text in params.get("Ipv6Addresses") or ()]
        if not gone:
            raise ApiError("MissingParameter", "The request must contain the parameter ipv6Addresses")
        if not set(interface.ipv6_addresses).issuperset(gone):
            raise ApiError("InvalidParameterValue", f"{_SOME_ARE_NOT} {interface.id}")
        kept = tuple(address for address in interface.ipv6_addresses if address not in gone)
        txn.put(replace(interface, ipv6_addresses=kept))
    return {"NetworkInterfaceId": interface.id, "UnassignedIpv6Addresses": gone}


def _own(txn: Transaction, params: Params) -> NetworkInterface:
    """The interface of the request, if its addresses are the account's to change."""
    for member in NO_PREFIXES:
        if params.get(member):
            not_served(member)
    id = required(params.get("NetworkInterfaceId"), "networkInterfaceId")
    interface = look_up(txn, NetworkInterface, id)
    refuse_managed(interface)
    return interface
