"""The places an engine is to listen at, and whether it could.

An engine that finds one taken as it loads a configuration makes its elder stop listening everywhere for two
seconds, in case that helps.  So it is asked to load one only when all places are free for it.
"""

import os
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

# Ports that connections out of the namespace never take, however many there are.
RESERVED = Path("/proc/sys/net/ipv4/ip_local_reserved_ports")


class Place(NamedTuple):
    address: str
    port: int

    @property
    def family(self) -> socket.AddressFamily:
        return socket.AF_INET6 if ":" in self.address else socket.AF_INET

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


def places_of(configuration: str) -> list[Place]:
    """Of the lines `bind ADDRESS:PORT`; other forms are the engine's to judge."""
    found = []
    for line in configuration.split("\n"):
        words = line.split()
        if len(words) < 2 or words[0] != "bind":
            continue
        address, _, port = words[1].rpartition(":")
        if port.isdigit() and address and "@" not in address and "," not in address:
            found.append(Place(address.strip("[]"), int(port)))
    return found


def reserved(places: Sequence[Place]) -> str:
    """For RESERVED."""
    return ",".join(str(port) for port in sorted({place.port for place in places}))


def taken(
    places: Sequence[Place], id: int, open_socket: Callable[[socket.AddressFamily], socket.socket]
) -> str | None:
    """Why the engine of this user could not listen everywhere.  None: it could.

    Those it listens at already are free for it, since it shares them with nobody but itself.
    """
    for place in places:
        with open_socket(place.family) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            os.fchown(trial.fileno(), id, -1)
            try:
                trial.bind((place.address, place.port))
            except OSError as error:
                return f"cannot listen at {place}: {error.strerror}"
    return None
