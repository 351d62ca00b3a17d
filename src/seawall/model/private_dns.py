"""The names a VPC gives to private addresses.  Source: VPC user guide, "DNS attributes for your VPC"."""

from ipaddress import IPv4Network

from seawall.model.vpc import Vpc


def private_domain(region: str) -> str:
    """The domain of instance names, also what resolvers search: ec2.internal or REGION.compute.internal."""
    return "ec2.internal" if region == "us-east-1" else f"{region}.compute.internal"


def private_dns_name(address: str, region: str) -> str:
    """The name of an IPv4 address, e.g. ip-10-0-1-23.ec2.internal."""
    return f"ip-{address.replace('.', '-')}.{private_domain(region)}"


def interface_dns_name(address: str, region: str, vpc: Vpc) -> str | None:
    """The private DNS name of an interface; None where the VPC gives none."""
    if vpc.enable_dns_hostnames and vpc.enable_dns_support:
        return private_dns_name(address, region)
    return None


def resolver_address(vpc: Vpc) -> str:
    """Where the VPC's resolver answers: the base of the primary block plus two."""
    return str(IPv4Network(vpc.cidr_block)[2])
