"""A NAT gateway: many private addresses behind one public one, from inside a subnet."""

from datetime import datetime
from typing import Literal

from seawall.model.resource import Ref, Resource, Tags, kind

NatGatewayState = Literal["pending", "failed", "available", "deleting", "deleted"]


@kind("nat_gateway")
class NatGateway(Resource, frozen=True, kw_only=True):
    """Its ENI holds the private address; the Elastic IP of `allocation_id` is associated with that ENI."""

    vpc_id: str
    subnet_id: str
    connectivity_type: Literal["public", "private"] = "public"
    allocation_id: str | None = None
    network_interface_id: str | None = None
    state: NatGatewayState = "pending"
    failure_code: str | None = None
    failure_message: str | None = None
    create_time: datetime
    delete_time: datetime | None = None
    tags: Tags = {}

    def refs(self) -> tuple[Ref, ...]:
        refs = [Ref("vpc", self.vpc_id)]
        if self.state != "deleted":
            refs.append(Ref("subnet", self.subnet_id))
        if self.allocation_id and self.state not in ("deleted", "failed"):
            refs.append(Ref("elastic_ip", self.allocation_id))
        if self.network_interface_id and self.state != "deleted":
            refs.append(Ref("network_interface", self.network_interface_id))
        return tuple(refs)
