"""Making a network interface: for ECS tasks and NAT gateways, which own them, not the account's users."""

from collections.abc import Sequence
from datetime import datetime
from ipaddress import IPv4Address
from typing import NamedTuple

from msgspec.structs import replace

from seawall.api.ec2.addressing import claim_ipv6_address, claim_private_address, claim_public_address
from seawall.api.ec2.dhcp_options import dhcp_lease
from seawall.api.ec2.lookup import look_up
from seawall.api.ec2.public_association import associate
from seawall.api.ec2.quotas import GROUPS_PER_INTERFACE, NETWORK_INTERFACES, check_quota
from seawall.model.elastic_ip import ElasticIp
from seawall.model.network_interface import (
    InterfaceAttachment,
    InterfaceType,
    NetworkInterface,
    PublicAssociation,
)
from seawall.model.resource import Ref, Tags
from seawall.model.security_group import SecurityGroup
from seawall.model.subnet import Subnet
from seawall.store.ids import new_id, new_mac
from seawall.store.store import Transaction
from seawall.wire.errors import ApiError


class _Attacher(NamedTuple):
    """Whose instance the interface hangs on; recorded in DescribeNetworkInterfaces answers of AWS."""

    prefix: str
    instance_owner_id: str


_ATTACHERS: dict[InterfaceType, _Attacher] = {
    "interface": _Attacher("eni-attach", "843547988961"),  # an account of AWS that runs Fargate
    "nat_gateway": _Attacher("ela-attach", "amazon-aws"),
    "vpc_endpoint": _Attacher("ela-attach", "amazon-aws"),
    "transit_gateway": _Attacher("ela-attach", "amazon-aws"),
    "network_load_balancer": _Attacher("ela-attach", "amazon-aws"),
}


def create_interface(
    txn: Transaction,
    *,
    account: str,
    subnet: Subnet,
    group_ids: Sequence[str],
    description: str,
    requester_id: str,
    owner: Ref,
    now: datetime,
    interface_type: InterfaceType = "interface",
    public: bool | ElasticIp | None = None,
    wanted: IPv4Address | None = None,
    ipv6: bool = False,
    tags: Tags | None = None,
) -> NetworkInterface:
    """Write a requester-managed interface (status "attaching") with a claimed private address.

    public   True: a public address of AWS's ("amazon") that dies with the interface; an ElasticIp: that
             address, whose own document is updated too; otherwise none
    wanted   a private address; None: the next free one
    ipv6     an address of the subnet's IPv6 block as well
    Raises   ApiError: InsufficientFreeAddressesInSubnet, NetworkInterfaceLimitExceeded,
             SecurityGroupsPerInterfaceLimitExceeded, InvalidGroup.NotFound, InvalidParameter (a group of
             another VPC), Resource.AlreadyAssociated, and those of claim_private_address.
    """
    check_quota(txn, txn.count(NetworkInterface) + 1, NETWORK_INTERFACES, "NetworkInterfaceLimitExceeded")
    check_groups(txn, subnet, group_ids)
    attacher = _ATTACHERS[interface_type]
    interface = NetworkInterface(
        id=new_id("eni"),
        vpc_id=subnet.vpc_id,
        subnet_id=subnet.id,
        availability_zone=subnet.availability_zone,
        private_ip_address=claim_private_address(txn, subnet, wanted),
        ipv6_addresses=(claim_ipv6_address(txn, subnet),) if ipv6 else (),
        mac_address=new_mac(),
        description=description,
        group_ids=tuple(group_ids),
        interface_type=interface_type,
        requester_id=requester_id,
        requester_managed=True,
        source_dest_check=interface_type not in ("nat_gateway", "transit_gateway"),
        status="attaching",
        attachment=InterfaceAttachment(
            attachment_id=new_id(attacher.prefix),
            instance_owner_id=attacher.instance_owner_id,
            attach_time=now,
        ),
        owner=owner,
        dhcp=dhcp_lease(txn, subnet.vpc_id),
        tags=tags or {},
    )
    if isinstance(public, ElasticIp):
        interface = associate(txn, interface, public, account)
    elif public:
        association = PublicAssociation(public_ip=claim_public_address(txn), ip_owner_id="amazon")
        interface = replace(interface, association=association)
    txn.put(interface, expect=0)
    return interface


def check_groups(txn: Transaction, subnet: Subnet, group_ids: Sequence[str]) -> None:
    """Refuse groups an interface in `subnet` cannot have."""
    check_quota(txn, len(group_ids), GROUPS_PER_INTERFACE, "SecurityGroupsPerInterfaceLimitExceeded")
    for group_id in group_ids:
        if look_up(txn, SecurityGroup, group_id).vpc_id != subnet.vpc_id:
            raise ApiError(
                "InvalidParameter",
                f"Security group {group_id} and subnet {subnet.id} belong to different networks.",
            )
