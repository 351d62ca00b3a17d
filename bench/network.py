"""Throughput, request/response rate and connect rate between two places, of several pairs in turns."""

from collections.abc import Mapping

from bench.place import TRAFFIC, Place
from bench.record import Turns

SECONDS = 1
TURNS = 5
PORT = 7000
THROUGHPUT_PORT = 7100
UNITS = {"throughput": "Gbit/s", "requests": "1/s", "connects": "1/s"}


def in_turns(pairs: Mapping[str, tuple[Place, Place]]) -> dict[str, dict[str, Turns]]:
    """By what was measured, then by pair (client, server): what each turn found, in UNITS.

    A machine is quicker in one minute than in the next; within a turn all pairs meet the same one.
    """
    found: dict[str, dict[str, list[list[float]]]] = {what: {name: [] for name in pairs} for what in UNITS}
    for turn in range(TURNS):
        for name in list(pairs)[:: -1 if turn % 2 else 1]:
            client, server = pairs[name]
            found["throughput"][name].append(_throughput(client, server))
            for what in ("requests", "connects"):
                found[what][name].append(_rates(what, client, server))
    return {what: dict(turns) for what, turns in found.items()}


def _throughput(client: Place, server: Place) -> list[float]:
    port = str(THROUGHPUT_PORT)
    with server.running("iperf3", "-s", "-p", port, "-B", server.address, "--forceflush", ready="listening"):
        told = client.ask(
            "iperf3", "-c", server.address, "-p", port, "-t", str(SECONDS), "-i", "0.25", "-O", "1", "--json"
        )  # fmt: skip
    if "error" in told:
        raise RuntimeError(f"iperf3: {told['error']}")
    return [part["sum"]["bits_per_second"] / 1e9 for part in told["intervals"] if not part["sum"]["omitted"]]


def _rates(what: str, client: Place, server: Place) -> list[float]:
    python = server.traffic()[len(server.enter)]
    with server.running(python, str(TRAFFIC), "serve", server.address, str(PORT), ready="ready"):
        found: list[float] = client.ask(python, str(TRAFFIC), what, server.address, str(PORT), str(SECONDS))
    return found
