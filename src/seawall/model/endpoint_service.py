"""The AWS services that VPC endpoints lead to, and the names that endpoints get.

Source: AWS PrivateLink guide, "AWS services that integrate with AWS PrivateLink" and "Access an AWS service
using an interface VPC endpoint" (DNS hostnames); names of services as DescribeVpcEndpointServices gives them.
"""

from typing import Literal

import msgspec

from seawall.model.internet import API_ADDRESS, REGISTRY_ADDRESS, S3_ADDRESS
from seawall.model.vpc_endpoint import VpcEndpoint


class EndpointService(msgspec.Struct, frozen=True, kw_only=True):
    """com.amazonaws.REGION.NAME; its public name is HOST.REGION.amazonaws.com.

    address   where it is on the world's internet
    wildcard  names below its public one (ACCOUNT.dkr.ecr...) are its too
    """

    name: str
    host: str
    endpoint_type: Literal["Interface", "Gateway"] = "Interface"
    address: str = API_ADDRESS
    wildcard: bool = False

    def service_name(self, region: str) -> str:
        return f"com.amazonaws.{region}.{self.name}"

    def base_name(self, region: str) -> str:
        """The domain of its endpoints' own names; for a gateway, its public name."""
        private = "vpce." if self.endpoint_type == "Interface" else ""
        return f"{self.host}.{region}.{private}amazonaws.com"

    def public_names(self, region: str) -> tuple[str, ...]:
        """The names that private DNS takes over in a VPC; "*.DOMAIN" stands for every name below it."""
        name = f"{self.host}.{region}.amazonaws.com"
        return (name, f"*.{name}") if self.wildcard else (name,)


PORTS = (80, 443)  # of every service

SERVICES = (
    EndpointService(name="application-autoscaling", host="application-autoscaling"),
    EndpointService(name="data-servicediscovery", host="data-servicediscovery"),
    EndpointService(name="ec2", host="ec2"),
    EndpointService(name="ec2messages", host="ec2messages"),
    EndpointService(name="ecr.api", host="api.ecr"),
    EndpointService(name="ecr.dkr", host="dkr.ecr", address=REGISTRY_ADDRESS, wildcard=True),
    EndpointService(name="ecs", host="ecs"),
    EndpointService(name="ecs-agent", host="ecs-a"),
    EndpointService(name="ecs-telemetry", host="ecs-t"),
    EndpointService(name="elasticloadbalancing", host="elasticloadbalancing"),
    EndpointService(name="kms", host="kms"),
    EndpointService(name="logs", host="logs"),
    EndpointService(name="monitoring", host="monitoring"),
    EndpointService(name="s3", host="s3", endpoint_type="Gateway", address=S3_ADDRESS),
    EndpointService(name="secretsmanager", host="secretsmanager"),
    EndpointService(name="servicediscovery", host="servicediscovery"),
    EndpointService(name="ssm", host="ssm"),
    EndpointService(name="ssmmessages", host="ssmmessages"),
    EndpointService(name="sts", host="sts"),
)


def find_service(service_name: str, region: str) -> EndpointService | None:
    """The service of that full name (com.amazonaws.REGION.NAME)."""
    return next((s for s in SERVICES if s.service_name(region) == service_name), None)


def regional_name(endpoint: VpcEndpoint, service: EndpointService, region: str) -> str:
    """The name of all interfaces of an endpoint: vpce-ID-LABEL.HOST.REGION.vpce.amazonaws.com."""
    return f"{endpoint.id}-{endpoint.dns_label}.{service.base_name(region)}"


def zonal_name(endpoint: VpcEndpoint, service: EndpointService, region: str, zone: str) -> str:
    """The name of its interface in one availability zone."""
    return f"{endpoint.id}-{endpoint.dns_label}-{zone}.{service.base_name(region)}"
