"""A VPC and the CIDR blocks associated with it."""

import msgspec

from seawall.model.resource import Ref, Resource, Tags, kind


class CidrAssociation(msgspec.Struct, frozen=True, kw_only=True):
    association_id: str  # vpc-cidr-assoc-...
    cidr_block: str


@kind("vpc")
class Vpc(Resource, frozen=True, kw_only=True):
    """`cidr_blocks[0]` is the primary block (the resolver lives at its base + 2)."""

    cidr_blocks: tuple[CidrAssociation, ...]
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

    def refs(self) -> tuple[Ref, ...]:
        return ()
