"""Short ways to ask a walk, and to make what `world_data.Cloud` has no method for."""

from typing import Any

from msgspec.structs import replace
from tests.packet.world_data import BORN, Cloud

from seawall.compile.walk import Packet, RoundTrip, round_trip
from seawall.model.internet import S3_NETWORK
from seawall.model.network_interface import PublicAssociation, SecondaryAddress
from seawall.model.prefix_list import PrefixList, PrefixListEntry
from seawall.model.resource import Ref
from seawall.model.transit_gateway import (
    TransitGateway,
    TransitGatewayAttachment,
    TransitGatewayRouteTable,
)
from seawall.model.vpc_endpoint import VpcEndpoint
from seawall.model.vpc_peering_connection import VpcPeeringConnection

CLIENT = "203.0.113.10"
CLIENT_SIX = "2001:db8:cb00:7100::10"
TGW = "tgw-t"


def ask(cloud: Cloud, start: str | None, destination: str, port: int = 80, **members: Any) -> RoundTrip:
    """A TCP connection from an interface's first address of the family, or from a client on the internet."""
    return round_trip(cloud.snapshot(), request(cloud, start, destination, port, **members), start=start)


def request(cloud: Cloud, start: str | None, destination: str, port: int = 80, **members: Any) -> Packet:
    """The first packet of such a connection."""
    six = ":" in destination
    source = CLIENT_SIX if six else CLIENT
    if start is not None:
        sender = cloud.resources[start]
        source = sender.ipv6_addresses[0] if six else sender.private_ip_address
    given = {"source": source, "source_port": 50_000, "destination_port": port, "protocol": "tcp", **members}
    return Packet(destination=destination, **given)


def codes(trip: RoundTrip) -> tuple[list[str], list[str]]:
    """Why the request, and why the answer, got no further."""
    back = trip.back.explanations if trip.back else ()
    return [e.code for e in trip.forward.explanations], [e.code for e in back]


def components(trip: RoundTrip) -> list[str]:
    """What the request passed, each once, without groups and ACLs."""
    kinds = ("security_group", "network_acl")
    return list(dict.fromkeys(hop.id for hop in trip.forward.hops if hop.kind not in kinds))


def simple_vpc(cloud: Cloud, name: str, number: int, **members: Any) -> str:
    """vpc-NAME 10.NUMBER.0.0/16 with subnet `one` (10.NUMBER.1.0/24), group `all` and the task NAME (.20)."""
    vpc = cloud.vpc(name, f"10.{number}.0.0/16", **members)
    subnet = cloud.subnet(vpc, "one", f"10.{number}.1.0/24")
    cloud.group(vpc, "all", "-1 0.0.0.0/0", "-1 ::/0", egress=("-1 0.0.0.0/0", "-1 ::/0"))
    cloud.task(name, subnet, f"10.{number}.1.20", f"sg-{name}-all")
    return vpc


def peer(cloud: Cloud, requester: str, accepter: str, **members: Any) -> str:
    peering = VpcPeeringConnection(
        id=f"pcx-{requester[4:]}{accepter[4:]}",
        requester_vpc_id=requester,
        accepter_vpc_id=accepter,
        status_message="",
        create_time=BORN,
        **{"status": "active", **members},
    )
    return str(cloud.put(peering).id)


def transit(cloud: Cloud) -> None:
    """A gateway with one route table, tgw-rtb-main."""
    cloud.put(TransitGateway(id=TGW, create_time=BORN))
    cloud.put(TransitGatewayRouteTable(id="tgw-rtb-main", transit_gateway_id=TGW, create_time=BORN))


def attach(cloud: Cloud, vpc: str, *subnets: str, **members: Any) -> str:
    """Associated with and propagated to the main table; its interfaces are eni-VPC-tgw-N (.250)."""
    id = f"tgw-attach-{vpc[4:]}"
    for number, subnet in enumerate(subnets):
        address = cloud.resources[subnet].cidr_block.replace("0/24", "250")
        name = f"{vpc[4:]}-tgw-{number}"
        cloud.task(name, subnet, address, interface_type="transit_gateway", source_dest_check=False)
        cloud.change(f"eni-{name}", owner=Ref("transit_gateway_attachment", id))
    attachment = TransitGatewayAttachment(
        id=id,
        transit_gateway_id=TGW,
        vpc_id=vpc,
        subnet_ids=subnets,
        network_interface_ids=tuple(f"eni-{vpc[4:]}-tgw-{n}" for n in range(len(subnets))),
        create_time=BORN,
        **{"route_table_id": "tgw-rtb-main", **members},
    )
    cloud.put(attachment)
    table = cloud.resources["tgw-rtb-main"]
    cloud.put(replace(table, propagations=(*table.propagations, id)))
    return id


def interface_endpoint(cloud: Cloud, subnet: str, address: str, group: str) -> str:
    """For CloudWatch Logs: vpce-logs with eni-logs."""
    cloud.task("logs", subnet, address, group, interface_type="vpc_endpoint")
    cloud.change("eni-logs", owner=Ref("vpc_endpoint", "vpce-logs"))
    endpoint = VpcEndpoint(
        id="vpce-logs",
        vpc_id=cloud.resources[subnet].vpc_id,
        service_name="com.amazonaws.us-east-1.logs",
        endpoint_type="Interface",
        subnet_ids=(subnet,),
        network_interface_ids=("eni-logs",),
        group_ids=(group,),
        create_time=BORN,
    )
    return str(cloud.put(endpoint).id)


def gateway_endpoint(cloud: Cloud, vpc: str, table: str) -> str:
    """S3's, with its prefix list pl-s3 and a route."""
    name = "com.amazonaws.us-east-1.s3"
    entries = (PrefixListEntry(cidr=S3_NETWORK),)
    listed = PrefixList(
        id="pl-s3", name=name, owner_id="AWS", address_family="IPv4", max_entries=1, entries=entries
    )
    cloud.put(listed)
    made = VpcEndpoint(id="vpce-s3", vpc_id=vpc, service_name=name, endpoint_type="Gateway", create_time=BORN)
    cloud.put(made)
    cloud.route(table, "pl-s3", vpc_endpoint=made.id)
    return made.id


def secondary(cloud: Cloud, id: str, *addresses: str, public: dict[str, str] | None = None) -> None:
    """Give an interface further addresses; `public` stands for some of them on the internet."""
    more = tuple(
        SecondaryAddress(
            private_ip_address=address,
            association=(
                PublicAssociation(public_ip=public[address], ip_owner_id="amazon")
                if public and address in public
                else None
            ),
        )
        for address in addresses
    )
    cloud.change(id, secondary_addresses=more)
