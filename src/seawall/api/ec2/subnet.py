"""Subnets: create, describe, modify, delete."""

from ipaddress import IPv4Network
from typing import Any

from msgspec.structs import replace

from seawall.api.ec2.addressing import free_address_count
from seawall.api.ec2.birth import new_subnet
from seawall.api.ec2.cidr import parse_block
from seawall.api.ec2.describe import Filters, answer, chosen, filtered, paged
from seawall.api.ec2.lookup import look_up, required
from seawall.api.ec2.network_acl import forget_subnet
from seawall.api.ec2.quotas import SUBNETS_PER_VPC, check_quota
from seawall.api.ec2.refusal import not_served
from seawall.api.ec2.route_table_association import forget
from seawall.api.ec2.subnet_cidr_block import checked_ipv6_block, shown_ipv6_blocks
from seawall.api.ec2.tagging import tag_list, tags_for
from seawall.api.ec2.zone_names import zones
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.address_cursor import AddressCursor
from seawall.model.nat_gateway import NatGateway
from seawall.model.network_interface import NetworkInterface
from seawall.model.subnet import Subnet
from seawall.model.vpc import Vpc
from seawall.store.store import Reader, Transaction
from seawall.wire.errors import ApiError


@operation(
    "ec2",
    "CreateSubnet",
    note="Without a zone the first one of the region is taken.",
    refused={
        "Ipv6Native": "true: there are no subnets without IPv4",
        "Ipv4IpamPoolId": "there is no IPAM",
        "Ipv6IpamPoolId": "there is no IPAM",
        "OutpostArn": "there are no Outposts",
    },
)
def create_subnet(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        if params.get("Ipv6Native"):
            not_served("Ipv6Native=true")
        vpc = look_up(txn, Vpc, required(params.get("VpcId"), "vpcId"))
        block = parse_block(required(params.get("CidrBlock"), "cidrBlock"))
        _check_block(txn, vpc, block)
        check_quota(txn, len(txn.referrers(Subnet, vpc.ref)) + 1, SUBNETS_PER_VPC, "SubnetLimitExceeded")
        zone, zone_id = _zone(call.region, params.get("AvailabilityZone"), params.get("AvailabilityZoneId"))
        six = params.get("Ipv6CidrBlock")
        subnet = new_subnet(
            txn,
            vpc,
            str(block),
            ipv6_cidr_block=checked_ipv6_block(txn, vpc, six) if six else None,
            availability_zone=zone,
            availability_zone_id=zone_id,
            tags=tags_for(params, "subnet"),
        )
        return {"Subnet": shown_subnet(txn, subnet, call)}


def _check_block(txn: Transaction, vpc: Vpc, block: IPv4Network) -> None:
    inside = any(block.subnet_of(IPv4Network(outer.cidr_block)) for outer in vpc.cidr_blocks)
    if not inside or not 16 <= block.prefixlen <= 28:
        raise ApiError("InvalidSubnet.Range", f"The CIDR '{block}' is invalid.")
    if any(block.overlaps(IPv4Network(other.cidr_block)) for other in txn.referrers(Subnet, vpc.ref)):
        raise ApiError("InvalidSubnet.Conflict", f"The CIDR '{block}' conflicts with another subnet")


def _zone(region: str, name: str | None, id: str | None) -> tuple[str, str]:
    if name and id:
        raise ApiError(
            "InvalidParameterCombination",
            "The parameters availabilityZone and availabilityZoneId cannot be used together",
        )
    for zone, zone_id in zones(region).items():
        if name == zone or id == zone_id or not (name or id):
            return zone, zone_id
    parameter, value = ("availabilityZone", name) if name else ("availabilityZoneId", id)
    raise ApiError(
        "InvalidParameterValue",
        f"Value ({value}) for parameter {parameter} is invalid. Subnets can currently only be created in the"
        f" following availability zones: {', '.join(zones(region) if name else zones(region).values())}.",
    )


@operation("ec2", "DeleteSubnet")
def delete_subnet(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        subnet = look_up(txn, Subnet, required(params.get("SubnetId"), "subnetId"))
        gateways = txn.referrers(NatGateway, subnet.ref)
        if txn.referrers(NetworkInterface, subnet.ref) or any(
            nat.state not in ("deleted", "failed") for nat in gateways
        ):
            raise ApiError(
                "DependencyViolation", f"The subnet '{subnet.id}' has dependencies and cannot be deleted."
            )
        forget(txn, subnet.ref)
        forget_subnet(txn, subnet)
        if txn.find(AddressCursor, subnet.id):
            txn.delete(AddressCursor, subnet.id)
        txn.delete(Subnet, subnet.id)
    return {}


@operation("ec2", "DescribeSubnets")
def describe_subnets(call: Call, params: Params) -> dict[str, Any]:
    reader = call.store
    subnets = chosen(reader, Subnet, params.get("SubnetIds"))
    filters: Filters[Subnet] = {
        "availability-zone": lambda subnet: subnet.availability_zone,
        "availabilityZone": lambda subnet: subnet.availability_zone,
        "availability-zone-id": lambda subnet: subnet.availability_zone_id,
        "availabilityZoneId": lambda subnet: subnet.availability_zone_id,
        "available-ip-address-count": lambda subnet: free_address_count(reader, subnet),
        "cidr": lambda subnet: subnet.cidr_block,
        "cidr-block": lambda subnet: subnet.cidr_block,
        "cidrBlock": lambda subnet: subnet.cidr_block,
        "customer-owned-ipv4-pool": lambda subnet: None,
        "default-for-az": lambda subnet: subnet.default_for_az,
        "defaultForAz": lambda subnet: subnet.default_for_az,
        "enable-dns64": lambda subnet: subnet.enable_dns64,
        "ipv6-cidr-block-association.association-id": lambda subnet: subnet.ipv6_association_id,
        "ipv6-cidr-block-association.ipv6-cidr-block": lambda subnet: subnet.ipv6_cidr_block,
        "ipv6-cidr-block-association.state": lambda subnet: "associated" if subnet.ipv6_cidr_block else None,
        "ipv6-native": lambda subnet: False,
        "enable-lni-at-device-index": lambda subnet: None,
        "map-customer-owned-ip-on-launch": lambda subnet: False,
        "map-public-ip-on-launch": lambda subnet: subnet.map_public_ip_on_launch,
        "outpost-arn": lambda subnet: None,
        "owner-id": lambda subnet: call.account,
        "private-dns-name-options-on-launch.hostname-type": lambda subnet: subnet.private_dns_hostname_type,
        "private-dns-name-options-on-launch.enable-resource-name-dns-a-record": lambda subnet: (
            subnet.enable_resource_name_dns_a_record
        ),
        "private-dns-name-options-on-launch.enable-resource-name-dns-aaaa-record": lambda subnet: False,
        "state": lambda subnet: "available",
        "subnet-arn": lambda subnet: call.arn(f"subnet/{subnet.id}"),
        "subnet-id": lambda subnet: subnet.id,
        "vpc-id": lambda subnet: subnet.vpc_id,
    }
    subnets = filtered(params, subnets, filters, tags=lambda subnet: subnet.tags)
    page, token = paged(params, subnets, lambda subnet: subnet.id)
    return answer("Subnets", [shown_subnet(reader, subnet, call) for subnet in page], token)


_STORED = {
    "PrivateDnsHostnameTypeOnLaunch": "it names EC2 instances, which Seawall does not run",
    "EnableResourceNameDnsARecordOnLaunch": "it names EC2 instances, which Seawall does not run",
}
_NOT_SERVED = {
    "EnableDns64": "there is no NAT64 it could lead to",
    "EnableResourceNameDnsAAAARecordOnLaunch": "it names EC2 instances, which Seawall does not run",
    "MapCustomerOwnedIpOnLaunch": "there are no Outposts",
}
_FIELDS = {
    "AssignIpv6AddressOnCreation": "assign_ipv6_address_on_creation",
    "EnableResourceNameDnsARecordOnLaunch": "enable_resource_name_dns_a_record",
    "MapPublicIpOnLaunch": "map_public_ip_on_launch",
    "PrivateDnsHostnameTypeOnLaunch": "private_dns_hostname_type",
}


@operation(
    "ec2",
    "ModifySubnetAttribute",
    stored={"MapPublicIpOnLaunch": "Fargate looks at assignPublicIp alone"} | _STORED,
    refused={member: f"true: {reason}" for member, reason in _NOT_SERVED.items()},
)
def modify_subnet_attribute(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        subnet = look_up(txn, Subnet, required(params.get("SubnetId"), "subnetId"))
        for member in _NOT_SERVED:
            if (params.get(member) or {}).get("Value"):
                not_served(f"{member}=true")
        given = [member for member in _FIELDS if member in params]
        if len(given) > 1:
            names = ", ".join(member[0].lower() + member[1:] for member in given)
            raise ApiError(
                "InvalidParameterCombination", f"Fields for multiple attribute types specified: {names}"
            )
        for member in given:
            value = params[member]
            value = bool(value.get("Value")) if isinstance(value, Params) else value
            subnet = replace(subnet, **{_FIELDS[member]: value})
        if subnet.assign_ipv6_address_on_creation and not subnet.ipv6_cidr_block:
            raise ApiError(
                "InvalidParameterValue",
                "Invalid value 'true' for assignIpv6AddressOnCreation. Subnet must be associated with an"
                " IPv6 CIDR.",
            )
        txn.put(subnet)
    return {}


def shown_subnet(reader: Reader, subnet: Subnet, call: Call) -> dict[str, Any]:
    return {
        "SubnetId": subnet.id,
        "SubnetArn": call.arn(f"subnet/{subnet.id}"),
        "VpcId": subnet.vpc_id,
        "State": "available",
        "CidrBlock": subnet.cidr_block,
        "AvailableIpAddressCount": free_address_count(reader, subnet),
        "AvailabilityZone": subnet.availability_zone,
        "AvailabilityZoneId": subnet.availability_zone_id,
        "DefaultForAz": subnet.default_for_az,
        "MapPublicIpOnLaunch": subnet.map_public_ip_on_launch,
        "AssignIpv6AddressOnCreation": subnet.assign_ipv6_address_on_creation,
        "Ipv6CidrBlockAssociationSet": shown_ipv6_blocks(subnet),
        "EnableDns64": subnet.enable_dns64,
        "Ipv6Native": False,
        "PrivateDnsNameOptionsOnLaunch": {
            "HostnameType": subnet.private_dns_hostname_type,
            "EnableResourceNameDnsARecord": subnet.enable_resource_name_dns_a_record,
            "EnableResourceNameDnsAAAARecord": False,
        },
        "MapCustomerOwnedIpOnLaunch": False,
        "OwnerId": call.account,
        "Tags": tag_list(subnet.tags),
        "BlockPublicAccessStates": {"InternetGatewayBlockMode": "off"},
    }
