"""Security groups and their rules: stateful, allow-only, the union of all groups of an interface."""

from seawall.model.resource import Ref, Resource, Tags, kind


@kind("security_group")
class SecurityGroup(Resource, frozen=True, kw_only=True):
    vpc_id: str
    name: str
    description: str
    tags: Tags = {}

    def refs(self) -> tuple[Ref, ...]:
        return (Ref("vpc", self.vpc_id),)


@kind("security_group_rule")
class SecurityGroupRule(Resource, frozen=True, kw_only=True):
    """One rule (sgr-...): a protocol, a port range and exactly one peer.

    A rule whose referenced group is gone, or was deleted with its peering, is stale: it matches nothing.

    protocol     "-1" (all), "tcp", "udp", "icmp", "icmpv6" or a protocol number as text
    from_port    first port, or the ICMP type (-1: all); None where the protocol has no ports
    to_port      last port, or the ICMP code (-1: all)
    """

    group_id: str
    is_egress: bool
    protocol: str
    from_port: int | None = None
    to_port: int | None = None
    cidr_ipv4: str | None = None
    cidr_ipv6: str | None = None
    prefix_list_id: str | None = None
    referenced_group_id: str | None = None  # of the own VPC, or of one peered with it
    vpc_peering_connection_id: str | None = None  # the peering over which that group was named
    description: str | None = None
    tags: Tags = {}

    def refs(self) -> tuple[Ref, ...]:
        refs = [Ref("security_group", self.group_id)]
        if self.referenced_group_id and self.referenced_group_id != self.group_id:
            refs.append(Ref("security_group", self.referenced_group_id))
        if self.prefix_list_id:
            refs.append(Ref("prefix_list", self.prefix_list_id))
        return tuple(refs)
