"""What each security group rule let in and each network ACL entry refused, from the model and the totals."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from seawall.compile.network.services import WITH_TYPES, protocol_range
from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.model.network_acl import NetworkAcl
from seawall.model.security_group import SecurityGroupRule

LAST_ENTRY = 32767


class Tally(msgspec.Struct, frozen=True):
    packets: int
    bytes: int


class Counted(msgspec.Struct, frozen=True):
    """The answer of GET /_seawall/counters."""

    since: datetime | None
    totals: dict[str, dict[str, Tally]]
    unread: tuple[str, ...] = ()


class RuleUse(msgspec.Struct, frozen=True, kw_only=True):
    """`flows`: first packets it let through; `shared` of them other rules let through as well."""

    rule: str
    group: str
    direction: str
    protocol: str
    ports: str
    peer: str
    flows: int
    shared: int
    description: str


class EntryUse(msgspec.Struct, frozen=True, kw_only=True):
    """`packets` is None where nothing is counted: no subnet is behind the ACL, or it refuses nothing."""

    acl: str
    number: int
    direction: str
    action: str
    peer: str
    packets: int | None


def rule_use(snapshot: NetworkSnapshot, counted: Counted, only: Sequence[str] = ()) -> list[RuleUse]:
    """Of all security groups, or those named by id or name, in order."""
    flows, shared = _by_rule(counted)
    names = {group.id: group.name for group in snapshot.security_groups}
    chosen = [
        rule
        for rule in snapshot.security_group_rules
        if not only or rule.group_id in only or names.get(rule.group_id) in only
    ]
    return [
        RuleUse(
            rule=rule.id,
            group=rule.group_id,
            direction="out" if rule.is_egress else "in",
            protocol="all" if rule.protocol == "-1" else rule.protocol,
            ports=_ports(rule),
            peer=rule.cidr_ipv4 or rule.cidr_ipv6 or rule.prefix_list_id or rule.referenced_group_id or "",
            flows=flows[rule.id],
            shared=shared[rule.id],
            description=rule.description or "",
        )
        for rule in sorted(chosen, key=lambda rule: (rule.group_id, rule.is_egress, rule.id))
    ]


def entry_use(snapshot: NetworkSnapshot, counted: Counted) -> list[EntryUse]:
    """Of all network ACLs, in the order in which entries are tried."""
    packets: Counter[str] = Counter()
    for totals in counted.totals.values():
        for origin, tally in totals.items():
            packets[origin] += tally.packets
    return [use for acl in snapshot.network_acls for use in _of_acl(acl, packets)]


def _of_acl(acl: NetworkAcl, packets: Mapping[str, int]) -> list[EntryUse]:
    counts = any(origin.startswith(f"{acl.id}/") for origin in packets)
    found = []
    for egress, direction in ((False, "ingress"), (True, "egress")):
        tried = [
            (e.rule_number, str(e.rule_action), e.cidr_block)
            for e in sorted(acl.entries, key=lambda e: e.rule_number)
            if e.egress == egress
        ]
        for number, action, block in [*tried, (LAST_ENTRY, "deny", "everything else")]:
            seen = packets.get(f"{acl.id}/{direction}/{number}", 0) if counts else None
            found.append(
                EntryUse(
                    acl=acl.id, number=number, direction=direction, action=action, peer=block, packets=seen
                )
            )
    return found


def _by_rule(counted: Counted) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """An element that stands for several rules counts for each of them."""
    flows: defaultdict[str, int] = defaultdict(int)
    shared: defaultdict[str, int] = defaultdict(int)
    for totals in counted.totals.values():
        for origin, tally in totals.items():
            rules = origin.split(",")
            for rule in rules:
                flows[rule] += tally.packets
                shared[rule] += tally.packets if len(rules) > 1 else 0
    return flows, shared


def _ports(rule: SecurityGroupRule) -> str:
    if rule.protocol == "-1" or rule.from_port in (None, -1):
        return "all"
    if protocol_range(rule.protocol)[0] in WITH_TYPES:
        code = "" if rule.to_port in (None, -1) else f"/{rule.to_port}"
        return f"type {rule.from_port}{code}"
    return f"{rule.from_port}" if rule.from_port == rule.to_port else f"{rule.from_port}-{rule.to_port}"
