"""From one set of contents to another of the same skeleton: the messages of one transaction.

Not a packet sees half of it.  A transaction that only adds stays free of deletions, for which the kernel
would make the following one wait some milliseconds.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from seawall.host.network import nf_tables as nf
from seawall.host.network.elements import add_elements, delete_elements, flush_elements
from seawall.host.network.learned import Learned, new_set
from seawall.host.network.netlink import NLM_F_CREATE, Message, attribute, text
from seawall.program.network import Chain, Element, ElementSet, PacketPolicy
from seawall.program.shelves import differing

_KEY_TYPE, _KEY_LENGTH, _MARK = 4, 5, 19
_SEALS_ID = 1 << 24  # beyond those of learned sets
SEALS = ElementSet(name="applied", key=("mark",))


class Difference(NamedTuple):
    """Sets and chains that are new, others than before (old and new), or gone."""

    new_sets: list[ElementSet]
    changed_sets: list[tuple[ElementSet, ElementSet]]
    gone_sets: list[ElementSet]
    new_chains: list[Chain]
    changed_chains: list[Chain]
    gone_chains: list[Chain]


def difference(policy: PacketPolicy, before: PacketPolicy) -> Difference:
    """`policy` and `before` have one skeleton, and no set changed its type."""
    sets = {s.name: s for s in before.sets}
    chains = {c.name: c for c in before.chains}
    found = Difference([], [], [], [], [], [])
    for contents in policy.sets:
        old = sets.pop(contents.name, None)
        if old is None:
            found.new_sets.append(contents)
        elif old is not contents and old != contents:
            found.changed_sets.append((old, contents))
    for chain in policy.chains:
        had = chains.pop(chain.name, None)
        if had is None:
            found.new_chains.append(chain)
        elif had is not chain and had != chain:
            found.changed_chains.append(chain)
    found.gone_sets.extend(sets.values())
    found.gone_chains.extend(chains.values())
    return found


def is_known(found: Difference, learned: Learned) -> bool:
    """Whether nft need not be asked how any of it is written."""
    chains = [*found.new_chains, *found.changed_chains]
    return all(learned.knows_set(contents) for contents in found.new_sets) and all(
        learned.knows_rule(rule) for chain in chains for rule in chain.rules
    )


def change_messages(found: Difference, table: str, learned: Learned) -> list[Message]:
    """Make, change, remove, each before whatever needs it."""
    messages = [learned.set_message(table, contents) for contents in found.new_sets]
    messages += [_chain(nf.NEW_CHAIN, table, chain) for chain in found.new_chains]
    messages += [nf.without_rules(table, chain.name) for chain in found.changed_chains]
    for chain in (*found.new_chains, *found.changed_chains):
        messages += rule_messages(chain, table, learned)
    for contents in found.new_sets:
        messages += add_elements(table, contents, contents.elements)
    for old, contents in found.changed_sets:
        messages += _changed_elements(table, old, contents)
    messages += [flush_elements(table, contents.name) for contents in found.gone_sets]
    messages += [nf.without_rules(table, chain.name) for chain in found.gone_chains]
    messages += [_chain(nf.DELETE_CHAIN, table, chain) for chain in found.gone_chains]
    messages += [_gone_set(table, contents) for contents in found.gone_sets]
    return messages


def new_seals(table: str) -> Message:
    """Make room for seals in a new table."""
    members = attribute(_KEY_TYPE, struct.pack(">I", _MARK)) + attribute(_KEY_LENGTH, struct.pack(">I", 4))
    return new_set(table, SEALS.name, members, _SEALS_ID)


def seal_messages(table: str, generation: int, digest: str, messages: list[Message]) -> Iterator[Message]:
    """Say in the table what it holds once these messages are in force: a digest, under the generation that
    the kernel will then be at.  Anybody's later transaction breaks the seal.
    """
    if any(message.kind in (nf.DELETE_ELEMENTS, nf.DELETE_RULE) for message in messages):
        yield flush_elements(table, SEALS.name)
    yield from add_elements(table, SEALS, [Element(key=str(generation), origin=digest)])


def rule_messages(chain: Chain, table: str, learned: Learned) -> Iterator[Message]:
    for rule in chain.rules:
        yield from learned.rule_messages(table, chain.name, rule)


def _changed_elements(table: str, old: ElementSet, new: ElementSet) -> Iterator[Message]:
    before, after = differing(old.elements, new.elements)
    had, kept = set(before), set(after)
    yield from delete_elements(table, new, [element.key for element in before if element not in kept])
    yield from add_elements(table, new, [element for element in after if element not in had])


def _chain(kind: int, table: str, chain: Chain) -> Message:
    flags = NLM_F_CREATE if kind == nf.NEW_CHAIN else 0
    body = nf.HEADER + text(nf.TABLE, table) + text(nf.CHAIN_NAME, chain.name)
    return Message(kind, flags, body, f"chain {chain.name}")


def _gone_set(table: str, contents: ElementSet) -> Message:
    body = nf.HEADER + text(nf.TABLE, table) + text(nf.NAME, contents.name)
    return Message(nf.DELETE_SET, 0, body, f"set {contents.name}")
