"""Where a measuring program runs: the same program in differently made network namespaces."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TRAFFIC = Path(__file__).with_name("traffic.py")


@dataclass(frozen=True)
class Place:
    """enter     the words that start a program inside the namespace
    address   its address, as the other end reaches it
    """

    enter: tuple[str, ...]
    address: str

    def traffic(self, *words: str) -> list[str]:
        return [*self.enter, sys.executable, str(TRAFFIC), *words]

    def ask(self, *words: str) -> Any:
        """Run a program there and return the JSON it prints."""
        done = subprocess.run([*self.enter, *words], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}")
        return json.loads(done.stdout)

    @contextmanager
    def running(self, *words: str, ready: str) -> Iterator[None]:
        """Keep a server running there; it is up once a line with `ready` in it has been printed.

        It has a session of its own, as every service of a system has: the kernel shares processors out among
        sessions first.
        """
        with subprocess.Popen(
            [*self.enter, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as server:
            assert server.stdout
            try:
                told = []
                for line in server.stdout:
                    told.append(line)
                    if ready in line:
                        break
                else:
                    raise RuntimeError(f"{' '.join(words)}: {''.join(told)}")
                yield
            finally:
                server.terminate()


@contextmanager
def bare_veth() -> Iterator[tuple[Place, Place]]:
    """Two namespaces joined by nothing but a veth pair, with the MTU of an ENI."""
    with private_namespace() as left, private_namespace() as right:
        link = ["ip", "link", "add", "left", "mtu", "9001", "netns", str(left), "type", "veth"]
        subprocess.run([*link, "peer", "name", "right", "mtu", "9001", "netns", str(right)], check=True)
        places = []
        for pid, name, address in ((left, "left", "192.0.2.1"), (right, "right", "192.0.2.2")):
            place = Place(("nsenter", "--net", "-t", str(pid)), address)
            for words in (["addr", "add", f"{address}/30", "dev", name], ["link", "set", name, "up"]):
                subprocess.run([*place.enter, "ip", *words], check=True)
            places.append(place)
        yield places[0], places[1]


@contextmanager
def private_namespace() -> Iterator[int]:
    """A process that holds network and mount namespaces of its own until the block ends."""
    with subprocess.Popen(
        ["unshare", "--net", "--mount", "sh", "-c", "ip link set lo up && echo ready && exec cat"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout and holder.stdin
        if holder.stdout.readline().strip() != "ready":
            raise RuntimeError("no network namespace could be made; run `make bench` as root")
        try:
            yield holder.pid
        finally:
            holder.stdin.close()
