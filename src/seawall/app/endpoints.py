"""AWS's host names and where they are on the world's internet."""

from seawall.model.endpoint_service import SERVICES
from seawall.model.internet import API_ADDRESS, REGISTRY_ADDRESS, S3_ADDRESS

GLOBAL = ("sts", "iam", "route53")


def endpoint_addresses(account: str, region: str) -> dict[str, str]:
    """Host name to address, for every service that has endpoints in VPCs, and for those without a region.

    Amazon S3's first name has no region either.
    """
    names = {name: service.address for service in SERVICES for name in service.public_names(region)}
    names |= {f"{service}.amazonaws.com": API_ADDRESS for service in GLOBAL}
    names[f"{account}.dkr.ecr.{region}.amazonaws.com"] = REGISTRY_ADDRESS
    s3 = (f"*.s3.{region}.amazonaws.com", "s3.amazonaws.com", "*.s3.amazonaws.com")
    return names | dict.fromkeys(s3, S3_ADDRESS)
