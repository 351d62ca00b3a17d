"""A peering connection between two VPCs: their blocks only, nothing behind them."""

from datetime import datetime
from typing import Literal

from seawall.model.resource import Ref, Resource, Tags, kind

PeeringStatus = Literal[
    "pending-acceptance", "provisioning", "active", "deleting", "deleted", "rejected", "failed", "expired"
]
ALIVE: tuple[PeeringStatus, ...] = ("pending-acceptance", "provisioning", "active")


@kind("vpc_peering_connection")
class VpcPeeringConnection(Resource, frozen=True, kw_only=True):
    """Packets pass while `status` is "provisioning" or "active"; what has ended stays visible for a while."""

    requester_vpc_id: str
    accepter_vpc_id: str
    status: PeeringStatus
    status_message: str
    requester_dns_resolution: bool = False  # AllowDnsResolutionFromRemoteVpc, for queries of the other side
    accepter_dns_resolution: bool = False
    create_time: datetime
    expiration_time: datetime | None = None  # while pending
    ended_at: datetime | None = None
    tags: Tags = {}

    def other(self, vpc_id: str) -> str:
        return self.accepter_vpc_id if vpc_id == self.requester_vpc_id else self.requester_vpc_id

    def refs(self) -> tuple[Ref, ...]:
        if self.status in (*ALIVE, "deleting"):
            return (Ref("vpc", self.requester_vpc_id), Ref("vpc", self.accepter_vpc_id))
        return ()
