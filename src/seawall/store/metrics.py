"""Metrics by the minute, in an SQLite file of their own.

A point holds what CloudWatch's statistics are made of: how many values were seen in a minute, their sum, the
least and the greatest.  Points are written without waiting for the disk: a crash of the machine may cost the
newest of them, never the file.  They are kept for 15 days, as CloudWatch keeps points of a minute.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

KEPT_S = 15 * 86_400
MINUTE_S = 60

_SCHEMA = """
BEGIN IMMEDIATE;
CREATE TABLE series (
    number     INTEGER PRIMARY KEY,
    namespace  TEXT NOT NULL,
    name       TEXT NOT NULL,
    dimensions TEXT NOT NULL,
    unit       TEXT NOT NULL,
    UNIQUE (namespace, name, dimensions, unit)
);
CREATE TABLE point (
    series   INTEGER NOT NULL REFERENCES series (number),
    minute   INTEGER NOT NULL,
    count    REAL NOT NULL,
    total    REAL NOT NULL,
    least    REAL NOT NULL,
    greatest REAL NOT NULL,
    PRIMARY KEY (series, minute)
) WITHOUT ROWID;
PRAGMA user_version = 1;
COMMIT;
"""


class Metric(NamedTuple):
    """`dimensions` are sorted pairs; a metric with other dimensions is another metric."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...] = ()


class Statistics(NamedTuple):
    """Several values of a metric, seen from `time` (seconds since 1970) for some period."""

    time: int
    seen: float
    total: float
    least: float
    greatest: float
    unit: str = "None"


STATISTICS: dict[str, Callable[[Statistics], float]] = {
    "SampleCount": lambda s: s.seen,
    "Sum": lambda s: s.total,
    "Minimum": lambda s: s.least,
    "Maximum": lambda s: s.greatest,
    "Average": lambda s: s.total / s.seen,
}


class Metrics:
    """Open with `Metrics(path)`.  One writer; used inline from the event loop like the store."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        if self._db.execute("PRAGMA user_version").fetchone()[0] == 0:
            self._db.executescript(_SCHEMA)

    def add(self, points: Iterable[tuple[Metric, Statistics]]) -> None:
        """Merge values into the minutes they belong to, and forget what is older than 15 days."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            newest = 0
            for metric, seen in points:
                newest = max(newest, seen.time)
                minute = seen.time // MINUTE_S * MINUTE_S
                self._db.execute(
                    "INSERT INTO point VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET"
                    " count = count + ?3, total = total + ?4,"
                    " least = min(least, ?5), greatest = max(greatest, ?6)",
                    (self._series(metric, seen.unit), minute, *seen[1:5]),
                )
            self._db.execute("DELETE FROM point WHERE minute < ?", (newest - KEPT_S,))

    def _series(self, metric: Metric, unit: str) -> int:
        row = (metric.namespace, metric.name, _text(metric.dimensions), unit)
        self._db.execute(
            "INSERT OR IGNORE INTO series (namespace, name, dimensions, unit) VALUES (?, ?, ?, ?)", row
        )
        (number,) = self._db.execute(
            "SELECT number FROM series WHERE (namespace, name, dimensions, unit) = (?, ?, ?, ?)", row
        ).fetchone()
        return int(number)

    def known(self, namespace: str | None = None, name: str | None = None, since: int = 0) -> list[Metric]:
        """The metrics with points since a time, in order."""
        rows = self._db.execute(
            "SELECT DISTINCT namespace, name, dimensions FROM series WHERE (?1 IS NULL OR namespace = ?1)"
            " AND (?2 IS NULL OR name = ?2) AND EXISTS"
            " (SELECT 1 FROM point WHERE series = number AND minute >= ?3)"
            " ORDER BY namespace, name, dimensions",
            (namespace, name, since),
        )
        return [Metric(space, title, _pairs(dimensions)) for space, title, dimensions in rows]

    def read(
        self, metric: Metric, start: int, end: int, period: int, unit: str | None = None
    ) -> list[Statistics]:
        """Statistics for each period within [start, end) that has points, by time; periods begin at
        multiples of `period` (seconds) since 1970.  Other units are left out, if one is given.
        """
        rows = self._db.execute(
            "SELECT minute / ?5 * ?5, sum(count), sum(total), min(least), max(greatest), unit FROM point"
            " JOIN series ON series = number WHERE namespace = ?1 AND name = ?2 AND dimensions = ?3"
            " AND minute >= ?4 AND minute < ?6 AND (?7 IS NULL OR unit = ?7)"
            " GROUP BY 1, unit ORDER BY 1, unit",
            (metric.namespace, metric.name, _text(metric.dimensions), start, period, end, unit),
        )
        return [Statistics(*row) for row in rows]

    def clear(self) -> None:
        with self._db:
            self._db.execute("DELETE FROM point")
            self._db.execute("DELETE FROM series")

    def close(self) -> None:
        self._db.close()


def dimensions_of(pairs: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(pairs.items()))


def _text(dimensions: tuple[tuple[str, str], ...]) -> str:
    return json.dumps(dimensions)


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in json.loads(text))
