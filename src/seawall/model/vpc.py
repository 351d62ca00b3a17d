"""A VPC and the CIDR blocks associated with it."""

import msgspec

from seawall.model.resource import Ref, Resource, Tags, kind


class CidrAssociation(msgspec.Struct, frozen=True, kw_only=True):
    association_id: str  # vpc-cidr-assoc-...
    cidr_block: str


class Ipv6CidrAssociation(msgspec.Struct, frozen=True, kw_only=True):
    """A block of 56 bits from the pool of the world's internet."""

    association_id: str  # vpc-cidr-assoc-...
    ipv6_cidr_block: str


@kind("vpc")
class Vpc(Resource, frozen=True, kw_only=True):
    """`cidr_blocks[0]` is the primary block (the resolver lives at its base + 2)."""

    cidr_blocks: tuple[CidrAssociation, ...]
    ipv6_cidr_blocks: tuple[Ipv6CidrAssociation, ...] = ()
    is_default: bool = False
    enable_dns_support: bool = True
    enable_dns_hostnames: bool = False
    enable_network_address_usage_metrics: bool = False
    instance_tenancy: str = "default"
    dhcp_options_id: str = "default"
    tags: Tags = {}

    @property
    def cidr_block(self) -> str:
        return self.cidr_blocks[0].cidr_block

    @property
    def all_blocks(self) -> tuple[str, ...]:
        """Every block of both families, IPv4 first."""
        four = tuple(a.cidr_block for a in self.cidr_blocks)
        return four + tuple(a.ipv6_cidr_block for a in self.ipv6_cidr_blocks)

    def refs(self) -> tuple[Ref, ...]:
        return ()
