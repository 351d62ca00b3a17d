"""What the kernel has counted for a container: its control groups, v1 and v2, and its task's interface."""

import ctypes
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from seawall.host.cgroup import Cgroups
from seawall.host.metadata.statistics import DeviceIo, Processor, Reading
from seawall.host.namespaces import Namespaces
from seawall.program.report import TaskUsage

_TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
_MACHINE_FIELDS = 8  # user to steal of /proc/stat's first line; guests are counted in user
_UNSYNCHRONIZED = 0x40  # STA_UNSYNC
_TIMEX_MAXERROR, _TIMEX_STATUS, _TIMEX_BYTES = 3, 5, 208  # struct timex, in words of 8 bytes


class Readings:
    """One host's.  A container without control groups is read as far as that goes: its traffic."""

    def __init__(self, cgroups: Cgroups, namespaces: Namespaces) -> None:
        self._cgroups = cgroups
        self._namespaces = namespaces

    def read(self, task: str, container: str, namespace: str, devices: Sequence[str]) -> Reading:
        """devices   the interfaces of the namespace to show"""
        unified = self._cgroups.version == 2
        folders = {
            n: self._cgroups.folder(n, task, container) for n in ("cpu", "cpuacct", "memory", "pids", "blkio")
        }
        io = folders["blkio"]
        return Reading(
            at=time.time(),
            processor=(_processor_v2 if unified else _processor_v1)(folders["cpu"], folders["cpuacct"]),
            memory=_memory(folders["memory"], unified=unified),
            memory_details=_table(folders["memory"], "memory.stat"),
            processes=_number(folders["pids"], "pids.current") or 0,
            io_bytes=_io_v2(io, "bytes")
            if unified
            else _io_v1(io, "blkio.throttle.io_service_bytes_recursive"),
            io_operations=_io_v2(io, "ios")
            if unified
            else _io_v1(io, "blkio.throttle.io_serviced_recursive"),
            networks=self._networks(namespace, devices),
        )

    def usage(self, task: str, containers: Iterable[str]) -> TaskUsage | None:
        """Of containers that run, together; None where there are no control groups to tell."""
        memory, processor, known = 0, 0, False
        for container in containers:
            folder = self._cgroups.folder("memory", task, container)
            held = _memory(folder, unified=self._cgroups.version == 2).get("usage")
            if held is not None:  # pages of files that nobody uses are given back when somebody needs them
                idle = _table(folder, "memory.stat").get("inactive_file", 0)
                known, memory = True, memory + max(held - idle, 0)
                processor += self._spent(task, container)
        return TaskUsage(id=task, cpu_ns=processor, memory_bytes=memory) if known else None

    def _spent(self, task: str, container: str) -> int:
        """Nanoseconds of processors."""
        if self._cgroups.version == 2:
            return (
                _table(self._cgroups.folder("cpu", task, container), "cpu.stat").get("usage_usec", 0) * 1000
            )
        return _number(self._cgroups.folder("cpuacct", task, container), "cpuacct.usage") or 0

    def _networks(self, namespace: str, devices: Sequence[str]) -> dict[str, tuple[int, ...]]:
        with self._namespaces.inside(namespace), open("/proc/thread-self/net/dev") as file:
            text = file.read()
        found = {}
        for line in text.splitlines()[2:]:
            name, _, counts = line.partition(":")
            if name.strip() in devices:
                numbers = [int(n) for n in counts.split()]
                found[name.strip()] = (*numbers[0:4], *numbers[8:12])
        return found


def clock_error() -> tuple[float, bool]:
    """By how many milliseconds the machine's clock may be wrong, and whether something keeps it right."""
    words = (ctypes.c_long * (_TIMEX_BYTES // 8))()  # modes 0: only look
    ctypes.CDLL(None).adjtimex(ctypes.byref(words))
    status = ctypes.c_int.from_buffer(words, _TIMEX_STATUS * 8).value
    return words[_TIMEX_MAXERROR] / 1000, not status & _UNSYNCHRONIZED


def _processor_v1(cpu: Path | None, accounting: Path | None) -> Processor:
    stat, limits = _table(accounting, "cpuacct.stat"), _table(cpu, "cpu.stat")
    each = (_text(accounting, "cpuacct.usage_percpu") or "").split()
    machine, online = _machine()
    return Processor(
        total=_number(accounting, "cpuacct.usage") or 0,
        kernel=stat.get("system", 0) * _TICK_NS,
        user=stat.get("user", 0) * _TICK_NS,
        per_processor=tuple(int(n) for n in each)[:online],
        machine=machine,
        online=online,
        periods=limits.get("nr_periods", 0),
        throttled_periods=limits.get("nr_throttled", 0),
        throttled=limits.get("throttled_time", 0),
    )


def _processor_v2(cpu: Path | None, _: Path | None) -> Processor:
    stat = _table(cpu, "cpu.stat")
    machine, online = _machine()
    return Processor(
        total=stat.get("usage_usec", 0) * 1000,
        kernel=stat.get("system_usec", 0) * 1000,
        user=stat.get("user_usec", 0) * 1000,
        machine=machine,
        online=online,
        periods=stat.get("nr_periods", 0),
        throttled_periods=stat.get("nr_throttled", 0),
        throttled=stat.get("throttled_usec", 0) * 1000,
    )


def _machine() -> tuple[int, int]:
    """Nanoseconds that all processors have had, and how many there are."""
    lines = Path("/proc/stat").read_text().splitlines()
    spent = sum(int(n) for n in lines[0].split()[1 : 1 + _MACHINE_FIELDS])
    return spent * _TICK_NS, sum(line.startswith("cpu") for line in lines) - 1


def _memory(folder: Path | None, *, unified: bool) -> dict[str, int]:
    """The limit is the narrowest of the container's own and its task's."""
    if folder is None:
        return {}
    usage, peak, limit = (
        ("memory.current", "memory.peak", "memory.max")
        if unified
        else ("memory.usage_in_bytes", "memory.max_usage_in_bytes", "memory.limit_in_bytes")
    )
    limits = [n for n in (_number(folder, limit), _number(folder.parent, limit)) if n is not None]
    found = {
        "usage": _number(folder, usage),
        "max_usage": _number(folder, peak),
        "limit": min(limits, default=None),
    }
    return {name: number for name, number in found.items() if number is not None}


def _io_v1(folder: Path | None, file: str) -> list[DeviceIo]:
    found = []
    for line in (_text(folder, file) or "").splitlines():
        words = line.replace(":", " ").split()
        if len(words) == 4:
            found.append(DeviceIo(int(words[0]), int(words[1]), words[2], int(words[3])))
    return found


def _io_v2(folder: Path | None, unit: str) -> list[DeviceIo]:
    found = []
    for line in (_text(folder, "io.stat") or "").splitlines():
        device, *pairs = line.split()
        major, _, minor = device.partition(":")
        values = dict(pair.split("=", 1) for pair in pairs)
        for operation in ("Read", "Write"):
            value = values.get(f"{operation[0].lower()}{unit}", "0")
            found.append(DeviceIo(int(major), int(minor), operation, int(value)))
    return found


def _text(folder: Path | None, file: str) -> str | None:
    """None where the kernel does not count that, or the group is gone already."""
    if folder is None:
        return None
    try:
        return (folder / file).read_text()
    except OSError:
        return None


def _number(folder: Path | None, file: str) -> int | None:
    text = (_text(folder, file) or "").strip()
    return int(text) if text.isdigit() else None


def _table(folder: Path | None, file: str) -> Mapping[str, int]:
    return dict(_pairs((_text(folder, file) or "").splitlines()))


def _pairs(lines: Iterable[str]) -> Iterable[tuple[str, int]]:
    for line in lines:
        name, _, number = line.partition(" ")
        if number.isdigit():
            yield name, int(number)
