"""Network interfaces: described to their account, managed by the service that made them."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from seawall.api.ec2.describe import Filters, Value, answer, chosen, filtered, paged, text_of
from seawall.api.ec2.interface_creation import check_groups
from seawall.api.ec2.lookup import check_id, look_up, required
from seawall.api.ec2.managed_interface import refuse_managed
from seawall.api.ec2.tagging import tag_list
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.network_interface import NetworkInterface
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
    return answer("NetworkInterfaces", [_shown(reader, interface, call) for interface in page], token)


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


@operation("ec2", "DeleteNetworkInterface")
def delete_network_interface(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        interface = look_up(
            txn, NetworkInterface, required(params.get("NetworkInterfaceId"), "networkInterfaceId")
        )
        if interface.attachment is not None:
            raise ApiError(
                "InvalidParameterValue", f"Network interface '{interface.id}' is currently in use."
            )
        refuse_managed(interface)
        txn.delete(NetworkInterface, interface.id)
    return {}


@operation(
    "ec2",
    "ModifyNetworkInterfaceAttribute",
    note="Every interface belongs to a service, so every change ends in AuthFailure, as on AWS.",
)
def modify_network_interface_attribute(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        interface = look_up(
            txn, NetworkInterface, required(params.get("NetworkInterfaceId"), "networkInterfaceId")
        )
        refuse_managed(interface)
        if params.get("Groups"):
            check_groups(txn, txn.get(Subnet, interface.subnet_id), params["Groups"])
            interface = replace(interface, group_ids=tuple(params["Groups"]))
        if "SourceDestCheck" in params:
            interface = replace(interface, source_dest_check=bool(params["SourceDestCheck"].get("Value")))
        if "Description" in params:
            interface = replace(interface, description=params["Description"].get("Value") or "")
        txn.put(interface)
    return {}


@operation("ec2", "DescribeNetworkInterfaceAttribute")
def describe_network_interface_attribute(call: Call, params: Params) -> dict[str, Any]:
    id = required(params.get("NetworkInterfaceId"), "networkInterfaceId")
    shown = _shown(call.store, look_up(call.store, NetworkInterface, id), call)
    attribute = required(params.get("Attribute"), "attribute")
    values = {
        "description": ("Description", {"Value": shown["Description"]}),
        "groupSet": ("Groups", shown["Groups"]),
        "sourceDestCheck": ("SourceDestCheck", {"Value": shown["SourceDestCheck"]}),
        "attachment": ("Attachment", shown.get("Attachment")),
    }
    if attribute not in values:
        raise ApiError("InvalidParameterValue", f"Value ({attribute}) for parameter attribute is invalid.")
    member, value = values[attribute]
    return {"NetworkInterfaceId": id} | ({member: value} if value is not None else {})


def _filters(reader: Reader, call: Call) -> Filters[NetworkInterface]:
    def flat(path: str) -> Callable[[NetworkInterface], Value]:
        return lambda interface: _member(_shown(reader, interface, call), path)

    found: dict[str, Callable[[NetworkInterface], Value | Iterable[Value]]] = {
        name: flat(path) for name, path in _MEMBERS.items()
    }
    return found | {
        "addresses.primary": lambda interface: True,
        "group-id": lambda interface: interface.group_ids,
        "group-name": lambda interface: [group["GroupName"] for group in _groups(reader, interface)],
        "ipv6-addresses.ipv6-address": lambda interface: None,
    }


def _member(shown: Any, path: str) -> Value:
    """A member of the answer, e.g. "Attachment.Status", as filters compare it."""
    for name in path.split("."):
        shown = shown.get(name) if shown is not None else None
    if isinstance(shown, datetime):
        return shown.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return None if shown is None else text_of(shown)


_MEMBERS = {
    "association.allocation-id": "Association.AllocationId",
    "association.association-id": "Association.AssociationId",
    "association.ip-owner-id": "Association.IpOwnerId",
    "association.public-ip": "Association.PublicIp",
    "association.public-dns-name": "Association.PublicDnsName",
    "addresses.association.owner-id": "Association.IpOwnerId",
    "addresses.association.public-ip": "Association.PublicIp",
    "addresses.private-ip-address": "PrivateIpAddress",
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


def _shown(reader: Reader, interface: NetworkInterface, call: Call) -> dict[str, Any]:
    subnet = reader.find(Subnet, interface.subnet_id)
    vpc = reader.find(Vpc, interface.vpc_id)
    names = vpc is not None and vpc.enable_dns_support and vpc.enable_dns_hostnames
    private_name = {"PrivateDnsName": private_dns_name(interface, call.region)} if names else {}
    association = _shown_association(interface, call.region, names)
    address = {
        "Primary": True,
        "PrivateIpAddress": interface.private_ip_address,
        **private_name,
        **association,
    }
    return {
        "NetworkInterfaceId": interface.id,
        "Description": interface.description,
        "InterfaceType": interface.interface_type,
        "VpcId": interface.vpc_id,
        "SubnetId": interface.subnet_id,
        "AvailabilityZone": interface.availability_zone,
        "AvailabilityZoneId": subnet.availability_zone_id if subnet else None,
        "MacAddress": interface.mac_address,
        "PrivateIpAddress": interface.private_ip_address,
        **private_name,
        "PrivateIpAddresses": [address],
        **association,
        **_shown_attachment(interface),
        "Groups": _groups(reader, interface),
        "Ipv6Addresses": [],
        "OwnerId": call.account,
        "RequesterId": interface.requester_id,
        "RequesterManaged": interface.requester_managed,
        "Operator": {"Managed": False},
        "SourceDestCheck": interface.source_dest_check,
        "Status": interface.status,
        "TagSet": tag_list(interface.tags),
    }


def _shown_association(interface: NetworkInterface, region: str, names: bool) -> dict[str, Any]:
    found = interface.association
    if found is None:
        return {}
    shown: dict[str, Any] = {"IpOwnerId": found.ip_owner_id, "PublicIp": found.public_ip}
    if names:
        shown["PublicDnsName"] = _public_dns_name(found.public_ip, region)
    if found.allocation_id:
        shown |= {"AllocationId": found.allocation_id, "AssociationId": found.association_id}
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


def _groups(reader: Reader, interface: NetworkInterface) -> list[dict[str, str]]:
    groups = (reader.get(SecurityGroup, id) for id in interface.group_ids)
    return [{"GroupId": group.id, "GroupName": group.name} for group in groups]


def private_dns_name(interface: NetworkInterface, region: str) -> str:
    """ip-10-0-1-23.ec2.internal in us-east-1, ip-10-0-1-23.REGION.compute.internal elsewhere."""
    domain = "ec2.internal" if region == "us-east-1" else f"{region}.compute.internal"
    return f"ip-{interface.private_ip_address.replace('.', '-')}.{domain}"


def _public_dns_name(public_ip: str, region: str) -> str:
    zone = "compute-1" if region == "us-east-1" else f"{region}.compute"
    return f"ec2-{public_ip.replace('.', '-')}.{zone}.amazonaws.com"
