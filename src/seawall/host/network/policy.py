"""Packet policy as nft scripts: fill a table whole, or change what differs; base chains always stay.

Each script is one transaction.  Its last element, a digest under the highest number in the set `applied`,
says what the kernel holds.  The set `released` keeps the addresses whose flows are still to be forgotten,
should the agent die.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from msgspec.structs import replace

from seawall.host.network.state import contents_digest, declaration, table_name
from seawall.program.network import Chain, Element, ElementSet, PacketPolicy

FIRST_SEAL = 1
_UNSAFE = re.compile(r"[^\w.,:/ -]")


class Installed(NamedTuple):
    """What a table holds besides its skeleton: names, and the keys of sets that release addresses."""

    sets: frozenset[str]
    chains: frozenset[str]
    keys: Mapping[str, frozenset[str]]


class Script(NamedTuple):
    text: str
    released: frozenset[str]


def fill_script(policy: PacketPolicy, installed: Installed | None) -> Script:
    """Give a table exactly these contents; `installed` is None where the table is not there yet."""
    table = table_name(policy)
    lines = [f"add table inet {table}"]
    lines += [f"add set inet {table} applied {{ type mark; }}"]
    lines += [f"add set inet {table} released {{ type ipv4_addr; }}"]
    lines += [_declare(table, s) for s in policy.sets]
    lines += [f"add chain inet {table} {chain.name}" for chain in policy.chains]
    lines += [] if installed else [f"table inet {table} {{{policy.skeleton}}}"]
    if installed:
        lines += [f"flush {_word(s)} inet {table} {s.name}" for s in policy.sets]
        lines += [f"flush chain inet {table} {name}" for name in sorted(_dynamic(installed.chains, policy))]
    for chain in policy.chains:
        lines += _fill_chain(table, chain)
    for contents in policy.sets:
        lines += _add(table, contents.name, contents.elements)
    released: set[str] = set()
    if installed:
        named = {chain.name for chain in policy.chains}
        lines += [
            f"delete chain inet {table} {n}" for n in sorted(_dynamic(installed.chains, policy) - named)
        ]
        lines += [f"delete set inet {table} {n}" for n in sorted(_dynamic_sets(installed.sets, policy))]
        for contents in policy.sets:
            if contents.releases:
                released |= installed.keys.get(contents.name, frozenset()) - _keys(contents)
    return _sealed(lines, table, policy, released)


def change_script(policy: PacketPolicy, before: PacketPolicy) -> Script:
    """From one set of contents to another of the same skeleton, touching only what differs."""
    table = table_name(policy)
    old_sets, old_chains = {s.name: s for s in before.sets}, {c.name: c for c in before.chains}
    lines: list[str] = []
    released: set[str] = set()
    lines += [_declare(table, s) for s in policy.sets if s.name not in old_sets]
    lines += [f"add chain inet {table} {c.name}" for c in policy.chains if c.name not in old_chains]
    for chain in policy.chains:
        if chain != old_chains.get(chain.name):
            lines += [f"flush chain inet {table} {chain.name}"] * (chain.name in old_chains)
            lines += _fill_chain(table, chain)
    for contents in policy.sets:
        old = old_sets.get(contents.name) or replace(contents, elements=())
        gone = sorted(keys_gone(old, contents))
        if gone:
            keys = ", ".join(gone)
            lines.append(f"delete element inet {table} {contents.name} {{ {keys} }}")
            released |= set(gone) if contents.releases else set()
        had = set(old.elements)
        lines += _add(table, contents.name, [e for e in contents.elements if e not in had])
    gone_chains = old_chains.keys() - {c.name for c in policy.chains}
    lines += [f"flush chain inet {table} {name}" for name in sorted(gone_chains)]
    lines += [f"delete chain inet {table} {name}" for name in sorted(gone_chains)]
    names = {s.name for s in policy.sets}
    lines += [f"delete {_word(s)} inet {table} {s.name}" for s in before.sets if s.name not in names]
    return _sealed(lines, table, policy, released)


def _sealed(lines: list[str], table: str, policy: PacketPolicy, released: Collection[str]) -> Script:
    lines += [f"flush set inet {table} released", f"flush set inet {table} applied"]
    lines += _add(table, "released", [Element(key=address) for address in sorted(released)])
    lines += _add(table, "applied", [Element(key=str(FIRST_SEAL), origin=contents_digest(policy))])
    return Script("\n".join(lines) + "\n", frozenset(released))


def _keys(contents: ElementSet) -> set[str]:
    return {element.key for element in contents.elements}


def keys_gone(old: ElementSet, new: ElementSet) -> set[str]:
    """Keys that left or stand for something else now."""
    kept = set(new.elements)
    return {element.key for element in old.elements if element not in kept}


def _word(contents: ElementSet) -> str:
    return "map" if contents.value else "set"


def _dynamic(chains: Iterable[str], policy: PacketPolicy) -> set[str]:
    return {name for name in chains if not re.search(rf"chain {name} \{{", policy.skeleton)}


def _dynamic_sets(sets: Iterable[str], policy: PacketPolicy) -> set[str]:
    known = {"applied", "released"} | {s.name for s in policy.sets}
    return {n for n in sets if n not in known and not re.search(rf"(map|set) {n} \{{", policy.skeleton)}


def _declare(table: str, contents: ElementSet) -> str:
    return f"add {_word(contents)} inet {table} {contents.name} {{ {declaration(contents)} }}"


def _fill_chain(table: str, chain: Chain) -> list[str]:
    return [f"add rule inet {table} {chain.name} {r.text}{_comment(r.origin)}" for r in chain.rules]


def _add(table: str, name: str, elements: Iterable[Element]) -> list[str]:
    texts = [
        f"{e.key}{_comment(e.origin)}" + (f" : {e.value}" if e.value is not None else "") for e in elements
    ]
    return [f"add element inet {table} {name} {{ {', '.join(texts)} }}"] if texts else []


def comment_text(origin: str) -> str:
    """An origin as nft accepts it in a comment."""
    return _UNSAFE.sub("", origin)[:120]


def _comment(origin: str) -> str:
    return f' comment "{comment_text(origin)}"' if origin else ""
