"""Who decides about a packet at one place: security groups, network ACLs, route tables."""

from typing import NamedTuple

from seawall.compile.walk.cloud import Cloud, addresses, parsed, within, within_any
from seawall.compile.walk.packet import Packet
from seawall.model.network_acl import NetworkAcl, NetworkAclEntry
from seawall.model.network_interface import NetworkInterface
from seawall.model.route_table import Route, RouteTable
from seawall.model.security_group import SecurityGroupRule
from seawall.model.subnet import Subnet

_NUMBERS = {"icmp": "1", "tcp": "6", "udp": "17", "icmpv6": "58"}
_PORTS, _TYPES = ("6", "17"), ("1", "58")


class AclDecision(NamedTuple):
    """`number` is the entry's; 32767 is the denial at the end."""

    acl: NetworkAcl
    number: int
    allowed: bool


class RouteDecision(NamedTuple):
    """`route` is None where the table has none; `block` is what matched."""

    table: RouteTable
    route: Route | None
    block: str


def group_rule(
    cloud: Cloud, interface: NetworkInterface, packet: Packet, *, egress: bool, through: str | None = None
) -> SecurityGroupRule | None:
    """The first rule of the interface's groups that lets a new flow through; None: none does.

    through   the load balancer's node that sent the packet on: rules may name its groups as well
    """
    remote = packet.destination if egress else packet.source
    node = cloud.standing.get(through or "")
    by_node = node.group_ids if node is not None and node.vpc_id == interface.vpc_id else ()
    for group_id in sorted(interface.group_ids):
        for rule in cloud.rules.get(group_id, ()):
            if (
                rule.is_egress == egress
                and _protocol_matches(rule, packet)
                and (
                    _peer_matches(cloud, interface.vpc_id, rule, remote)
                    or (not egress and rule.referenced_group_id in by_node)
                )
            ):
                return rule
    return None


def acl_decision(cloud: Cloud, subnet: Subnet, packet: Packet, *, egress: bool) -> AclDecision | None:
    """First match wins; None where the VPC has no ACL at all."""
    acl = cloud.acl_of(subnet.id)
    if acl is None:
        return None
    remote = packet.destination if egress else packet.source
    for entry in sorted(acl.entries, key=lambda entry: entry.rule_number):
        if entry.egress == egress and within(remote, entry.cidr_block) and _entry_matches(entry, packet):
            return AclDecision(acl, entry.rule_number, entry.rule_action == "allow")
    return AclDecision(acl, 32767, False)


def route_decision(
    cloud: Cloud, table: RouteTable, destination: str, *, own: Subnet | None = None
) -> RouteDecision:
    """Longest prefix first; an explicit block before an equal one of a prefix list.

    own   the sender's subnet, whose inside no more specific route redirects
    """
    vpc = cloud.vpcs[table.vpc_id]
    best: tuple[tuple[int, bool, bool], Route, str] | None = None
    for route in sorted(table.routes, key=lambda route: route.destination):
        listed = route.destination.startswith("pl-")
        for block in cloud.blocks(route.destination):
            if not within(destination, block):
                continue
            local = route.target_kind == "local"
            if not local and own is not None and _inside(block, vpc.all_blocks):
                mine = [b for b in (own.cidr_block, own.ipv6_cidr_block) if b]
                if any(_overlap(block, b) for b in mine):
                    continue
            rank = (parsed(block).prefixlen, local, not listed)
            if best is None or rank > best[0]:
                best = rank, route, block
    if within_any(destination, vpc.all_blocks) and (best is None or not _beats_local(best, vpc.all_blocks)):
        local_route = next((r for r in table.routes if r.target_kind == "local"), None)
        return RouteDecision(table, local_route or _LOCAL, "local")
    return RouteDecision(table, best[1], best[2]) if best else RouteDecision(table, None, "")


_LOCAL = Route(destination="local", target_kind="local", target_id="local")


def _beats_local(best: tuple[tuple[int, bool, bool], Route, str], blocks: tuple[str, ...]) -> bool:
    return best[1].target_kind != "local" and _inside(best[2], blocks)


def _inside(block: str, blocks: tuple[str, ...]) -> bool:
    network = parsed(block)
    return any(
        network.version == (outer := parsed(b)).version
        and int(outer.network_address) <= int(network.network_address)
        and int(network.broadcast_address) <= int(outer.broadcast_address)
        for b in blocks
    )


def _overlap(one: str, two: str) -> bool:
    a, b = parsed(one), parsed(two)
    return a.version == b.version and a.overlaps(b)


def _protocol_matches(rule: SecurityGroupRule, packet: Packet) -> bool:
    if rule.protocol == "-1":
        return True
    number = _NUMBERS.get(rule.protocol, rule.protocol)
    if number != _NUMBERS.get(packet.protocol, packet.protocol):
        return False
    if number in _PORTS:
        return _in_range(packet.destination_port, rule.from_port, rule.to_port)
    if number in _TYPES:
        return _type_matches(packet, rule.from_port, rule.to_port)
    return True


def _entry_matches(entry: NetworkAclEntry, packet: Packet) -> bool:
    if entry.protocol == "-1":
        return True
    number = _NUMBERS.get(entry.protocol, entry.protocol)
    if number != _NUMBERS.get(packet.protocol, packet.protocol):
        return False
    if number in _PORTS:
        return _in_range(packet.destination_port, entry.from_port, entry.to_port)
    if number in _TYPES:
        return _type_matches(packet, entry.icmp_type, entry.icmp_code)
    return True


def _in_range(port: int, first: int | None, last: int | None) -> bool:
    if first is None or last is None or first == -1 or last == -1:
        return True
    return first <= port <= last


def _type_matches(packet: Packet, kind: int | None, code: int | None) -> bool:
    if kind in (None, -1):
        return True
    return packet.icmp_type == kind and code in (None, -1, packet.icmp_code)


def _peer_matches(cloud: Cloud, vpc_id: str, rule: SecurityGroupRule, remote: str) -> bool:
    if rule.cidr_ipv4 is not None:
        return within(remote, rule.cidr_ipv4)
    if rule.cidr_ipv6 is not None:
        return within(remote, rule.cidr_ipv6)
    if rule.prefix_list_id is not None:
        return within_any(remote, cloud.blocks(rule.prefix_list_id))
    return rule.referenced_group_id is not None and _is_member(
        cloud, vpc_id, rule.referenced_group_id, remote
    )


def _is_member(cloud: Cloud, vpc_id: str, group_id: str, address: str) -> bool:
    """Whether an interface of the VPC, or of one peered with it, has both the address and the group.

    An address that two peers have stands for no group.
    """
    own = cloud.interface_at(vpc_id, address)
    if own is not None and own.group_ids:
        return group_id in own.group_ids
    ways = [cloud.interface_at(p.other(vpc_id), address) for p in cloud.peerings_of(vpc_id)]
    found = [interface for interface in ways if interface is not None]
    return len(found) == 1 and group_id in found[0].group_ids and address in addresses(found[0])
