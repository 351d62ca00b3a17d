"""The IPv6 block of a subnet."""

from ipaddress import IPv6Network
from typing import Any

from msgspec.structs import replace

from seawall.api.ec2.cidr import parse_ipv6_block
from seawall.api.ec2.lookup import check_id, look_up, required
from seawall.api.ec2.refusal import not_served
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.network_interface import NetworkInterface
from seawall.model.subnet import Subnet
from seawall.model.vpc import Vpc
from seawall.store.ids import new_id
from seawall.store.store import Reader, Transaction
from seawall.wire.errors import ApiError

_NO_IPAM = {"Ipv6IpamPoolId": "there is no IPAM", "Ipv6NetmaskLength": "there is no IPAM"}


@operation("ec2", "AssociateSubnetCidrBlock", refused=_NO_IPAM)
def associate_subnet_cidr_block(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        subnet = look_up(txn, Subnet, required(params.get("SubnetId"), "subnetId"))
        if subnet.ipv6_cidr_block:
            raise ApiError(
                "InvalidParameterValue",
                f"The subnet '{subnet.id}' already has an associated IPv6 CIDR block.",
            )
        block = checked_ipv6_block(
            txn, txn.get(Vpc, subnet.vpc_id), required(params.get("Ipv6CidrBlock"), "ipv6CidrBlock")
        )
        subnet = replace(subnet, ipv6_cidr_block=block, ipv6_association_id=new_id("subnet-cidr-assoc"))
        txn.put(subnet)
    (shown,) = shown_ipv6_blocks(subnet, "associating")
    return {"SubnetId": subnet.id, "Ipv6CidrBlockAssociation": shown}


@operation("ec2", "DisassociateSubnetCidrBlock")
def disassociate_subnet_cidr_block(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        subnet = _find(txn, required(params.get("AssociationId"), "associationId"))
        if any(interface.ipv6_addresses for interface in txn.referrers(NetworkInterface, subnet.ref)):
            raise ApiError(
                "InvalidCidrBlock.InUse",
                f"The subnet currently has network interfaces with addresses within CIDR block"
                f" {subnet.ipv6_cidr_block}",
            )
        (shown,) = shown_ipv6_blocks(subnet, "disassociating")
        txn.put(
            replace(
                subnet,
                ipv6_cidr_block=None,
                ipv6_association_id=None,
                assign_ipv6_address_on_creation=False,
            )
        )
    return {"SubnetId": subnet.id, "Ipv6CidrBlockAssociation": shown}


def checked_ipv6_block(reader: Reader, vpc: Vpc, text: str) -> str:
    """A free block of 64 bits of one of the VPC's.

    Raises ApiError InvalidParameterValue, InvalidSubnet.Range, InvalidSubnet.Conflict; NotImplemented for the
    larger blocks that AWS would take as well.
    """
    block = parse_ipv6_block(text, "ipv6CidrBlock")
    inside = any(block.subnet_of(IPv6Network(outer.ipv6_cidr_block)) for outer in vpc.ipv6_cidr_blocks)
    if not inside or block.prefixlen > 64 or block.prefixlen % 4:
        raise ApiError("InvalidSubnet.Range", f"The CIDR '{block}' is invalid.")
    if block.prefixlen != 64:
        not_served("An IPv6 block of a subnet of another size than /64")
    if any(other.ipv6_cidr_block == str(block) for other in reader.referrers(Subnet, vpc.ref)):
        raise ApiError("InvalidSubnet.Conflict", f"The CIDR '{block}' conflicts with another subnet")
    return str(block)


def shown_ipv6_blocks(subnet: Subnet, state: str = "associated") -> list[dict[str, Any]]:
    """The subnet's IPv6 block, if it has one, as answers show it."""
    if subnet.ipv6_cidr_block is None:
        return []
    return [
        {
            "AssociationId": subnet.ipv6_association_id,
            "Ipv6CidrBlock": subnet.ipv6_cidr_block,
            "Ipv6CidrBlockState": {"State": state},
            "Ipv6AddressAttribute": "public",
            "IpSource": "amazon",
        }
    ]


def _find(txn: Transaction, association_id: str) -> Subnet:
    check_id(association_id, "subnet-cidr-assoc", "InvalidSubnetCidrBlockAssociationID.Malformed")
    for subnet in txn.all(Subnet):
        if subnet.ipv6_association_id == association_id:
            return subnet
    raise ApiError(
        "InvalidSubnetCidrBlockAssociationID.NotFound",
        f"The subnet CIDR block with association ID {association_id} does not exist",
    )
