"""Transit gateways as tests make and look at them."""

from typing import Any

from msgspec.structs import replace

from seawall.store.store import Store


def attach(ec2: Any, tgw: str, vpc_id: str, *subnets: str, **members: Any) -> str:
    made = ec2.create_transit_gateway_vpc_attachment(
        TransitGatewayId=tgw, VpcId=vpc_id, SubnetIds=list(subnets), **members
    )
    return str(made["TransitGatewayVpcAttachment"]["TransitGatewayAttachmentId"])


def become(store: Store, kind: Any, id: str, state: str) -> None:
    with store.write() as txn:
        txn.put(replace(txn.get(kind, id), state=state))


def gateway(ec2: Any, id: str) -> dict[str, Any]:
    (found,) = ec2.describe_transit_gateways(TransitGatewayIds=[id])["TransitGateways"]
    return dict(found)


def tables(ec2: Any, **filters: str) -> list[dict[str, Any]]:
    asked = [{"Name": name.replace("_", "-"), "Values": [value]} for name, value in filters.items()]
    found = ec2.describe_transit_gateway_route_tables(Filters=asked)
    return list(found["TransitGatewayRouteTables"])


def default_table(ec2: Any, tgw: str) -> str:
    (table,) = tables(ec2, transit_gateway_id=tgw, default_association_route_table="true")
    return str(table["TransitGatewayRouteTableId"])


def subnet_in(ec2: Any, vpc_id: str, block: str, zone: str = "b") -> str:
    made = ec2.create_subnet(VpcId=vpc_id, CidrBlock=block, AvailabilityZone=f"us-east-1{zone}")
    return str(made["Subnet"]["SubnetId"])


def new_table(ec2: Any, tgw: str) -> str:
    made = ec2.create_transit_gateway_route_table(TransitGatewayId=tgw)["TransitGatewayRouteTable"]
    return str(made["TransitGatewayRouteTableId"])


def route(ec2: Any, table: str, destination: str, attachment: str | None = None) -> dict[str, Any]:
    target = {"TransitGatewayAttachmentId": attachment} if attachment else {"Blackhole": True}
    made = ec2.create_transit_gateway_route(
        TransitGatewayRouteTableId=table, DestinationCidrBlock=destination, **target
    )
    return dict(made["Route"])


def search(ec2: Any, table: str, **filters: str) -> dict[str, tuple[str, str, str | None]]:
    """Destination -> type, state, attachment."""
    asked = [{"Name": n.replace("__", ".").replace("_", "-"), "Values": [v]} for n, v in filters.items()]
    asked = asked or [{"Name": "state", "Values": ["active", "blackhole"]}]
    found = ec2.search_transit_gateway_routes(TransitGatewayRouteTableId=table, Filters=asked)
    return {
        r["DestinationCidrBlock"]: (
            r["Type"],
            r["State"],
            next((a["TransitGatewayAttachmentId"] for a in r.get("TransitGatewayAttachments", ())), None),
        )
        for r in found["Routes"]
    }
