"""A name that means a service's public address although the VPC has an endpoint for that service."""

from collections.abc import Iterator

from msgspec.structs import replace

from seawall.compile.walk.change import Change, put
from seawall.compile.walk.cloud import Cloud
from seawall.model.endpoint_service import find_service
from seawall.model.vpc_endpoint import VpcEndpoint


def unused_endpoint(cloud: Cloud, vpc_id: str, name: str, address: str) -> VpcEndpoint | None:
    """The interface endpoint that `name` would lead to if private DNS held; None where none would.

    `address` is what the name means now.
    """
    for endpoint in cloud.endpoints.values():
        service = find_service(endpoint.service_name, cloud.snapshot.region)
        if (
            endpoint.vpc_id == vpc_id
            and endpoint.endpoint_type == "Interface"
            and service is not None
            and address == service.address
            and any(_means(known, name) for known in service.public_names(cloud.snapshot.region))
        ):
            return endpoint
    return None


def private_name_changes(cloud: Cloud, endpoint: VpcEndpoint) -> Iterator[Change]:
    """The VPC's attributes come first: without both of them EC2 refuses private DNS."""
    vpc = cloud.vpcs[endpoint.vpc_id]
    lacking = next(
        (a for a in ("enable_dns_support", "enable_dns_hostnames") if not getattr(vpc, a)),
        None,
    )
    if lacking is not None:
        changed = replace(vpc, **{lacking: True})
        option = lacking.replace("_", "-")
        yield Change(
            f"aws ec2 modify-vpc-attribute --vpc-id {vpc.id} --{option}",
            lambda snapshot: put(snapshot, "vpcs", changed),
        )
    elif not endpoint.private_dns_enabled:
        named = replace(endpoint, private_dns_enabled=True)
        yield Change(
            f"aws ec2 modify-vpc-endpoint --vpc-endpoint-id {endpoint.id} --private-dns-enabled",
            lambda snapshot: put(snapshot, "vpc_endpoints", named),
        )


def _means(known: str, name: str) -> bool:
    name = name.lower().rstrip(".")
    return name.endswith(known[1:]) if known.startswith("*.") else name == known
