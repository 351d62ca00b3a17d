"""What an engine counts, and by how much it has grown since somebody was told.  Pure.

Source of the fields: "show stat" in section 9.1 of HAProxy's management guide; those that only ever grow.
"""

from collections.abc import Container, Iterable, Mapping

import msgspec

FIELDS = (
    (
        "stot",
        "bin",
        "bout",
        "dreq",
        "dresp",
        "ereq",
        "econ",
        "eresp",
        "wretr",
        "wredis",
        "req_tot",
        "conn_tot",
    )
    + ("hrsp_1xx", "hrsp_2xx", "hrsp_3xx", "hrsp_4xx", "hrsp_5xx", "hrsp_other", "cli_abrt", "srv_abrt")
    + ("lbtot", "intercepted", "dcon", "dses", "connect", "reuse", "eint", "ssl_sess", "ssl_failed_handshake")
)

Counts = dict[str, int]  # by "PROXY SERVER FIELD"; zeros are not in it
Growth = tuple[tuple[str, str, str, int], ...]


class Sample(msgspec.Struct):
    """connections   those each server has now, by backend and server"""

    counts: Counts
    connections: dict[tuple[str, str], int]


def read_sample(table: str) -> Sample:
    """The answer to `show stat`.  Raises ValueError when it is no such answer."""
    lines = table.splitlines()
    if not lines or not lines[0].startswith("# pxname,svname,"):
        raise ValueError(f"not a table of counters: {table[:200]!r}")
    names = lines[0][2:].split(",")
    places = [(name, names.index(name)) for name in FIELDS]
    current, kind = names.index("scur"), names.index("type")
    sample = Sample({}, {})
    for line in lines[1:]:
        fields = line.split(",")
        if len(fields) < len(places):
            continue
        for name, place in places:
            if fields[place] not in ("", "0"):
                sample.counts[f"{fields[0]} {fields[1]} {name}"] = int(fields[place])
        if fields[kind] == "2":  # a server
            sample.connections[fields[0], fields[1]] = int(fields[current])
    return sample


class Meter:
    """The counters of all workers of an engine together.

    told   by worker: what they stood at when somebody was told last; worth keeping for the next agent
    """

    def __init__(self, told: Mapping[int, Counts]) -> None:
        self.told = dict(told)
        self._newest = dict(told)

    def note(self, newest: Mapping[int, Counts]) -> None:
        """What workers stand at; those of which nothing is known now keep what was."""
        self._newest.update(newest)

    def take(self, living: Container[int]) -> Growth:
        """What nobody was told yet; now it is told.

        living   the other workers are forgotten after that
        """
        total: Counts = {}
        for worker, newest in self._newest.items():
            for key, by in _growth(self.told.get(worker, {}), newest).items():
                total[key] = total.get(key, 0) + by
        self._newest = {worker: counts for worker, counts in self._newest.items() if worker in living}
        self.told = dict(self._newest)
        return tuple((*_parts(key), by) for key, by in sorted(total.items()))


def _growth(before: Counts, after: Counts) -> Counts:
    """A counter that shrank is another process's, which began at nothing."""
    grown = {}
    for key, value in after.items():
        by = value - before.get(key, 0)
        if by:
            grown[key] = by if by > 0 else value
    return grown


def _parts(key: str) -> tuple[str, str, str]:
    proxy, server, field = key.split(" ")
    return proxy, server, field


def summed(samples: Iterable[Sample]) -> dict[tuple[str, str], int]:
    """The connections of each server over all workers."""
    total: dict[tuple[str, str], int] = {}
    for sample in samples:
        for key, count in sample.connections.items():
            total[key] = total.get(key, 0) + count
    return total
