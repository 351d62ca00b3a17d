"""What nft makes of a text, kept to be sent again under other names.

The kernel shows a set or a rule in the very form in which it takes one.  So the nft program is asked only
once for each shape of a rule ("ip saddr . th dport @1 accept") and each type of a set; the next chain with
such a rule is one netlink message.
"""

import re
import struct
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from seawall.host.network import nf_tables as nf
from seawall.host.network.elements import comment_text
from seawall.host.network.netlink import (
    NLM_F_APPEND,
    NLM_F_CREATE,
    Message,
    NetlinkSocket,
    attribute,
    attributes,
    each,
    nested,
    text,
)
from seawall.host.network.state import declaration
from seawall.program.network import ElementSet, PacketPolicy, Rule

_NAMED = re.compile(r"(@|\bjump |\bgoto )([A-Za-z_]\w*)")
_CHAINS_WITHIN = re.compile(r"\{[^}]*\b(?:jump|goto) ")
_SET_ID, _LIST_SET_ID = 10, 4
_SET_MEMBERS = (3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 15, 17, 18)  # of those the kernel shows, what it takes
_ELEMENT_MEMBERS = (nf.KEY, nf.KEY_END, nf.DATA, nf.ELEMENT_FLAGS, nf.ELEMENT_USER_DATA)
_EXPRESSION_NAME, _EXPRESSION_DATA = 1, 2
_DYNSET_TIMEOUT = 6
_NAMES_A_SET = {"lookup": 4, "dynset": 2}  # by attribute 1; the number is that of the id of a new set


class _Anonymous(NamedTuple):
    """A set written into a rule, in braces."""

    members: bytes
    elements: bytes
    plural: str  # the kernel fills in a number


class _Shape(NamedTuple):
    expressions: bytes
    names: tuple[str, ...]  # as they stand in the expressions
    anonymous: Mapping[str, _Anonymous]


class Learned:
    """Shapes of rules and types of sets, as bytes."""

    def __init__(self) -> None:
        self._shapes: dict[str, _Shape] = {}
        self._sets: dict[str, bytes] = {}
        self._ids = 0  # of sets within transactions; unique in each

    def knows_rule(self, rule: Rule) -> bool:
        return general_shape(rule.text) in self._shapes

    def knows_set(self, contents: ElementSet) -> bool:
        return declaration(contents) in self._sets

    def study(self, netfilter: NetlinkSocket, table: str, policy: PacketPolicy) -> None:
        """Learn from a table that holds a policy.  Raises NetlinkError."""
        shown = nf.sets(netfilter, table)
        for contents in policy.sets:
            self._sets[declaration(contents)] = _members(shown[contents.name], _SET_MEMBERS)
        rules = nf.rules(netfilter, table)
        for chain in policy.chains:
            for rule, entry in zip(chain.rules, rules.get(chain.name, ()), strict=True):
                if not self.knows_rule(rule):
                    self._study_rule(netfilter, table, rule, entry[nf.RULE_EXPRESSIONS], shown)

    def set_message(self, table: str, contents: ElementSet) -> Message:
        """Make a set of a known type."""
        return self._new_set(table, contents.name, self._sets[declaration(contents)])[0]

    def rule_messages(self, table: str, chain: str, rule: Rule) -> Iterator[Message]:
        """Append a rule of a known shape to a chain."""
        general, names = _general(rule.text)
        shape = self._shapes[general]
        now = dict(zip(shape.names, names, strict=True))
        ids = {}
        for name, anonymous in shape.anonymous.items():
            made, ids[name] = self._new_set(table, anonymous.plural, anonymous.members)
            yield made
            body = nf.HEADER + text(nf.TABLE, table) + text(nf.NAME, anonymous.plural)
            body += attribute(_LIST_SET_ID, struct.pack(">I", ids[name]))
            body += attribute(nf.LIST_ELEMENTS, anonymous.elements)
            yield Message(nf.NEW_ELEMENTS, NLM_F_CREATE, body, f"within {rule.text}", joined=True)
        listed = b"".join(_renamed(e, now, shape, ids) for _, e in each(shape.expressions))
        body = nf.HEADER + text(nf.TABLE, table) + text(nf.NAME, chain)
        body += attribute(nf.RULE_EXPRESSIONS, listed)
        if rule.origin:
            body += attribute(nf.RULE_USER_DATA, nf.commented(comment_text(rule.origin)))
        what = f"{chain}: {rule.text}"
        yield Message(nf.NEW_RULE, NLM_F_CREATE | NLM_F_APPEND, body, what, joined=bool(ids))

    def _study_rule(
        self,
        netfilter: NetlinkSocket,
        table: str,
        rule: Rule,
        expressions: bytes,
        shown: Mapping[str, Mapping[int, bytes]],
    ) -> None:
        used = [name for _, e in each(expressions) if (name := _set_of(e))]
        anonymous = {
            name: _Anonymous(
                _members(shown[name], _SET_MEMBERS),
                b"".join(
                    nested(nf.LIST_ELEMENT, _members(e, _ELEMENT_MEMBERS))
                    for e in nf.elements(netfilter, table, name)
                ),
                name.rstrip("0123456789") + "%d",
            )
            for name in used
            if name.startswith("__")
        }
        general, names = _general(rule.text)
        self._shapes[general] = _Shape(expressions, names, anonymous)

    def _new_set(self, table: str, name: str, members: bytes) -> tuple[Message, int]:
        self._ids = self._ids % 0xFFFFFF + 1
        return new_set(table, name, members, self._ids), self._ids


def new_set(table: str, name: str, members: bytes, id: int) -> Message:
    """`members` are its other attributes; `id` is its own in this transaction."""
    body = nf.HEADER + text(nf.TABLE, table) + text(nf.NAME, name) + members
    body += attribute(_SET_ID, struct.pack(">I", id))
    return Message(nf.NEW_SET, NLM_F_CREATE, body, f"set {name}")


def general_shape(rule_text: str) -> str:
    return _general(rule_text)[0]


def _general(rule_text: str) -> tuple[str, tuple[str, ...]]:
    """A text with numbers for the names of sets and chains, and the names.  Where a set within the text names
    chains, the very text.
    """
    if _CHAINS_WITHIN.search(rule_text):
        return rule_text, ()
    names: dict[str, int] = {}
    shape = _NAMED.sub(lambda m: m[1] + str(names.setdefault(m[2], len(names))), rule_text)
    return shape, tuple(names)


def _members(shown: Mapping[int, bytes], kinds: tuple[int, ...]) -> bytes:
    return b"".join(attribute(kind, shown[kind]) for kind in kinds if shown.get(kind))


def _set_of(expression: bytes) -> str:
    """The set an expression names, if any."""
    found = attributes(expression)
    if _word(found[_EXPRESSION_NAME]) not in _NAMES_A_SET:
        return ""
    return _word(attributes(found[_EXPRESSION_DATA])[1])


def _renamed(expression: bytes, now: Mapping[str, str], shape: _Shape, ids: Mapping[str, int]) -> bytes:
    """An expression in a list, under the names of now; counters begin at nothing."""
    found = attributes(expression)
    name, data = _word(found[_EXPRESSION_NAME]), found.get(_EXPRESSION_DATA, b"")
    members = attributes(data)
    if name in _NAMES_A_SET:
        named = _word(members.pop(1))
        id_kind = _NAMES_A_SET[name]
        members.pop(id_kind, None)
        if name == "dynset" and not any(members.get(_DYNSET_TIMEOUT, b"")):
            members.pop(_DYNSET_TIMEOUT, None)  # shown as 0, refused where the set knows no time
        plural = shape.anonymous[named].plural if named in ids else now.get(named, named)
        data = text(1, plural) + b"".join(attribute(k, v) for k, v in members.items())
        data += attribute(id_kind, struct.pack(">I", ids[named])) if named in ids else b""
    elif name == "immediate":
        data = _with_chain(members, now) or data
    elif name == "counter":
        data = attribute(1, bytes(8)) + attribute(2, bytes(8))
    return nested(1, text(_EXPRESSION_NAME, name), nested(_EXPRESSION_DATA, data))


def _with_chain(members: Mapping[int, bytes], now: Mapping[str, str]) -> bytes | None:
    """An immediate verdict that goes to a chain; None for any other."""
    verdict = attributes(attributes(members[2]).get(nf.VERDICT, b""))
    if 2 not in verdict:
        return None
    chain = _word(verdict[2])
    target = nested(nf.VERDICT, attribute(1, verdict[1]), text(2, now.get(chain, chain)))
    return attribute(1, members[1]) + nested(2, target)


def _word(data: bytes) -> str:
    return data.rstrip(b"\0").decode()
