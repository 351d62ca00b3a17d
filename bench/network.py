"""Throughput, request/response rate and connect rate between two places."""

from dataclasses import dataclass

from bench.place import TRAFFIC, Place
from bench.record import Sample, sample

SECONDS = 5
PORT = 7000
THROUGHPUT_PORT = 7100


@dataclass(frozen=True)
class NetworkFigures:
    """Gbit/s, requests a second, connects a second."""

    throughput: Sample
    requests: Sample
    connects: Sample


def measure(client: Place, server: Place) -> NetworkFigures:
    return NetworkFigures(
        _throughput(client, server), _rate("requests", client, server), _rate("connects", client, server)
    )


def _throughput(client: Place, server: Place) -> Sample:
    port = str(THROUGHPUT_PORT)
    with server.running("iperf3", "-s", "-p", port, "-B", server.address, "--forceflush", ready="listening"):
        told = client.ask(
            "iperf3", "-c", server.address, "-p", port, "-t", str(SECONDS), "-i", "0.25", "-O", "1", "--json"
        )  # fmt: skip
    if "error" in told:
        raise RuntimeError(f"iperf3: {told['error']}")
    slices = [
        part["sum"]["bits_per_second"] / 1e9 for part in told["intervals"] if not part["sum"]["omitted"]
    ]
    return sample(slices, more_is_better=True)


def _rate(what: str, client: Place, server: Place) -> Sample:
    python = server.traffic()[len(server.enter)]
    with server.running(python, str(TRAFFIC), "serve", server.address, str(PORT), ready="ready"):
        told = client.ask(python, str(TRAFFIC), what, server.address, str(PORT), str(SECONDS))
    return sample(told, more_is_better=True)
