"""VPC endpoints described."""

import hashlib
from typing import Any

from seawall.api.ec2.describe import Filters, answer, chosen, filtered, paged
from seawall.api.ec2.tagging import tag_list
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.endpoint_service import find_service, regional_name, zonal_name
from seawall.model.route_table import RouteTable
from seawall.model.security_group import SecurityGroup
from seawall.model.subnet import Subnet
from seawall.model.vpc_endpoint import VpcEndpoint
from seawall.store.store import Reader

# The public hosted zone of us-east-1's endpoints; those of other regions are made up.
_ZONES = {"us-east-1": "Z7HUB22UULQXV"}
PENDING_ZONE = "ZONEIDPENDING"  # what AWS shows until the private zone is there


@operation("ec2", "DescribeVpcEndpoints")
def describe_vpc_endpoints(call: Call, params: Params) -> dict[str, Any]:
    endpoints = chosen(call.store, VpcEndpoint, params.get("VpcEndpointIds"))
    filters: Filters[VpcEndpoint] = {
        "ip-address-type": lambda endpoint: "ipv4",
        "service-name": lambda endpoint: endpoint.service_name,
        "service-region": lambda endpoint: call.region,
        "vpc-id": lambda endpoint: endpoint.vpc_id,
        "vpc-endpoint-id": lambda endpoint: endpoint.id,
        "vpc-endpoint-state": lambda endpoint: endpoint.state,
        "vpc-endpoint-type": lambda endpoint: endpoint.endpoint_type,
    }
    endpoints = filtered(params, endpoints, filters, tags=lambda endpoint: endpoint.tags)
    page, token = paged(params, endpoints, lambda endpoint: endpoint.id)
    return answer("VpcEndpoints", [shown(call.store, endpoint, call) for endpoint in page], token)


def shown(reader: Reader, endpoint: VpcEndpoint, call: Call) -> dict[str, Any]:
    # A deleted route table has left the endpoint without saying so.
    tables = [table.id for table in reader.referrers(RouteTable, endpoint.ref)]
    groups = (reader.get(SecurityGroup, id) for id in endpoint.group_ids)
    return {
        "VpcEndpointId": endpoint.id,
        "VpcEndpointType": endpoint.endpoint_type,
        "VpcId": endpoint.vpc_id,
        "ServiceName": endpoint.service_name,
        "ServiceRegion": call.region,
        "State": endpoint.state,
        "PolicyDocument": endpoint.policy_document,
        "RouteTableIds": tables,
        "SubnetIds": list(endpoint.subnet_ids),
        "Groups": [{"GroupId": group.id, "GroupName": group.name} for group in groups],
        "IpAddressType": "ipv4",
        "DnsOptions": {
            "DnsRecordIpType": "service-defined" if endpoint.endpoint_type == "Gateway" else "ipv4"
        },
        "PrivateDnsEnabled": endpoint.private_dns_enabled,
        "RequesterManaged": False,
        "NetworkInterfaceIds": list(endpoint.network_interface_ids),
        "DnsEntries": _names(reader, endpoint, call.region),
        "CreationTimestamp": endpoint.create_time,
        "OwnerId": call.account,
        "Tags": tag_list(endpoint.tags),
    }


def _names(reader: Reader, endpoint: VpcEndpoint, region: str) -> list[dict[str, str]]:
    """The regional name, one for each zone, and the service's own where private DNS is on."""
    service = find_service(endpoint.service_name, region)
    if service is None or endpoint.endpoint_type == "Gateway":
        return []
    zones = [reader.get(Subnet, id).availability_zone for id in endpoint.subnet_ids]
    public = [
        regional_name(endpoint, service, region),
        *(zonal_name(endpoint, service, region, zone) for zone in zones),
    ]
    private = service.public_names(region) if endpoint.private_dns_enabled else ()
    public_zone = _ZONES.get(region) or _made_up_zone(region)
    private_zone = _made_up_zone(endpoint.id) if endpoint.state == "available" else PENDING_ZONE
    return [{"DnsName": name, "HostedZoneId": public_zone} for name in public] + [
        {"DnsName": name, "HostedZoneId": private_zone} for name in private
    ]


def _made_up_zone(key: str) -> str:
    return "Z" + hashlib.sha256(key.encode()).hexdigest()[:20].upper()
