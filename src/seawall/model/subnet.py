"""A subnet: one IPv4 block in one availability zone of a VPC."""

from seawall.model.resource import Ref, Resource, Tags, kind


@kind("subnet")
class Subnet(Resource, frozen=True, kw_only=True):
    vpc_id: str
    cidr_block: str
    ipv6_cidr_block: str | None = None  # 64 bits out of a block of the VPC
    ipv6_association_id: str | None = None  # subnet-cidr-assoc-...
    assign_ipv6_address_on_creation: bool = False
    availability_zone: str
    availability_zone_id: str
    map_public_ip_on_launch: bool = False
    default_for_az: bool = False
    private_dns_hostname_type: str = "ip-name"
    enable_resource_name_dns_a_record: bool = False
    enable_dns64: bool = False
    tags: Tags = {}

    def refs(self) -> tuple[Ref, ...]:
        return (Ref("vpc", self.vpc_id),)
