"""VPC endpoints: a way to an AWS service that does not lead over the internet."""

from datetime import datetime
from typing import Literal

from seawall.model.resource import Ref, Resource, Tags, kind

EndpointState = Literal["pending", "available", "deleting", "deleted", "failed"]


@kind("vpc_endpoint")
class VpcEndpoint(Resource, frozen=True, kw_only=True):
    """An interface endpoint has interfaces, groups and names; a gateway endpoint has routes.

    A gateway endpoint's routes stand in the tables of `route_table_ids`, pointing its service's prefix list
    at it; they are made and removed with the association.
    """

    vpc_id: str
    service_name: str  # com.amazonaws.REGION.SERVICE
    endpoint_type: Literal["Interface", "Gateway"]
    state: EndpointState = "available"
    policy_document: str = ""
    subnet_ids: tuple[str, ...] = ()
    network_interface_ids: tuple[str, ...] = ()
    group_ids: tuple[str, ...] = ()
    private_dns_enabled: bool = False
    dns_label: str = ""  # the random part of its names: vpce-ID-LABEL.SERVICE.REGION.vpce.amazonaws.com
    route_table_ids: tuple[str, ...] = ()
    create_time: datetime
    deleted_at: datetime | None = None
    tags: Tags = {}

    def refs(self) -> tuple[Ref, ...]:
        if self.state == "deleted":
            return ()
        return (
            Ref("vpc", self.vpc_id),
            *(Ref("subnet", s) for s in self.subnet_ids),
            *(Ref("security_group", g) for g in self.group_ids),
            *(Ref("route_table", t) for t in self.route_table_ids),
        )
