"""Makes TCP connections inside a namespace for `seawall forward` and hands them out.

Runs inside the world: `python -m seawall.app.dialer FD ADDRESS PORT`.  For each packet that arrives on the
SOCK_SEQPACKET socket FD it connects once and answers with one packet: a zero byte with the connected socket
beside it, or the reason why there is none.  Ends when the other end is closed.
"""

import signal
import socket
import sys

TIMEOUT_S = 10.0
LONGEST_REASON = 1024


def serve(channel: socket.socket, address: str, port: int) -> None:
    """Answer every request until the other end is closed."""
    while channel.recv(1):
        try:
            connection = socket.create_connection((address, port), timeout=TIMEOUT_S)
        except OSError as error:
            channel.send(str(error).encode()[:LONGEST_REASON] or b"no reason")
            continue
        with connection:
            connection.setblocking(False)
            socket.send_fds(channel, [b"\0"], [connection.fileno()])


def ask(channel: socket.socket) -> socket.socket:
    """The other end: one connection, non-blocking.  Raises ConnectionError with the dialer's reason."""
    channel.send(b"\0")
    answer, descriptors, _, _ = socket.recv_fds(channel, LONGEST_REASON, 1)
    if not descriptors:
        raise ConnectionError(answer.decode() or "the dialer ended")
    return socket.socket(fileno=descriptors[0])


def main() -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for `seawall forward`; its end ends this
    descriptor, address, port = sys.argv[1:]
    with socket.socket(fileno=int(descriptor)) as channel:
        serve(channel, address, int(port))
    return 0


if __name__ == "__main__":
    sys.exit(main())
