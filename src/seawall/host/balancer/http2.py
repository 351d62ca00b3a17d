"""One request over a new HTTP/2 connection, for health checks: the status, or of gRPC its status.

Source: RFC 9113; "gRPC over HTTP2", where the call's status comes in the trailers.
"""

import asyncio
import struct

from seawall.host.balancer.header_block import BadBlock, read_block, write_block

_DATA, _HEADERS, _RESET, _SETTINGS, _PING, _GOAWAY, _WINDOW, _CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
_END_STREAM, _ACK, _END_HEADERS, _PADDED, _PRIORITY = 1, 1, 4, 8, 32
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_KEEP_NO_TABLE, _NO_PUSH = struct.pack(">HI", 1, 0), struct.pack(">HI", 2, 0)
_LARGEST = 16384
_LARGEST_BLOCK = 65536  # of headers in several frames
_STREAM = 1
_EMPTY_MESSAGE = bytes(5)  # not compressed, no bytes

Frame = tuple[int, int, int, bytes]  # kind, flags, stream, payload


async def ask(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    *,
    scheme: str,
    authority: str,
    path: str,
    user_agent: str,
    grpc: bool,
) -> int:
    """The HTTP status, or the status of a gRPC call.  Raises EOFError when there is none, OSError."""
    fields = [
        (":method", "POST" if grpc else "GET"),
        (":scheme", scheme),
        (":authority", authority),
        (":path", path),
        ("user-agent", user_agent),
    ]
    if grpc:
        fields += [("content-type", "application/grpc"), ("te", "trailers")]
    end = 0 if grpc else _END_STREAM
    writer.write(
        _PREFACE
        + _frame(_SETTINGS, 0, 0, _KEEP_NO_TABLE + _NO_PUSH)
        + _frame(_HEADERS, _END_HEADERS | end, _STREAM, write_block(fields))
        + (_frame(_DATA, _END_STREAM, _STREAM, _EMPTY_MESSAGE) if grpc else b"")
    )
    try:
        return await _answer(reader, writer, "grpc-status" if grpc else ":status")
    except asyncio.IncompleteReadError:
        raise EOFError("the connection ended without an answer") from None
    except BadBlock as error:
        raise EOFError(f"the answer is not HTTP/2: {error}") from None


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, wanted: str) -> int:
    block = b""
    while True:
        kind, flags, stream, payload = await _read_frame(reader)
        if kind == _SETTINGS and not flags & _ACK:
            writer.write(_frame(_SETTINGS, _ACK, 0, b""))
        elif kind == _PING and not flags & _ACK:
            writer.write(_frame(_PING, _ACK, 0, payload))
        elif (kind == _GOAWAY and not _goes_on(payload)) or (kind == _RESET and stream == _STREAM):
            raise EOFError("the request was refused")
        elif stream == _STREAM and kind in (_HEADERS, _CONTINUATION):
            block += _fragment(flags, payload) if kind == _HEADERS else payload
            if len(block) > _LARGEST_BLOCK:
                raise EOFError("the answer's headers have no end")
            if flags & _END_HEADERS:
                value = read_block(block).get(wanted, "")
                if value.isdigit() and not (wanted == ":status" and value.startswith("1")):
                    return int(value)
                block = b""
        elif kind == _DATA and payload:
            more = struct.pack(">I", len(payload))
            writer.write(_frame(_WINDOW, 0, 0, more) + _frame(_WINDOW, 0, _STREAM, more))
        if stream == _STREAM and kind in (_HEADERS, _DATA) and flags & _END_STREAM and not block:
            raise EOFError(f"the answer has no {wanted}")


def _goes_on(farewell: bytes) -> bool:
    """Whether a peer that takes no more requests still answers this one."""
    if len(farewell) < 8:
        return False
    last, error = struct.unpack(">II", farewell[:8])
    return bool(last >= _STREAM and error == 0)


def _fragment(flags: int, payload: bytes) -> bytes:
    """Of a header block, without padding and priority."""
    if flags & _PADDED and payload:
        payload = payload[1 : max(len(payload) - payload[0], 1)]
    return payload[5:] if flags & _PRIORITY else payload


async def _read_frame(reader: asyncio.StreamReader) -> Frame:
    head = await reader.readexactly(9)
    length = int.from_bytes(head[:3], "big")
    if length > _LARGEST:
        raise EOFError("the answer is not HTTP/2")
    return head[3], head[4], int.from_bytes(head[5:], "big") & 0x7FFFFFFF, await reader.readexactly(length)


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload
