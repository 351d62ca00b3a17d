"""Routes that would lead a packet further, and the gateways they need."""

from collections.abc import Iterable
from datetime import datetime, timezone
from ipaddress import IPv4Network

from msgspec.structs import replace

from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.compile.walk.change import Change, put
from seawall.compile.walk.cloud import Cloud, within, within_any
from seawall.compile.walk.internet import NEVER_PUBLIC
from seawall.compile.walk.packet import Explanation, Packet
from seawall.model.nat_gateway import NatGateway
from seawall.model.network_interface import NetworkInterface, PublicAssociation
from seawall.model.resource import Ref
from seawall.model.route_table import Route, RouteTable, TargetKind
from seawall.model.subnet import Subnet

NEW_ADDRESS = "198.18.255.254"  # stands for an address that is not allocated yet
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_TARGET_OPTIONS: dict[str, str] = {
    "internet_gateway": "--gateway-id",
    "egress_only_internet_gateway": "--egress-only-internet-gateway-id",
    "nat_gateway": "--nat-gateway-id",
    "vpc_peering_connection": "--vpc-peering-connection-id",
    "transit_gateway": "--transit-gateway-id",
}


def add_route(cloud: Cloud, cause: Explanation, answering: bool) -> Iterable[Change]:
    """Where a table has none: to a gateway or VPC that is there, else to a new NAT gateway."""
    table = _table(cloud, cause.components.get("route_table", ""))
    if table is not None:
        for block, kind, target in _ways(cloud, table.vpc_id, cause.packet):
            yield _route(table, block, kind, target, replacing=False)
        yield from _new_nat_gateway(cloud, table, cause.packet)


def mend_blackhole(cloud: Cloud, cause: Explanation, answering: bool) -> Iterable[Change]:
    """Make the target work, or lead elsewhere."""
    table = _table(cloud, cause.components.get("route_table", ""))
    destination = cause.components.get("rule", "")
    if table is not None:
        yield from _revived(cloud, table, cause.components.get("target", ""))
    if table is not None and not destination.startswith("pl-"):
        for _, kind, target in _ways(cloud, table.vpc_id, cause.packet):
            if target != cause.components.get("target"):
                yield _route(table, destination, kind, target, replacing=True)
        yield from _new_nat_gateway(cloud, table, cause.packet)


def _revived(cloud: Cloud, table: RouteTable, target: str) -> Iterable[Change]:
    """What makes the target of a blackhole work: a gateway is detached, a peering waits for acceptance."""
    gateway = next((g for g in cloud.snapshot.internet_gateways if g.id == target), None)
    if gateway is not None and gateway.vpc_id is None:
        attached = replace(gateway, vpc_id=table.vpc_id)
        yield Change(
            f"aws ec2 attach-internet-gateway --internet-gateway-id {target} --vpc-id {table.vpc_id}",
            lambda snapshot: put(snapshot, "internet_gateways", attached),
        )
    peering = next((p for p in cloud.snapshot.vpc_peering_connections if p.id == target), None)
    if peering is not None and peering.status == "pending-acceptance":
        accepted = replace(peering, status="active")
        yield Change(
            f"aws ec2 accept-vpc-peering-connection --vpc-peering-connection-id {target}",
            lambda snapshot: put(snapshot, "vpc_peering_connections", accepted),
        )


def route_to_vpc(cloud: Cloud, cause: Explanation, answering: bool) -> Iterable[Change]:
    """A default route catches what belongs to another VPC: a route of its own for that VPC."""
    interface = cloud.standing.get(cause.components.get("network_interface", ""))
    table = cloud.table_of(interface.subnet_id) if interface else None
    if table is not None:
        for block, kind, target in _ways_to_vpcs(cloud, table.vpc_id, cause.packet):
            yield _route(table, block, kind, target, replacing=False)


def use_nat_gateway(cloud: Cloud, cause: Explanation, answering: bool) -> Iterable[Change]:
    """A private sender behind a route to an internet gateway: a NAT gateway in its place."""
    interface = cloud.standing.get(cause.components.get("network_interface", ""))
    table = cloud.table_of(interface.subnet_id) if interface else None
    if interface is None or table is None:
        return
    for nat_interface_id, nat in cloud.nat_gateways.items():
        nat_interface = cloud.standing.get(nat_interface_id)
        if (
            nat_interface is not None
            and nat.vpc_id == interface.vpc_id
            and nat_interface.subnet_id != interface.subnet_id
            and nat.connectivity_type == "public"
        ):
            yield _route(table, "0.0.0.0/0", "nat_gateway", nat.id, replacing=True)
    yield from _new_nat_gateway(cloud, table, cause.packet)


def _ways(cloud: Cloud, vpc_id: str, packet: Packet) -> Iterable[tuple[str, TargetKind, str]]:
    """Where a route for the packet could lead: (block, kind of target, target)."""
    yield from _ways_to_vpcs(cloud, vpc_id, packet)
    if not within_any(packet.destination, NEVER_PUBLIC):
        yield from _ways_out(cloud, vpc_id, packet)


def _ways_to_vpcs(cloud: Cloud, vpc_id: str, packet: Packet) -> Iterable[tuple[str, TargetKind, str]]:
    reached: list[tuple[str, TargetKind, str]] = [
        (peering.other(vpc_id), "vpc_peering_connection", peering.id) for peering in cloud.peerings_of(vpc_id)
    ]
    for attachment in cloud.attachments.values():
        if attachment.vpc_id == vpc_id:
            gateway = attachment.transit_gateway_id
            reached += [
                (other.vpc_id, "transit_gateway", gateway)
                for other in cloud.attachments.values()
                if other.transit_gateway_id == gateway and other.vpc_id != vpc_id
            ]
    for other_vpc, kind, target in reached:
        for block in cloud.vpcs[other_vpc].all_blocks:
            if within(packet.destination, block):
                yield block, kind, target


def _ways_out(cloud: Cloud, vpc_id: str, packet: Packet) -> Iterable[tuple[str, TargetKind, str]]:
    sender = cloud.interface_at(vpc_id, packet.source)
    public = sender is not None and packet.source in cloud.public_addresses(sender)
    gateway, egress_only = cloud.internet_gateway(vpc_id), cloud.egress_only_gateway(vpc_id)
    if packet.version == 6:
        if gateway is not None:
            yield "::/0", "internet_gateway", gateway.id
        if egress_only is not None:
            yield "::/0", "egress_only_internet_gateway", egress_only.id
    elif public:
        if gateway is not None:
            yield "0.0.0.0/0", "internet_gateway", gateway.id
    else:
        for nat in cloud.nat_gateways.values():
            if nat.vpc_id == vpc_id and nat.connectivity_type == "public":
                yield "0.0.0.0/0", "nat_gateway", nat.id


def _new_nat_gateway(cloud: Cloud, table: RouteTable, packet: Packet) -> Iterable[Change]:
    """One that does not exist yet, in a subnet that has a way to the internet."""
    gateway = cloud.internet_gateway(table.vpc_id)
    if gateway is None or packet.version == 6 or within_any(packet.destination, NEVER_PUBLIC):
        return
    for subnet in cloud.subnets.values():
        own = cloud.table_of(subnet.id) if subnet.vpc_id == table.vpc_id else None
        if own is not None and any(
            r.target_id == gateway.id and r.destination == "0.0.0.0/0" for r in own.routes
        ):
            if own.id == table.id:
                continue
            replacing = any(r.destination == "0.0.0.0/0" for r in table.routes)
            address = "aws ec2 allocate-address --domain vpc --query AllocationId --output text"
            made = "--query NatGateway.NatGatewayId --output text"
            yield Change(
                f"NAT=$(aws ec2 create-nat-gateway --subnet-id {subnet.id}"
                f" --allocation-id $({address}) {made})"
                " && aws ec2 wait nat-gateway-available --nat-gateway-ids $NAT"
                f" && aws ec2 {'replace' if replacing else 'create'}-route --route-table-id {table.id}"
                " --destination-cidr-block 0.0.0.0/0 --nat-gateway-id $NAT",
                lambda snapshot, subnet=subnet: _with_nat_gateway(snapshot, cloud, table, subnet),  # type: ignore[misc]
            )


def _with_nat_gateway(
    snapshot: NetworkSnapshot, cloud: Cloud, table: RouteTable, subnet: Subnet
) -> NetworkSnapshot:
    taken = {(subnet.vpc_id, a) for i in cloud.standing.values() for a in i.private_ip_addresses}
    hosts = list(IPv4Network(subnet.cidr_block).hosts())[3:]
    private = next(str(a) for a in hosts if (subnet.vpc_id, str(a)) not in taken)
    interface = NetworkInterface(
        id="eni-new",
        vpc_id=subnet.vpc_id,
        subnet_id=subnet.id,
        availability_zone=subnet.availability_zone,
        private_ip_address=private,
        mac_address="",
        description="",
        group_ids=(),
        interface_type="nat_gateway",
        source_dest_check=False,
        status="in-use",
        association=PublicAssociation(public_ip=NEW_ADDRESS, ip_owner_id=snapshot.account),
        owner=Ref("nat_gateway", "nat-new"),
    )
    nat = NatGateway(
        id="nat-new",
        vpc_id=subnet.vpc_id,
        subnet_id=subnet.id,
        network_interface_id=interface.id,
        state="available",
        create_time=EPOCH,
    )
    snapshot = put(put(snapshot, "network_interfaces", interface), "nat_gateways", nat)
    return _route(table, "0.0.0.0/0", "nat_gateway", nat.id, replacing=True).effect(snapshot)


def _route(table: RouteTable, block: str, kind: TargetKind, target: str, *, replacing: bool) -> Change:
    route = Route(destination=block, target_kind=kind, target_id=target)
    others = tuple(r for r in table.routes if r.destination != block)
    verb = "replace" if replacing and len(others) < len(table.routes) else "create"
    six = "ipv6-" if ":" in block else ""
    changed = replace(table, routes=(*others, route))
    return Change(
        f"aws ec2 {verb}-route --route-table-id {table.id} --destination-{six}cidr-block {block}"
        f" {_TARGET_OPTIONS[kind]} {target}",
        lambda snapshot: put(snapshot, "route_tables", changed),
    )


def _table(cloud: Cloud, id: str) -> RouteTable | None:
    return next((t for t in cloud.snapshot.route_tables if t.id == id), None)
