"""Network interfaces of the account's own: made, attached to nothing, deleted.

There are no EC2 instances they could be attached to; they hold addresses and groups, and can be a route's
target (a blackhole, as on AWS).  Interfaces of services can be looked at and tagged, nothing else.
"""

from ipaddress import IPv4Address
from typing import Any

from msgspec.structs import replace

from seawall.api.ec2.dhcp_options import dhcp_lease
from seawall.api.ec2.idempotency import once
from seawall.api.ec2.interface_creation import check_groups
from seawall.api.ec2.lookup import check_id, look_up, required
from seawall.api.ec2.managed_interface import refuse_managed
from seawall.api.ec2.network_interface_description import shown_interface
from seawall.api.ec2.public_association import disassociate
from seawall.api.ec2.quotas import NETWORK_INTERFACES, check_quota
from seawall.api.ec2.refusal import not_served
from seawall.api.ec2.requested_address import (
    check_one_of,
    claim_ipv6_addresses,
    claim_private_addresses,
    count_of,
    ipv6_address,
    private_address,
)
from seawall.api.ec2.tagging import tags_for
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.elastic_ip import ElasticIp
from seawall.model.network_interface import NetworkInterface, SecondaryAddress
from seawall.model.security_group import SecurityGroup
from seawall.model.subnet import Subnet
from seawall.model.vpc import Vpc
from seawall.store.ids import new_id, new_mac
from seawall.store.store import Reader, Transaction
from seawall.wire.errors import ApiError

NO_PREFIXES = dict.fromkeys(
    ("Ipv4Prefixes", "Ipv4PrefixCount", "Ipv6Prefixes", "Ipv6PrefixCount"), "prefixes are not delegated"
)


@operation(
    "ec2",
    "CreateNetworkInterface",
    refused=NO_PREFIXES
    | {
        "InterfaceType": "other than interface: there are no EC2 instances",
        "EnablePrimaryIpv6": "true: no IPv6 address is primary",
    },
    note="There are no EC2 instances to attach it to.",
)
def create_network_interface(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        interface = look_up(txn, NetworkInterface, once(call, params, txn, _create))
        shown = shown_interface(txn, interface, call) | {"Status": "pending"}
        token = params.get("ClientToken")
        return {"NetworkInterface": shown} | ({"ClientToken": token} if token else {})


def _create(call: Call, params: Params, txn: Transaction) -> str:
    for member in NO_PREFIXES:
        if params.get(member):
            not_served(member)
    if params.get("InterfaceType", "interface") != "interface":
        not_served(f"InterfaceType={params['InterfaceType']}")
    if params.get("EnablePrimaryIpv6"):
        not_served("EnablePrimaryIpv6=true")
    subnet = look_up(txn, Subnet, required(params.get("SubnetId"), "subnetId"))
    check_quota(txn, txn.count(NetworkInterface) + 1, NETWORK_INTERFACES, "NetworkInterfaceLimitExceeded")
    groups = params.get("Groups") or [_default_group(txn, subnet)]
    check_groups(txn, subnet, groups)
    primary, *secondary = claim_private_addresses(txn, subnet, _wanted(params))
    interface = NetworkInterface(
        id=new_id("eni"),
        vpc_id=subnet.vpc_id,
        subnet_id=subnet.id,
        availability_zone=subnet.availability_zone,
        private_ip_address=primary,
        secondary_addresses=tuple(SecondaryAddress(private_ip_address=address) for address in secondary),
        ipv6_addresses=tuple(_ipv6(txn, params, subnet)),
        mac_address=new_mac(),
        description=params.get("Description") or "",
        group_ids=tuple(dict.fromkeys(groups)),
        requester_id=call.principal.user_id,
        requester_managed=False,
        status="available",
        dhcp=dhcp_lease(txn, subnet.vpc_id),
        tags=tags_for(params, "network-interface"),
    )
    txn.put(interface, expect=0)
    return interface.id


def _default_group(reader: Reader, subnet: Subnet) -> str:
    vpc = reader.get(Vpc, subnet.vpc_id)
    return next(g.id for g in reader.referrers(SecurityGroup, vpc.ref) if g.name == "default")


def _wanted(params: Params) -> list[IPv4Address | None]:
    """The private addresses the request asks for, the primary one first; None: any."""
    check_one_of(params, "PrivateIpAddresses", "SecondaryPrivateIpAddressCount")
    count = count_of(params, "SecondaryPrivateIpAddressCount")
    given = [
        (
            bool(item.get("Primary")),
            private_address(required(item.get("PrivateIpAddress"), "privateIpAddress")),
        )
        for item in params.get("PrivateIpAddresses") or ()
    ]
    primaries: list[IPv4Address] = [address for primary, address in given if primary]
    if params.get("PrivateIpAddress"):
        primaries.append(private_address(params["PrivateIpAddress"]))
    if len(primaries) > 1:
        raise ApiError("InvalidParameterValue", "Only one primary private IP address can be specified.")
    others = [address for primary, address in given if not primary]
    return [primaries[0] if primaries else None, *others, *[None] * count]


def _ipv6(txn: Transaction, params: Params, subnet: Subnet) -> list[str]:
    check_one_of(params, "Ipv6Addresses", "Ipv6AddressCount")
    named = [
        ipv6_address(required(item.get("Ipv6Address"), "ipv6Address"))
        for item in params.get("Ipv6Addresses") or ()
    ]
    count = count_of(params, "Ipv6AddressCount")
    by_birth = "Ipv6AddressCount" not in params and subnet.assign_ipv6_address_on_creation
    return claim_ipv6_addresses(txn, subnet, named, 1 if by_birth else count)


@operation("ec2", "DeleteNetworkInterface")
def delete_network_interface(call: Call, params: Params) -> dict[str, Any]:
    """Its Elastic IPs stay with the account."""
    with call.write() as txn:
        interface = look_up(
            txn, NetworkInterface, required(params.get("NetworkInterfaceId"), "networkInterfaceId")
        )
        if interface.attachment is not None:
            raise ApiError(
                "InvalidParameterValue", f"Network interface '{interface.id}' is currently in use."
            )
        refuse_managed(interface)
        for address in txn.referrers(ElasticIp, interface.ref):
            disassociate(txn, address)
        txn.delete(NetworkInterface, interface.id)
    return {}


@operation("ec2", "AttachNetworkInterface", note="There are no EC2 instances, so none is ever found.")
def attach_network_interface(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        for member in ("DeviceIndex", "NetworkCardIndex", "EnaSrdSpecification", "EnaQueueCount"):
            params.get(member)
        interface = look_up(
            txn, NetworkInterface, required(params.get("NetworkInterfaceId"), "networkInterfaceId")
        )
        refuse_managed(interface)
        id = required(params.get("InstanceId"), "instanceId")
        check_id(id, "i", "InvalidInstanceID.Malformed")
        raise ApiError("InvalidInstanceID.NotFound", f"The instance ID '{id}' does not exist")


@operation("ec2", "DetachNetworkInterface")
def detach_network_interface(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        params.get("Force")
        id = required(params.get("AttachmentId"), "attachmentId")
        if id.startswith("ela-attach-"):
            raise ApiError("OperationNotPermitted", "You are not allowed to manage 'ela-attach' attachments.")
        check_id(id, "eni-attach", "InvalidNetworkInterfaceAttachmentId.Malformed")
        for interface in txn.all(NetworkInterface):
            if interface.attachment and interface.attachment.attachment_id == id:
                refuse_managed(interface)
                txn.put(replace(interface, attachment=None, status="available"))
                return {}
        raise ApiError("InvalidAttachmentID.NotFound", f"The attachment ID '{id}' does not exist")
