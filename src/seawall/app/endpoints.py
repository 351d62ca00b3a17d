"""AWS's host names and where they are on the world's internet."""

from seawall.model.internet import API_ADDRESS, REGISTRY_ADDRESS, S3_ADDRESS

REGIONAL = ("ec2", "ecs", "logs", "sts", "api.ecr", "monitoring")
GLOBAL = ("sts", "iam", "route53")


def endpoint_addresses(account: str, region: str) -> dict[str, str]:
    """Host name to address, for every service Seawall answers for, and for Amazon S3."""
    names = {f"{service}.{region}.amazonaws.com": API_ADDRESS for service in REGIONAL}
    names |= {f"{service}.amazonaws.com": API_ADDRESS for service in GLOBAL}
    names[f"{account}.dkr.ecr.{region}.amazonaws.com"] = REGISTRY_ADDRESS
    names |= dict.fromkeys((f"s3.{region}.amazonaws.com", f"*.s3.{region}.amazonaws.com"), S3_ADDRESS)
    return names
