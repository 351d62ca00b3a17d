"""Elements of sets and maps as raw nfnetlink messages, byte for byte what the nft program would send."""

import functools
import socket
import struct
import sys
from collections.abc import Iterable, Iterator

from seawall.host.network import nf_tables as nf
from seawall.host.network.netlink import NLM_F_CREATE, Message, attribute, nested, text
from seawall.program.network import Element, ElementSet

_WIDTHS = {
    "ipv4_addr": 4, "ipv6_addr": 16, "inet_proto": 1, "inet_service": 2, "mark": 4, "iface_index": 4,
}  # fmt: skip
_OF_THE_HOST = ("mark", "iface_index")  # in its byte order, where no ranges are compared
_VERDICTS = {"accept": 1, "drop": 0, "continue": -1, "return": -5}
_TO_CHAINS = {"jump": -3, "goto": -4}
_INTERVAL_END = attribute(nf.ELEMENT_FLAGS, struct.pack(">I", 1))
_OPEN_INTERVAL = bytes([1, 4, 1, 0, 0, 0])  # in user data: nothing follows it
_LIST_BYTES = 60_000  # a nested attribute ends at 64 kB
_COMMENT_LENGTH = 120  # nft takes 127
_SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.,:/ -")

Span = tuple[int, int]


def add_elements(table: str, contents: ElementSet, elements: Iterable[Element]) -> Iterator[Message]:
    return _messages(nf.NEW_ELEMENTS, table, contents, elements)


def delete_elements(table: str, contents: ElementSet, keys: Iterable[str]) -> Iterator[Message]:
    return _messages(nf.DELETE_ELEMENTS, table, contents, (Element(key=key) for key in keys))


def flush_elements(table: str, name: str) -> Message:
    """Deleting without naming an element deletes all."""
    body = nf.HEADER + text(nf.TABLE, table) + text(nf.NAME, name)
    return Message(nf.DELETE_ELEMENTS, 0, body, f"elements of {name}")


def comment_text(origin: str) -> str:
    """An origin as nft accepts it in a comment: whole ids, as many as fit."""
    safe = origin if _SAFE.issuperset(origin) else "".join(c for c in origin if c in _SAFE)
    if len(safe) <= _COMMENT_LENGTH:
        return safe
    whole = safe[: _COMMENT_LENGTH - 3].rpartition(",")[0]
    return (whole or safe[: _COMMENT_LENGTH - 3]) + "..."


def encoded_keys(contents: ElementSet, key: str) -> tuple[bytes, bytes | None]:
    """First and last of a key, as the kernel keeps them; None where it keeps no last."""
    parts = key.split(" . ")
    if not contents.interval:
        values = [_exact(part, kind) for part, kind in zip(parts, contents.key, strict=True)]
        return _joined(values), None
    spans = [span(part, kind) for part, kind in zip(parts, contents.key, strict=True)]
    first = _bytes_of((s[0] for s in spans), contents.key)
    if len(parts) > 1:
        return first, _bytes_of((s[1] for s in spans), contents.key)
    width = _WIDTHS[contents.key[0]]
    after = spans[0][1] + 1
    return first, after.to_bytes(width, "big") if after >> 8 * width == 0 else None


@functools.lru_cache(maxsize=65536)
def span(part: str, kind: str) -> Span:
    """First and last value of a part of a key: one value, a CIDR block, or FIRST-LAST."""
    if kind in ("ipv4_addr", "ipv6_addr"):
        network, slash, prefix = part.partition("/")
        if slash:
            free = 8 * _WIDTHS[kind] - int(prefix)
            first = _address(network, kind) >> free << free
            return first, first | (1 << free) - 1
        low, _, high = part.partition("-")
        return _address(low, kind), _address(high or low, kind)
    low, _, high = part.partition("-")
    return int(low, 0), int(high or low, 0)


def _messages(kind: int, table: str, contents: ElementSet, elements: Iterable[Element]) -> Iterator[Message]:
    listed: list[bytes] = []
    size = 0
    for element in elements:
        encoded = _element(contents, element)
        if size + len(encoded) > _LIST_BYTES:
            yield _message(kind, table, contents.name, listed)
            listed, size = [], 0
        listed.append(encoded)
        size += len(encoded)
    if listed:
        yield _message(kind, table, contents.name, listed)


def _message(kind: int, table: str, name: str, listed: list[bytes]) -> Message:
    body = nf.HEADER + text(nf.TABLE, table) + text(nf.NAME, name) + nested(nf.LIST_ELEMENTS, *listed)
    return Message(kind, NLM_F_CREATE if kind == nf.NEW_ELEMENTS else 0, body, f"elements of {name}")


def _element(contents: ElementSet, element: Element) -> bytes:
    """An interval of one part is two elements to the kernel: where it begins, and where it has ended."""
    first, last = encoded_keys(contents, element.key)
    user_data = nf.commented(comment_text(element.origin)) if element.origin else b""
    parts = [nested(nf.KEY, attribute(nf.VALUE, first))]
    end = b""
    if contents.interval and len(contents.key) > 1 and last is not None:
        parts.append(nested(nf.KEY_END, attribute(nf.VALUE, last)))
    elif contents.interval and last is not None:
        end = nested(nf.LIST_ELEMENT, nested(nf.KEY, attribute(nf.VALUE, last)), _INTERVAL_END)
    elif contents.interval:
        user_data += _OPEN_INTERVAL
    if element.value is not None:
        parts.append(nested(nf.DATA, _data(element.value, contents.value or "")))
    if user_data:
        parts.append(attribute(nf.ELEMENT_USER_DATA, user_data))
    return nested(nf.LIST_ELEMENT, *parts) + end


def _data(value: str, kind: str) -> bytes:
    if kind != "verdict":
        return attribute(nf.VALUE, _exact(value, kind))
    word, _, chain = value.partition(" ")
    code = _TO_CHAINS[word] if chain else _VERDICTS[word]
    target = text(2, chain) if chain else b""
    return nested(nf.VERDICT, attribute(1, struct.pack(">i", code)), target)


def _bytes_of(values: Iterable[int], kinds: tuple[str, ...]) -> bytes:
    return _joined([v.to_bytes(_WIDTHS[kind], "big") for v, kind in zip(values, kinds, strict=True)])


def _joined(parts: list[bytes]) -> bytes:
    """In a concatenation each part fills whole words."""
    return parts[0] if len(parts) == 1 else b"".join(part + bytes(-len(part) % 4) for part in parts)


def _exact(part: str, kind: str) -> bytes:
    if kind == "ipv4_addr":
        return socket.inet_aton(part)
    if kind == "ipv6_addr":
        return socket.inet_pton(socket.AF_INET6, part)
    return int(part, 0).to_bytes(_WIDTHS[kind], sys.byteorder if kind in _OF_THE_HOST else "big")


def _address(text: str, kind: str) -> int:
    return int.from_bytes(_exact(text, kind), "big")
