"""The server's side of a WebSocket connection.  Source: RFC 6455."""

import asyncio
import base64
import hashlib
import struct
from typing import NamedTuple

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
LARGEST = 1024 * 1024  # bytes of a message
LONGEST_HEAD = 16 * 1024
_CONTINUATION = 0
_MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class NotWebSocket(Exception):
    """The client said something else."""


class Message(NamedTuple):
    kind: int  # TEXT or BINARY
    data: bytes


class WebSocket:
    """One connection after `accept`.  Reading raises EOFError when it has ended, NotWebSocket, OSError."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def accept(self) -> str:
        """Answer the upgrade; returns the path that was asked for."""
        try:
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            raise NotWebSocket(str(error)) from None
        first, *lines = head.split("\r\n")
        headers = {
            name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
        }
        words = first.split(" ")
        key = headers.get("sec-websocket-key", "")
        if len(words) != 3 or headers.get("upgrade", "").lower() != "websocket" or not key:
            self._writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            raise NotWebSocket(first)
        digest = hashlib.sha1((key + _MAGIC).encode(), usedforsecurity=False).digest()
        accepted = base64.b64encode(digest).decode()
        self._writer.write(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accepted}\r\n\r\n".encode()
        )
        return words[1]

    async def receive(self) -> Message:
        """The next message; pings are answered here."""
        kind, whole = 0, bytearray()
        while True:
            final, opcode, data = await self._frame()
            if opcode == PING:
                await self._send(PONG, data)
            elif opcode == CLOSE:
                await self._send(CLOSE, data[:2])
                raise EOFError("closed")
            elif opcode in (TEXT, BINARY, _CONTINUATION):
                kind = opcode or kind
                whole += data
                if len(whole) > LARGEST:
                    raise NotWebSocket("a message that is too large")
                if final:
                    return Message(kind, bytes(whole))

    async def send(self, data: bytes) -> None:
        """A binary message."""
        await self._send(BINARY, data)

    async def close(self) -> None:
        await self._send(CLOSE, struct.pack(">H", 1000))

    async def _frame(self) -> tuple[bool, int, bytes]:
        try:
            first, second = await self._reader.readexactly(2)
            length = second & 0x7F
            if length >= 126:
                size = 2 if length == 126 else 8
                length = int.from_bytes(await self._reader.readexactly(size), "big")
            if not second & 0x80:
                raise NotWebSocket("a frame without a mask")
            if length > LARGEST:
                raise NotWebSocket("a frame that is too large")
            mask = await self._reader.readexactly(4)
            masked = await self._reader.readexactly(length)
        except asyncio.IncompleteReadError:
            raise EOFError("hung up") from None
        return bool(first & 0x80), first & 0x0F, unmask(masked, mask)

    async def _send(self, opcode: int, data: bytes) -> None:
        length = len(data)
        if length < 126:
            head = struct.pack(">BB", 0x80 | opcode, length)
        elif length < 1 << 16:
            head = struct.pack(">BBH", 0x80 | opcode, 126, length)
        else:
            head = struct.pack(">BBQ", 0x80 | opcode, 127, length)
        self._writer.write(head + data)
        await self._writer.drain()


def unmask(data: bytes, mask: bytes) -> bytes:
    """Masking is its own inverse."""
    whole = int.from_bytes(data, "big") ^ int.from_bytes((mask * (len(data) // 4 + 1))[: len(data)], "big")
    return whole.to_bytes(len(data), "big")
