"""The state of the namespaces as comparable facts: what a program asks for, in the kernel's terms."""

import functools
import hashlib
import re
import socket
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

import msgspec
from msgspec.structs import replace

from seawall.program.alike import differing
from seawall.program.network import (
    Chain,
    Element,
    ElementSet,
    Link,
    Namespace,
    NetworkProgram,
    PacketPolicy,
    Route,
)

_T = TypeVar("_T")


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
    """A program, what observation shows once it is in force, and the contents of its policies.

    since, others   the state before, and the namespaces of which the facts may be others than there, or gone
    ends            the devices in each namespace of which the facts may be others than there, or gone
    """

    program: NetworkProgram
    state: State
    contents: Mapping[str, Contents]
    namespaces: Mapping[str, Namespace]
    links: Mapping[str, Mapping[str, Link]]  # namespace -> device -> the link it is an end of
    since: State
    others: Collection[str]
    ends: Mapping[str, Collection[str]]


NOTHING = Wanted(NetworkProgram(), {}, {}, {}, {}, {}, (), {})
_Devices = dict[str, Link | None]  # None: one that is no more


def wanted_of(program: NetworkProgram, before: Wanted = NOTHING) -> Wanted:
    """Facts of what did not change since the program before are not reckoned again but the very same."""
    gone, come = differing(before.program.namespaces, program.namespaces)
    leaving = {n.name for n in gone} - {n.name for n in come}
    state = _without(before.state, leaving)
    contents = _without(before.contents, leaving)
    namespaces = _without(before.namespaces, leaving)
    links = _without(before.links, leaving)
    for namespace in come:
        if before.namespaces.get(namespace.name) != namespace:  # else the very same next time, too
            namespaces[namespace.name] = namespace
        links.setdefault(namespace.name, {})
    touched = {name: ends for name, ends in _changed_ends(program, before).items() if name in namespaces}
    for name, ends in touched.items():
        links[name] = _with_changed(links[name], ends)
    others = [n.name for n in come if namespaces[n.name] is not before.namespaces.get(n.name)]
    others += [name for name in touched if name not in others]
    for name in others:
        namespace, old = namespaces[name], before.namespaces.get(name)
        contents.pop(name, None)
        if namespace.policy is not None:
            kept = before.contents.get(name)
            same = old is not None and old.policy is namespace.policy
            contents[name] = kept if kept and same else contents_of(namespace.policy, kept)
        had = before.state.get(name, NO_FACT)
        state[name] = _fact(namespace, old, touched.get(name, {}), had, contents.get(name))
    others += before.state.keys() - state.keys()
    return Wanted(program, state, contents, namespaces, links, before.state, others, touched)


def _changed_ends(program: NetworkProgram, before: Wanted) -> dict[str, _Devices]:
    """By namespace: the devices whose link is another than before."""
    found: dict[str, _Devices] = {}
    gone, come = differing(before.program.links, program.links)
    for link in gone:
        for end in (link.router, link.host):
            found.setdefault(end.namespace, {})[end.name] = None
    for link in come:
        for end in (link.router, link.host):
            found.setdefault(end.namespace, {})[end.name] = link
    return found


def _without(known: Mapping[str, _T], names: Iterable[str]) -> dict[str, _T]:
    found = dict(known)
    for name in names:
        found.pop(name, None)
    return found


def _with_changed(known: Mapping[str, _T], changes: Mapping[str, _T | None]) -> dict[str, _T]:
    found = dict(known)
    for name, change in changes.items():
        if change is not None:
            found[name] = change
        else:
            found.pop(name, None)
    return found


def state_of(program: NetworkProgram) -> State:
    """What observation shows once the program is in force."""
    return wanted_of(program).state


def _fact(
    namespace: Namespace,
    old: Namespace | None,
    ends: _Devices,
    had: NamespaceFact,
    contents: Contents | None,
) -> NamespaceFact:
    links = had.links
    if ends:
        facts = {
            device: None if link is None else _link_fact(link, namespace.name, device)
            for device, link in ends.items()
        }
        links = _with_changed(had.links, facts)
    if old is namespace:
        return had if links == had.links else had._replace(links=links)
    policy = namespace.policy
    return NamespaceFact(
        sysctls=frozenset(namespace.sysctls),
        addresses=frozenset(namespace.addresses),
        links=links,
        routes=_route_facts(namespace.routes, old.routes if old else (), had.routes),
        rules=frozenset(
            RuleFact(family, r.priority, r.table, r.mark, r.mask)
            for r in namespace.rules
            for family in (socket.AF_INET, socket.AF_INET6)
        ),
        policy=(table_name(policy), contents.digest) if policy and contents else None,
    )


def _route_facts(
    routes: Sequence[Route], before: Sequence[Route], had: frozenset[RouteFact]
) -> frozenset[RouteFact]:
    gone, come = (
        {RouteFact(r.table, r.destination, r.device, r.via) for r in some}
        for some in differing(before, routes)
    )
    found = had - gone | come if gone or come else had
    if len(had) == len(before) and len(found) == len(routes):
        return found
    return frozenset(
        RouteFact(r.table, r.destination, r.device, r.via) for r in routes
    )  # some are there twice


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
