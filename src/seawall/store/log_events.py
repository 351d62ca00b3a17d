"""Log events in an SQLite file of their own, so that a flood of them never slows the state of the API.

A batch is on disk when `append` returns.  Events of a stream are ordered by (timestamp, id); `id` grows with
every event, so that a position (timestamp, id) says exactly how far a reader has come.
"""

import heapq
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

EVENT_OVERHEAD = 26  # bytes that CloudWatch Logs counts for each event beside its UTF-8 text

_SCHEMA = """
BEGIN IMMEDIATE;
CREATE TABLE stream (
    number         INTEGER PRIMARY KEY,
    key            TEXT NOT NULL UNIQUE,
    first_event    INTEGER,
    last_event     INTEGER,
    last_ingestion INTEGER,
    stored_bytes   INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE event (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    stream    INTEGER NOT NULL REFERENCES stream (number),
    timestamp INTEGER NOT NULL,
    ingestion INTEGER NOT NULL,
    message   TEXT NOT NULL
);
CREATE INDEX event_time ON event (stream, timestamp, id);
PRAGMA user_version = 1;
COMMIT;
"""


class Position(NamedTuple):
    """A place between events; an event lies at its own (timestamp, id).  Milliseconds since 1970."""

    timestamp: int
    id: int


class LogEvent(NamedTuple):
    id: int
    stream_key: str
    timestamp: int
    ingestion: int
    message: str

    @property
    def position(self) -> Position:
        return Position(self.timestamp, self.id)

    @property
    def size(self) -> int:
        """Bytes, counted as CloudWatch Logs does."""
        return len(self.message.encode()) + EVENT_OVERHEAD


class StreamFacts(NamedTuple):
    """What is known of a stream's events: times in milliseconds, None while there is none."""

    first_event: int | None
    last_event: int | None
    last_ingestion: int | None
    stored_bytes: int


EMPTY = StreamFacts(None, None, None, 0)
BEGINNING = Position(-1, -1)
END = Position(1 << 62, 1 << 62)


class LogEvents:
    """Open with `LogEvents(path)`.  One writer; used inline from the event loop like the store."""

    def __init__(self, path: Path) -> None:
        self._listeners: list[Callable[[], None]] = []
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        if self._db.execute("PRAGMA user_version").fetchone()[0] == 0:
            self._db.executescript(_SCHEMA)

    def append(self, key: str, ingestion: int, events: Sequence[tuple[int, str]]) -> int:
        """File a batch of (timestamp, message) under a stream; returns the id of the last event."""
        size = sum(len(message.encode()) + EVENT_OVERHEAD for _, message in events)
        first, last = min(when for when, _ in events), max(when for when, _ in events)
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("INSERT OR IGNORE INTO stream (key) VALUES (?)", (key,))
            (number,) = self._db.execute("SELECT number FROM stream WHERE key = ?", (key,)).fetchone()
            self._db.executemany(
                "INSERT INTO event (stream, timestamp, ingestion, message) VALUES (?, ?, ?, ?)",
                [(number, when, ingestion, message) for when, message in events],
            )
            self._db.execute(
                "UPDATE stream SET first_event = min(ifnull(first_event, ?1), ?1),"
                " last_event = max(ifnull(last_event, ?2), ?2), last_ingestion = ?3,"
                " stored_bytes = stored_bytes + ?4 WHERE number = ?5",
                (first, last, ingestion, size, number),
            )
            (newest,) = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'event'").fetchone()
        for listener in tuple(self._listeners):
            listener()
        return int(newest)

    def on_append(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` after every batch: a wake-up, carrying nothing.  Returns what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def arrived(self, keys: Sequence[str], after: int, limit: int) -> list[LogEvent]:
        """Events of these streams (a few) with an id above `after`, in the order of their arrival."""
        rows = self._db.execute(
            "SELECT e.id, s.key, e.timestamp, e.ingestion, e.message"
            " FROM event e JOIN stream s ON s.number = e.stream"
            f" WHERE e.id > ? AND s.key IN ({', '.join('?' for _ in keys)}) ORDER BY e.id LIMIT ?",
            (after, *keys, limit),
        )
        return [LogEvent._make(row) for row in rows]

    def newest(self) -> int:
        """The id of the newest event of all; 0 when there never was one."""
        row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'event'").fetchone()
        return int(row[0]) if row else 0

    def place_before(self, keys: Sequence[str], count: int) -> int:
        """The id to give to `arrived` so that it begins with the last `count` events of these streams."""
        rows = self._db.execute(
            "SELECT e.id FROM event e JOIN stream s ON s.number = e.stream"
            f" WHERE s.key IN ({', '.join('?' for _ in keys)}) ORDER BY e.id DESC LIMIT 1 OFFSET ?",
            (*keys, count),
        )
        row = rows.fetchone()
        return int(row[0]) if row else 0

    def read(
        self,
        keys: Sequence[str],
        *,
        after: Position = BEGINNING,
        before: Position = END,
        start: int = 0,
        end: int | None = None,
        limit: int,
        limit_bytes: int,
        newest_first: bool = False,
    ) -> list[LogEvent]:
        """Events of all these streams merged by time, strictly between two positions.

        start, end    milliseconds; `start` is included, `end` is not
        limit_bytes   stop with the event that makes the messages longer than this
        newest_first  take the last ones of them, last one first
        Costs one index walk for each stream with events in that time; no event beyond the limits is read.
        """
        upper = before if end is None else min(before, Position(end, -1))
        lower = max(after, Position(start, -1))
        order = "DESC" if newest_first else "ASC"
        cursors = [
            self._db.execute(
                "SELECT id, ?, timestamp, ingestion, message FROM event WHERE stream = ?"
                " AND (timestamp, id) > (?, ?) AND (timestamp, id) < (?, ?)"
                f" ORDER BY timestamp {order}, id {order} LIMIT ?",
                (key, number, *lower, *upper, limit),
            )
            for key, number in self._streams_within(keys, lower.timestamp, upper.timestamp)
        ]
        rows = [map(LogEvent._make, cursor) for cursor in cursors]
        found: list[LogEvent] = []
        size = 0
        for event in heapq.merge(*rows, key=lambda event: event.position, reverse=newest_first):
            found.append(event)
            size += event.size
            if len(found) == limit or size > limit_bytes:
                break
        for cursor in cursors:
            cursor.close()
        return found

    def _streams_within(self, keys: Sequence[str], first: int, last: int) -> list[tuple[str, int]]:
        """Key and number of the streams that may have events between two times."""
        return [
            row
            for chunk in _chunks(keys, 500)
            for row in self._db.execute(
                f"SELECT key, number FROM stream WHERE key IN ({', '.join('?' for _ in chunk)})"
                " AND last_event >= ? AND first_event <= ?",
                (*chunk, first, last),
            )
        ]

    def facts(self, keys: Iterable[str]) -> dict[str, StreamFacts]:
        """What is known of each stream that ever had an event."""
        return {
            key: StreamFacts(first, last, ingestion, stored)
            for chunk in _chunks(list(keys), 500)
            for key, first, last, ingestion, stored in self._db.execute(
                "SELECT key, first_event, last_event, last_ingestion, stored_bytes FROM stream"
                f" WHERE key IN ({', '.join('?' for _ in chunk)})",
                chunk,
            )
        }

    def expire(self, keys: Sequence[str], before: int) -> int:
        """Remove the events of these streams older than `before` (milliseconds); returns how many."""
        removed = 0
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            for key in keys:
                row = self._db.execute(
                    "SELECT number FROM stream WHERE key = ? AND first_event < ?", (key, before)
                ).fetchone()
                if row is None:
                    continue
                removed += self._db.execute(
                    "DELETE FROM event WHERE stream = ? AND timestamp < ?", (row[0], before)
                ).rowcount
                self._db.execute(
                    "UPDATE stream SET"
                    " first_event = (SELECT min(timestamp) FROM event WHERE stream = ?1),"
                    " last_event = (SELECT max(timestamp) FROM event WHERE stream = ?1),"
                    " stored_bytes = (SELECT ifnull(sum(length(CAST(message AS BLOB)) + ?2), 0)"
                    "                 FROM event WHERE stream = ?1)"
                    " WHERE number = ?1",
                    (row[0], EVENT_OVERHEAD),
                )
        return removed

    def remove(self, keys: Iterable[str]) -> None:
        """Forget these streams and all their events."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            for key in keys:
                self._db.execute(
                    "DELETE FROM event WHERE stream = (SELECT number FROM stream WHERE key = ?)", (key,)
                )
                self._db.execute("DELETE FROM stream WHERE key = ?", (key,))

    def keep_only(self, keys: Iterable[str]) -> None:
        """Forget every other stream: what a crash left behind of streams that were deleted."""
        known = {key for (key,) in self._db.execute("SELECT key FROM stream")}
        self.remove(known - set(keys))

    def clear(self) -> None:
        """Forget everything."""
        self.keep_only(())

    def close(self) -> None:
        self._db.close()


def _chunks(keys: Sequence[str], size: int) -> Iterable[Sequence[str]]:
    return (keys[start : start + size] for start in range(0, len(keys), size))
