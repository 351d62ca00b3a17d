"""Further blocks of a VPC, of both families."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from msgspec.structs import replace

from seawall.api.ec2.birth import local_route
from seawall.api.ec2.cidr import parse_vpc_block
from seawall.api.ec2.ipv6 import add_ipv6_block, shown_ipv6_block
from seawall.api.ec2.lookup import check_id, look_up, required
from seawall.api.ec2.quotas import CIDR_BLOCKS_PER_VPC, check_quota
from seawall.api.ec2.route_rules import is_local
from seawall.api.ec2.vpc import NO_POOLS, refuse_pools, shown_block
from seawall.api.ec2.vpc_peering import FAILED, ended
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.route_table import RouteTable
from seawall.model.subnet import Subnet
from seawall.model.vpc import CidrAssociation, Ipv6CidrAssociation, Vpc
from seawall.model.vpc_peering_connection import VpcPeeringConnection
from seawall.store.ids import new_id
from seawall.store.store import Transaction
from seawall.wire.errors import ApiError

_PRIVATE = [IPv4Network(block) for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")]
# (where the primary block lies, what can then not be added), VPC user guide, "CIDR block association
# restrictions"; other private ranges are refused in any case.
_RESTRICTED = [
    (IPv4Network("10.0.0.0/15"), IPv4Network("10.0.0.0/16")),
    (IPv4Network("172.16.0.0/12"), IPv4Network("172.31.0.0/16")),
]


@operation("ec2", "AssociateVpcCidrBlock", refused=NO_POOLS)
def associate_vpc_cidr_block(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        refuse_pools(call, params)
        vpc = look_up(txn, Vpc, required(params.get("VpcId"), "vpcId"))
        if params.get("AmazonProvidedIpv6CidrBlock"):
            if params.get("CidrBlock"):
                raise ApiError(
                    "InvalidParameterCombination",
                    "The parameters amazonProvidedIpv6CidrBlock, cidrBlock cannot be used together",
                )
            added = add_ipv6_block(txn, vpc).ipv6_cidr_blocks[-1]
            shown = shown_ipv6_block(added, "associating", call.region)
            return {"VpcId": vpc.id, "Ipv6CidrBlockAssociation": shown}
        block = parse_vpc_block(required(params.get("CidrBlock"), "cidrBlock"))
        _check_fits(vpc, block)
        _check_routes(txn, vpc, block)
        _check_peers(call, txn, vpc, block)
        check_quota(txn, len(vpc.cidr_blocks) + 1, CIDR_BLOCKS_PER_VPC, "CidrLimitExceeded")
        made = CidrAssociation(association_id=new_id("vpc-cidr-assoc"), cidr_block=str(block))
        txn.put(replace(vpc, cidr_blocks=(*vpc.cidr_blocks, made)))
        for table in txn.referrers(RouteTable, vpc.ref):
            txn.put(replace(table, routes=(*table.routes, local_route(str(block)))))
    return {"VpcId": vpc.id, "CidrBlockAssociation": shown_block(made, "associating")}


@operation("ec2", "DisassociateVpcCidrBlock")
def disassociate_vpc_cidr_block(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        id = required(params.get("AssociationId"), "associationId")
        check_id(id, "vpc-cidr-assoc", "InvalidVpcCidrBlockAssociationId.Malformed")
        vpc, block = _find(txn, id)
        if block == vpc.cidr_blocks[0]:
            raise ApiError(
                "OperationNotPermitted",
                f"The vpc CIDR block with association ID {id} may not be disassociated."
                " It is the primary IPv4 CIDR block of the VPC",
            )
        if isinstance(block, Ipv6CidrAssociation):
            _remove(txn, vpc, block.ipv6_cidr_block)
            shown = shown_ipv6_block(block, "disassociating", call.region)
            return {"VpcId": vpc.id, "Ipv6CidrBlockAssociation": shown}
        _remove(txn, vpc, block.cidr_block)
    return {"VpcId": vpc.id, "CidrBlockAssociation": shown_block(block, "disassociating")}


def _remove(txn: Transaction, vpc: Vpc, text: str) -> None:
    """Take the block and its local routes from the VPC, if no subnet lies in it."""
    block = ip_network(text)
    if any(_within(subnet, block) for subnet in txn.referrers(Subnet, vpc.ref)):
        raise ApiError("InvalidCidrBlock.InUse", f"The vpc currently has a subnet within CIDR block {text}")
    txn.put(
        replace(
            vpc,
            cidr_blocks=tuple(b for b in vpc.cidr_blocks if b.cidr_block != text),
            ipv6_cidr_blocks=tuple(b for b in vpc.ipv6_cidr_blocks if b.ipv6_cidr_block != text),
        )
    )
    for table in txn.referrers(RouteTable, vpc.ref):
        kept = tuple(r for r in table.routes if not (is_local(r) and r.destination == text))
        txn.put(replace(table, routes=kept))


def _within(subnet: Subnet, block: IPv4Network | IPv6Network) -> bool:
    if isinstance(block, IPv4Network):
        return IPv4Network(subnet.cidr_block).subnet_of(block)
    return subnet.ipv6_cidr_block is not None and IPv6Network(subnet.ipv6_cidr_block).subnet_of(block)


def _check_fits(vpc: Vpc, block: IPv4Network) -> None:
    """No overlap with the VPC's blocks, and none of the restricted ranges."""
    if any(block.overlaps(IPv4Network(other.cidr_block)) for other in vpc.cidr_blocks):
        raise ApiError("InvalidVpc.Range", f"The CIDR '{block}' conflicts with another CIDR of the VPC.")
    primary = IPv4Network(vpc.cidr_block)
    foreign = any(block.subnet_of(family) and not primary.subnet_of(family) for family in _PRIVATE)
    if foreign or any(primary.subnet_of(where) and block.subnet_of(what) for where, what in _RESTRICTED):
        raise ApiError(
            "InvalidVpc.Range",
            f"The CIDR '{block}' is restricted. Use a CIDR from the same private address range as the"
            " current VPC CIDR, or use a publicly-routable CIDR. For additional restrictions, see"
            " https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html",
        )


def _check_routes(txn: Transaction, vpc: Vpc, block: IPv4Network) -> None:
    """A new block is smaller than what any route leads away to."""
    for table in txn.referrers(RouteTable, vpc.ref):
        for route in table.routes:
            if is_local(route) or route.destination.startswith("pl-") or ":" in route.destination:
                continue
            if IPv4Network(route.destination).subnet_of(block):
                raise ApiError(
                    "InvalidVpc.Range",
                    f"The CIDR '{block}' conflicts with the route {route.destination} of {table.id}.",
                )


def _check_peers(call: Call, txn: Transaction, vpc: Vpc, block: IPv4Network) -> None:
    """An active peering forbids what overlaps.  One that waits forbids its requester everything, and fails
    when its accepter takes what overlaps.
    """
    for peering in txn.referrers(VpcPeeringConnection, vpc.ref):
        other = txn.find(Vpc, peering.other(vpc.id))
        blocks = other.cidr_blocks if other else ()
        overlaps = any(block.overlaps(IPv4Network(b.cidr_block)) for b in blocks)
        waits = peering.status == "pending-acceptance"
        if waits and overlaps and peering.accepter_vpc_id == vpc.id:
            txn.put(ended(peering, "failed", FAILED, call))
        elif (waits and peering.requester_vpc_id == vpc.id) or (peering.status == "active" and overlaps):
            raise ApiError(
                "InvalidVpc.Range", f"The CIDR '{block}' conflicts with the peering connection {peering.id}."
            )


def _find(txn: Transaction, association_id: str) -> tuple[Vpc, CidrAssociation | Ipv6CidrAssociation]:
    for vpc in txn.all(Vpc):
        blocks: tuple[CidrAssociation | Ipv6CidrAssociation, ...]
        blocks = (*vpc.cidr_blocks, *vpc.ipv6_cidr_blocks)
        for block in blocks:
            if block.association_id == association_id:
                return vpc, block
    raise ApiError(
        "InvalidVpcCidrBlockAssociationID.NotFound",
        f"The vpc CIDR block with association ID {association_id} does not exist",
    )
