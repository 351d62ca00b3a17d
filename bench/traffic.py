"""The measuring program: blocking sockets, one connection, one core.  Runs alone, inside a namespace.

    traffic.py serve ADDRESS PORT              answers requests on PORT, connections on PORT + 1
    traffic.py requests ADDRESS PORT SECONDS   one byte there and back on one connection, as often as it goes
    traffic.py connects ADDRESS PORT SECONDS   connect, get one byte, reset; as often as it goes

The last two print a JSON list of rates per second, one for each tenth of a second.
"""

import json
import os
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable

SLICE_S = 0.1
WARM_UP_S = 0.3
RESET = struct.pack("ii", 1, 0)


def rates(once: Callable[[], None], seconds: float) -> list[float]:
    """Do something again and again; how often a second, for each slice after the warm-up."""
    end_of_warm_up = time.perf_counter() + WARM_UP_S
    while time.perf_counter() < end_of_warm_up:
        once()
    found: list[float] = []
    began = mark = time.perf_counter()
    count = 0
    while mark - began < seconds:
        once()
        count += 1
        now = time.perf_counter()
        if now - mark >= SLICE_S:
            found.append(count / (now - mark))
            mark, count = now, 0
    return found


def requests(address: str, port: int, seconds: float) -> list[float]:
    with socket.create_connection((address, port), timeout=10) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def once() -> None:
            connection.send(b"?")
            if not connection.recv(1):
                raise ConnectionError("the server hung up")

        return rates(once, seconds)


def connects(address: str, port: int, seconds: float) -> list[float]:
    def once() -> None:
        with socket.create_connection((address, port), timeout=10) as connection:
            # A reset leaves no port behind in TIME_WAIT, of which there are not enough for seconds of this.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            if not connection.recv(1):
                raise ConnectionError("the server hung up")

    return rates(once, seconds)


def serve(address: str, port: int) -> None:
    echoes = socket.create_server((address, port))
    greetings = socket.create_server((address, port + 1), backlog=1024)
    threading.Thread(target=_greet, args=(greetings,), daemon=True).start()
    print("ready", flush=True)
    while True:
        connection, _ = echoes.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection:
            while byte := connection.recv(1):
                connection.send(byte)


def _greet(listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()
        with connection:
            try:
                connection.send(b"!")
                connection.recv(1)
            except ConnectionError:
                continue


def stay_on_one_core() -> None:
    """Client and server on the same core: their rate is then the cost of the path, the same every time.

    Left alone they land on one core or on two, and the time to wake the other core up hides the path.
    """
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def main() -> int:
    stay_on_one_core()
    mode, address, port, *rest = sys.argv[1:]
    if mode == "serve":
        serve(address, int(port))
    elif mode == "requests":
        print(json.dumps(requests(address, int(port), float(rest[0]))))
    elif mode == "connects":
        print(json.dumps(connects(address, int(port) + 1, float(rest[0]))))
    else:
        raise SystemExit(f"no such mode: {mode}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
