"""The state of the namespaces as comparable facts: what a program asks for, in the kernel's terms."""

import functools
import hashlib
import re
import socket
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from seawall.program.network import (
    Chain,
    Element,
    ElementSet,
    Link,
    Namespace,
    NetworkProgram,
    PacketPolicy,
)
from seawall.program.shelves import differing


class RouteFact(NamedTuple):
    table: int
    destination: str
    device: str | None
    via: str | None


class RuleFact(NamedTuple):
    family: int
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
NO_FACT = NamespaceFact(frozenset(), frozenset(), {}, frozenset(), frozenset(), None)
_DIGESTS = 1 << 160


class Contents(NamedTuple):
    """What a policy puts into a table: the digest of each set ("@name") and chain, and the sum of all."""

    parts: Mapping[str, tuple[ElementSet | Chain, int]]
    total: int

    @property
    def digest(self) -> str:
        return f"{self.total:040x}"


class Wanted(NamedTuple):
    """What observation shows once a program is in force, and what its facts were made from."""

    state: State
    contents: dict[str, Contents]
    namespaces: Mapping[str, Namespace]
    links: Mapping[str, Mapping[str, Link]]  # namespace -> device -> the link it is an end of


def wanted_of(program: NetworkProgram, known: Mapping[str, Contents] = MappingProxyType({})) -> Wanted:
    """`known` are the contents of policies before, by namespace: what is the same is not digested again."""
    namespaces = {namespace.name: namespace for namespace in program.namespaces}
    links: dict[str, dict[str, Link]] = {name: {} for name in namespaces}
    for link in program.links:
        for end in (link.router, link.host):
            if end.namespace in links:
                links[end.namespace][end.name] = link
    contents = {
        name: contents_of(namespace.policy, known.get(name))
        for name, namespace in namespaces.items()
        if namespace.policy is not None
    }
    state = {
        name: _fact(namespace, links[name], contents.get(name)) for name, namespace in namespaces.items()
    }
    return Wanted(state, contents, namespaces, links)


def _fact(namespace: Namespace, links: Mapping[str, Link], contents: Contents | None) -> NamespaceFact:
    policy = namespace.policy
    return NamespaceFact(
        sysctls=frozenset(namespace.sysctls),
        addresses=frozenset(namespace.addresses),
        links={device: _link_fact(link, namespace.name, device) for device, link in links.items()},
        routes=frozenset(RouteFact(r.table, r.destination, r.device, r.via) for r in namespace.routes),
        rules=frozenset(
            RuleFact(family, r.priority, r.table, r.mark, r.mask)
            for r in namespace.rules
            for family in (socket.AF_INET, socket.AF_INET6)
        ),
        policy=(table_name(policy), contents.digest) if policy and contents else None,
    )


def _link_fact(link: Link, namespace: str, device: str) -> LinkFact:
    end, peer = link.router, link.host
    if (end.namespace, end.name) != (namespace, device):
        end, peer = peer, end
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
    names = names_in(policy.skeleton)
    named = sorted(s.name + declaration(s) for s in policy.sets if s.name in names)
    return "seawall_" + hashlib.sha256("\n".join([policy.skeleton, *named]).encode()).hexdigest()[:10]


@functools.lru_cache(maxsize=256)
def names_in(skeleton: str) -> frozenset[str]:
    """The sets and chains that a text names."""
    return frozenset(re.findall(r"(?:@|\bjump |\bgoto )([A-Za-z_]\w*)", skeleton))


def declaration(contents: ElementSet) -> str:
    """The type of a set or map, as nft wants it in braces."""
    value = f" : {contents.value}" if contents.value else ""
    flags = "flags interval; " * contents.interval + "counter; " * contents.counted
    return f"type {' . '.join(contents.key)}{value}; {flags}"


def contents_of(policy: PacketPolicy, before: Contents | None = None) -> Contents:
    """Only what changed is digested again."""
    had = before.parts if before else {}
    parts: dict[str, tuple[ElementSet | Chain, int]] = {}
    total = 0
    for key, part in _parts(policy):
        known = had.get(key)
        if known is None or (known[0] is not part and known[0] != part):
            known = part, _digest(key, part, known)
        parts[key] = known
        total += known[1]
    return Contents(parts, total % _DIGESTS)


def _parts(policy: PacketPolicy) -> Iterable[tuple[str, ElementSet | Chain]]:
    for contents in policy.sets:
        yield "@" + contents.name, contents
    for chain in policy.chains:
        yield chain.name, chain


def _digest(key: str, part: ElementSet | Chain, before: tuple[ElementSet | Chain, int] | None) -> int:
    """That of a set is the sum of those of its elements and of the rest of it."""
    if isinstance(part, Chain):
        return _hashed(key, part)
    total, had = 0, replace(part, elements=())
    if before is not None and isinstance(before[0], ElementSet):
        had, total = before[0], before[1] - _hashed(key, replace(before[0], elements=()))
    gone, come = differing(had.elements, part.elements)
    total += _hashed(key, replace(part, elements=()))
    total += sum(_hashed(key, element) for element in come) - sum(_hashed(key, element) for element in gone)
    return total % _DIGESTS


def _hashed(key: str, part: ElementSet | Chain | Element) -> int:
    hashed = hashlib.sha256(key.encode() + b"\0" + msgspec.msgpack.encode(part))
    return int.from_bytes(hashed.digest()[:20], "big")
