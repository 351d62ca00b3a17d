"""Says whom is called by name over TLS in a network namespace: one JSON line for each ClientHello.

Run inside the namespace; the first line, `null`, says that it hears.  SIGTERM ends it, once it has told of
all that had come by then.
"""

import contextlib
import ctypes
import json
import re
import select
import signal
import socket
import struct
from collections.abc import Sequence

EVERYTHING = 0x0003
ATTACH_FILTER = 26
NAME = re.compile(rb"[a-z0-9][a-z0-9.-]+\.amazonaws\.com")
# Of an image's layers more may come at once than the socket has room for: the kernel keeps to what is looked
# for.  Operation, where to go on if so and if not, constant; see linux/bpf_common.h.
IPV4_TCP_HANDSHAKES = (
    (0x30, 0, 0, 0),  # version and header's length
    (0x54, 0, 0, 0xF0),
    (0x15, 0, 11, 0x40),  # IPv4, or nothing
    (0x30, 0, 0, 9),
    (0x15, 0, 9, socket.IPPROTO_TCP),
    (0xB1, 0, 0, 0),  # X: the length of the IP header
    (0x50, 0, 0, 12),  # of the TCP header, in words, above 4 bits
    (0x74, 0, 0, 4),
    (0x64, 0, 0, 2),
    (0x0C, 0, 0, 0),
    (0x07, 0, 0, 0),  # X: where the payload begins
    (0x48, 0, 0, 0),
    (0x15, 0, 1, 0x1603),  # a handshake of TLS
    (0x06, 0, 0, 0xFFFFFFFF),
    (0x06, 0, 0, 0),
)


def hear_only(ears: socket.socket, program: Sequence[tuple[int, int, int, int]]) -> None:
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in program))
    ears.setsockopt(socket.SOL_SOCKET, ATTACH_FILTER, struct.pack("HP", len(program), ctypes.addressof(code)))


def tell(packet: bytes) -> None:
    start = (packet[0] & 15) * 4
    payload = packet[start + (packet[start + 12] >> 4) * 4 :]
    name = NAME.search(payload)
    if name is not None:
        print(
            json.dumps({"from": socket.inet_ntoa(packet[12:16]), "name": name[0].decode()}),
            flush=True,
        )


def main() -> None:
    over, end = socket.socketpair()
    end.setblocking(False)
    signal.set_wakeup_fd(end.fileno())
    signal.signal(signal.SIGTERM, lambda number, frame: None)
    ears = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(EVERYTHING))
    hear_only(ears, IPV4_TCP_HANDSHAKES)
    ears.setblocking(False)
    with contextlib.suppress(BlockingIOError):  # what came before the filter
        while True:
            ears.recv(65536)
    print("null", flush=True)
    ended = False
    while not ended:
        ready, _, _ = select.select([ears, over], [], [])
        ended = over in ready
        with contextlib.suppress(BlockingIOError):
            while True:
                tell(ears.recv(65536))


main()
