"""Sends one real packet from inside a namespace and says what became of it, for `seawall probe`.

Runs inside the world: `python -m seawall.app.prober PROTOCOL SOURCE ADDRESS PORT SECONDS`; prints one JSON
object of the shape of `Observed`.  SOURCE is the address to send from, or "-" for the namespace's own choice.
"""

import errno
import json
import os
import select
import socket
import struct
import sys
import time
from dataclasses import asdict, dataclass

ECHO_REQUEST = {socket.AF_INET: 8, socket.AF_INET6: 128}
ECHO_REPLY = {socket.AF_INET: 0, socket.AF_INET6: 129}


@dataclass(frozen=True)
class Observed:
    """answered   something came back from the destination: the path works both ways
    outcome    "connected", "refused" (a port nobody listens on), "answer", "silence", or an error's name
    """

    answered: bool
    outcome: str
    milliseconds: float


def probe(protocol: str, source: str, address: str, port: int, seconds: float) -> Observed:
    """A TCP connect, a UDP datagram or an ICMP echo request, once.  Raises ValueError for other protocols.

    A UDP port nobody listens on answers with an ICMP error; one that only listens looks like silence.
    """
    kinds = {"tcp": _connect, "udp": _datagram, "icmp": _echo, "icmpv6": _echo}
    if protocol not in kinds:
        raise ValueError(f"no probe for protocol {protocol}")
    began = time.monotonic()
    try:
        outcome = kinds[protocol](source, address, port, seconds)
    except TimeoutError:
        outcome = "silence"
    except ConnectionRefusedError:
        outcome = "refused"
    except OSError as error:
        outcome = errno.errorcode.get(error.errno or 0, "error")
    passed = (time.monotonic() - began) * 1000
    return Observed(outcome in ("connected", "refused", "answer"), outcome, round(passed, 2))


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _open(kind: int, protocol: int, source: str, address: str, seconds: float) -> socket.socket:
    sock = socket.socket(_family(address), kind, protocol)
    sock.settimeout(seconds)
    if source != "-":
        sock.bind((source, 0))
    return sock


def _connect(source: str, address: str, port: int, seconds: float) -> str:
    with _open(socket.SOCK_STREAM, 0, source, address, seconds) as sock:
        sock.connect((address, port))
    return "connected"


def _datagram(source: str, address: str, port: int, seconds: float) -> str:
    with _open(socket.SOCK_DGRAM, 0, source, address, seconds) as sock:
        sock.connect((address, port))
        sock.send(b"seawall probe")
        sock.recv(1)
    return "answer"


def _echo(source: str, address: str, _: int, seconds: float) -> str:
    family = _family(address)
    protocol = socket.IPPROTO_ICMP if family == socket.AF_INET else socket.IPPROTO_ICMPV6
    with _open(socket.SOCK_RAW, protocol, source, address, seconds) as sock:
        sock.connect((address, 0))
        identifier = os.getpid() & 0xFFFF
        head = struct.pack(">BBHHH", ECHO_REQUEST[family], 0, 0, identifier, 1)
        sock.send(struct.pack(">BBHHH", ECHO_REQUEST[family], 0, _checksum(head), identifier, 1))
        deadline = time.monotonic() + seconds
        while select.select([sock], [], [], max(0, deadline - time.monotonic()))[0]:
            heard = sock.recv(2048)
            reply = heard[(heard[0] & 15) * 4 :] if family == socket.AF_INET else heard
            if reply[0] == ECHO_REPLY[family] and struct.unpack_from(">H", reply, 4)[0] == identifier:
                return "answer"
    return "silence"


def _checksum(data: bytes) -> int:
    """RFC 1071, of an even number of bytes."""
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    total += total >> 16
    return ~total & 0xFFFF


def main() -> int:
    protocol, source, address, port, seconds = sys.argv[1:]
    print(json.dumps(asdict(probe(protocol, source, address, int(port), float(seconds)))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
