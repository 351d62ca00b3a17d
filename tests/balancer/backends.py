"""Servers on loopback that targets are, behaving well or badly as a path tells them."""

import base64
import hashlib
import json
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Backend:
    """Speaks HTTP/1.1 with keep-alive; answers with what it was asked, in JSON.

    /close ends the connection unanswered, /reset does so with RST, /half does so in the middle of an answer,
    /junk answers no HTTP, /hang answers nothing until the server ends, /cookie sets the cookie `sid`,
    /status/N answers N.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.seen: list[str] = []
        self.connections = 0
        self._server = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._server.getsockname()[1]
        self._ended = threading.Event()
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._ended.set()
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for connection in list(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self.connections += 1
            self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection:
                reader = connection.makefile("rb")
                while self._one(connection, reader):
                    pass
                reader.close()
        except OSError:
            pass
        finally:
            self._open.discard(connection)

    def _one(self, connection: socket.socket, reader) -> bool:  # type: ignore[no-untyped-def]
        line = reader.readline().decode("latin-1").strip()
        if not line:
            return False
        method, path, _ = line.split(" ", 2)
        headers = []
        while header := reader.readline().decode("latin-1").rstrip("\r\n"):
            name, _, value = header.partition(":")
            headers.append((name, value.strip()))
        lower = {name.lower(): value for name, value in headers}
        body = reader.read(int(lower.get("content-length", 0)))
        self.seen.append(line)
        if lower.get("upgrade") == "websocket":
            return self._upgraded(connection, reader, lower["sec-websocket-key"])
        if path.startswith(("/close", "/reset", "/half", "/junk", "/hang")):
            return self._misbehave(connection, path)
        told = {"name": self.name, "line": line, "headers": headers, "body": body.decode("latin-1")}
        answer = b"" if method == "HEAD" else json.dumps(told).encode()
        status = path.split("/")[2] if path.startswith("/status/") else "200"
        cookie = "Set-Cookie: sid=abc; Path=/\r\n" if path.startswith("/cookie") else ""
        head = f"Content-Length: {len(answer)}\r\nServer: {self.name}\r\n{cookie}"
        connection.sendall(f"HTTP/1.1 {status} OK\r\n{head}\r\n".encode() + answer)
        return True

    def _upgraded(self, connection: socket.socket, reader, key: str) -> bool:  # type: ignore[no-untyped-def]
        """Everything comes back, after a greeting."""
        digest = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
        accept = f"Sec-WebSocket-Accept: {base64.b64encode(digest).decode()}\r\n"
        head = (
            f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{accept}\r\n"
        )
        connection.sendall(head.encode() + b"hello")
        while data := reader.read1(65536):
            connection.sendall(data)
        return False

    def _misbehave(self, connection: socket.socket, path: str) -> bool:
        if path.startswith("/reset"):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif path.startswith("/half"):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf")
        elif path.startswith("/junk"):
            connection.sendall(b"what?\r\n\r\n")
        elif path.startswith("/hang"):
            self._ended.wait()
        return False


@contextmanager
def backends(*names: str) -> Iterator[list[Backend]]:
    made = [Backend(name) for name in names]
    try:
        yield made
    finally:
        for backend in made:
            backend.close()
