"""From an id in a request to the document, with EC2's two refusals: malformed and not found.

Format comes first, existence second, as EC2 does it.
"""

import re
from typing import NamedTuple, TypeVar

from seawall.model.dhcp_options import DhcpOptions
from seawall.model.egress_only_internet_gateway import EgressOnlyInternetGateway
from seawall.model.elastic_ip import ElasticIp
from seawall.model.internet_gateway import InternetGateway
from seawall.model.nat_gateway import NatGateway
from seawall.model.network_acl import NetworkAcl
from seawall.model.network_insights import NetworkInsightsAnalysis, NetworkInsightsPath
from seawall.model.network_interface import NetworkInterface
from seawall.model.prefix_list import PrefixList
from seawall.model.resource import Resource
from seawall.model.route_table import RouteTable
from seawall.model.security_group import SecurityGroup, SecurityGroupRule
from seawall.model.subnet import Subnet
from seawall.model.transit_gateway import (
    TransitGateway,
    TransitGatewayAttachment,
    TransitGatewayRouteTable,
)
from seawall.model.vpc import Vpc
from seawall.model.vpc_endpoint import VpcEndpoint
from seawall.model.vpc_peering_connection import VpcPeeringConnection
from seawall.store.store import Reader
from seawall.wire.errors import ApiError

R = TypeVar("R", bound=Resource)
MALFORMED = 'Invalid id: "{id}" (expecting "{prefix}-...")'


class Words(NamedTuple):
    """How EC2 speaks of one kind of id; the texts have {id} in them, `malformed_text` also {prefix}."""

    prefix: str
    malformed_code: str
    missing_code: str
    missing_text: str
    malformed_text: str = MALFORMED


WORDS: dict[type[Resource], Words] = {
    Vpc: Words("vpc", "InvalidVpcID.Malformed", "InvalidVpcID.NotFound", "The vpc ID '{id}' does not exist"),
    Subnet: Words(
        "subnet",
        "InvalidSubnetID.Malformed",
        "InvalidSubnetID.NotFound",
        "The subnet ID '{id}' does not exist",
    ),
    RouteTable: Words(
        "rtb",
        "InvalidRouteTableId.Malformed",
        "InvalidRouteTableID.NotFound",
        "The routeTable ID '{id}' does not exist",
    ),
    InternetGateway: Words(
        "igw",
        "InvalidInternetGatewayId.Malformed",
        "InvalidInternetGatewayID.NotFound",
        "The internetGateway ID '{id}' does not exist",
    ),
    NatGateway: Words(
        "nat", "NatGatewayMalformed", "NatGatewayNotFound", "The Nat Gateway {id} was not found"
    ),
    ElasticIp: Words(
        "eipalloc",
        "InvalidAllocationID.Malformed",
        "InvalidAllocationID.NotFound",
        "The allocation ID '{id}' does not exist",
    ),
    SecurityGroup: Words(
        "sg", "InvalidGroupId.Malformed", "InvalidGroup.NotFound", "The security group '{id}' does not exist"
    ),
    SecurityGroupRule: Words(
        "sgr",
        "InvalidSecurityGroupRuleId.Malformed",
        "InvalidSecurityGroupRuleId.NotFound",
        "The security group rule ID '{id}' does not exist",
    ),
    NetworkInterface: Words(
        "eni",
        "InvalidNetworkInterfaceId.Malformed",
        "InvalidNetworkInterfaceID.NotFound",
        "The networkInterface ID '{id}' does not exist",
    ),
    NetworkAcl: Words(
        "acl",
        "InvalidNetworkAclId.Malformed",
        "InvalidNetworkAclID.NotFound",
        "The networkAcl ID '{id}' does not exist",
    ),
    EgressOnlyInternetGateway: Words(
        "eigw",
        "InvalidEgressOnlyInternetGatewayId.Malformed",
        "InvalidEgressOnlyInternetGatewayId.NotFound",
        "The egressOnlyInternetGateway ID '{id}' does not exist",
    ),
    PrefixList: Words(
        "pl",
        "InvalidPrefixListId.Malformed",
        "InvalidPrefixListID.NotFound",
        "The prefix list ID '{id}' does not exist",
    ),
    VpcPeeringConnection: Words(
        "pcx",
        "InvalidVpcPeeringConnectionId.Malformed",
        "InvalidVpcPeeringConnectionID.NotFound",
        "The vpcPeeringConnection ID '{id}' does not exist",
    ),
    TransitGateway: Words(
        "tgw",
        "InvalidTransitGatewayID.Malformed",
        "InvalidTransitGatewayID.NotFound",
        "Transit Gateway {id} was deleted or does not exist.",
        "Invalid Transit Gateway id {id}.",
    ),
    TransitGatewayAttachment: Words(
        "tgw-attach",
        "InvalidTransitGatewayAttachmentID.Malformed",
        "InvalidTransitGatewayAttachmentID.NotFound",
        "Transit Gateway Attachment {id} was deleted or does not exist.",
        "Invalid Transit Gateway Attachment id.",
    ),
    TransitGatewayRouteTable: Words(
        "tgw-rtb",
        "InvalidRouteTableId.Malformed",
        "InvalidRouteTableID.NotFound",
        "Transit Gateway Route Table {id} was deleted or does not exist.",
        "Invalid Transit Gateway Route Table id {id}.",
    ),
    DhcpOptions: Words(
        "dopt",
        "InvalidDhcpOptionsId.Malformed",
        "InvalidDhcpOptionID.NotFound",
        "The dhcpOption ID '{id}' does not exist",
    ),
    VpcEndpoint: Words(
        "vpce",
        "InvalidVpcEndpointId.Malformed",
        "InvalidVpcEndpointId.NotFound",
        "The Vpc Endpoint Id '{id}' does not exist",
    ),
    NetworkInsightsPath: Words(
        "nip",
        "InvalidNetworkInsightsPathId.Malformed",
        "InvalidNetworkInsightsPathId.NotFound",
        "The networkInsightsPath ID '{id}' does not exist",
    ),
    NetworkInsightsAnalysis: Words(
        "nia",
        "InvalidNetworkInsightsAnalysisId.Malformed",
        "InvalidNetworkInsightsAnalysisId.NotFound",
        "The networkInsightsAnalysis ID '{id}' does not exist",
    ),
}


def check_id(id: str, prefix: str, code: str, text: str = MALFORMED) -> None:
    """Refuse an id that is not `prefix-` and 8 or 17 lower-case hex digits."""
    if not re.fullmatch(re.escape(prefix) + r"-(?:[0-9a-f]{8}|[0-9a-f]{17})", id):
        raise ApiError(code, text.format(id=id, prefix=prefix))


def look_up(reader: Reader, cls: type[R], id: str) -> R:
    """The document of that id.  Raises ApiError (malformed, not found) in the kind's own words."""
    words = WORDS[cls]
    check_id(id, words.prefix, words.malformed_code, words.malformed_text)
    found = reader.find(cls, id)
    if found is None:
        raise ApiError(words.missing_code, words.missing_text.format(id=id))
    return found


def required(value: str | None, parameter: str) -> str:
    """`value`, or EC2's refusal of a request that lacks it.  `parameter` is spelled as EC2 spells it."""
    if not value:
        raise ApiError("MissingParameter", f"The request must contain the parameter {parameter}")
    return value
