"""The state of the namespaces as comparable facts: what a program asks for, in the kernel's terms."""

import functools
import hashlib
import re
import socket
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import NamedTuple, TypeVar

import msgspec

from seawall.program.network import (
    Chain,
    ElementSet,
    Link,
    LinkEnd,
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


class Contents(NamedTuple):
    """What a policy puts into a table: the digest of each set ("@name") and chain, and the sum of all."""

    parts: Mapping[str, tuple[ElementSet | Chain, int]]
    total: int

    @property
    def digest(self) -> str:
        return f"{self.total:040x}"


class Wanted(NamedTuple):
    """A program, what observation shows once it is in force, and the contents of its policies."""

    program: NetworkProgram
    state: State
    contents: Mapping[str, Contents]
    namespaces: Mapping[str, Namespace]
    links: Mapping[str, Mapping[str, Link]]  # namespace -> device -> the link it is an end of


NOTHING = Wanted(NetworkProgram(), {}, {}, {}, {})


def wanted_of(program: NetworkProgram, before: Wanted = NOTHING) -> Wanted:
    """Facts of what did not change since the program before are not reckoned again but the very same."""
    links = _links_by_end(program, before)
    state: State = {}
    contents: dict[str, Contents] = {}
    namespaces: dict[str, Namespace] = {}
    for namespace in program.namespaces:
        name = namespace.name
        old = before.namespaces.get(name)
        if old is not None and (old is namespace or old == namespace):
            namespace = old  # the very same next time, too
        namespaces[name] = namespace
        if namespace.policy is not None:
            kept = before.contents.get(name) if old is not None and old.policy is namespace.policy else None
            contents[name] = kept or contents_of(namespace.policy, before.contents.get(name))
        if old is namespace and links[name] is before.links[name]:
            state[name] = before.state[name]
        else:
            state[name] = _fact(namespace, old, links[name], before, contents.get(name))
    return Wanted(program, state, contents, namespaces, links)


_End = tuple[dict[str, Link], LinkEnd, Link]


def _links_by_end(program: NetworkProgram, before: Wanted) -> dict[str, Mapping[str, Link]]:
    """Namespace -> device -> the link it is an end of; the same mapping as before where nothing changed."""
    found = {n.name: before.links.get(n.name, {}) for n in program.namespaces}
    if program.links is before.program.links:
        return found
    had, has = ({id(link): link for link in links} for links in (before.program.links, program.links))
    touched: dict[str, dict[str, Link]] = {}

    def ends(ids: Mapping[int, Link], others: Mapping[int, Link]) -> Iterable[_End]:
        for link in [link for key, link in ids.items() if key not in others]:
            for end in (link.router, link.host):
                if end.namespace not in touched:
                    touched[end.namespace] = dict(found.get(end.namespace, {}))
                yield touched[end.namespace], end, link

    for devices, end, _ in ends(had, has):
        devices.pop(end.name, None)
    for devices, end, link in ends(has, had):
        devices[end.name] = link
    return found | {name: devices for name, devices in touched.items() if name in found}


def state_of(program: NetworkProgram) -> State:
    """What observation shows once the program is in force."""
    return wanted_of(program).state


def _fact(
    namespace: Namespace,
    old: Namespace | None,
    links: Mapping[str, Link],
    before: Wanted,
    contents: Contents | None,
) -> NamespaceFact:
    name = namespace.name
    had = before.state.get(name)
    link_facts = _link_facts(name, links, before.links.get(name, {}), had.links if had else {})
    if had is not None and old is namespace:
        return had if link_facts == had.links else had._replace(links=link_facts)
    policy = namespace.policy
    return NamespaceFact(
        sysctls=frozenset(namespace.sysctls),
        addresses=frozenset(namespace.addresses),
        links=link_facts,
        routes=_route_facts(namespace.routes, old.routes if old else (), had.routes if had else frozenset()),
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


def differing(before: Sequence[_T], after: Sequence[_T]) -> tuple[Sequence[_T], Sequence[_T]]:
    """Two sequences without what they begin with and end with alike."""
    if before is after:
        return (), ()
    shorter = min(len(before), len(after))
    first = next(
        (n for n, (a, b) in enumerate(zip(before, after, strict=False)) if a is not b and a != b), shorter
    )
    room = shorter - first
    backward = zip(reversed(before), reversed(after), strict=False)
    last = next((n for n, (a, b) in enumerate(islice(backward, room)) if a is not b and a != b), room)
    return before[first : len(before) - last], after[first : len(after) - last]


def _link_facts(
    namespace: str,
    links: Mapping[str, Link],
    before: Mapping[str, Link],
    had: Mapping[str, LinkFact],
) -> dict[str, LinkFact]:
    facts = {device: had[device] for device, link in links.items() if before.get(device) is link}
    for device in [device for device in links if device not in facts]:
        link, old = links[device], before.get(device)
        if old is not None and old == link:
            facts[device] = had[device]
            continue
        ends = (link.router, link.host)
        end, peer = ends if (link.router.namespace, link.router.name) == (namespace, device) else ends[::-1]
        facts[device] = _link_fact(link, end, peer)
    return facts


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
            known = part, _digest(key, part)
        parts[key] = known
        total += known[1]
    return Contents(parts, total % (1 << 160))


def _parts(policy: PacketPolicy) -> Iterable[tuple[str, ElementSet | Chain]]:
    for contents in policy.sets:
        yield "@" + contents.name, contents
    for chain in policy.chains:
        yield chain.name, chain


def _digest(key: str, part: ElementSet | Chain) -> int:
    hashed = hashlib.sha256(key.encode() + b"\0" + msgspec.msgpack.encode(part))
    return int.from_bytes(hashed.digest()[:20], "big")
