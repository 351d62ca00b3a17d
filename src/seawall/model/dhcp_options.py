"""DHCP options: the search domain and resolver that a VPC tells its interfaces."""

from seawall.model.resource import Resource, Tags, kind


@kind("dhcp_options")
class DhcpOptions(Resource, frozen=True, kw_only=True):
    domain_name: str
    domain_name_servers: tuple[str, ...] = ("AmazonProvidedDNS",)
    tags: Tags = {}
