"""Rules of security groups and entries of network ACLs that would let a packet through."""

from collections.abc import Iterable

from msgspec.structs import replace

from seawall.compile.walk.change import Change, block_of, put
from seawall.compile.walk.cloud import Cloud
from seawall.compile.walk.packet import Explanation, Packet
from seawall.model.network_acl import NetworkAcl, NetworkAclEntry
from seawall.model.security_group import SecurityGroupRule

EPHEMERAL = (1024, 65535)
_NUMBERS = {"icmp": "1", "tcp": "6", "udp": "17", "icmpv6": "58"}


def allow_in_group(cloud: Cloud, cause: Explanation, answering: bool) -> Iterable[Change]:
    """A rule for the other end's group where it has one, else for its address."""
    interface = cloud.standing[cause.components["network_interface"]]
    packet, egress = cause.packet, cause.direction == "egress"
    remote = packet.destination if egress else packet.source
    peer = cloud.interface_at(interface.vpc_id, remote)
    if peer is not None and peer.group_ids and peer.id != interface.id:
        yield _group_rule(interface.group_ids[0], packet, egress=egress, group=peer.group_ids[0])
    yield _group_rule(interface.group_ids[0], packet, egress=egress, block=block_of(remote))


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


def allow_in_acl(cloud: Cloud, cause: Explanation, answering: bool) -> Iterable[Change]:
    """An entry in front of the one that denies; for an answer with all ports that a client may have."""
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
    block = block_of(packet.destination if egress else packet.source)
    protocol = _NUMBERS.get(packet.protocol, packet.protocol)
    asker = answering and packet.destination_port >= EPHEMERAL[0]
    ports = EPHEMERAL if asker else (packet.destination_port, packet.destination_port)
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
