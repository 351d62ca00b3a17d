"""The state of the namespaces as comparable facts: what a program asks for, in the kernel's terms."""

import hashlib
from typing import NamedTuple

import msgspec

from seawall.program.network import ElementSet, Link, LinkEnd, NetworkProgram, PacketPolicy


class RouteFact(NamedTuple):
    table: int
    destination: str
    device: str | None
    via: str | None


class RuleFact(NamedTuple):
    priority: int
    table: int | None
    mark: int
    mask: int


class LinkFact(NamedTuple):
    number: int
    peer: int
    mac: str
    mtu: int
    up: bool
    addresses: frozenset[str]
    neighbours: frozenset[tuple[str, str]]


class NamespaceFact(NamedTuple):
    """`policy` is (table, digest of its contents), None where there is no table of ours."""

    sysctls: frozenset[tuple[str, str]]
    addresses: frozenset[str]
    links: dict[str, LinkFact]
    routes: frozenset[RouteFact]
    rules: frozenset[RuleFact]
    policy: tuple[str, str] | None


State = dict[str, NamespaceFact]


def state_of(program: NetworkProgram) -> State:
    """What observation shows once the program is in force."""
    links: dict[str, dict[str, LinkFact]] = {n.name: {} for n in program.namespaces}
    for link in program.links:
        for end, peer in ((link.router, link.host), (link.host, link.router)):
            links[end.namespace][end.name] = _link_fact(link, end, peer)
    return {
        n.name: NamespaceFact(
            sysctls=frozenset(n.sysctls),
            addresses=frozenset(n.addresses),
            links=links[n.name],
            routes=frozenset(RouteFact(r.table, r.destination, r.device, r.via) for r in n.routes),
            rules=frozenset(RuleFact(r.priority, r.table, r.mark, r.mask) for r in n.rules),
            policy=(table_name(n.policy), contents_digest(n.policy)) if n.policy else None,
        )
        for n in program.namespaces
    }


def _link_fact(link: Link, end: LinkEnd, peer: LinkEnd) -> LinkFact:
    return LinkFact(
        number=end.ifindex,
        peer=peer.ifindex,
        mac=end.mac,
        mtu=link.mtu,
        up=True,
        addresses=frozenset(end.addresses),
        neighbours=frozenset((n.address, n.mac) for n in end.neighbours),
    )


def table_name(policy: PacketPolicy) -> str:
    """A table is named after its skeleton and the types in it: a new skeleton stands beside the old one."""
    named = sorted(s.name + declaration(s) for s in policy.sets if f"@{s.name}" in policy.skeleton)
    return "seawall_" + hashlib.sha256("\n".join([policy.skeleton, *named]).encode()).hexdigest()[:10]


def declaration(contents: ElementSet) -> str:
    """The type of a set or map, as nft wants it in braces."""
    value = f" : {contents.value}" if contents.value else ""
    flags = "flags interval; " * contents.interval + "counter; " * contents.counted
    return f"type {' . '.join(contents.key)}{value}; {flags}"


def contents_digest(policy: PacketPolicy) -> str:
    return hashlib.sha256(msgspec.msgpack.encode((policy.sets, policy.chains))).hexdigest()[:40]
