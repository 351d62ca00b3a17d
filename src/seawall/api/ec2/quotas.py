"""How much of everything one account may have: the published defaults of the VPC quotas, in one table."""

from seawall.wire.errors import ApiError

VPCS = 5
SUBNETS_PER_VPC = 200
ROUTE_TABLES_PER_VPC = 200
ROUTES_PER_TABLE = 500  # since June 2025; the local routes are not counted
INTERNET_GATEWAYS = 5
NAT_GATEWAYS_PER_ZONE = 5
ADDRESSES_PER_NAT_GATEWAY = 8  # for Elastic IPs the published default is 2, adjustable up to 8
ELASTIC_IPS = 5
NETWORK_ACLS_PER_VPC = 200
RULES_PER_NETWORK_ACL = 20  # in each direction and family, the rule at the end included; at most 40
SECURITY_GROUPS = 2500
RULES_PER_GROUP = 60  # in each direction, IPv4 and IPv6 counted apart
GROUPS_PER_INTERFACE = 5
NETWORK_INTERFACES = 5000
CIDR_BLOCKS_PER_VPC = 5
PREFIX_LISTS = 100
ENTRIES_PER_PREFIX_LIST = 1000
GATEWAY_ENDPOINTS = 20
INTERFACE_ENDPOINTS_PER_VPC = 50
ACTIVE_PEERINGS_PER_VPC = 50
OUTSTANDING_PEERINGS_PER_VPC = 25  # requests that wait for acceptance
TRANSIT_GATEWAYS = 5
TRANSIT_GATEWAY_ROUTE_TABLES = 20  # of one gateway
TRANSIT_GATEWAYS_PER_VPC = 5
ROUTES_PER_TRANSIT_GATEWAY = 10_000  # static ones, in all its tables
TAGS_PER_RESOURCE = 50
FILTER_VALUES = 200

_REFUSALS = {
    "VpcLimitExceeded": "The maximum number of VPCs has been reached.",
    "SubnetLimitExceeded": "The maximum number of subnets has been reached.",
    "RouteTableLimitExceeded": "The maximum number of route tables has been reached.",
    "RouteLimitExceeded": "The maximum number of routes has been reached.",
    "InternetGatewayLimitExceeded": "The maximum number of internet gateways has been reached.",
    "NatGatewayLimitExceeded": (
        f"Performing this operation would exceed the limit of {NAT_GATEWAYS_PER_ZONE} NAT gateways"
    ),
    "NatGatewayAddressLimitExceeded": (
        f"A NAT gateway can have at most {ADDRESSES_PER_NAT_GATEWAY} IPv4 addresses."
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


def check_quota(count: int, limit: int, code: str) -> None:
    """Refuse when `count`, the number there would be, is above `limit`.  Raises ApiError(code)."""
    if count > limit:
        raise ApiError(code, _REFUSALS[code])
