"""Elastic IPs: allocate, release, associate, disassociate, describe."""

from collections.abc import Sequence
from ipaddress import AddressValueError, IPv4Address
from typing import Any

from seawall.api.ec2.addressing import claim_public_address
from seawall.api.ec2.describe import Filters, answer, chosen, filtered, paged
from seawall.api.ec2.lookup import check_id, look_up, required
from seawall.api.ec2.managed_interface import refuse_managed
from seawall.api.ec2.public_association import associate, association_of, disassociate
from seawall.api.ec2.quotas import ELASTIC_IPS, check_quota
from seawall.api.ec2.refusal import not_served
from seawall.api.ec2.tagging import tag_list, tags_for
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.elastic_ip import ElasticIp
from seawall.model.internet_gateway import InternetGateway
from seawall.model.network_interface import NetworkInterface
from seawall.model.resource import Ref
from seawall.store.ids import new_id
from seawall.store.store import Reader, Transaction
from seawall.wire.errors import ApiError


@operation(
    "ec2",
    "AllocateAddress",
    refused={
        "Address": "an address cannot be asked for again",
        "PublicIpv4Pool": "there is one pool, Amazon's",
        "IpamPoolId": "there is no IPAM",
    },
)
def allocate_address(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        params.get("Domain")  # "standard" died with EC2-Classic; EC2 too answers "vpc"
        _check_border(call, params)
        check_quota(txn, len(txn.all(ElasticIp)) + 1, ELASTIC_IPS, "AddressLimitExceeded")
        address = ElasticIp(
            id=new_id("eipalloc"),
            public_ip=claim_public_address(txn),
            tags=tags_for(params, "elastic-ip"),
        )
        txn.put(address, expect=0)
    return {
        "PublicIp": address.public_ip,
        "AllocationId": address.id,
        "Domain": "vpc",
        "PublicIpv4Pool": "amazon",
        "NetworkBorderGroup": call.region,
    }


@operation("ec2", "ReleaseAddress")
def release_address(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        _check_border(call, params)
        address = _address(txn, params)
        if address.association_id:
            raise ApiError("InvalidIPAddress.InUse", f"Address {address.public_ip} is in use.")
        txn.delete(ElasticIp, address.id)
    return {}


@operation(
    "ec2",
    "AssociateAddress",
    refused={"InstanceId": "there are no EC2 instances"},
    note="Interfaces of tasks and NAT gateways refuse with AuthFailure, as on AWS.",
)
def associate_address(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        if params.get("InstanceId"):
            not_served("InstanceId")
        address = _address(txn, params)
        interface = look_up(
            txn, NetworkInterface, required(params.get("NetworkInterfaceId"), "networkInterfaceId")
        )
        refuse_managed(interface)
        private = params.get("PrivateIpAddress") or interface.private_ip_address
        if private not in interface.private_ip_addresses:
            raise ApiError(
                "InvalidParameterValue", f"Address {private} is not assigned to interface {interface.id}"
            )
        if not txn.referrers(InternetGateway, Ref("vpc", interface.vpc_id)):
            raise ApiError(
                "Gateway.NotAttached",
                f"Network {interface.vpc_id} is not attached to any internet gateway",
            )
        if (address.network_interface_id, address.private_ip_address) == (interface.id, private):
            return {"AssociationId": address.association_id}
        address = _freed(txn, params, address)
        present = association_of(interface, private)
        if present is not None:
            disassociate(txn, txn.get(ElasticIp, present.allocation_id or ""))
        # The interface may have just lost this very address at another of its private ones.
        interface = txn.get(NetworkInterface, interface.id)
        txn.put(associate(txn, interface, address, call.account, private))
        return {"AssociationId": txn.get(ElasticIp, address.id).association_id}


def _freed(txn: Transaction, params: Params, address: ElasticIp) -> ElasticIp:
    """`address` taken from where it is now, unless the request forbids that."""
    if not address.association_id or not params.get("AllowReassociation", True):
        return address
    return _disassociate(txn, address)


@operation("ec2", "DisassociateAddress")
def disassociate_address(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        association, public_ip = params.get("AssociationId"), params.get("PublicIp")
        if not association and not public_ip:
            raise ApiError("MissingParameter", "Either public IP or association id must be specified")
        if association:
            check_id(association, "eipassoc", "InvalidAssociationID.Malformed")
        for address in txn.all(ElasticIp):
            if address.association_id and (association or public_ip) in (
                address.association_id,
                address.public_ip,
            ):
                _disassociate(txn, address)
                return {}
        raise ApiError(
            "InvalidAssociationID.NotFound", f"The association ID '{association or public_ip}' does not exist"
        )


@operation("ec2", "DescribeAddresses")
def describe_addresses(call: Call, params: Params) -> dict[str, Any]:
    reader = call.store
    addresses = chosen(reader, ElasticIp, params.get("AllocationIds"))
    addresses = _with_public_ips(addresses, params.get("PublicIps") or ())
    filters: Filters[ElasticIp] = {
        "allocation-id": lambda address: address.id,
        "association-id": lambda address: address.association_id,
        "domain": lambda address: "vpc",
        "instance-id": lambda address: None,
        "network-border-group": lambda address: call.region,
        "network-interface-id": lambda address: address.network_interface_id,
        "network-interface-owner-id": lambda address: call.account if address.association_id else None,
        "private-ip-address": lambda address: address.private_ip_address,
        "public-ip": lambda address: address.public_ip,
    }
    addresses = filtered(params, addresses, filters, tags=lambda address: address.tags)
    return {"Addresses": [_shown(reader, address, call) for address in addresses]}


@operation("ec2", "DescribeAddressesAttribute", note="No address has a reverse DNS name.")
def describe_addresses_attribute(call: Call, params: Params) -> dict[str, Any]:
    params.get("Attribute")  # domain-name is the only one there is
    addresses = chosen(call.store, ElasticIp, params.get("AllocationIds"))
    page, token = paged(params, addresses, lambda address: address.id, smallest=1)
    return answer("Addresses", [{"PublicIp": a.public_ip, "AllocationId": a.id} for a in page], token)


def _check_border(call: Call, params: Params) -> None:
    group = params.get("NetworkBorderGroup")
    if group and group != call.region:
        raise ApiError(
            "InvalidParameterValue", f"Value ({group}) for parameter networkBorderGroup is invalid."
        )


def _address(txn: Transaction, params: Params) -> ElasticIp:
    """The address of AllocationId or PublicIp."""
    allocation, public_ip = params.get("AllocationId"), params.get("PublicIp")
    if allocation and public_ip:
        raise ApiError(
            "InvalidParameterCombination",
            "You may specify public IP or allocation id, but not both in the same call",
        )
    if not allocation and not public_ip:
        raise ApiError("MissingParameter", "Either public IP or allocation id must be specified")
    if allocation:
        return look_up(txn, ElasticIp, allocation)
    return _with_public_ips(txn.all(ElasticIp), [str(public_ip)])[0]


def _with_public_ips(addresses: Sequence[ElasticIp], wanted: Sequence[str]) -> list[ElasticIp]:
    """Those of `wanted`, all of them when none is."""
    known = {address.public_ip: address for address in addresses}
    for public_ip in wanted:
        try:
            IPv4Address(public_ip)
        except AddressValueError as error:
            raise ApiError(
                "InvalidParameterValue", f"Invalid value '{public_ip}' for address. It is not a valid IP"
            ) from error
        if public_ip not in known:
            raise ApiError("InvalidAddress.NotFound", f"Address '{public_ip}' not found.")
    return [address for address in addresses if not wanted or address.public_ip in wanted]


def _disassociate(txn: Transaction, address: ElasticIp) -> ElasticIp:
    refuse_managed(txn.get(NetworkInterface, address.network_interface_id or ""))
    return disassociate(txn, address)


def _shown(reader: Reader, address: ElasticIp, call: Call) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "PublicIp": address.public_ip,
        "AllocationId": address.id,
        "Domain": "vpc",
        "PublicIpv4Pool": "amazon",
        "NetworkBorderGroup": call.region,
        "Tags": tag_list(address.tags),
    }
    if not address.association_id:
        return shown
    interface = reader.find(NetworkInterface, address.network_interface_id or "")
    if interface and interface.interface_type == "nat_gateway":
        shown["ServiceManaged"] = "nat-gateway"
    return shown | {
        "AssociationId": address.association_id,
        "NetworkInterfaceId": address.network_interface_id,
        "NetworkInterfaceOwnerId": call.account,
        "PrivateIpAddress": address.private_ip_address,
    }
