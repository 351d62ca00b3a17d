"""An internet gateway: 1:1 translation between private and public addresses of one VPC."""

from seawall.model.resource import Ref, Resource, Tags, kind


@kind("internet_gateway")
class InternetGateway(Resource, frozen=True, kw_only=True):
    vpc_id: str | None = None  # None: detached
    tags: Tags = {}

    def refs(self) -> tuple[Ref, ...]:
        return (Ref("vpc", self.vpc_id),) if self.vpc_id else ()
