"""Netlink by hand: messages as bytes, many in one system call, on sockets that stay in their namespace."""

import os
import socket
import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

NLM_F_REQUEST = 0x1
NLM_F_ACK = 0x4
NLM_F_DUMP = 0x300
NLM_F_REPLACE = 0x100
NLM_F_EXCL = 0x200
NLM_F_CREATE = 0x400
NLM_F_APPEND = 0x800
NLMSG_ERROR = 2
NLMSG_DONE = 3
NLA_F_NESTED = 0x8000
NLA_TYPE_MASK = 0x3FFF
SOL_NETLINK = 270
NETLINK_EXT_ACK = 11
NETLINK_CAP_ACK = 10
LARGEST_SEND = 1 << 20
BATCH = 64  # messages in one system call; every one may come back with an error
_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")


class Message(NamedTuple):
    """`tolerated` are the error numbers that mean the wish is fulfilled already; what is `joined` belongs in
    the transaction of the message before it.
    """

    kind: int
    flags: int
    body: bytes
    what: str = ""  # for people
    tolerated: tuple[int, ...] = ()
    joined: bool = False


class NetlinkError(OSError):
    """The kernel refused a message; `what` says which."""

    def __init__(self, code: int, what: str, text: str) -> None:
        super().__init__(code, f"{what}: {text or os.strerror(code)}")
        self.what = what


def attribute(kind: int, payload: bytes) -> bytes:
    length = 4 + len(payload)
    return _ATTRIBUTE.pack(length, kind) + payload + bytes(-length % 4)


def nested(kind: int, *attributes: bytes) -> bytes:
    return attribute(kind | NLA_F_NESTED, b"".join(attributes))


def number(kind: int, value: int) -> bytes:
    return attribute(kind, struct.pack("=I", value))


def text(kind: int, value: str) -> bytes:
    return attribute(kind, value.encode() + b"\0")


def attributes(data: bytes) -> dict[int, bytes]:
    """The attributes in a buffer by kind, flags removed."""
    return dict(each(data))


def each(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The attributes in a buffer in their order, for lists whose members have one kind."""
    offset = 0
    while offset + 4 <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, offset)
        if length < 4:
            return
        yield kind & NLA_TYPE_MASK, data[offset + 4 : offset + length]
        offset += length + (-length % 4)


class NetlinkSocket:
    """One conversation with the kernel; takes the socket over.  All calls block for microseconds only."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._sequence = 0
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, LARGEST_SEND)  # the machine may allow less
        self._room = sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) // 2 - 4096
        sock.setsockopt(SOL_NETLINK, NETLINK_CAP_ACK, 1)
        sock.setsockopt(SOL_NETLINK, NETLINK_EXT_ACK, 1)
        sock.bind((0, 0))

    def fits(self, messages: Sequence[Message]) -> bool:
        """Whether they can be one transaction."""
        return sum(map(_size, messages)) <= self._room

    def batches(self, messages: Iterable[Message]) -> Iterator[list[Message]]:
        """As few as possible of which each can be one transaction."""
        batch: list[Message] = []
        room = self._room
        for message in messages:
            if batch and _size(message) > room and not message.joined:
                yield batch
                batch, room = [], self._room
            batch.append(message)
            room -= _size(message)
        if batch:
            yield batch

    def send(self, messages: Sequence[Message]) -> list[NetlinkError]:
        """Let the kernel take all messages in order; returns what it refused."""
        refused = []
        for start in range(0, len(messages), BATCH):
            refused += self._send_batch(messages[start : start + BATCH])
        return refused

    def transact(self, begin: Message, messages: Sequence[Message], end: Message) -> None:
        """Send one nfnetlink batch: all messages or none.  Raises NetlinkError."""
        first = self._sequence + 2
        last = first + len(messages) - 1
        parts = []
        for message in (begin, *messages, end):
            self._sequence += 1
            ack = NLM_F_ACK if self._sequence == last else 0
            parts.append(
                _pack(message.kind, NLM_F_REQUEST | message.flags | ack, self._sequence, message.body)
            )
        self._socket.send(b"".join(parts))
        error = None
        while True:
            for kind, flags, sequence, payload in _messages(self._socket.recv(1 << 18)):
                if kind != NLMSG_ERROR or sequence < first - 1:
                    continue
                code = -int(struct.unpack_from("=i", payload)[0])
                if code and error is None:
                    what = messages[min(max(sequence - first, 0), len(messages) - 1)].what
                    error = NetlinkError(code, what, _explanation(flags, payload))
                # An error of the batch as a whole is told under the number of its first or last message.
                if sequence in (first - 1, last, last + 1):
                    if error is not None:
                        raise error
                    return

    def dump(self, kind: int, body: bytes) -> Iterator[tuple[int, bytes]]:
        """Every (message kind, body) of a listing.  Raises NetlinkError."""
        self._sequence += 1
        self._socket.send(_pack(kind, NLM_F_REQUEST | NLM_F_DUMP, self._sequence, body))
        while True:
            for answer, _, sequence, payload in _messages(self._socket.recv(1 << 18)):
                if sequence != self._sequence:
                    continue
                if answer == NLMSG_DONE:
                    return
                if answer == NLMSG_ERROR:
                    code = -int(struct.unpack_from("=i", payload)[0])
                    raise NetlinkError(code, "dump", "")
                yield answer, payload

    def ask(self, kind: int, body: bytes) -> bytes:
        """The body of the one answer to a question.  Raises NetlinkError."""
        self._sequence += 1
        self._socket.send(_pack(kind, NLM_F_REQUEST, self._sequence, body))
        while True:
            for answer, _, sequence, payload in _messages(self._socket.recv(1 << 18)):
                if sequence != self._sequence:
                    continue
                if answer == NLMSG_ERROR:
                    raise NetlinkError(-int(struct.unpack_from("=i", payload)[0]), "question", "")
                return payload

    def close(self) -> None:
        self._socket.close()

    def _send_batch(self, messages: Sequence[Message]) -> list[NetlinkError]:
        first = self._sequence + 1
        parts = []
        for message in messages:
            self._sequence += 1
            # Errors always come back; one acknowledgement, the last, says that all were taken.
            ack = NLM_F_ACK if message is messages[-1] else 0
            flags = NLM_F_REQUEST | message.flags | ack
            parts.append(_pack(message.kind, flags, self._sequence, message.body))
        self._socket.send(b"".join(parts))
        refused = []
        while True:
            for kind, flags, sequence, payload in _messages(self._socket.recv(1 << 18)):
                if kind != NLMSG_ERROR or sequence < first:
                    continue
                code = -int(struct.unpack_from("=i", payload)[0])
                message = messages[sequence - first]
                if code and code not in message.tolerated:
                    refused.append(NetlinkError(code, message.what, _explanation(flags, payload)))
                if sequence == self._sequence:
                    return refused


def _size(message: Message) -> int:
    return 20 + len(message.body)


def _pack(kind: int, flags: int, sequence: int, body: bytes) -> bytes:
    length = 16 + len(body)
    return _HEADER.pack(length, kind, flags, sequence, 0) + body + bytes(-length % 4)


def _messages(data: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    offset = 0
    while offset + 16 <= len(data):
        length, kind, flags, sequence, _ = _HEADER.unpack_from(data, offset)
        yield kind, flags, sequence, data[offset + 16 : offset + length]
        offset += length + (-length % 4)


def _explanation(flags: int, payload: bytes) -> str:
    """The kernel's own words, when it has any (NLM_F_ACK_TLVS)."""
    if not flags & 0x200:
        return ""
    return attributes(payload[20:]).get(1, b"").rstrip(b"\0").decode(errors="replace")
