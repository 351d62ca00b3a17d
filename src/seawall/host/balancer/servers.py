"""The servers of an engine: what it shall have, what it has, and what to say to it.  Pure.

A server is always in the engine as soon as its target is registered; whether it gets anything new is its
state, `ready` or `maint`.  (`drain` would let through what a persistence rule sends there.)
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from seawall.program.balancer import PoolTarget

FULL_WEIGHT = 100
# One that is added at run time lacks the defaults of those in the configuration: it would keep no connection
# for the next request, so each request would make one.
KEPT = "pool-purge-delay 5s pool-max-conn -1"
_UNUSED = 0x01 | 0x08 | 0x20  # forced maintenance, forced drain, no address: bits of srv_admin_state

Key = tuple[str, str]  # backend, server


class Server(NamedTuple):
    """One server as it shall be.

    options   as in the pool
    used      it gets new requests
    """

    address: str
    port: int
    options: str = ""
    weight: int = FULL_WEIGHT
    used: bool = True

    @property
    def words(self) -> str:
        """What comes after its name, the same whether it is written down or told."""
        return " ".join(f"{self.place} {self.options} {KEPT} weight {self.weight}".split())

    @property
    def is_better_loaded(self) -> bool:
        """One of HTTP/2 that is told at run time makes a connection for each request: it has `max-reuse 0`,
        which only a configuration can change.  Source: HAProxy 2.6, "add server"."""
        return "h2" in self.options.split()

    @property
    def place(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"

    def line(self, name: str) -> str:
        """As the configuration has it."""
        return f"server {name} {self.words}{'' if self.used else ' disabled'}"


class Seen(NamedTuple):
    """One server as a worker has it."""

    weight: int
    used: bool


def server_of(target: PoolTarget, options: str, weight: int, used: bool) -> Server:
    return Server(target.address, target.port, options, weight, used)


def commands(wanted: Mapping[Key, Server], seen: Mapping[Key, Seen], ending: Iterable[str] = ()) -> list[str]:
    """What makes a worker that has `seen` have `wanted`; what gets new requests comes first, so that a
    pool is never empty in between.

    ending   backends whose connections end with the server they are to
    """
    first: list[str] = []
    last: list[str] = []
    for (backend, name), server in wanted.items():
        place = f"{backend}/{name}"
        known = seen.get((backend, name))
        if known is None:
            first.append(f"add server {place} {server.words}")
        elif known.weight != server.weight:
            first.append(f"set server {place} weight {server.weight}")
        used = known is not None and known.used
        if server.used and not used:
            first.append(f"set server {place} state ready")
        elif used and not server.used:
            last.append(f"set server {place} state maint")
    ends = frozenset(ending)
    for key, known in seen.items():
        if key not in wanted:
            place = "/".join(key)
            if known.used:
                last.append(f"set server {place} state maint")
            if key[0] in ends:
                last.append(f"shutdown sessions server {place}")
            last.append(f"del server {place}")
    return first + last


def read_servers(state: str) -> dict[Key, Seen]:
    """The answer to `show servers state`.  Raises ValueError when it is no such answer."""
    lines = [line for line in state.splitlines() if line.strip()]
    if not lines or lines[0] != "1":
        raise ValueError(f"not a state of servers: {state[:200]!r}")
    found = {}
    for line in lines[1:]:
        if line.startswith("#"):
            continue
        fields = line.split()
        found[fields[1], fields[3]] = Seen(int(fields[7]), not int(fields[6]) & _UNUSED)
    return found
