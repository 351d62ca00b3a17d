"""Clients on the internet that never rest, over fresh connections and over kept ones; every failure counts.

Runs inside the world: `seawall internet -- python constant_clients.py KIND:HOST:PORT ...`, where a kind is
`http` (GET of a page that says which revision answers) or `echo` (a line that comes back, over plain TCP).
Names are looked up all the time, apart from the requests, and the newest answer is used, as by clients whose
resolver keeps answers.  SIGTERM ends it, as soon as each has asked LEAST times; then it says in JSON, by
"KIND:HOST:PORT fresh" or "... kept":
{"requests": n, "failures": [[seconds since the epoch, text], ...], "answers": {text: n}, "longest": seconds},
and by "names" likewise.
"""

import http.client
import json
import random
import signal
import socket
import sys
import threading
import time
from collections import Counter

PAUSE_S = 0.02
TIMEOUT_S = 10.0
KEPT_S = 1.0  # of plain TCP: a target that is taken leave of is asked for no longer than its draining lasts
LEAST = 30  # requests of each client, however soon all is over
PAGE = "/revision.txt"


class Names(threading.Thread):
    def __init__(self, hosts: set[str], over: threading.Event) -> None:
        super().__init__(name="names")
        self.over = over
        self.failures: list[tuple[float, str]] = []
        self.answers: Counter[str] = Counter()
        self.longest = 0.0
        self.addresses = {host: self._look_up(host) for host in hosts}

    def run(self) -> None:
        while not self.over.wait(PAUSE_S):
            for host in self.addresses:
                began = time.monotonic()
                try:
                    self.addresses[host] = self._look_up(host)
                except OSError as error:
                    self.failures.append((time.time(), repr(error)))
                self.longest = max(self.longest, time.monotonic() - began)

    def address(self, host: str) -> str:
        return random.choice(self.addresses[host])

    def _look_up(self, host: str) -> list[str]:
        found = [str(place[0]) for *_, place in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]
        self.answers[" ".join(sorted(found))] += 1
        return found


class Client(threading.Thread):
    def __init__(self, names: Names, kind: str, host: str, port: int, keep: bool) -> None:
        super().__init__(name=f"{kind}:{host}:{port} {'kept' if keep else 'fresh'}")
        self.names, self.over = names, names.over
        self.kind, self.host, self.port, self.keep = kind, host, port, keep
        self.failures: list[tuple[float, str]] = []
        self.answers: Counter[str] = Counter()
        self.longest = 0.0

    def run(self) -> None:
        while not self.over.is_set():
            began = time.monotonic()
            try:
                if self.kind == "http":
                    self._ask_for_pages()
                else:
                    self._send_lines()
            except (OSError, http.client.HTTPException) as error:
                after = time.monotonic() - began
                self.failures.append((time.time(), f"{error!r}, {after:.3f} s after the first attempt"))
                self.over.wait(PAUSE_S)

    def _ask_for_pages(self) -> None:
        """One, or all that one connection carries.  What the server closes is opened again, as it may be."""
        connection = http.client.HTTPConnection(self.names.address(self.host), self.port, timeout=TIMEOUT_S)
        try:
            while True:
                began = time.monotonic()
                connection.request("GET", PAGE, headers={"Host": self.host})
                response = connection.getresponse()
                text = response.read().decode(errors="replace").strip()
                if response.status != 200:
                    raise http.client.HTTPException(f"status {response.status}")
                self._answered(text, began)
                if not self.keep or self.over.is_set():
                    return
        finally:
            connection.close()

    def _send_lines(self) -> None:
        began = ended = time.monotonic()
        place = (self.names.address(self.host), self.port)
        with socket.create_connection(place, timeout=TIMEOUT_S) as connection:
            reader = connection.makefile("rb")
            while True:
                line = b"%d\n" % time.monotonic_ns()
                connection.sendall(line)
                echo = reader.readline()
                if echo != line:
                    raise ConnectionError(f"sent {line!r}, received {echo!r}")
                self._answered("the same", ended)
                ended = time.monotonic()
                if not self.keep or self.over.is_set() or ended - began > KEPT_S:
                    return

    def _answered(self, text: str, began: float) -> None:
        self.longest = max(self.longest, time.monotonic() - began)
        self.answers[text] += 1
        self.over.wait(PAUSE_S)


def requests(thread: Names | Client) -> int:
    return sum(thread.answers.values()) + len(thread.failures)


def seen(thread: Names | Client) -> dict[str, object]:
    return {
        "requests": requests(thread),
        "failures": thread.failures,
        "answers": dict(thread.answers),
        "longest": round(thread.longest, 3),
    }


def main(*places: str) -> int:
    enough, over = threading.Event(), threading.Event()
    signal.signal(signal.SIGTERM, lambda number, frame: enough.set())
    wanted = [place.split(":") for place in places]
    names = Names({host for _, host, _ in wanted}, over)
    clients = [
        Client(names, kind, host, int(port), keep) for kind, host, port in wanted for keep in (False, True)
    ]
    for thread in (names, *clients):
        thread.start()
    print("ready", flush=True)
    enough.wait()
    while any(requests(client) < LEAST for client in clients):
        over.wait(PAUSE_S)
    over.set()
    for thread in (names, *clients):
        thread.join()
    print(json.dumps({thread.name: seen(thread) for thread in (names, *clients)}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
