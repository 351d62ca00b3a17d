"""How much of everything one account may have: the published quotas of the VPC, in one table."""

from seawall.api.quota import Quota, bound_together, limit, quota
from seawall.store.store import Reader
from seawall.wire.errors import ApiError

VPCS = quota("vpc", "L-F678F1CE", "VPCs per Region", 5)
SUBNETS_PER_VPC = quota("vpc", "L-407747CB", "Subnets per VPC", 200)
ROUTE_TABLES_PER_VPC = quota("vpc", "L-589F43AA", "Route tables per VPC", 200)
# since June 2025; the local routes are not counted
ROUTES_PER_TABLE = quota("vpc", "L-93826ACB", "Routes per route table", 500, 1000)
INTERNET_GATEWAYS = quota("vpc", "L-A4707A72", "Internet gateways per Region", 5)
EGRESS_ONLY_INTERNET_GATEWAYS = quota("vpc", "L-45FE3B85", "Egress-only internet gateways per Region", 5)
NAT_GATEWAYS_PER_ZONE = quota("vpc", "L-FE5A380F", "NAT gateways per Availability Zone", 5)
# for Elastic IPs the published default is 2, adjustable up to 8
ADDRESSES_PER_NAT_GATEWAY = quota("vpc", "L-DFA99DE7", "Private IP addresses per NAT gateway", 8, 8)
ELASTIC_IPS = quota("ec2", "L-0263D0A3", "EC2-VPC Elastic IPs", 5)
NETWORK_ACLS_PER_VPC = quota("vpc", "L-B4A6D682", "Network ACLs per VPC", 200)
# in each direction and family, the rule at the end included; at most 40
RULES_PER_NETWORK_ACL = quota("vpc", "L-2AEEBF1A", "Rules per network ACL", 20, 40)
SECURITY_GROUPS = quota("vpc", "L-E79EC296", "VPC security groups per Region", 2500)
# in each direction, IPv4 and IPv6 counted apart
RULES_PER_GROUP = quota("vpc", "L-0EA8095F", "Inbound or outbound rules per security group", 60, 1000)
GROUPS_PER_INTERFACE = quota("vpc", "L-2AFB9258", "Security groups per network interface", 5, 16)
NETWORK_INTERFACES = quota("vpc", "L-DF5E4CA3", "Network interfaces per Region", 5000)
CIDR_BLOCKS_PER_VPC = quota("vpc", "L-83CA0A9D", "IPv4 CIDR blocks per VPC", 5, 50)
IPV6_CIDR_BLOCKS_PER_VPC = quota("vpc", "L-085A6257", "IPv6 CIDR blocks per VPC", 5, 50)
PREFIX_LISTS = 100
ENTRIES_PER_PREFIX_LIST = 1000
GATEWAY_ENDPOINTS = quota("vpc", "L-1B52E74A", "Gateway VPC endpoints per Region", 20)
INTERFACE_ENDPOINTS_PER_VPC = quota("vpc", "L-29B6F2EB", "Interface VPC endpoints per VPC", 50)
ACTIVE_PEERINGS_PER_VPC = quota("vpc", "L-7E9ECCDB", "Active VPC peering connections per VPC", 50, 125)
# requests that wait for acceptance
OUTSTANDING_PEERINGS_PER_VPC = quota("vpc", "L-DC9F7029", "Outstanding VPC peering connection requests", 25)
TRANSIT_GATEWAYS = 5
TRANSIT_GATEWAY_ROUTE_TABLES = 20  # of one gateway
TRANSIT_GATEWAYS_PER_VPC = 5
ROUTES_PER_TRANSIT_GATEWAY = 10_000  # static ones, in all its tables
TAGS_PER_RESOURCE = 50
FILTER_VALUES = 200

bound_together(RULES_PER_GROUP, GROUPS_PER_INTERFACE, 1000)

_REFUSALS = {
    "VpcLimitExceeded": "The maximum number of VPCs has been reached.",
    "SubnetLimitExceeded": "The maximum number of subnets has been reached.",
    "RouteTableLimitExceeded": "The maximum number of route tables has been reached.",
    "RouteLimitExceeded": "The maximum number of routes has been reached.",
    "InternetGatewayLimitExceeded": "The maximum number of internet gateways has been reached.",
    "EgressOnlyInternetGatewayLimitExceeded": (
        "The maximum number of egress only internet gateways has been reached."
    ),
    "NatGatewayLimitExceeded": (
        f"Performing this operation would exceed the limit of {NAT_GATEWAYS_PER_ZONE.default} NAT gateways"
    ),
    "NatGatewayAddressLimitExceeded": (
        f"A NAT gateway can have at most {ADDRESSES_PER_NAT_GATEWAY.default} IPv4 addresses."
    ),
    "AddressLimitExceeded": "The maximum number of addresses has been reached.",
    "NetworkAclLimitExceeded": "The maximum number of network acls has been reached.",
    "NetworkAclEntryLimitExceeded": "The maximum number of network acl entries has been reached.",
    "SecurityGroupLimitExceeded": "The maximum number of security groups has been reached.",
    "RulesPerSecurityGroupLimitExceeded": (
        "The maximum number of rules per security group has been reached."
    ),
    "SecurityGroupsPerInterfaceLimitExceeded": (
        "The maximum number of security groups per interface has been reached."
    ),
    "NetworkInterfaceLimitExceeded": "The maximum number of network interfaces has been reached.",
    "CidrLimitExceeded": "The maximum number of CIDR blocks has been reached.",
    "PrefixListLimitExceeded": "The maximum number of prefix lists has been reached.",
    "PrefixListMaxEntriesExceeded": "You've reached the maximum number of entries for the prefix list.",
    "VpcEndpointLimitExceeded": "The maximum number of VPC endpoints has been reached.",
    "ActiveVpcPeeringConnectionPerVpcLimitExceeded": (
        "You've reached the limit on the number of active VPC peering connections you can have for the"
        " specified VPC."
    ),
    "OutstandingVpcPeeringConnectionLimitExceeded": (
        "You've reached the limit on the number of VPC peering connection requests that you can create for"
        " the specified VPC."
    ),
    "TransitGatewayLimitExceeded": "The maximum number of transit gateways has been reached.",
    "TransitGatewayRouteTableLimitExceeded": (
        "The maximum number of transit gateway route tables has been reached."
    ),
    "TransitGatewayAttachmentLimitExceeded": (
        "The maximum number of transit gateway attachments has been reached."
    ),
    "TransitGatewayRouteLimitExceeded": "The maximum number of transit gateway routes has been reached.",
    "TagLimitExceeded": "The maximum number of Tags for a resource has been reached.",
}


def check_quota(reader: Reader, count: int, of: Quota, code: str) -> None:
    """Refuse when `count`, the number there would be, is above what the account may have.

    Raises ApiError(code).
    """
    check_count(count, limit(reader, of), code)


def check_count(count: int, most: int, code: str) -> None:
    """The same for what no quota names.  Raises ApiError(code)."""
    if count > most:
        raise ApiError(code, _REFUSALS[code])
