"""Just enough of HTTP/2 to be a gRPC target, and a gRPC client over TLS.  Source: RFC 9113, RFC 7541.

Header blocks are written as literals without indexing and without Huffman coding.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RESET, SETTINGS, PING = 0, 1, 3, 4, 6
END_STREAM, ACK, END_HEADERS = 1, 1, 4


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def block(*headers: tuple[str, str]) -> bytes:
    """Names and values shorter than 127 bytes."""
    return b"".join(
        b"\x00" + bytes((len(name),)) + name.encode() + bytes((len(value),)) + value.encode()
        for name, value in headers
    )


class Frames:
    """Frames from a connection: (kind, flags, stream, payload); None at its end."""

    def __init__(self, connection: socket.socket) -> None:
        self._reader = connection.makefile("rb")

    def skip(self, count: int) -> bytes:
        return self._reader.read(count)

    def next(self) -> tuple[int, int, int, bytes] | None:
        head = self._reader.read(9)
        if len(head) < 9:
            return None
        length = int.from_bytes(head[:3], "big")
        return head[3], head[4], int.from_bytes(head[5:], "big"), self._reader.read(length)

    def close(self) -> None:
        self._reader.close()


class GrpcTarget:
    """Answers each call with its own message and the trailer grpc-status: 0."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            frames = Frames(connection)
            try:
                self._calls(connection, frames)
            except OSError:
                pass
            finally:
                frames.close()

    def _calls(self, connection: socket.socket, frames: Frames) -> None:
        if frames.skip(len(PREFACE)) != PREFACE:
            return
        connection.sendall(frame(SETTINGS, 0, 0))
        messages: dict[int, bytes] = {}
        while (came := frames.next()) is not None:
            kind, flags, stream, payload = came
            if kind == SETTINGS and not flags & ACK:
                connection.sendall(frame(SETTINGS, ACK, 0))
            elif kind == PING and not flags & ACK:
                connection.sendall(frame(PING, ACK, 0, payload))
            elif kind == DATA:
                messages[stream] = messages.get(stream, b"") + payload
            if kind in (HEADERS, DATA) and flags & END_STREAM:
                head = block((":status", "200"), ("content-type", "application/grpc"))
                trailer = block(("grpc-status", "0"))
                connection.sendall(
                    frame(HEADERS, END_HEADERS, stream, head)
                    + frame(DATA, 0, stream, messages.pop(stream, b""))
                    + frame(HEADERS, END_HEADERS | END_STREAM, stream, trailer)
                )


@contextmanager
def grpc_target() -> Iterator[GrpcTarget]:
    target = GrpcTarget()
    try:
        yield target
    finally:
        target.close()


def call(connection: socket.socket, message: bytes) -> tuple[bytes, list[bytes]]:
    """One gRPC call: the message that came back, and the header blocks, undecoded."""
    frames = Frames(connection)
    head = block(
        (":method", "POST"),
        (":scheme", "https"),
        (":path", "/echo.Echo/Say"),
        (":authority", "a.example"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    )
    framed = b"\x00" + len(message).to_bytes(4, "big") + message
    connection.sendall(
        PREFACE
        + frame(SETTINGS, 0, 0)
        + frame(HEADERS, END_HEADERS, 1, head)
        + frame(DATA, END_STREAM, 1, framed)
    )
    body, blocks = b"", []
    try:
        while (came := frames.next()) is not None:
            kind, flags, stream, payload = came
            if stream == 1 and kind == DATA:
                body += payload
            if stream == 1 and kind == HEADERS:
                blocks.append(payload)
            if stream == 1 and ((flags & END_STREAM and kind in (DATA, HEADERS)) or kind == RESET):
                break
    finally:
        frames.close()
    return body[5:], blocks
