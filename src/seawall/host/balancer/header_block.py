"""Header blocks of HTTP/2, as much of them as a health check needs.  Pure.

Written without an index and without Huffman's code.  Read from a peer that was told to keep no table (so an
index is one of the fixed table's), for the few fields that matter; every other string is passed over.
Source: RFC 7541: section 5 and 6, the codes of appendix B by length (it is canonical), table of appendix A.
"""

from collections.abc import Iterable, Iterator

_STATUSES = {8: "200", 9: "204", 10: "206", 11: "304", 12: "400", 13: "404", 14: "500"}
_FIXED_SIZE = 61
# The symbols whose codes have 5, 6 and 7 bits: all that the names and values in question are made of.
_CODED = ("012aceiost", " %-./3456789=A_bdfghlmnpru", ":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz")


class BadBlock(ValueError):
    """Not a header block, or one that needs a table."""


def write_block(fields: Iterable[tuple[str, str]]) -> bytes:
    return b"".join(b"\x00" + _written(name) + _written(value) for name, value in fields)


def read_block(block: bytes) -> dict[str, str]:
    """`:status`, and those of the other fields whose names and values can be read.  Raises BadBlock."""
    found: dict[str, str] = {}
    try:
        for name, value in _fields(block):
            if name is not None and value is not None:
                found.setdefault(name, value)
    except IndexError:
        raise BadBlock("it ends too early") from None
    return found


def _fields(block: bytes) -> Iterator[tuple[str | None, str | None]]:
    at = 0
    while at < len(block):
        first = block[at]
        if first & 0x80:  # a field of the fixed table
            index, at = _integer(block, at, 7)
            _check(index)
            yield (":status", _STATUSES[index]) if index in _STATUSES else (None, None)
            continue
        if first & 0xE0 == 0x20:  # the size of the table that is not kept
            _, at = _integer(block, at, 5)
            continue
        index, at = _integer(block, at, 6 if first & 0x40 else 4)
        name: str | None = ":status" if index in _STATUSES else None
        if index:
            _check(index)
        else:
            name, at = _string(block, at)
        value, at = _string(block, at)
        yield name, value


def _check(index: int) -> None:
    if not 0 < index <= _FIXED_SIZE:
        raise BadBlock("it refers to a table that was not to be kept")


def _integer(data: bytes, at: int, bits: int) -> tuple[int, int]:
    """And where the next thing begins."""
    most = (1 << bits) - 1
    value = data[at] & most
    at += 1
    shift = 0
    while value >= most or shift:
        byte = data[at]
        at += 1
        value += (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            break
        if shift > 28:
            raise BadBlock("a number is too large")
    return value, at


def _string(data: bytes, at: int) -> tuple[str | None, int]:
    coded = data[at] & 0x80
    length, at = _integer(data, at, 7)
    if at + length > len(data):
        raise BadBlock("it ends too early")
    text = data[at : at + length]
    return (_decoded(text) if coded else text.decode("latin-1")), at + length


def _decoded(text: bytes) -> str | None:
    """None when it has symbols of more bits."""
    found = []
    code = length = 0
    for place in range(8 * len(text)):
        code = code << 1 | text[place // 8] >> (7 - place % 8) & 1
        length += 1
        symbol = _SYMBOLS.get((length, code))
        if symbol is not None:
            found.append(symbol)
            code = length = 0
    if code != (1 << length) - 1 or length > 7:  # it is filled up with ones
        return None
    return "".join(found)


def _written(text: str) -> bytes:
    data = text.encode("latin-1")
    rest = len(data)
    if rest < 127:
        return bytes((rest,)) + data
    head = bytearray((127,))
    rest -= 127
    while rest > 127:
        head.append(rest & 0x7F | 0x80)
        rest >>= 7
    head.append(rest)
    return bytes(head) + data


def _canonical() -> dict[tuple[int, int], str]:
    """Codes of one length follow each other, in the order of their symbols."""
    codes = {}
    code = 0
    for bits, symbols in enumerate(_CODED, 5):
        for symbol in symbols:
            codes[bits, code] = symbol
            code += 1
        code <<= 1
    return codes


_SYMBOLS = _canonical()
