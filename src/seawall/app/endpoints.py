"""AWS's host names and where they are on the world's internet."""

from seawall.model.internet import API_ADDRESS, REGISTRY_ADDRESS

REGIONAL = ("ec2", "ecs", "logs", "sts", "api.ecr", "monitoring")
GLOBAL = ("sts", "iam", "route53")


def endpoint_addresses(account: str, region: str) -> dict[str, str]:
    """Host name to address, for every service Seawall answers for."""
    names = {f"{service}.{region}.amazonaws.com": API_ADDRESS for service in REGIONAL}
    names |= {f"{service}.amazonaws.com": API_ADDRESS for service in GLOBAL}
    names[f"{account}.dkr.ecr.{region}.amazonaws.com"] = REGISTRY_ADDRESS
    return names
