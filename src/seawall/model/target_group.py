"""Elastic Load Balancing: target groups, and what is registered with them."""

from datetime import datetime
from typing import Literal

import msgspec

from seawall.model.resource import Ref, Resource, Tags, kind

TargetProtocol = Literal["HTTP", "HTTPS", "TCP", "TLS", "UDP", "TCP_UDP"]
ProtocolVersion = Literal["HTTP1", "HTTP2", "GRPC"]
TargetType = Literal["ip", "instance", "alb", "lambda"]
TargetState = Literal[
    "initial", "healthy", "unhealthy", "unhealthy.draining", "unused", "draining", "unavailable"
]


class TargetHealthCheck(msgspec.Struct, frozen=True, kw_only=True):
    """How the nodes of a load balancer ask a target.  Times are in seconds.

    port      "traffic-port" or a number
    matcher   codes that are a success: "200", "200-299,301" (gRPC codes for gRPC); "" for TCP
    """

    enabled: bool = True
    protocol: Literal["HTTP", "HTTPS", "TCP"] = "HTTP"
    port: str = "traffic-port"
    path: str = ""
    interval_seconds: int = 30
    timeout_seconds: int = 5
    healthy_threshold_count: int = 5
    unhealthy_threshold_count: int = 2
    matcher: str = "200"


@kind("target_group")
class TargetGroup(Resource, frozen=True, kw_only=True):
    """`id` is NAME/ID16, the end of its ARN.  `attributes` holds all of them, also those never changed."""

    name: str
    protocol: TargetProtocol | None = None
    protocol_version: ProtocolVersion | None = None
    port: int | None = None
    vpc_id: str | None = None
    target_type: TargetType = "ip"
    ip_address_type: Literal["ipv4", "ipv6"] = "ipv4"
    health_check: TargetHealthCheck = TargetHealthCheck()
    attributes: dict[str, str] = {}
    created_time: datetime
    tags: Tags = {}

    def refs(self) -> tuple[Ref, ...]:
        return (Ref("vpc", self.vpc_id),) if self.vpc_id else ()


@kind("target")
class Target(Resource, frozen=True, kw_only=True):
    """One registration.  `id` is TARGET_GROUP_ID|TARGET|PORT; it goes when its draining is over.

    target                an address, or for groups of type alb the id of a load balancer
    availability_zone     the target's own, or "all" for addresses outside the VPC
    draining_until        set while it is deregistered and still finishes what it began
    state, reason, description   what the nodes' health checks say together, in the API's words
    load_balancer_nodes   what each node says by itself: interface id -> state
    task                  of a service, which registered it for this task: its id
    """

    target_group_id: str
    target: str
    port: int
    availability_zone: str
    registered_at: datetime
    draining_until: datetime | None = None
    state: TargetState = "initial"
    reason: str | None = "Elb.RegistrationInProgress"
    description: str | None = "Target registration is in progress"
    load_balancer_nodes: dict[str, str] = {}
    task: str | None = None

    def refs(self) -> tuple[Ref, ...]:
        group = Ref("target_group", self.target_group_id)
        return (group, Ref("task", self.task)) if self.task else (group,)


def target_id(target_group_id: str, target: str, port: int) -> str:
    return f"{target_group_id}|{target}|{port}"
