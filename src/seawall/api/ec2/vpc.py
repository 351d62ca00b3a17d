"""VPCs: create, describe, delete."""

from collections.abc import Iterator
from typing import Any

from seawall.api.ec2.birth import new_vpc
from seawall.api.ec2.bootstrap import create_default_vpc
from seawall.api.ec2.cidr import parse_vpc_block
from seawall.api.ec2.describe import Filters, answer, chosen, filtered, paged
from seawall.api.ec2.dhcp_options import default_dhcp_options
from seawall.api.ec2.ipv6 import add_ipv6_block, shown_ipv6_block
from seawall.api.ec2.lookup import look_up, required
from seawall.api.ec2.quotas import VPCS, check_quota
from seawall.api.ec2.refusal import not_served
from seawall.api.ec2.security_group_rule import rules_of
from seawall.api.ec2.tagging import tag_list, tags_for
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.egress_only_internet_gateway import EgressOnlyInternetGateway
from seawall.model.internet_gateway import InternetGateway
from seawall.model.nat_gateway import NatGateway
from seawall.model.network_acl import NetworkAcl
from seawall.model.network_interface import NetworkInterface
from seawall.model.resource import Resource
from seawall.model.route_table import RouteTable
from seawall.model.security_group import SecurityGroup, SecurityGroupRule
from seawall.model.subnet import Subnet
from seawall.model.transit_gateway import TransitGatewayAttachment
from seawall.model.vpc import CidrAssociation, Vpc
from seawall.model.vpc_endpoint import VpcEndpoint
from seawall.model.vpc_peering_connection import VpcPeeringConnection
from seawall.store.store import Transaction
from seawall.wire.errors import ApiError

NO_POOLS = {
    "Ipv4IpamPoolId": "there is no IPAM",
    "Ipv4NetmaskLength": "there is no IPAM",
    "Ipv6IpamPoolId": "there is no IPAM",
    "Ipv6NetmaskLength": "there is no IPAM",
    "Ipv6Pool": "there are no pools of brought addresses",
    "Ipv6CidrBlock": "there are no pools of brought addresses",
}


@operation(
    "ec2",
    "CreateVpc",
    stored={"InstanceTenancy": "tasks on Fargate share hosts, whatever the VPC says"},
    refused=NO_POOLS,
)
def create_vpc(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        refuse_pools(call, params)
        tenancy = params.get("InstanceTenancy") or "default"
        if tenancy not in ("default", "dedicated"):
            raise ApiError(
                "InvalidParameterValue", f"Value ({tenancy}) for parameter instanceTenancy is invalid."
            )
        block = parse_vpc_block(required(params.get("CidrBlock"), "cidrBlock"))
        check_quota(txn, len(txn.all(Vpc)) + 1, VPCS, "VpcLimitExceeded")
        vpc = new_vpc(
            txn,
            str(block),
            instance_tenancy=tenancy,
            dhcp_options_id=default_dhcp_options(txn, call.region).id,
            tags=tags_for(params, "vpc"),
        )
        if params.get("AmazonProvidedIpv6CidrBlock"):
            vpc = add_ipv6_block(txn, vpc)
    return {"Vpc": shown(vpc, call) | {"State": "pending"}}


def refuse_pools(call: Call, params: Params) -> None:
    """Refuse to take blocks from pools that are not there, or from another place than the region."""
    for member in NO_POOLS:
        if params.get(member):
            not_served(member)
    group = params.get("Ipv6CidrBlockNetworkBorderGroup")
    if group and group != call.region:
        raise ApiError(
            "InvalidParameterValue",
            f"Value ({group}) for parameter ipv6CidrBlockNetworkBorderGroup is invalid.",
        )


@operation("ec2", "CreateDefaultVpc", note="Makes default subnets in the first two availability zones.")
def create_default_vpc_again(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        if any(vpc.is_default for vpc in txn.all(Vpc)):
            raise ApiError(
                "DefaultVpcAlreadyExists",
                "A Default VPC already exists for this account in this region.",
            )
        check_quota(txn, len(txn.all(Vpc)) + 1, VPCS, "VpcLimitExceeded")
        vpc = create_default_vpc(txn, call.region)
    return {"Vpc": shown(vpc, call) | {"State": "pending"}}


@operation("ec2", "DeleteVpc")
def delete_vpc(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        vpc = look_up(txn, Vpc, required(params.get("VpcId"), "vpcId"))
        if any(_dependents(txn, vpc)):
            raise ApiError(
                "DependencyViolation", f"The vpc '{vpc.id}' has dependencies and cannot be deleted."
            )
        for table in txn.referrers(RouteTable, vpc.ref):
            txn.delete(RouteTable, table.id)
        for acl in txn.referrers(NetworkAcl, vpc.ref):
            txn.delete(NetworkAcl, acl.id)
        for group in txn.referrers(SecurityGroup, vpc.ref):
            for rule in rules_of(txn, group):
                txn.delete(SecurityGroupRule, rule.id)
            txn.delete(SecurityGroup, group.id)
        txn.delete(Vpc, vpc.id)
    return {}


def _dependents(txn: Transaction, vpc: Vpc) -> Iterator[Resource]:
    """Everything that keeps a VPC from being deleted: all but what it was born with."""
    yield from txn.referrers(Subnet, vpc.ref)
    yield from txn.referrers(InternetGateway, vpc.ref)
    yield from txn.referrers(EgressOnlyInternetGateway, vpc.ref)
    yield from txn.referrers(VpcEndpoint, vpc.ref)
    yield from txn.referrers(TransitGatewayAttachment, vpc.ref)
    yield from (
        p for p in txn.referrers(VpcPeeringConnection, vpc.ref) if p.status in ("provisioning", "active")
    )
    yield from txn.referrers(NetworkInterface, vpc.ref)
    yield from (nat for nat in txn.referrers(NatGateway, vpc.ref) if nat.state not in ("deleted", "failed"))
    yield from (table for table in txn.referrers(RouteTable, vpc.ref) if not table.is_main)
    yield from (acl for acl in txn.referrers(NetworkAcl, vpc.ref) if not acl.is_default)
    yield from (group for group in txn.referrers(SecurityGroup, vpc.ref) if group.name != "default")


@operation("ec2", "DescribeVpcs")
def describe_vpcs(call: Call, params: Params) -> dict[str, Any]:
    vpcs = chosen(call.store, Vpc, params.get("VpcIds"))
    filters: Filters[Vpc] = {
        "cidr": lambda vpc: vpc.cidr_block,
        "cidrBlock": lambda vpc: vpc.cidr_block,
        "cidr-block-association.association-id": lambda vpc: [b.association_id for b in vpc.cidr_blocks],
        "cidr-block-association.cidr-block": lambda vpc: [b.cidr_block for b in vpc.cidr_blocks],
        "cidr-block-association.state": lambda vpc: "associated",
        "dhcp-options-id": lambda vpc: vpc.dhcp_options_id,
        "ipv6-cidr-block-association.association-id": lambda vpc: [
            b.association_id for b in vpc.ipv6_cidr_blocks
        ],
        "ipv6-cidr-block-association.ipv6-cidr-block": lambda vpc: [
            b.ipv6_cidr_block for b in vpc.ipv6_cidr_blocks
        ],
        "ipv6-cidr-block-association.ipv6-pool": lambda vpc: "Amazon" if vpc.ipv6_cidr_blocks else None,
        "ipv6-cidr-block-association.state": lambda vpc: "associated" if vpc.ipv6_cidr_blocks else None,
        "is-default": lambda vpc: vpc.is_default,
        "isDefault": lambda vpc: vpc.is_default,
        "owner-id": lambda vpc: call.account,
        "state": lambda vpc: "available",
        "vpc-id": lambda vpc: vpc.id,
    }
    vpcs = filtered(params, vpcs, filters, tags=lambda vpc: vpc.tags)
    page, token = paged(params, vpcs, lambda vpc: vpc.id)
    return answer("Vpcs", [shown(vpc, call) for vpc in page], token)


def shown(vpc: Vpc, call: Call) -> dict[str, Any]:
    return {
        "VpcId": vpc.id,
        "State": "available",
        "CidrBlock": vpc.cidr_block,
        "CidrBlockAssociationSet": [shown_block(block, "associated") for block in vpc.cidr_blocks],
        "Ipv6CidrBlockAssociationSet": [
            shown_ipv6_block(block, "associated", call.region) for block in vpc.ipv6_cidr_blocks
        ],
        "DhcpOptionsId": vpc.dhcp_options_id,
        "InstanceTenancy": vpc.instance_tenancy,
        "IsDefault": vpc.is_default,
        "OwnerId": call.account,
        "Tags": tag_list(vpc.tags),
        "BlockPublicAccessStates": {"InternetGatewayBlockMode": "off"},
    }


def shown_block(block: CidrAssociation, state: str) -> dict[str, Any]:
    return {
        "AssociationId": block.association_id,
        "CidrBlock": block.cidr_block,
        "CidrBlockState": {"State": state},
    }
