"""Private DNS of interface endpoints: inside the VPC a service's own name stands for the endpoint."""

from seawall.model.endpoint_service import find_service
from seawall.model.hosted_zone import HostedZone
from seawall.model.resource import Ref
from seawall.model.vpc import Vpc
from seawall.model.vpc_endpoint import VpcEndpoint
from seawall.store.store import Reader
from seawall.wire.errors import ApiError


def check_private_dns(reader: Reader, endpoint: VpcEndpoint, region: str) -> None:
    """Refuse private DNS where the VPC has no names, or where somebody else has this one.

    Raises ApiError InvalidParameter.
    """
    vpc = reader.get(Vpc, endpoint.vpc_id)
    if not (vpc.enable_dns_support and vpc.enable_dns_hostnames):
        raise ApiError(
            "InvalidParameter",
            "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set"
            f" to true for {vpc.id}",
        )
    service = find_service(endpoint.service_name, region)
    assert service is not None  # it was looked up when the endpoint was made
    name = service.public_names(region)[0]
    others = [
        other
        for other in reader.referrers(VpcEndpoint, Ref("vpc", vpc.id))
        if other.id != endpoint.id
        and other.service_name == endpoint.service_name
        and other.private_dns_enabled
        and other.state in ("pending", "available")
    ]
    zones = [z for z in reader.referrers(HostedZone, vpc.ref) if z.private and z.name == f"{name}."]
    if others or zones:
        raise ApiError(
            "InvalidParameter",
            "private-dns-enabled cannot be set because there is already a conflicting DNS domain for"
            f" {name} in the VPC {vpc.id}",
        )
