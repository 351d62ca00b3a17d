"""The interfaces of an interface endpoint: one in each of its subnets, all with its security groups."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from ipaddress import AddressValueError, IPv4Address

from msgspec.structs import replace

from seawall.api.ec2.interface_creation import check_groups, create_interface
from seawall.api.ec2.lookup import look_up
from seawall.api.ec2.refusal import not_served
from seawall.api.params import Params
from seawall.model.network_interface import NetworkInterface
from seawall.model.security_group import SecurityGroup
from seawall.model.subnet import Subnet
from seawall.model.vpc import Vpc
from seawall.model.vpc_endpoint import VpcEndpoint
from seawall.store.store import Reader, Transaction
from seawall.wire.errors import ApiError

REQUESTER = "727180483921"  # the account of AWS that runs interface endpoints


def interfaces_of(reader: Reader, endpoint: VpcEndpoint) -> list[NetworkInterface]:
    """In the order of its subnets."""
    found = (reader.find(NetworkInterface, id) for id in endpoint.network_interface_ids)
    return [interface for interface in found if interface is not None]


def default_group(reader: Reader, vpc: Vpc) -> str:
    groups = reader.referrers(SecurityGroup, vpc.ref)
    return next(group.id for group in groups if group.name == "default")


def wanted_addresses(configurations: Sequence[Params], subnet_ids: Sequence[str]) -> dict[str, IPv4Address]:
    """Subnet id -> the address the endpoint shall have there.  Raises ApiError InvalidParameter."""
    found = {}
    for configuration in configurations:
        subnet_id, text = configuration.get("SubnetId") or "", configuration.get("Ipv4")
        if configuration.get("Ipv6"):
            not_served("SubnetConfigurations.Ipv6")
        if subnet_id not in subnet_ids:
            raise ApiError(
                "InvalidParameter", f"The subnet {subnet_id} of a subnet configuration is not in SubnetIds."
            )
        if text:
            try:
                found[subnet_id] = IPv4Address(text)
            except AddressValueError as error:
                raise ApiError(
                    "InvalidParameterValue", f"Value ({text}) for parameter ipv4 is invalid."
                ) from error
    return found


def add_interfaces(
    txn: Transaction,
    endpoint: VpcEndpoint,
    subnet_ids: Sequence[str],
    *,
    account: str,
    now: datetime,
    wanted: Mapping[str, IPv4Address],
) -> VpcEndpoint:
    """Write an interface in each of these subnets; returns the endpoint to be written.

    Raises ApiError DuplicateSubnetsInSameZone, and those of looking up subnets and making interfaces.
    """
    taken = {txn.get(Subnet, id).availability_zone for id in endpoint.subnet_ids}
    made = []
    for subnet in [look_up(txn, Subnet, id) for id in dict.fromkeys(subnet_ids)]:
        if subnet.id in endpoint.subnet_ids:
            continue
        if subnet.vpc_id != endpoint.vpc_id:
            raise ApiError(
                "InvalidParameter", f"The subnet ID '{subnet.id}' does not belong to {endpoint.vpc_id}."
            )
        if subnet.availability_zone in taken:
            raise ApiError(
                "DuplicateSubnetsInSameZone",
                f"Found another VPC endpoint subnet in the availability zone of {subnet.id}. VPC endpoint"
                " subnets should be in different availability zones supported by the VPC endpoint service.",
            )
        taken.add(subnet.availability_zone)
        interface = create_interface(
            txn,
            account=account,
            subnet=subnet,
            group_ids=endpoint.group_ids,
            description=f"VPC Endpoint Interface {endpoint.id}",
            interface_type="vpc_endpoint",
            requester_id=REQUESTER,
            owner=endpoint.ref,
            now=now,
            wanted=wanted.get(subnet.id),
        )
        made.append(interface)
    return replace(
        endpoint,
        subnet_ids=(*endpoint.subnet_ids, *(interface.subnet_id for interface in made)),
        network_interface_ids=(*endpoint.network_interface_ids, *(interface.id for interface in made)),
    )


def drop_interfaces(txn: Transaction, endpoint: VpcEndpoint, subnet_ids: Sequence[str]) -> VpcEndpoint:
    """Delete the interfaces in these subnets; returns the endpoint to be written."""
    gone = [interface for interface in interfaces_of(txn, endpoint) if interface.subnet_id in subnet_ids]
    for interface in gone:
        txn.delete(NetworkInterface, interface.id)
    ids = {interface.id for interface in gone}
    return replace(
        endpoint,
        subnet_ids=tuple(id for id in endpoint.subnet_ids if id not in subnet_ids),
        network_interface_ids=tuple(id for id in endpoint.network_interface_ids if id not in ids),
    )


def set_groups(txn: Transaction, endpoint: VpcEndpoint, group_ids: Sequence[str]) -> VpcEndpoint:
    """Give all interfaces these groups; returns the endpoint to be written."""
    if not group_ids:
        raise ApiError(
            "InvalidParameter", "An Interface VPC Endpoint must always have at least one Security Group"
        )
    for interface in interfaces_of(txn, endpoint):
        check_groups(txn, txn.get(Subnet, interface.subnet_id), group_ids)
        txn.put(replace(interface, group_ids=tuple(group_ids)))
    return replace(endpoint, group_ids=tuple(group_ids))
