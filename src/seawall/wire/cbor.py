"""CBOR (RFC 8949) as Smithy's RPC v2 uses it: the core types, and tag 1 for moments."""

import math
import struct
from collections.abc import Callable
from datetime import datetime
from typing import Any

from seawall.wire.timestamps import from_epoch, to_epoch

MAX_DEPTH = 128
_BREAK = object()
_FLOATS = {25: (">e", 2), 26: (">f", 4), 27: (">d", 8)}
_SIMPLE = {20: False, 21: True, 22: None, 23: None}


def decode(data: bytes) -> Any:
    """One data item; moments as datetime.  Raises ValueError for anything that is not well-formed."""
    decoder = _Decoder(data)
    value = decoder.item(0)
    if value is _BREAK or decoder.position != len(data):
        raise ValueError("not one data item")
    return value


def encode(value: Any) -> bytes:
    """None, bool, int, float, str, bytes, datetime, and lists and dicts of them.  Raises TypeError."""
    out = bytearray()
    _encode(out, value)
    return bytes(out)


class _Decoder:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0

    def take(self, count: int) -> bytes:
        end = self.position + count
        if end > len(self.data):
            raise ValueError("the data ends early")
        piece = self.data[self.position : end]
        self.position = end
        return piece

    def item(self, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise ValueError("nested too deeply")
        major, info = divmod(self.take(1)[0], 32)
        if major == 7:
            return self._simple(info)
        length = None if info == 31 and major in (2, 3, 4, 5) else self._argument(info)
        if major < 2:
            assert length is not None
            return length if major == 0 else -1 - length
        if major in (2, 3):
            data = self.take(length) if length is not None else self._chunks(major)
            return data if major == 2 else data.decode()
        if major == 4:
            return self._items(length, depth)
        if major == 5:
            return self._pairs(length, depth)
        return self._tagged(length, depth)

    def _argument(self, info: int) -> int:
        if info < 24:
            return info
        if info > 27:
            raise ValueError("reserved length")
        return int.from_bytes(self.take(1 << (info - 24)), "big")

    def _simple(self, info: int) -> Any:
        if info == 31:
            return _BREAK
        if info in _FLOATS:
            layout, size = _FLOATS[info]
            return struct.unpack(layout, self.take(size))[0]
        if info not in _SIMPLE:
            raise ValueError("unknown simple value")
        return _SIMPLE[info]

    def _chunks(self, major: int) -> bytes:
        pieces = []
        while (initial := self.take(1)[0]) != 0xFF:
            if initial >> 5 != major or initial & 31 == 31:
                raise ValueError("a chunk of another type")
            pieces.append(self.take(self._argument(initial & 31)))
        return b"".join(pieces)

    def _items(self, length: int | None, depth: int) -> list[Any]:
        items: list[Any] = []
        while length is None or len(items) < length:
            value = self.item(depth + 1)
            if value is _BREAK:
                if length is None:
                    break
                raise ValueError("a break inside a list of known length")
            items.append(value)
        return items

    def _pairs(self, length: int | None, depth: int) -> dict[str, Any]:
        pairs: dict[str, Any] = {}
        seen = 0
        while length is None or seen < length:
            key = self.item(depth + 1)
            if key is _BREAK and length is None:
                break
            value = self.item(depth + 1)
            if type(key) is not str or value is _BREAK:
                raise ValueError("not a map of text to values")
            pairs[key] = value
            seen += 1
        return pairs

    def _tagged(self, tag: int | None, depth: int) -> Any:
        value = self.item(depth + 1)
        if tag != 1 or type(value) not in (int, float):
            raise ValueError("an unknown tag")
        return from_epoch(value)


def _encode(out: bytearray, value: Any) -> None:
    encoder = _ENCODERS.get(type(value))
    if encoder is None:
        raise TypeError(f"{type(value).__name__} has no CBOR form here")
    encoder(out, value)


def _head(out: bytearray, major: int, argument: int) -> None:
    if argument < 24:
        out.append(major << 5 | argument)
        return
    size = next(n for n in (1, 2, 4, 8) if argument < 1 << (8 * n))
    out.append(major << 5 | 24 + size.bit_length() - 1)
    out += argument.to_bytes(size, "big")


def _encode_int(out: bytearray, value: int) -> None:
    _head(out, 0 if value >= 0 else 1, value if value >= 0 else -1 - value)


def _encode_float(out: bytearray, value: float) -> None:
    out.append(0xFB)
    out += struct.pack(">d", math.nan if math.isnan(value) else value)


def _encode_bytes(out: bytearray, value: bytes) -> None:
    _head(out, 2, len(value))
    out += value


def _encode_text(out: bytearray, value: str) -> None:
    data = value.encode()
    _head(out, 3, len(data))
    out += data


def _encode_list(out: bytearray, value: list[Any]) -> None:
    _head(out, 4, len(value))
    for item in value:
        _encode(out, item)


def _encode_map(out: bytearray, value: dict[str, Any]) -> None:
    _head(out, 5, len(value))
    for key, item in value.items():
        _encode_text(out, key)
        _encode(out, item)


def _encode_moment(out: bytearray, value: datetime) -> None:
    out.append(0xC1)
    _encode(out, to_epoch(value))


_ENCODERS: dict[type, Callable[[bytearray, Any], None]] = {
    type(None): lambda out, value: out.append(0xF6),
    bool: lambda out, value: out.append(0xF5 if value else 0xF4),
    int: _encode_int,
    float: _encode_float,
    bytes: _encode_bytes,
    str: _encode_text,
    list: _encode_list,
    tuple: _encode_list,
    dict: _encode_map,
    datetime: _encode_moment,
}
