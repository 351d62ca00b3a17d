"""Random route tables: of subnets and of internet gateways, into everything there is and much that is not."""

import random
from collections.abc import Sequence
from ipaddress import ip_network
from typing import Any

from seawall.model.internet import CLIENT_ADDRESS, CLIENT_IPV6_NETWORK, CLIENT_NETWORK, PUBLIC_POOL
from seawall.model.route_table import Route, RouteTable, RouteTableAssociation
from seawall.model.subnet import Subnet
from seawall.model.vpc import Vpc

# Targets that were deleted: their routes are blackholes.
GONE: tuple[tuple[Any, str], ...] = (
    ("nat_gateway", "nat-gone"),
    ("internet_gateway", "igw-gone"),
    ("network_interface", "eni-gone"),
    ("vpc_peering_connection", "pcx-gone"),
    ("transit_gateway", "tgw-gone"),
)
GONE6: tuple[tuple[Any, str], ...] = (*GONE[1:], ("egress_only_internet_gateway", "eigw-gone"))
LIKELY, LESS_LIKELY = 16, 10  # gateways, against one of each interface and blackhole


class Routes:
    """Writes tables into `made`, the world's resources by the snapshot's field."""

    def __init__(self, seed: int, chosen: random.Random, made: dict[str, list[Any]]) -> None:
        self.seed = seed
        self.random = chosen
        self.made = made
        self.count = 0

    def name(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}-{self.seed}r{self.count}"

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def tables(self, vpc: Vpc, subnets: Sequence[Subnet]) -> None:
        """A main table, tables of some subnets, and perhaps one of the internet gateway."""
        left = list(subnets)
        for number in range(self.random.randint(1, 3)):
            main = number == 0
            taken = [] if main else self.random.sample(left, self.random.randint(0, len(left)))
            left = [subnet for subnet in left if subnet not in taken]
            associations = [
                RouteTableAssociation(association_id=self.name("rtbassoc"), subnet_id=s.id) for s in taken
            ]
            if main:
                associations.append(RouteTableAssociation(association_id=self.name("rtbassoc"), main=True))
            within = self.within(vpc, subnets, gateways=True) if self.chance(0.3) else []
            self.table(vpc, [*self.beyond(vpc), *within], associations)
        for gateway in self.made.get("internet_gateways", ()):
            if gateway.vpc_id == vpc.id and self.chance(0.25):
                named = RouteTableAssociation(association_id=self.name("rtbassoc"), gateway_id=gateway.id)
                self.table(vpc, self.within(vpc, subnets, gateways=False), [named])

    def table(self, vpc: Vpc, routes: Sequence[Route], associations: Sequence[RouteTableAssociation]) -> None:
        local = [
            Route(destination=b, target_kind="local", target_id="local", origin="CreateRouteTable")
            for b in vpc.all_blocks
        ]
        spelt = {route.destination: route for route in (*local, *routes)}  # one may replace a local one
        table = RouteTable(
            id=self.name("rtb"),
            vpc_id=vpc.id,
            routes=tuple(spelt.values()),
            associations=tuple(associations),
        )
        self.made.setdefault("route_tables", []).append(table)

    def beyond(self, vpc: Vpc) -> list[Route]:
        """To the outside."""
        found: list[Route] = []
        destinations = [("0.0.0.0/0", 0.9), (CLIENT_NETWORK, 0.1), (f"{CLIENT_ADDRESS}/32", 0.1)]
        destinations += [(PUBLIC_POOL, 0.1), ("198.18.0.0/29", 0.1)]
        destinations += [(pl.id, 0.3) for pl in self.made.get("prefix_lists", ())]
        for destination, probability in destinations:
            if self.chance(probability):
                found.append(self.route(destination, self.targets(vpc)))
        if vpc.ipv6_cidr_blocks:
            for destination, probability in (("::/0", 0.85), (CLIENT_IPV6_NETWORK, 0.1)):
                if self.chance(probability):
                    found.append(self.route(destination, self.targets(vpc, ipv6=True)))
        return found

    def within(self, vpc: Vpc, subnets: Sequence[Subnet], *, gateways: bool) -> list[Route]:
        """In place of local routes, or more specific ones, to interfaces and, from subnets, NAT gateways."""
        blocks = [block for s in subnets for block in (s.cidr_block, s.ipv6_cidr_block) if block]
        if gateways:  # a gateway's table takes whole subnets only
            blocks += [str(next(ip_network(s.cidr_block).subnets(1))) for s in subnets]
        blocks += vpc.all_blocks
        found = []
        for block in self.random.sample(blocks, min(len(blocks), self.random.randint(1, 2))):
            targets = self.interfaces(vpc)
            if gateways and ":" not in block:
                targets = [*targets, *self.those("nat_gateways", "nat_gateway", vpc)]
            found.append(self.route(block, [*targets, GONE[2]]))
        return found

    def route(self, destination: str, targets: Sequence[tuple[Any, str]]) -> Route:
        kind, target = self.random.choice(targets)
        return Route(destination=destination, target_kind=kind, target_id=target)

    def targets(self, vpc: Vpc, *, ipv6: bool = False) -> list[tuple[Any, str]]:
        """What a route may lead to; gateways are likelier than interfaces and blackholes."""
        found = list(GONE6 if ipv6 else GONE)
        found += [("internet_gateway", g.id) for g in self.made["internet_gateways"] if g.vpc_id is None]
        found += LIKELY * self.those("internet_gateways", "internet_gateway", vpc)
        if ipv6:
            only = self.those("egress_only_internet_gateways", "egress_only_internet_gateway", vpc)
            found += LIKELY * only
        else:
            found += LESS_LIKELY * self.those("nat_gateways", "nat_gateway", vpc)
        return found + self.interfaces(vpc)

    def interfaces(self, vpc: Vpc) -> list[tuple[Any, str]]:
        return [
            ("network_interface", interface.id)
            for interface in self.made.get("network_interfaces", ())
            if interface.vpc_id == vpc.id and interface.interface_type == "interface"
        ]

    def those(self, field: str, kind: str, vpc: Vpc) -> list[tuple[Any, str]]:
        return [(kind, r.id) for r in self.made.get(field, ()) if r.vpc_id == vpc.id]
