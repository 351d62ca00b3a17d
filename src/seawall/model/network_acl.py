"""Network ACLs: stateless, ordered rules at the boundary of a subnet."""

from typing import Literal

import msgspec

from seawall.model.resource import Ref, Resource, Tags, kind


class NetworkAclEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One numbered rule for one family and direction.

    from_port   first port (TCP, UDP) or None for all; to_port likewise the last one
    icmp_type   ICMP and ICMPv6 only; -1 or None: all; icmp_code likewise
    """

    rule_number: int  # 1-32766; the implicit deny at the end is not stored
    protocol: str  # a number as text, "-1" for all
    rule_action: Literal["allow", "deny"]
    egress: bool
    cidr_block: str  # of either family
    from_port: int | None = None
    to_port: int | None = None
    icmp_type: int | None = None
    icmp_code: int | None = None


class NetworkAclAssociation(msgspec.Struct, frozen=True, kw_only=True):
    association_id: str  # aclassoc-...
    subnet_id: str


@kind("network_acl")
class NetworkAcl(Resource, frozen=True, kw_only=True):
    """Every subnet has exactly one ACL: the one whose associations name it, else the VPC's default one."""

    vpc_id: str
    is_default: bool
    entries: tuple[NetworkAclEntry, ...]
    associations: tuple[NetworkAclAssociation, ...] = ()
    tags: Tags = {}

    def refs(self) -> tuple[Ref, ...]:
        return (Ref("vpc", self.vpc_id), *(Ref("subnet", a.subnet_id) for a in self.associations))
