"""Transit gateways of test clouds."""

from datetime import timedelta

from tests.packet.lab import Lab
from tests.packet.world_data import BORN, Cloud

from seawall.model.resource import Ref
from seawall.model.transit_gateway import (
    TransitGateway,
    TransitGatewayAttachment,
    TransitGatewayRoute,
    TransitGatewayRouteTable,
)

TGW = "tgw-t"


def gateway(cloud: Cloud, *tables: str) -> None:
    cloud.put(TransitGateway(id=TGW, create_time=BORN))
    for table in tables:
        cloud.put(TransitGatewayRouteTable(id=f"tgw-rtb-{table}", transit_gateway_id=TGW, create_time=BORN))


def attach(
    cloud: Cloud, name: str, *subnets: str, table: str | None = "tgw-rtb-main", **members: object
) -> str:
    """The VPC vpc-NAME at the gateway, an interface .250 in each subnet; later ones are younger."""
    id = f"tgw-attach-{name}"
    interfaces = []
    for number, subnet in enumerate(subnets):
        address = cloud.resources[subnet].cidr_block.replace("0/24", "250")
        interface = cloud._interface(
            f"{name}t{number}",
            subnet,
            address,
            (),
            None,
            Ref("transit_gateway_attachment", id),
            interface_type="transit_gateway",
            source_dest_check=False,
        )
        interfaces.append(cloud.put(interface).id)
    count = sum(isinstance(r, TransitGatewayAttachment) for r in cloud.resources.values())
    cloud.put(
        TransitGatewayAttachment(
            id=id,
            transit_gateway_id=TGW,
            vpc_id=f"vpc-{name}",
            subnet_ids=subnets,
            network_interface_ids=tuple(interfaces),
            route_table_id=table,
            create_time=BORN + timedelta(minutes=count),
            **members,
        )
    )
    return id


def propagate(cloud: Cloud, *attachments: str, table: str = "tgw-rtb-main") -> None:
    known = cloud.resources[table]
    cloud.change(table, propagations=(*known.propagations, *attachments))


def static(cloud: Cloud, destination: str, attachment: str | None, table: str = "tgw-rtb-main") -> None:
    route = TransitGatewayRoute(destination=destination, attachment_id=attachment)
    cloud.change(table, routes=(*cloud.resources[table].routes, route))


def check(lab: Lab, expected: dict[tuple[str, str, int], bool]) -> None:
    assert dict(zip(expected, lab.reachable(*expected), strict=True)) == expected
