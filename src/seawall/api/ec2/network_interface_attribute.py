"""The attributes of a network interface: read, changed, reset."""

from typing import Any

from msgspec.structs import replace

from seawall.api.ec2.interface_creation import check_groups
from seawall.api.ec2.lookup import look_up, required
from seawall.api.ec2.managed_interface import refuse_managed
from seawall.api.ec2.network_interface_description import shown_interface
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.network_interface import NetworkInterface
from seawall.model.subnet import Subnet
from seawall.store.store import Transaction
from seawall.wire.errors import ApiError

_CHANGEABLE = ("Attachment", "Description", "Groups", "SourceDestCheck")


@operation(
    "ec2",
    "ModifyNetworkInterfaceAttribute",
    note="Interfaces of services refuse every change with AuthFailure, as on AWS.",
)
def modify_network_interface_attribute(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        interface = _own(txn, params)
        given = [member for member in _CHANGEABLE if member in params]
        if len(given) > 1:
            names = ", ".join(member[0].lower() + member[1:] for member in given)
            raise ApiError(
                "InvalidParameterCombination", f"Fields for multiple attribute types specified: {names}"
            )
        if "Groups" in given:
            interface = _with_groups(txn, interface, params["Groups"])
        if "SourceDestCheck" in given:
            interface = replace(interface, source_dest_check=bool(params["SourceDestCheck"].get("Value")))
        if "Description" in given:
            interface = replace(interface, description=params["Description"].get("Value") or "")
        if "Attachment" in given:
            id = required(params["Attachment"].get("AttachmentId"), "attachmentId")
            raise ApiError("InvalidAttachmentID.NotFound", f"The attachment ID '{id}' does not exist")
        txn.put(interface)
    return {}


def _with_groups(txn: Transaction, interface: NetworkInterface, groups: list[str]) -> NetworkInterface:
    if not groups:
        raise ApiError("InvalidParameterValue", "You must specify at least one security group.")
    check_groups(txn, txn.get(Subnet, interface.subnet_id), groups)
    return replace(interface, group_ids=tuple(dict.fromkeys(groups)))


@operation("ec2", "ResetNetworkInterfaceAttribute")
def reset_network_interface_attribute(call: Call, params: Params) -> dict[str, Any]:
    """The source/destination check is what can be reset: to on."""
    with call.write() as txn:
        interface = _own(txn, params)
        params.get("SourceDestCheck")  # whatever it says
        txn.put(replace(interface, source_dest_check=True))
    return {}


def _own(txn: Transaction, params: Params) -> NetworkInterface:
    interface = look_up(
        txn, NetworkInterface, required(params.get("NetworkInterfaceId"), "networkInterfaceId")
    )
    refuse_managed(interface)
    return interface


@operation("ec2", "DescribeNetworkInterfaceAttribute")
def describe_network_interface_attribute(call: Call, params: Params) -> dict[str, Any]:
    id = required(params.get("NetworkInterfaceId"), "networkInterfaceId")
    shown = shown_interface(call.store, look_up(call.store, NetworkInterface, id), call)
    attribute = required(params.get("Attribute"), "attribute")
    values = {
        "associatePublicIpAddress": ("AssociatePublicIpAddress", False),
        "attachment": ("Attachment", shown.get("Attachment")),
        "description": ("Description", {"Value": shown["Description"]}),
        "groupSet": ("Groups", shown["Groups"]),
        "sourceDestCheck": ("SourceDestCheck", {"Value": shown["SourceDestCheck"]}),
    }
    if attribute not in values:
        raise ApiError("InvalidParameterValue", f"Value ({attribute}) for parameter attribute is invalid.")
    member, value = values[attribute]
    return {"NetworkInterfaceId": id} | ({member: value} if value is not None else {})
