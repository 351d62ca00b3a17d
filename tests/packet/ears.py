"""Hearing everything that comes into a namespace, and knowing when nothing more will come.

Nothing here waits for time.  A packet between namespaces is handed on by the processor it was sent on, in the
order of its queue; so once a packet that was sent later has made its way (the fence), everything before it
has arrived or never will.  The process must stay on one processor for that: see `one_processor`.
"""

import contextlib
import os
import socket
import struct
from collections.abc import Iterator

from seawall.host.namespaces import Namespaces
from seawall.model.internet import CLIENT_NAMESPACE

ETH_P_ALL = 3
SOL_PACKET, PACKET_IGNORE_OUTGOING, PACKET_STATISTICS = 263, 23, 6
ROOM = 4 << 20  # bytes, as far as the machine gives them: of many fragments at once none may be lost
FENCES = 24  # round trips; each is at least one hop, and no path is longer
FENCE_TIMEOUT_S = 10.0
EDGE_ADDRESS = "203.0.113.1"


class Ears:
    """What comes into a namespace by one device, or by any: packets from the IP header on.

    `frames`: from the Ethernet header on.
    """

    def __init__(
        self, namespaces: Namespaces, namespace: str, device: str | None = None, *, frames: bool = False
    ) -> None:
        kind = socket.SOCK_RAW if frames else socket.SOCK_DGRAM
        # To change what it hears would take milliseconds: a socket for one device begins deaf.
        hears = 0 if device else socket.htons(ETH_P_ALL)
        self._socket = namespaces.socket_in(namespace, socket.AF_PACKET, kind, hears)
        if device:
            with namespaces.inside(namespace):
                self._socket.bind((device, ETH_P_ALL))
        self._socket.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM)
        self._socket.setblocking(False)

    def heard(self) -> list[bytes]:
        """All since the last time.  Raises OverflowError when some of it was lost."""
        found = []
        with contextlib.suppress(BlockingIOError):
            while True:
                found.append(self._socket.recv(65536))
        _, lost = struct.unpack("II", self._socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
        if lost:
            raise OverflowError(f"{lost} packets were not heard")
        return found

    def close(self) -> None:
        self._socket.close()


class Fence:
    """Round trips between the client on the internet and its router, which no world forbids."""

    def __init__(self, namespaces: Namespaces) -> None:
        self._socket = namespaces.socket_in(
            CLIENT_NAMESPACE, socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP
        )
        self._socket.settimeout(FENCE_TIMEOUT_S)
        self._socket.connect((EDGE_ADDRESS, 0))
        self._sent = 0

    def wait(self) -> None:
        """Return when all that was sent before has arrived or is lost.  Raises TimeoutError."""
        for _ in range(FENCES):
            self._sent = (self._sent + 1) & 0xFFFF
            says = b"SW" + self._sent.to_bytes(2, "big")
            echo = b"\x08\x00\x00\x00" + says
            self._socket.send(echo[:2] + checksum(echo).to_bytes(2, "big") + says)
            while self._socket.recv(2048)[24:28] != says:
                pass

    def close(self) -> None:
        self._socket.close()


def checksum(data: bytes) -> int:
    """The internet's (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total = sum(int.from_bytes(data[i : i + 2], "big") for i in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


@contextlib.contextmanager
def one_processor(number: int | None = None) -> Iterator[None]:
    """Keep this process, and with it the work that its packets cause, on one processor."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before) if number is None else number})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
