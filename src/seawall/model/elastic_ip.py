"""An Elastic IP: a public address that belongs to the account until it is released."""

from seawall.model.resource import Ref, Resource, Tags, kind


@kind("elastic_ip")
class ElasticIp(Resource, frozen=True, kw_only=True):
    """`id` is the allocation id (eipalloc-...)."""

    public_ip: str
    association_id: str | None = None  # eipassoc-...
    network_interface_id: str | None = None
    private_ip_address: str | None = None
    tags: Tags = {}

    def refs(self) -> tuple[Ref, ...]:
        claim = Ref("public_address", self.public_ip)
        if self.network_interface_id:
            return (claim, Ref("network_interface", self.network_interface_id))
        return (claim,)
