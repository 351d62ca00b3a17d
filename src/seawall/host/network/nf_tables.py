"""The kernel's tables as nfnetlink shows them: names, generation, rules, elements."""

import socket
import struct
from collections.abc import Iterator
from typing import NamedTuple

from seawall.host.network.netlink import Message, NetlinkSocket, attribute, attributes, each, text

SUBSYSTEM = 10  # NFNL_SUBSYS_NFTABLES
(
    NEW_TABLE, GET_TABLE, DELETE_TABLE, NEW_CHAIN, GET_CHAIN, DELETE_CHAIN, NEW_RULE, GET_RULE, DELETE_RULE,
    NEW_SET, GET_SET, DELETE_SET, NEW_ELEMENTS, GET_ELEMENTS, DELETE_ELEMENTS,
    _NEW_GENERATION, _GET_GENERATION,
) = (SUBSYSTEM << 8 | number for number in range(17))  # fmt: skip

TABLE, NAME = 1, 2  # the first two attributes of sets, elements and rules alike
CHAIN_NAME, CHAIN_HOOK, CHAIN_POLICY = 3, 4, 5
RULE_EXPRESSIONS, RULE_USER_DATA = 4, 7
LIST_ELEMENTS, LIST_ELEMENT = 3, 1
KEY, DATA, ELEMENT_FLAGS, ELEMENT_USER_DATA, ELEMENT_EXPRESSION, KEY_END, ELEMENT_EXPRESSIONS = (
    1, 2, 3, 6, 7, 10, 11,
)  # fmt: skip
VALUE, VERDICT = 1, 2
HEADER = struct.pack("=BBH", 1, 0, 0)  # NFPROTO_INET
_BATCH_HEADER = struct.pack("=BBH", socket.AF_UNSPEC, 0, socket.htons(SUBSYSTEM))
_GENERATION_ID = 1

END = Message(0x11, 0, _BATCH_HEADER)


def begin(generation: int) -> Message:
    """Opens a transaction that the kernel refuses (ERESTART) when anybody's came since this generation."""
    return Message(0x10, 0, _BATCH_HEADER + attribute(_GENERATION_ID, struct.pack(">I", generation)))


class Count(NamedTuple):
    packets: int
    bytes: int


def generation(netfilter: NetlinkSocket) -> int:
    """Grows by one with every transaction in the namespace, whoever's it is."""
    answer = attributes(netfilter.ask(_GET_GENERATION, HEADER)[4:])
    return int(struct.unpack(">I", answer[_GENERATION_ID])[0])


def table_names(netfilter: NetlinkSocket) -> list[str]:
    return [_string(attributes(body[4:])[1]) for _, body in netfilter.dump(GET_TABLE, HEADER)]


def base_chains(netfilter: NetlinkSocket, table: str) -> list[str]:
    found = (attributes(body[4:]) for _, body in netfilter.dump(GET_CHAIN, HEADER))
    return [_string(c[CHAIN_NAME]) for c in found if _string(c[1]) == table and CHAIN_HOOK in c]


def accept_all(table: str, chain: str) -> Message:
    """What a base chain does with packets that none of its rules decides about."""
    body = HEADER + text(TABLE, table) + text(CHAIN_NAME, chain)
    return Message(NEW_CHAIN, 0, body + attribute(CHAIN_POLICY, struct.pack(">I", 1)), f"chain {chain}")


def without_rules(table: str, chain: str) -> Message:
    body = HEADER + text(TABLE, table) + text(NAME, chain)
    return Message(DELETE_RULE, 0, body, f"rules of {chain}")


def sets(netfilter: NetlinkSocket, table: str) -> dict[str, dict[int, bytes]]:
    """The attributes of each set and map by its name."""
    body = HEADER + text(TABLE, table)
    found = (attributes(entry[4:]) for _, entry in netfilter.dump(GET_SET, body))
    return {_string(entry[NAME]): entry for entry in found}


def elements(netfilter: NetlinkSocket, table: str, name: str) -> Iterator[dict[int, bytes]]:
    """The attributes of each element of a set or map."""
    body = HEADER + text(TABLE, table) + text(NAME, name)
    for _, message in netfilter.dump(GET_ELEMENTS, body):
        listed = attributes(message[4:]).get(LIST_ELEMENTS, b"")
        for _, element in each(listed):
            yield attributes(element)


def rules(netfilter: NetlinkSocket, table: str) -> dict[str, list[dict[int, bytes]]]:
    """The attributes of the rules of each chain that has any, in their order."""
    found: dict[str, list[dict[int, bytes]]] = {}
    for _, message in netfilter.dump(GET_RULE, HEADER + text(TABLE, table)):
        entry = attributes(message[4:])
        found.setdefault(_string(entry[NAME]), []).append(entry)
    return found


def comment(user_data: bytes) -> str:
    """The comment in the user data of an element or a rule."""
    offset = 0
    while offset + 2 <= len(user_data):
        kind, length = user_data[offset], user_data[offset + 1]
        if kind == 0:
            return _string(user_data[offset + 2 : offset + 2 + length])
        offset += 2 + length
    return ""


def commented(value: str) -> bytes:
    """User data with a comment, as nft writes it."""
    data = value.encode() + b"\0"
    return bytes([0, len(data)]) + data


def count(expressions: bytes) -> Count | None:
    """The first counter in a list of expressions."""
    for _, expression in each(expressions):
        counted = expression_count(expression)
        if counted is not None:
            return counted
    return None


def expression_count(expression: bytes) -> Count | None:
    found = attributes(expression)
    if found.get(1) != b"counter\0":
        return None
    values = attributes(found[2])
    return Count(int.from_bytes(values[2], "big"), int.from_bytes(values[1], "big"))


def _string(data: bytes) -> str:
    return data.rstrip(b"\0").decode()
