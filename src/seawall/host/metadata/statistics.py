"""Readings in the shape of Docker's ContainerStats, with the rates that ECS adds.  Pure.

Source: Docker Engine API 1.30, "Get container stats based on resource usage"; developer guide, "Task metadata
endpoint version 4", network_rate_stats.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from seawall.host.metadata.description import moment

LEAST_APART_S = 1.0  # two readings that are compared
NEVER = "0001-01-01T00:00:00Z"  # Go's zero time
_OTHER_IO = (
    "io_queue_recursive",
    "io_service_time_recursive",
    "io_wait_time_recursive",
    "io_merged_recursive",
    "io_time_recursive",
    "sectors_recursive",
)
_TRAFFIC = tuple(
    f"{way}_{what}" for way in ("rx", "tx") for what in ("bytes", "packets", "errors", "dropped")
)


class Processor(NamedTuple):
    """Times in nanoseconds since the container, or the machine, began."""

    total: int = 0
    kernel: int = 0
    user: int = 0
    per_processor: tuple[int, ...] = ()
    machine: int = 0
    online: int = 0
    periods: int = 0
    throttled_periods: int = 0
    throttled: int = 0


class DeviceIo(NamedTuple):
    major: int
    minor: int
    operation: str  # "Read", "Write", ...
    value: int


class Reading(NamedTuple):
    """One look at a container; `networks` holds bytes, packets, errors, dropped in, then the same out."""

    at: float
    processor: Processor
    memory: Mapping[str, int]  # usage, max_usage, limit; those that are known
    memory_details: Mapping[str, int]
    processes: int
    io_bytes: Sequence[DeviceIo]
    io_operations: Sequence[DeviceIo]
    networks: Mapping[str, Sequence[int]]


class Mark(NamedTuple):
    """What is kept of a reading to compare the next with."""

    at: float
    processor: Processor
    received: int
    sent: int


class Marks:
    """The newest two of a container that lie far enough apart."""

    def __init__(self, first: Mark | None = None) -> None:
        self._older: Mark | None = None
        self._newer = first

    def before(self, reading: Reading) -> Mark | None:
        """What to compare this reading with; it is kept for later ones."""
        if self._newer is None or reading.at - self._newer.at >= LEAST_APART_S:
            self._older, self._newer = self._newer, mark_of(reading)
        return self._older


def mark_of(reading: Reading) -> Mark:
    return Mark(reading.at, reading.processor, *_traffic(reading))


def container_stats(
    id: str, name: str, reading: Reading, before: Mark | None, *, rates: bool
) -> dict[str, Any]:
    """rates   with ECS's own member, which version 3 lacks"""
    stats: dict[str, Any] = {
        "read": moment(reading.at),
        "preread": moment(before.at) if before else NEVER,
        "pids_stats": {"current": reading.processes},
        "blkio_stats": {
            "io_service_bytes_recursive": _io(reading.io_bytes),
            "io_serviced_recursive": _io(reading.io_operations),
            **{name: [] for name in _OTHER_IO},
        },
        "num_procs": 0,  # of Windows
        "storage_stats": {},  # of Windows
        "cpu_stats": _cpu(reading.processor),
        "precpu_stats": _cpu(before.processor if before else Processor()),
        "memory_stats": {**reading.memory, "stats": dict(reading.memory_details)},
        "name": name,
        "id": id,
        "networks": {
            device: dict(zip(_TRAFFIC, counts, strict=True)) for device, counts in reading.networks.items()
        },
    }
    if rates and before is not None and reading.at > before.at:
        received, sent = _traffic(reading)
        seconds = reading.at - before.at
        stats["network_rate_stats"] = {
            "rx_bytes_per_sec": max(received - before.received, 0) / seconds,
            "tx_bytes_per_sec": max(sent - before.sent, 0) / seconds,
        }
    return stats


def _traffic(reading: Reading) -> tuple[int, int]:
    counts = reading.networks.values()
    return sum(c[0] for c in counts), sum(c[4] for c in counts)


def _cpu(used: Processor) -> dict[str, Any]:
    usage: dict[str, Any] = {"total_usage": used.total}
    if used.per_processor:
        usage["percpu_usage"] = list(used.per_processor)
    shown: dict[str, Any] = {
        "cpu_usage": {**usage, "usage_in_kernelmode": used.kernel, "usage_in_usermode": used.user},
        "throttling_data": {
            "periods": used.periods,
            "throttled_periods": used.throttled_periods,
            "throttled_time": used.throttled,
        },
    }
    if used.machine:
        shown |= {"system_cpu_usage": used.machine, "online_cpus": used.online}
    return shown


def _io(found: Sequence[DeviceIo]) -> list[dict[str, Any]]:
    return [{"major": io.major, "minor": io.minor, "op": io.operation, "value": io.value} for io in found]
