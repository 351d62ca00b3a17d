"""Random connections of a world's VPCs: peerings, transit gateways, endpoints; and routes to them."""

import random
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, timezone
from ipaddress import ip_network
from itertools import combinations
from typing import Any

from msgspec.structs import replace

from seawall.model.internet import S3_NETWORK
from seawall.model.network_interface import NetworkInterface
from seawall.model.prefix_list import PrefixList, PrefixListEntry
from seawall.model.resource import Ref
from seawall.model.route_table import Route
from seawall.model.security_group import SecurityGroup
from seawall.model.subnet import Subnet
from seawall.model.transit_gateway import (
    TransitGateway,
    TransitGatewayAttachment,
    TransitGatewayRoute,
    TransitGatewayRouteTable,
)
from seawall.model.vpc import Vpc
from seawall.model.vpc_endpoint import VpcEndpoint
from seawall.model.vpc_peering_connection import VpcPeeringConnection

BORN = datetime(2026, 1, 1, tzinfo=timezone.utc)
S3, S3_LIST = "com.amazonaws.us-east-1.s3", "pl-63a5400a"
MakeInterface = Callable[..., NetworkInterface]


class Connections:
    """Writes into `made`, the world's resources by the snapshot's field."""

    def __init__(
        self, seed: int, chosen: random.Random, made: dict[str, list[Any]], interface: MakeInterface
    ) -> None:
        self.seed = seed
        self.random = chosen
        self.made = made
        self.interface = interface
        self.count = 0

    def name(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}-{self.seed}z{self.count}"

    def put(self, field: str, resource: Any) -> Any:
        self.made.setdefault(field, []).append(resource)
        return resource

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def connect(self) -> None:
        """After all VPCs, before the groups' rules, which may name each other's groups."""
        for one, other in combinations(self.made["vpcs"], 2):
            if not _overlap(one, other) and self.chance(0.6):
                self.peering(one, other)
        if len(self.made["vpcs"]) > 1 and self.chance(0.5):
            self.transit_gateway()
        for vpc in self.made["vpcs"]:
            if self.chance(0.25):
                self.gateway_endpoint(vpc)
            if self.chance(0.25):
                self.interface_endpoint(vpc)

    def peering(self, one: Vpc, other: Vpc) -> None:
        id = self.name("pcx")
        alive = self.chance(0.85)
        self.put(
            "vpc_peering_connections",
            VpcPeeringConnection(
                id=id,
                requester_vpc_id=one.id,
                accepter_vpc_id=other.id,
                status="active"
                if alive
                else self.random.choice(("pending-acceptance", "deleted", "rejected")),
                status_message="",
                create_time=BORN,
            ),
        )
        for vpc, far in ((one, other), (other, one)):
            blocks = [*far.all_blocks, *self.subnets_of(far), "0.0.0.0/0", "198.18.0.0/16"]
            weights = [12] * len(far.all_blocks) + [1] * (len(blocks) - len(far.all_blocks))
            self.route(vpc, blocks, weights, "vpc_peering_connection", id)

    def subnets_of(self, vpc: Vpc) -> list[str]:
        return [subnet.cidr_block for subnet in self.made["subnets"] if subnet.vpc_id == vpc.id]

    def route(self, vpc: Vpc, blocks: list[str], weights: list[int], kind: Any, target: str) -> None:
        """Some tables of a VPC get routes to the target."""
        for position, table in enumerate(self.made["route_tables"]):
            if table.vpc_id != vpc.id or not self.chance(0.8):
                continue
            routes = {route.destination: route for route in table.routes}
            for block in self.random.choices(blocks, weights, k=self.random.randint(1, 4)):
                if block not in vpc.all_blocks:
                    routes[block] = Route(destination=block, target_kind=kind, target_id=target)
            self.made["route_tables"][position] = replace(table, routes=tuple(routes.values()))

    def transit_gateway(self) -> None:
        id = self.name("tgw")
        self.put("transit_gateways", TransitGateway(id=id, create_time=BORN))
        tables = [self.name("tgw-rtb") for _ in range(self.random.choice((1, 1, 2)))]
        attached: list[TransitGatewayAttachment] = []
        for number, vpc in enumerate(self.made["vpcs"]):
            if self.chance(0.9):
                attached.append(
                    self.attachment(id, vpc, self.random.choice((*tables, *tables, None)), number)
                )
        for table in tables:
            self.transit_table(id, table, attached)
        everything = [block for vpc in self.made["vpcs"] for block in vpc.all_blocks]
        blocks = [*everything, "10.0.0.0/8", "0.0.0.0/0", "::/0"]
        weights = [6] * len(everything) + [3, 3, 2]
        for attachment in attached:
            vpc = next(v for v in self.made["vpcs"] if v.id == attachment.vpc_id)
            self.route(vpc, blocks, weights, "transit_gateway", id)

    def attachment(self, gateway: str, vpc: Vpc, table: str | None, number: int) -> TransitGatewayAttachment:
        """One subnet in each zone, or only some."""
        id = self.name("tgw-attach")
        by_zone: dict[str, Subnet] = {}
        for subnet in self.made["subnets"]:
            if subnet.vpc_id == vpc.id and (not by_zone or self.chance(0.7)):
                by_zone.setdefault(subnet.availability_zone, subnet)
        owner = Ref("transit_gateway_attachment", id)
        interfaces = [
            self.interface(
                subnet, owner, group_ids=(), interface_type="transit_gateway", source_dest_check=False
            )
            for subnet in by_zone.values()
        ]
        found: TransitGatewayAttachment = self.put(
            "transit_gateway_attachments",
            TransitGatewayAttachment(
                id=id,
                transit_gateway_id=gateway,
                vpc_id=vpc.id,
                subnet_ids=tuple(subnet.id for subnet in by_zone.values()),
                network_interface_ids=tuple(interface.id for interface in interfaces),
                route_table_id=table,
                appliance_mode=self.chance(0.15),
                ipv6_support=self.chance(0.8),
                create_time=BORN + timedelta(seconds=number),
            ),
        )
        return found

    def transit_table(self, gateway: str, id: str, attached: Iterable[TransitGatewayAttachment]) -> None:
        attachments = [attachment.id for attachment in attached]
        everything = [block for vpc in self.made["vpcs"] for block in vpc.all_blocks]
        blocks = self.random.sample([*everything, "0.0.0.0/0", "10.0.0.0/24"], self.random.randint(0, 2))
        static = tuple(
            TransitGatewayRoute(
                destination=block, attachment_id=self.random.choice((*attachments, *attachments, None))
            )
            for block in dict.fromkeys(blocks)
        )
        self.put(
            "transit_gateway_route_tables",
            TransitGatewayRouteTable(
                id=id,
                transit_gateway_id=gateway,
                routes=static,
                propagations=tuple(a for a in attachments if self.chance(0.8)),
                create_time=BORN,
            ),
        )

    def gateway_endpoint(self, vpc: Vpc) -> None:
        id = self.name("vpce")
        if not any(found.id == S3_LIST for found in self.made.get("prefix_lists", ())):
            self.put(
                "prefix_lists",
                PrefixList(
                    id=S3_LIST,
                    name=S3,
                    owner_id="AWS",
                    address_family="IPv4",
                    max_entries=1,
                    entries=(PrefixListEntry(cidr=S3_NETWORK),),
                ),
            )
        tables = []
        for position, table in enumerate(self.made["route_tables"]):
            if table.vpc_id == vpc.id and self.chance(0.7):
                route = Route(destination=S3_LIST, target_kind="vpc_endpoint", target_id=id)
                others = tuple(r for r in table.routes if r.destination != S3_LIST)
                self.made["route_tables"][position] = replace(table, routes=(*others, route))
                tables.append(table.id)
        self.put(
            "vpc_endpoints",
            VpcEndpoint(
                id=id,
                vpc_id=vpc.id,
                service_name=S3,
                endpoint_type="Gateway",
                route_table_ids=tuple(tables),
                create_time=BORN,
            ),
        )

    def interface_endpoint(self, vpc: Vpc) -> None:
        id = self.name("vpce")
        groups: list[SecurityGroup] = [g for g in self.made["security_groups"] if g.vpc_id == vpc.id]
        chosen = tuple(g.id for g in self.random.sample(groups, self.random.randint(1, min(2, len(groups)))))
        subnets = [s for s in self.made["subnets"] if s.vpc_id == vpc.id]
        subnet = self.random.choice(subnets)
        interface = self.interface(
            subnet, Ref("vpc_endpoint", id), group_ids=chosen, interface_type="vpc_endpoint"
        )
        self.put(
            "vpc_endpoints",
            VpcEndpoint(
                id=id,
                vpc_id=vpc.id,
                service_name="com.amazonaws.us-east-1.ecs",
                endpoint_type="Interface",
                subnet_ids=(subnet.id,),
                network_interface_ids=(interface.id,),
                group_ids=chosen,
                create_time=BORN,
            ),
        )


def _overlap(one: Vpc, other: Vpc) -> bool:
    """AWS refuses to peer such VPCs."""
    return any(
        ip_network(a).overlaps(ip_network(b))
        for a in one.all_blocks
        for b in other.all_blocks
        if (":" in a) == (":" in b)
    )
