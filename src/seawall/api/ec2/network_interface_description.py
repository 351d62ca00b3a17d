"""Network interfaces as answers show them, and how filters find them."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from seawall.api.ec2.describe import Filters, Value, answer, chosen, filtered, paged, text_of
from seawall.api.ec2.tagging import tag_list
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.network_interface import NetworkInterface, PublicAssociation
from seawall.model.private_dns import private_dns_name
from seawall.model.security_group import SecurityGroup
from seawall.model.subnet import Subnet
from seawall.model.vpc import Vpc
from seawall.store.store import Reader
from seawall.wire.errors import ApiError


@operation("ec2", "DescribeNetworkInterfaces")
def describe_network_interfaces(call: Call, params: Params) -> dict[str, Any]:
    reader = call.store
    ids = params.get("NetworkInterfaceIds")
    if ids and params.get("MaxResults") is not None:
        raise ApiError(
            "InvalidParameterCombination",
            "The parameter networkInterfaceIds cannot be used with the parameter maxResults",
        )
    params.get("IncludeManagedResources")  # the interfaces of EC2 Managed Instances; there are none
    interfaces = chosen(reader, NetworkInterface, ids)
    filters = _filters(reader, call)
    interfaces = filtered(params, interfaces, filters, tags=lambda interface: interface.tags)
    page, token = paged(params, interfaces, lambda interface: interface.id)
    return answer(
        "NetworkInterfaces", [shown_interface(reader, interface, call) for interface in page], token
    )


def _filters(reader: Reader, call: Call) -> Filters[NetworkInterface]:
    def flat(path: str) -> Callable[[NetworkInterface], Value]:
        return lambda interface: _member(shown_interface(reader, interface, call), path)

    def each(path: str) -> Callable[[NetworkInterface], Iterable[Value]]:
        return lambda interface: [
            _member(address, path)
            for address in shown_interface(reader, interface, call)["PrivateIpAddresses"]
        ]

    found: dict[str, Callable[[NetworkInterface], Value | Iterable[Value]]] = {
        name: flat(path) for name, path in _MEMBERS.items()
    }
    found |= {name: each(path) for name, path in _ADDRESS_MEMBERS.items()}
    return found | {
        "group-id": lambda interface: interface.group_ids,
        "group-name": lambda interface: [group["GroupName"] for group in shown_groups(reader, interface)],
        "ipv6-addresses.ipv6-address": lambda interface: interface.ipv6_addresses,
    }


def _member(shown: Any, path: str) -> Value:
    """A member of the answer, e.g. "Attachment.Status", as filters compare it."""
    for name in path.split("."):
        shown = shown.get(name) if shown is not None else None
    if isinstance(shown, datetime):
        return shown.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return None if shown is None else text_of(shown)


_ADDRESS_MEMBERS = {
    "addresses.association.owner-id": "Association.IpOwnerId",
    "addresses.association.public-ip": "Association.PublicIp",
    "addresses.primary": "Primary",
    "addresses.private-ip-address": "PrivateIpAddress",
    "association.allocation-id": "Association.AllocationId",
    "association.association-id": "Association.AssociationId",
    "association.ip-owner-id": "Association.IpOwnerId",
    "association.public-dns-name": "Association.PublicDnsName",
    "association.public-ip": "Association.PublicIp",
}

_MEMBERS = {
    "attachment.attach-time": "Attachment.AttachTime",
    "attachment.attachment-id": "Attachment.AttachmentId",
    "attachment.delete-on-termination": "Attachment.DeleteOnTermination",
    "attachment.device-index": "Attachment.DeviceIndex",
    "attachment.instance-id": "Attachment.InstanceId",
    "attachment.instance-owner-id": "Attachment.InstanceOwnerId",
    "attachment.status": "Attachment.Status",
    "availability-zone": "AvailabilityZone",
    "availability-zone-id": "AvailabilityZoneId",
    "description": "Description",
    "interface-type": "InterfaceType",
    "mac-address": "MacAddress",
    "network-interface-id": "NetworkInterfaceId",
    "operator.managed": "Operator.Managed",
    "operator.principal": "Operator.Principal",
    "owner-id": "OwnerId",
    "private-dns-name": "PrivateDnsName",
    "private-ip-address": "PrivateIpAddress",
    "requester-id": "RequesterId",
    "requester-managed": "RequesterManaged",
    "source-dest-check": "SourceDestCheck",
    "status": "Status",
    "subnet-id": "SubnetId",
    "vpc-id": "VpcId",
}


def shown_interface(reader: Reader, interface: NetworkInterface, call: Call) -> dict[str, Any]:
    subnet = reader.find(Subnet, interface.subnet_id)
    vpc = reader.find(Vpc, interface.vpc_id)
    names = vpc is not None and vpc.enable_dns_support and vpc.enable_dns_hostnames
    addresses = _shown_addresses(interface, call.region, names)
    of_the_primary = {name: value for name, value in addresses[0].items() if name != "Primary"}
    return {
        "NetworkInterfaceId": interface.id,
        "Description": interface.description,
        "InterfaceType": interface.interface_type,
        "VpcId": interface.vpc_id,
        "SubnetId": interface.subnet_id,
        "AvailabilityZone": interface.availability_zone,
        "AvailabilityZoneId": subnet.availability_zone_id if subnet else None,
        "MacAddress": interface.mac_address,
        **of_the_primary,
        "PrivateIpAddresses": addresses,
        **_shown_attachment(interface),
        "Groups": shown_groups(reader, interface),
        "Ipv6Addresses": [
            {"Ipv6Address": address, "IsPrimaryIpv6": False} for address in interface.ipv6_addresses
        ],
        **({"Ipv6Address": interface.ipv6_addresses[0]} if interface.ipv6_addresses else {}),
        "OwnerId": call.account,
        "RequesterId": interface.requester_id,
        "RequesterManaged": interface.requester_managed,
        "Operator": {"Managed": False},
        "SourceDestCheck": interface.source_dest_check,
        "Status": interface.status,
        "TagSet": tag_list(interface.tags),
    }


def _shown_addresses(interface: NetworkInterface, region: str, names: bool) -> list[dict[str, Any]]:
    """All private IPv4 addresses, the primary one first."""
    found = [(interface.private_ip_address, interface.association)]
    found += [(s.private_ip_address, s.association) for s in interface.secondary_addresses]
    return [
        {
            "Primary": number == 0,
            "PrivateIpAddress": address,
            **({"PrivateDnsName": private_dns_name(address, region)} if names else {}),
            **_shown_association(association, region, names),
        }
        for number, (address, association) in enumerate(found)
    ]


def _shown_association(association: PublicAssociation | None, region: str, names: bool) -> dict[str, Any]:
    if association is None:
        return {}
    shown: dict[str, Any] = {"IpOwnerId": association.ip_owner_id, "PublicIp": association.public_ip}
    if names:
        shown["PublicDnsName"] = _public_dns_name(association.public_ip, region)
    if association.allocation_id:
        shown |= {"AllocationId": association.allocation_id, "AssociationId": association.association_id}
    return {"Association": shown}


def _shown_attachment(interface: NetworkInterface) -> dict[str, Any]:
    found = interface.attachment
    if found is None:
        return {}
    shown = {
        "AttachTime": found.attach_time,
        "AttachmentId": found.attachment_id,
        "DeleteOnTermination": found.delete_on_termination,
        "DeviceIndex": found.device_index,
        "NetworkCardIndex": 0,
        "InstanceOwnerId": found.instance_owner_id,
        "Status": found.status,
    }
    return {"Attachment": shown}


def shown_groups(reader: Reader, interface: NetworkInterface) -> list[dict[str, str]]:
    groups = (reader.get(SecurityGroup, id) for id in interface.group_ids)
    return [{"GroupId": group.id, "GroupName": group.name} for group in groups]


def _public_dns_name(public_ip: str, region: str) -> str:
    zone = "compute-1" if region == "us-east-1" else f"{region}.compute"
    return f"ec2-{public_ip.replace('.', '-')}.{zone}.amazonaws.com"
