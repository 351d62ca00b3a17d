"""Further IPv4 blocks of a VPC."""

from ipaddress import IPv4Network
from typing import Any

from msgspec.structs import replace

from seawall.api.ec2.birth import local_route
from seawall.api.ec2.cidr import parse_vpc_block
from seawall.api.ec2.lookup import look_up, required
from seawall.api.ec2.quotas import CIDR_BLOCKS_PER_VPC, check_quota
from seawall.api.ec2.refusal import not_served
from seawall.api.ec2.vpc import shown_block
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.route_table import RouteTable
from seawall.model.subnet import Subnet
from seawall.model.vpc import CidrAssociation, Vpc
from seawall.store.ids import new_id
from seawall.store.store import Transaction
from seawall.wire.errors import ApiError

_PRIVATE = [IPv4Network(block) for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")]


@operation("ec2", "AssociateVpcCidrBlock")
def associate_vpc_cidr_block(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        vpc = look_up(txn, Vpc, required(params.get("VpcId"), "vpcId"))
        if params.get("AmazonProvidedIpv6CidrBlock"):
            not_served("AmazonProvidedIpv6CidrBlock=true")
        block = parse_vpc_block(required(params.get("CidrBlock"), "cidrBlock"))
        _check_fits(vpc, block)
        check_quota(len(vpc.cidr_blocks) + 1, CIDR_BLOCKS_PER_VPC, "CidrLimitExceeded")
        made = CidrAssociation(association_id=new_id("vpc-cidr-assoc"), cidr_block=str(block))
        txn.put(replace(vpc, cidr_blocks=(*vpc.cidr_blocks, made)))
        for table in txn.referrers(RouteTable, vpc.ref):
            txn.put(replace(table, routes=(*table.routes, local_route(str(block)))))
    return {"VpcId": vpc.id, "CidrBlockAssociation": shown_block(made, "associating")}


@operation("ec2", "DisassociateVpcCidrBlock")
def disassociate_vpc_cidr_block(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        id = required(params.get("AssociationId"), "associationId")
        vpc, block = _find(txn, id)
        if block == vpc.cidr_blocks[0]:
            raise ApiError(
                "OperationNotPermitted",
                f"The vpc CIDR block with association ID {id} may not be disassociated."
                " It is the primary IPv4 CIDR block of the VPC",
            )
        network = IPv4Network(block.cidr_block)
        if any(network.supernet_of(IPv4Network(s.cidr_block)) for s in txn.referrers(Subnet, vpc.ref)):
            raise ApiError(
                "InvalidCidrBlock.InUse", f"The vpc currently has a subnet within CIDR block {network}"
            )
        txn.put(replace(vpc, cidr_blocks=tuple(b for b in vpc.cidr_blocks if b != block)))
        gone = local_route(block.cidr_block)
        for table in txn.referrers(RouteTable, vpc.ref):
            txn.put(replace(table, routes=tuple(route for route in table.routes if route != gone)))
    return {"VpcId": vpc.id, "CidrBlockAssociation": shown_block(block, "disassociating")}


def _check_fits(vpc: Vpc, block: IPv4Network) -> None:
    """No overlap with the VPC's blocks, and of the same RFC 1918 range as its primary one."""
    if any(block.overlaps(IPv4Network(other.cidr_block)) for other in vpc.cidr_blocks):
        raise ApiError("InvalidVpc.Range", f"The CIDR '{block}' conflicts with another CIDR of the VPC.")
    primary = IPv4Network(vpc.cidr_block)
    for family in _PRIVATE:
        if block.subnet_of(family) and not primary.subnet_of(family):
            raise ApiError(
                "InvalidVpc.Range",
                f"The CIDR '{block}' is restricted. Use a CIDR from the same private address range as the"
                " current VPC CIDR, or use a publicly-routable CIDR.",
            )


def _find(txn: Transaction, association_id: str) -> tuple[Vpc, CidrAssociation]:
    for vpc in txn.all(Vpc):
        for block in vpc.cidr_blocks:
            if block.association_id == association_id:
                return vpc, block
    raise ApiError(
        "InvalidVpcCidrBlockAssociationID.NotFound",
        f"The vpc CIDR block with association ID {association_id} does not exist",
    )
