"""DHCP options: the search domain and resolver that a VPC tells its interfaces."""

from seawall.model.resource import Resource, Tags, kind


@kind("dhcp_options")
class DhcpOptions(Resource, frozen=True, kw_only=True):
    """What is not set is not told.  A set never changes; a VPC is given another one."""

    domain_name: str | None = None  # or several, separated by spaces
    domain_name_servers: tuple[str, ...] = ()  # addresses, or "AmazonProvidedDNS"
    ntp_servers: tuple[str, ...] = ()
    netbios_name_servers: tuple[str, ...] = ()
    netbios_node_type: str | None = None
    ipv6_address_preferred_lease_time: str | None = None
    is_default: bool = False  # made by AWS for VPCs that are given no other
    tags: Tags = {}
