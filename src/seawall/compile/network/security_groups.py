"""Security groups as chains and member sets; one policy for each distinct combination of groups."""

from collections.abc import Collection, Iterable, Mapping

from seawall.compile.network.numbers import assign
from seawall.compile.network.placement import Placed
from seawall.compile.network.skeletons import POLICY_MASK
from seawall.model.security_group import SecurityGroup, SecurityGroupRule
from seawall.program.network import Chain, Element, ElementSet, Rule

Policies = Mapping[str, int]
_NAMES = {"6": "tcp", "17": "udp", "1": "icmp"}


def policy_key(group_ids: Iterable[str]) -> str:
    return ",".join(sorted(group_ids))


def number_policies(interfaces: Iterable[Placed]) -> Policies:
    """A number (never 0) for every combination of groups that some interface of a VPC carries."""
    return assign(
        (policy_key(p.interface.group_ids) for p in interfaces if not p.nat_gateway), 1, POLICY_MASK
    )


def member_sets(groups: Iterable[SecurityGroup], interfaces: Iterable[Placed]) -> list[ElementSet]:
    """The private addresses of each group's interfaces, for rules that name the group."""
    members: dict[str, list[Placed]] = {group.id: [] for group in groups}
    for placed in interfaces:
        for group_id in placed.interface.group_ids:
            if group_id in members:
                members[group_id].append(placed)
    return [
        ElementSet(
            name=_identifier(group_id),
            key=("ipv4_addr",),
            elements=tuple(
                Element(key=p.interface.private_ip_address, origin=p.interface.id) for p in placed_in
            ),
        )
        for group_id, placed_in in members.items()
    ]


def group_chains(
    groups: Iterable[SecurityGroup], rules: Iterable[SecurityGroupRule], policies: Policies
) -> list[Chain]:
    """Two chains a group, and two a policy that jump to them.  Jumped-to chains come first."""
    known = {group.id for group in groups}
    texts: dict[str, list[Rule]] = {f"{_identifier(g)}_{way}": [] for g in known for way in ("in", "out")}
    for rule in sorted(rules, key=lambda rule: rule.id):
        match = rule_match(rule, known)
        if rule.group_id in known and match is not None:
            way = "out" if rule.is_egress else "in"
            texts[f"{_identifier(rule.group_id)}_{way}"].append(
                Rule(text=f"{match} accept".lstrip(), origin=rule.id)
            )
    for key, number in policies.items():
        for way in ("in", "out"):
            texts[_policy_chain(number, way)] = [
                Rule(text=f"jump {_identifier(g)}_{way}", origin=g) for g in key.split(",") if g in known
            ]
    return [Chain(name=name, rules=tuple(text)) for name, text in sorted(texts.items(), key=_jumped_to_first)]


def policy_verdicts(policies: Policies) -> tuple[ElementSet, ElementSet]:
    """By policy, the chain a sender's and a receiver's first packet goes through.  0: no groups at all."""
    sets = []
    for name, way in (("egress", "out"), ("ingress", "in")):
        elements = [Element(key="0", value="accept")]
        elements += [
            Element(key=str(number), value=f"jump {_policy_chain(number, way)}", origin=key[:100])
            for key, number in policies.items()
        ]
        sets.append(ElementSet(name=name, key=("mark",), value="verdict", elements=tuple(elements)))
    return sets[0], sets[1]


def rule_match(rule: SecurityGroupRule, known_groups: Collection[str]) -> str | None:
    """What a rule matches, in nft's words ("" is everything); None when no IPv4 packet can match it."""
    protocol = _protocol_match(rule)
    if protocol is None:
        return None
    side = "daddr" if rule.is_egress else "saddr"
    if rule.cidr_ipv4 is not None:
        peer = "" if rule.cidr_ipv4 == "0.0.0.0/0" else f"ip {side} {rule.cidr_ipv4}"
    elif rule.referenced_group_id is not None and rule.referenced_group_id in known_groups:
        peer = f"ip {side} @{_identifier(rule.referenced_group_id)}"
    else:
        return None
    return f"{peer} {protocol}".strip()


def allows(rule: SecurityGroupRule, protocol: str, port: int) -> bool:
    """Whether a rule's protocol and ports take in a TCP or UDP port; its peer is not looked at."""
    named = _NAMES.get(rule.protocol, rule.protocol)
    if named == "-1":
        return True
    if named != protocol:
        return False
    if rule.from_port is None or rule.from_port == -1 or rule.to_port is None:
        return True
    return rule.from_port <= port <= rule.to_port


def _protocol_match(rule: SecurityGroupRule) -> str | None:
    protocol = _NAMES.get(rule.protocol, rule.protocol)
    first, last = rule.from_port, rule.to_port
    if protocol == "-1":
        return ""
    if protocol in ("tcp", "udp"):
        if first is None or first == -1 or (first, last) == (0, 65535):
            return f"meta l4proto {protocol}"
        return f"{protocol} dport {first}" if first == last else f"{protocol} dport {first}-{last}"
    if protocol == "icmp":
        if first is None or first == -1:
            return "meta l4proto icmp"
        code = "" if last is None or last == -1 else f" icmp code {last}"
        return f"icmp type {first}{code}"
    if protocol in ("icmpv6", "58"):
        return None
    return f"meta l4proto {protocol}"


def _identifier(group_id: str) -> str:
    return group_id.replace("-", "_")


def _policy_chain(number: int, way: str) -> str:
    return f"policy_{number}_{way}"


def _jumped_to_first(item: tuple[str, list[Rule]]) -> tuple[bool, str]:
    return item[0].startswith("policy_"), item[0]
