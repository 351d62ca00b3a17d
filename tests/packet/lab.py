"""Probes between namespaces: sockets made inside them, asked all at once."""

import contextlib
import selectors
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.packet.world_data import Cloud

from seawall.compile.network.compile_network import compile_network
from seawall.host.namespaces import Namespaces
from seawall.host.network.engine import NetworkEngine
from seawall.host.network.plan import plan
from seawall.program.network import NetworkProgram

PATIENCE_S = 0.4  # how long silence must last to count as dropped; answers take microseconds


class Lab:
    def __init__(self, run_dir: Path, run: Callable[[Any], Any]) -> None:
        self.run_dir = run_dir
        self.run = run
        self.cloud = Cloud()
        self.namespaces = Namespaces(run_dir)
        self.engine = NetworkEngine(run_dir)
        self.servers: dict[tuple[str, int], socket.socket] = {}
        self._open: list[socket.socket] = []
        self.apply(NetworkProgram())

    def settle(self) -> NetworkProgram:
        """Put the cloud in force."""
        program = compile_network(self.cloud.snapshot())
        self.apply(program)
        return program

    def apply(self, program: NetworkProgram) -> None:
        problems = self.run(self.engine.apply(program))
        assert problems == (), problems

    def replace_engine(self) -> None:
        """As if the agent had been killed: nothing is known but what the kernel shows."""
        self.run(self.engine.close())
        self.engine = NetworkEngine(self.run_dir)

    def rest(self, program: NetworkProgram) -> list[Any]:
        """What would still have to be done."""
        return plan(self.run(self.engine.observe(program)), program)

    def close(self) -> None:
        for sock in self._open:
            sock.close()
        self.apply(NetworkProgram())
        assert self.namespaces.names() == frozenset()
        self.run(self.engine.close())
        self.namespaces.close()

    def socket_in(
        self,
        namespace: str,
        type: int = socket.SOCK_STREAM,
        proto: int = 0,
        family: int = socket.AF_INET,
    ) -> socket.socket:
        sock = self.namespaces.socket_in(namespace, family, type, proto)
        self._open.append(sock)
        return sock

    def listen(self, namespace: str, *ports: int, address: str = "0.0.0.0") -> list[socket.socket]:
        """TCP servers; the kernel accepts for them."""
        for port in ports:
            self.servers[namespace, port] = self._bound(namespace, socket.SOCK_STREAM, address, port)
        return [self.servers[namespace, port] for port in ports]

    def receive(self, namespace: str, port: int, address: str = "0.0.0.0") -> socket.socket:
        """A UDP socket."""
        return self._bound(namespace, socket.SOCK_DGRAM, address, port)

    def _bound(self, namespace: str, kind: int, address: str, port: int) -> socket.socket:
        sock = self.socket_in(namespace, kind, family=family_of(address))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address, port))
        if kind == socket.SOCK_STREAM:
            sock.listen(64)
        return sock

    def reachable(self, *probes: tuple[str, str, int]) -> list[bool]:
        """For each (namespace, address, port): does a TCP connection come about?  All at once."""
        return [how == "connected" for how in self.outcomes(*probes)]

    def outcomes(self, *probes: tuple[str, str, int]) -> list[str]:
        """ "connected", "silence", or the error's name."""
        found: dict[int, str] = {}
        with selectors.DefaultSelector() as selector:
            for index, (namespace, address, port) in enumerate(probes):
                sock = self.socket_in(namespace, family=family_of(address))
                sock.setblocking(False)
                error = sock.connect_ex((address, port))
                if error not in (0, 115):
                    found[index] = OSError(error, "").__class__.__name__ + f" {error}"
                    continue
                selector.register(sock, selectors.EVENT_WRITE, index)
            deadline, late = time.monotonic() + PATIENCE_S, False
            while selector.get_map() and not late:
                left = deadline - time.monotonic()
                late = left <= 0  # a last look: this process may not have been let look before
                for key, _ in selector.select(max(left, 0)):
                    assert isinstance(key.fileobj, socket.socket)
                    error = key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    found[key.data] = "connected" if error == 0 else f"error {error}"
                    selector.unregister(key.fileobj)
        return [found.get(index, "silence") for index in range(len(probes))]

    def connect(self, namespace: str, address: str, port: int) -> socket.socket:
        sock = self.socket_in(namespace, family=family_of(address))
        sock.settimeout(2)
        sock.connect((address, port))
        return sock

    def accept(self, server: socket.socket) -> tuple[socket.socket, str]:
        """The next connection and the address it seems to come from."""
        server.settimeout(2)
        sock, (address, *_) = server.accept()
        sock.settimeout(2)
        return self.keep(sock), address

    def keep(self, sock: socket.socket) -> socket.socket:
        """Open until the end of the test."""
        self._open.append(sock)
        return sock

    def awake(self, namespace: str, address: str) -> None:
        """Wait until an IPv6 address is heard: the kernel routes to it a moment after it was added."""
        with self.namespaces.socket_in(namespace, socket.AF_INET6, socket.SOCK_DGRAM) as ear:
            ear.bind((address, 0))
            ear.settimeout(0.01)
            for _ in range(500):
                with contextlib.suppress(OSError):
                    ear.sendto(b"me", ear.getsockname())
                    if ear.recv(10) == b"me":
                        return
        raise AssertionError(f"{address} never woke up")

    def heard(self, sock: socket.socket) -> tuple[bytes, tuple[str, int]] | None:
        """The next datagram, None for silence."""
        sock.settimeout(PATIENCE_S)
        try:
            data, source = sock.recvfrom(65536)
        except TimeoutError:
            return None
        return data, source[:2] if source else ("", 0)  # a connection does not tell


def family_of(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def raw_udp(source: str, target: str, port: int, payload: bytes = b"spoof") -> bytes:
    """An IPv4 packet with a source of one's choice (the kernel fills in length and checksum)."""
    udp = bytes([0x30, 0x39]) + port.to_bytes(2, "big") + (8 + len(payload)).to_bytes(2, "big") + b"\0\0"
    head = b"\x45\x00\x00\x00\x00\x00\x00\x00\x40\x11\x00\x00"
    return head + socket.inet_aton(source) + socket.inet_aton(target) + udp + payload
