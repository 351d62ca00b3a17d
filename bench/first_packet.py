"""When a way opens: one program sends again and again, another says when the first packet came.

Runs alone, inside a namespace.

    first_packet.py send ADDRESS      reads ports, a line each; sends to the newest every half millisecond
    first_packet.py receive ADDRESS   reads ports; for each prints "ready", then when the first packet came

Times are seconds of the machine's monotonic clock.
"""

import select
import socket
import sys
import time

PAUSE_S = 0.0005


def send(address: str) -> None:
    sock: socket.socket | None = None
    port = 0
    while True:
        if select.select([sys.stdin], [], [], PAUSE_S)[0]:
            line = sys.stdin.readline()
            if not line:
                return
            port = int(line)
            if sock is not None:
                sock.close()
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        if sock is not None:
            sock.sendto(b"?", (address, port))


def receive(address: str) -> None:
    for line in sys.stdin:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((address, int(line)))
            print("ready", flush=True)
            sock.recv(1)
            print(time.monotonic(), flush=True)


if __name__ == "__main__":
    {"send": send, "receive": receive}[sys.argv[1]](sys.argv[2])
