"""The services that endpoints can be made for."""

import hashlib
from typing import Any

from seawall.api.ec2.describe import Filters, filtered, paged
from seawall.api.ec2.zone_names import zones
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.endpoint_service import SERVICES, EndpointService
from seawall.wire.errors import ApiError


@operation(
    "ec2",
    "DescribeVpcEndpointServices",
    note="Services that Seawall does not serve can have endpoints too; they answer that they are not served.",
)
def describe_vpc_endpoint_services(call: Call, params: Params) -> dict[str, Any]:
    known = {service.service_name(call.region): service for service in SERVICES}
    wanted = params.get("ServiceNames") or ()
    for name in wanted:
        if name not in known:
            raise ApiError("InvalidServiceName", f"The Vpc Endpoint Service '{name}' does not exist")
    here = set(params.get("ServiceRegions") or [call.region]) >= {call.region}
    services = [known[name] for name in sorted(set(wanted) or known)] if here else []
    filters: Filters[EndpointService] = {
        "owner": lambda service: "amazon",
        "service-name": lambda service: service.service_name(call.region),
        "service-region": lambda service: call.region,
        "service-type": lambda service: service.endpoint_type,
        "supported-ip-address-types": lambda service: "ipv4",
    }
    services = filtered(params, services, filters, tags=lambda service: {})
    page, token = paged(params, services, lambda service: service.service_name(call.region))
    return {
        "ServiceNames": [service.service_name(call.region) for service in page],
        "ServiceDetails": [_shown(service, call.region) for service in page],
        **({"NextToken": token} if token else {}),
    }


def _shown(service: EndpointService, region: str) -> dict[str, Any]:
    name = service.service_name(region)
    shown: dict[str, Any] = {
        "ServiceName": name,
        "ServiceId": f"vpce-svc-0{hashlib.sha256(name.encode()).hexdigest()[:16]}",
        "ServiceType": [{"ServiceType": service.endpoint_type}],
        "ServiceRegion": region,
        "AvailabilityZones": list(zones(region)),
        "AvailabilityZoneIds": list(zones(region).values()),
        "Owner": "amazon",
        "BaseEndpointDnsNames": [service.base_name(region)],
        "VpcEndpointPolicySupported": True,
        "AcceptanceRequired": False,
        "ManagesVpcEndpoints": False,
        "Tags": [],
        "SupportedIpAddressTypes": ["ipv4"],
    }
    if service.endpoint_type == "Interface":
        private = service.public_names(region)[-1]
        shown |= {
            "PrivateDnsName": private,
            "PrivateDnsNames": [{"PrivateDnsName": private}],
            "PrivateDnsNameVerificationState": "verified",
        }
    return shown
