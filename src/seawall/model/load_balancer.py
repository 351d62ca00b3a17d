"""Elastic Load Balancing: load balancers, whose nodes are interfaces in subnets."""

from datetime import datetime
from typing import Literal

import msgspec

from seawall.model.resource import Ref, Resource, Tags, kind

LoadBalancerType = Literal["application", "network"]
LoadBalancerState = Literal["provisioning", "active", "active_impaired", "failed"]


class LoadBalancerNode(msgspec.Struct, frozen=True, kw_only=True):
    """A load balancer's presence in one availability zone.

    allocation_id          the Elastic IP a user gave it (network load balancers only)
    private_ipv4_address   the address a user chose for it (internal network load balancers only)
    """

    availability_zone: str
    subnet_id: str
    network_interface_id: str
    allocation_id: str | None = None
    private_ipv4_address: str | None = None


@kind("load_balancer")
class LoadBalancer(Resource, frozen=True, kw_only=True):
    """`id` is app/NAME/ID16 or net/NAME/ID16, the end of its ARN.

    deleting   DeleteLoadBalancer was called: no operation shows it, its nodes and interfaces are going
    """

    name: str
    type: LoadBalancerType
    scheme: Literal["internet-facing", "internal"]
    vpc_id: str
    ip_address_type: str = "ipv4"
    nodes: tuple[LoadBalancerNode, ...]
    group_ids: tuple[str, ...] = ()
    dns_name: str
    canonical_hosted_zone_id: str
    state: LoadBalancerState = "provisioning"
    state_reason: str | None = None
    attributes: dict[str, str] = {}
    enforce_private_link_rules: str | None = None
    deleting: bool = False
    created_time: datetime
    tags: Tags = {}

    def refs(self) -> tuple[Ref, ...]:
        return (
            Ref("vpc", self.vpc_id),
            *(Ref("subnet", node.subnet_id) for node in self.nodes),
            *(Ref("network_interface", node.network_interface_id) for node in self.nodes),
            *(Ref("security_group", group) for group in self.group_ids),
        )
