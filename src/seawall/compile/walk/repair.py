"""Changes that could let a packet through, each as a line for the AWS CLI and as its effect on the model.

For every cause there are a few candidates, the smallest first; `explain` tries them out.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from ipaddress import IPv4Network
from typing import Any, NamedTuple

from msgspec.structs import replace

from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.compile.walk.cloud import Cloud, within, within_any
from seawall.compile.walk.internet import NEVER_PUBLIC
from seawall.compile.walk.packet import Explanation, Packet
from seawall.model.nat_gateway import NatGateway
from seawall.model.network_acl import NetworkAcl, NetworkAclEntry
from seawall.model.network_interface import NetworkInterface, PublicAssociation
from seawall.model.resource import Ref
from seawall.model.route_table import Route, RouteTable, TargetKind
from seawall.model.security_group import SecurityGroupRule
from seawall.model.subnet import Subnet
from seawall.model.transit_gateway import TransitGatewayRoute

EPHEMERAL = (1024, 65535)
NEW_ADDRESS = "198.18.255.254"  # stands for an address that is not allocated yet
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_NUMBERS = {"icmp": "1", "tcp": "6", "udp": "17", "icmpv6": "58"}
_TARGET_OPTIONS: dict[str, str] = {
    "internet_gateway": "--gateway-id",
    "egress_only_internet_gateway": "--egress-only-internet-gateway-id",
    "nat_gateway": "--nat-gateway-id",
    "vpc_peering_connection": "--vpc-peering-connection-id",
    "transit_gateway": "--transit-gateway-id",
}


class Change(NamedTuple):
    """`command` is one line to paste; `effect` is what it does to the model."""

    command: str
    effect: Callable[[NetworkSnapshot], NetworkSnapshot]


def candidates(cloud: Cloud, cause: Explanation, *, answering: bool) -> list[Change]:
    """What may help against a cause.  `answering`: it was the answer that was dropped."""
    propose = _PROPOSERS.get(cause.code)
    return list(propose(cloud, cause, answering)) if propose else []


def put(snapshot: NetworkSnapshot, kind: str, resource: Any) -> NetworkSnapshot:
    """The snapshot with that resource in place of the one of its id, or beside the others."""
    others = tuple(r for r in getattr(snapshot, kind) if r.id != resource.id)
    return replace(snapshot, **{kind: (*others, resource)})


def _block(address: str) -> str:
    return f"{address}/{128 if ':' in address else 32}"


# Security groups.


def _group_rules(cloud: Cloud, cause: Explanation, answering: bool) -> Iterable[Change]:
    interface = cloud.standing[cause.components["network_interface"]]
    packet, egress = cause.packet, cause.direction == "egress"
    remote = packet.destination if egress else packet.source
    peer = cloud.interface_at(interface.vpc_id, remote)
    if peer is not None and peer.group_ids and peer.id != interface.id:
        yield _group_rule(interface.group_ids[0], packet, egress=egress, group=peer.group_ids[0])
    yield _group_rule(interface.group_ids[0], packet, egress=egress, block=_block(remote))


def _group_rule(
    group_id: str, packet: Packet, *, egress: bool, group: str | None = None, block: str = ""
) -> Change:
    first, last = _rule_ports(packet)
    ports = "" if first is None else f",FromPort={first},ToPort={last}"
    six = ":" in block
    ranges = f"Ipv6Ranges=[{{CidrIpv6={block}}}]" if six else f"IpRanges=[{{CidrIp={block}}}]"
    peer = f"UserIdGroupPairs=[{{GroupId={group}}}]" if group else ranges
    way = "egress" if egress else "ingress"
    permission = f"IpProtocol={packet.protocol}{ports},{peer}"
    rule = SecurityGroupRule(
        id=f"sgr-{group_id}-{way}-{permission}",
        group_id=group_id,
        is_egress=egress,
        protocol=packet.protocol,
        from_port=first,
        to_port=last,
        cidr_ipv4=None if group or six else block,
        cidr_ipv6=block if not group and six else None,
        referenced_group_id=group,
    )
    return Change(
        f"aws ec2 authorize-security-group-{way} --group-id {group_id} --ip-permissions '{permission}'",
        lambda snapshot: put(snapshot, "security_group_rules", rule),
    )


def _rule_ports(packet: Packet) -> tuple[int | None, int | None]:
    if packet.protocol in ("tcp", "udp"):
        return packet.destination_port, packet.destination_port
    if packet.protocol in ("icmp", "icmpv6"):
        return packet.icmp_type, packet.icmp_code
    return None, None


# Network ACLs.


def _acl_entries(cloud: Cloud, cause: Explanation, answering: bool) -> Iterable[Change]:
    acls = {acl.id: acl for acl in cloud.snapshot.network_acls}
    acl = acls[cause.components["network_acl"]]
    denying = int(cause.components["rule"].rpartition("/")[2])
    number = _free_number(acl, denying, egress=cause.direction == "egress")
    if number is not None:
        yield _acl_entry(acl, number, cause, answering)


def _free_number(acl: NetworkAcl, denying: int, *, egress: bool) -> int | None:
    """A number in front of the denying rule; where the denial is the last one, behind all the others."""
    taken = sorted(e.rule_number for e in acl.entries if e.egress == egress)
    if denying > 32766:
        behind = (taken[-1] // 10 + 1) * 10 if taken else 100
        return behind if behind <= 32766 else next((n for n in range(32766, 0, -1) if n not in taken), None)
    lower = max((n for n in taken if n < denying), default=0)
    if denying - lower > 1:
        return lower + (denying - lower) // 2
    return next((n for n in range(denying - 1, 0, -1) if n not in taken), None)


def _acl_entry(acl: NetworkAcl, number: int, cause: Explanation, answering: bool) -> Change:
    packet, egress = cause.packet, cause.direction == "egress"
    block = _block(packet.destination if egress else packet.source)
    protocol = _NUMBERS.get(packet.protocol, packet.protocol)
    ports = EPHEMERAL if answering else (packet.destination_port, packet.destination_port)
    with_ports, with_types = packet.protocol in ("tcp", "udp"), packet.protocol in ("icmp", "icmpv6")
    entry = NetworkAclEntry(
        rule_number=number,
        protocol=protocol,
        rule_action="allow",
        egress=egress,
        cidr_block=block,
        from_port=ports[0] if with_ports else None,
        to_port=ports[1] if with_ports else None,
        icmp_type=packet.icmp_type if with_types else None,
        icmp_code=packet.icmp_code if with_types else None,
    )
    words = [
        f"aws ec2 create-network-acl-entry --network-acl-id {acl.id} --rule-number {number}",
        f"--protocol {protocol} --rule-action allow {'--egress' if egress else '--ingress'}",
        f"--{'ipv6-' if ':' in block else ''}cidr-block {block}",
    ]
    if with_ports:
        words.append(f"--port-range From={ports[0]},To={ports[1]}")
    if with_types:
        words.append(f"--icmp-type-code Type={packet.icmp_type},Code={packet.icmp_code}")
    changed = replace(acl, entries=(*acl.entries, entry))
    return Change(" ".join(words), lambda snapshot: put(snapshot, "network_acls", changed))


# Routes.


def _missing_route(cloud: Cloud, cause: Explanation, answering: bool) -> Iterable[Change]:
    table = _table(cloud, cause.components.get("route_table", ""))
    if table is not None:
        for block, kind, target in _ways(cloud, table.vpc_id, cause.packet):
            yield _route(table, block, kind, target, replacing=False)
        yield from _new_nat_gateway(cloud, table, cause.packet)


def _blackhole(cloud: Cloud, cause: Explanation, answering: bool) -> Iterable[Change]:
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


def _private_destination(cloud: Cloud, cause: Explanation, answering: bool) -> Iterable[Change]:
    """A default route catches what belongs to another VPC: a route of its own for that VPC."""
    interface = cloud.standing.get(cause.components.get("network_interface", ""))
    table = cloud.table_of(interface.subnet_id) if interface else None
    if table is not None:
        for block, kind, target in _ways_to_vpcs(cloud, table.vpc_id, cause.packet):
            yield _route(table, block, kind, target, replacing=False)


def _needs_nat(cloud: Cloud, cause: Explanation, answering: bool) -> Iterable[Change]:
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


# Transit gateways.


def _transit_association(cloud: Cloud, cause: Explanation, answering: bool) -> Iterable[Change]:
    attachment = cloud.attachments[cause.components["transit_gateway_attachment"]]
    for table in cloud.snapshot.transit_gateway_route_tables:
        if table.transit_gateway_id == attachment.transit_gateway_id:
            changed = replace(attachment, route_table_id=table.id)
            yield Change(
                "aws ec2 associate-transit-gateway-route-table"
                f" --transit-gateway-route-table-id {table.id}"
                f" --transit-gateway-attachment-id {attachment.id}",
                lambda snapshot, changed=changed: put(snapshot, "transit_gateway_attachments", changed),  # type: ignore[misc]
            )


def _transit_route(cloud: Cloud, cause: Explanation, answering: bool) -> Iterable[Change]:
    tables = {table.id: table for table in cloud.snapshot.transit_gateway_route_tables}
    table = tables[cause.components["transit_gateway_route_table"]]
    destination = cause.packet.destination
    for attachment in cloud.attachments.values():
        blocks = cloud.vpcs[attachment.vpc_id].all_blocks
        for block in blocks:
            if attachment.transit_gateway_id == table.transit_gateway_id and within(destination, block):
                static = any(r.destination == block for r in table.routes)
                route = TransitGatewayRoute(destination=block, attachment_id=attachment.id)
                others = tuple(r for r in table.routes if r.destination != block)
                changed = replace(table, routes=(*others, route))
                yield Change(
                    f"aws ec2 {'replace' if static else 'create'}-transit-gateway-route"
                    f" --transit-gateway-route-table-id {table.id} --destination-cidr-block {block}"
                    f" --transit-gateway-attachment-id {attachment.id}",
                    lambda snapshot, changed=changed: put(snapshot, "transit_gateway_route_tables", changed),  # type: ignore[misc]
                )


_PROPOSERS: dict[str, Callable[[Cloud, Explanation, bool], Iterable[Change]]] = {
    "ENI_SG_RULES_MISMATCH": _group_rules,
    "SUBNET_ACL_RESTRICTION": _acl_entries,
    "NO_ROUTE_TO_DESTINATION": _missing_route,
    "BAD_STATE_ROUTE": _blackhole,
    "IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS": _private_destination,
    "IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS": _needs_nat,
    "TGW_ATTACH_MISSING_TGW_RTB_ASSOCIATION": _transit_association,
    "TGW_RTB_NO_ROUTE_TO_TGW_ATTACHMENT": _transit_route,
    "TGW_RTB_BAD_STATE_ROUTE": _transit_route,
}
