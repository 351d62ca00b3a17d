"""Route tables, their routes and their associations with subnets."""

from typing import Literal

import msgspec

from seawall.model.resource import Ref, Resource, Tags, kind

TargetKind = Literal["local", "internet_gateway", "nat_gateway", "network_interface"]


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One route.  Whether it is `active` or `blackhole` follows from its target and is never stored."""

    destination_cidr_block: str
    target_kind: TargetKind
    target_id: str  # "local", igw-..., nat-..., eni-...
    origin: Literal["CreateRouteTable", "CreateRoute"] = "CreateRoute"


class RouteTableAssociation(msgspec.Struct, frozen=True, kw_only=True):
    association_id: str  # rtbassoc-...
    subnet_id: str | None = None  # None: the main association
    main: bool = False


@kind("route_table")
class RouteTable(Resource, frozen=True, kw_only=True):
    """The main table of a VPC carries the association with `main`; subnets named nowhere use it."""

    vpc_id: str
    routes: tuple[Route, ...]
    associations: tuple[RouteTableAssociation, ...] = ()
    tags: Tags = {}

    @property
    def is_main(self) -> bool:
        return any(association.main for association in self.associations)

    def refs(self) -> tuple[Ref, ...]:
        targets = tuple(Ref(r.target_kind, r.target_id) for r in self.routes if r.target_kind != "local")
        subnets = tuple(Ref("subnet", a.subnet_id) for a in self.associations if a.subnet_id)
        return (Ref("vpc", self.vpc_id), *targets, *subnets)
