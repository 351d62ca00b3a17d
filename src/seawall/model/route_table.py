"""Route tables, their routes and their associations with subnets."""

from typing import Literal

import msgspec

from seawall.model.resource import Ref, Resource, Tags, kind

TargetKind = Literal[
    "local",
    "internet_gateway",
    "egress_only_internet_gateway",
    "nat_gateway",
    "network_interface",
    "vpc_peering_connection",
    "transit_gateway",
    "vpc_endpoint",  # gateway endpoints only
]


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One route.  Whether it is `active` or `blackhole` follows from its target and is never stored."""

    destination: str  # an IPv4 or IPv6 block, or the id of a prefix list (pl-...)
    target_kind: TargetKind
    target_id: str  # "local", igw-..., eigw-..., nat-..., eni-..., pcx-..., tgw-..., vpce-...
    origin: Literal["CreateRouteTable", "CreateRoute"] = "CreateRoute"


class RouteTableAssociation(msgspec.Struct, frozen=True, kw_only=True):
    association_id: str  # rtbassoc-...
    subnet_id: str | None = None
    gateway_id: str | None = None  # igw-...: the table decides where packets from that gateway go
    main: bool = False  # then neither a subnet nor a gateway


@kind("route_table")
class RouteTable(Resource, frozen=True, kw_only=True):
    """The main table of a VPC carries the association with `main`; subnets named nowhere use it.

    Every table has one local route per block of its VPC, of both families.
    """

    vpc_id: str
    routes: tuple[Route, ...]
    associations: tuple[RouteTableAssociation, ...] = ()
    tags: Tags = {}

    @property
    def is_main(self) -> bool:
        return any(association.main for association in self.associations)

    def refs(self) -> tuple[Ref, ...]:
        targets = [Ref(r.target_kind, r.target_id) for r in self.routes if r.target_kind != "local"]
        lists = [Ref("prefix_list", r.destination) for r in self.routes if r.destination.startswith("pl-")]
        subnets = [Ref("subnet", a.subnet_id) for a in self.associations if a.subnet_id]
        gateways = [Ref("internet_gateway", a.gateway_id) for a in self.associations if a.gateway_id]
        return tuple(dict.fromkeys([Ref("vpc", self.vpc_id), *targets, *lists, *subnets, *gateways]))
