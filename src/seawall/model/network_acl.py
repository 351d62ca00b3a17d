"""Network ACLs: stateless, ordered rules at the boundary of a subnet."""

from typing import Literal

import msgspec

from seawall.model.resource import Ref, Resource, Tags, kind


class NetworkAclEntry(msgspec.Struct, frozen=True, kw_only=True):
    rule_number: int  # 1-32766; the implicit deny at the end is not stored
    protocol: str  # a number as text, "-1" for all
    rule_action: Literal["allow", "deny"]
    egress: bool
    cidr_block: str


@kind("network_acl")
class NetworkAcl(Resource, frozen=True, kw_only=True):
    """The default ACL of a VPC holds all subnets that no other ACL names."""

    vpc_id: str
    is_default: bool
    entries: tuple[NetworkAclEntry, ...]
    tags: Tags = {}

    def refs(self) -> tuple[Ref, ...]:
        return (Ref("vpc", self.vpc_id),)
