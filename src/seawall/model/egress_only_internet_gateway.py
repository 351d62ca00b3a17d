"""An egress-only internet gateway: IPv6 out of a VPC and answers back in, nothing unasked."""

from seawall.model.resource import Ref, Resource, Tags, kind


@kind("egress_only_internet_gateway")
class EgressOnlyInternetGateway(Resource, frozen=True, kw_only=True):
    vpc_id: str
    tags: Tags = {}

    def refs(self) -> tuple[Ref, ...]:
        return (Ref("vpc", self.vpc_id),)
