"""One durable SQLite file: documents, references, and the feed of changes, written together.

Why plain sqlite3, inline in the event loop: a durable write takes a fraction of a millisecond, less than
handing it to a thread.  The interface is narrow on purpose (get, all, referrers, put, delete, changes), so
that PostgreSQL can take its place where several machines share one record.
"""

import fcntl
import sqlite3
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

import msgspec

from seawall.model.resource import Ref, Resource, load_kinds
from seawall.store.errors import Busy, Conflict, NotFound
from seawall.store.schema import MIGRATIONS

R = TypeVar("R", bound=Resource)
KEPT_EDITIONS = 10_000
MOST_ABSENT = 10_000  # so that whoever asks for what never was does not fill the memory


class Change(NamedTuple):
    """`generation` is 0 when the document was removed."""

    revision: int
    ref: Ref
    generation: int


@dataclass(frozen=True)
class Edition(Generic[R]):
    """A document as it was: the `number` grows with every edition of any kind; `at` is UTC, ISO 8601."""

    number: int
    at: str
    resource: R


class Reader:
    """The reading half; inside `Store.write` it sees the transaction's own writes."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._cache: dict[Ref, tuple[int, Resource]] = {}
        self._absent: set[Ref] = set()  # known not to be there
        self._kinds: dict[str, list[Resource]] = {}  # all of a kind that was asked for, in order
        self._outdated: dict[str, set[str]] = {}  # what of them has changed since
        self._decoders = {k: msgspec.json.Decoder(t) for k, t in load_kinds().items()}

    def find(self, cls: type[R], id: str) -> R | None:
        """The document, or None.  About 1 us for one that was asked for before, there or not; else 5 us."""
        found = self._find(Ref(cls.KIND, id))
        return found[1] if found else None  # type: ignore[return-value]

    def get(self, cls: type[R], id: str) -> R:
        """The document.  Raises NotFound."""
        found = self.find(cls, id)
        if found is None:
            raise NotFound(cls.KIND, id)
        return found

    def generation(self, cls: type[R], id: str) -> int:
        """The generation of a document, 0 when there is none: the value to hand to `put(expect=)`."""
        found = self._find(Ref(cls.KIND, id))
        return found[0] if found else 0

    def all(self, cls: type[R]) -> list[R]:
        """All documents of a kind, ordered by id; a list of the caller's own."""
        found = self._kinds.get(cls.KIND)
        if found is None:
            rows = self._db.execute(
                "SELECT id, generation, body FROM document WHERE kind = ? ORDER BY id", (cls.KIND,)
            )
            found = [self._decode(Ref(cls.KIND, id), generation, body) for id, generation, body in rows]
            self._kinds[cls.KIND] = found
        for id in self._outdated.get(cls.KIND, ()):
            place = bisect_left(found, id, key=attrgetter("id"))
            held = place < len(found) and found[place].id == id
            now = self._find(Ref(cls.KIND, id))
            found[place : place + held] = [now[1]] if now else []
        self._outdated.pop(cls.KIND, None)
        return found.copy()  # type: ignore[return-value]

    def count(self, cls: type[R]) -> int:
        """How many documents of a kind there are."""
        row = self._db.execute("SELECT count(*) FROM document WHERE kind = ?", (cls.KIND,)).fetchone()
        return int(row[0])

    def referrers(self, cls: type[R], to: Ref) -> list[R]:
        """All documents of a kind that refer to `to`, ordered by id."""
        rows = self._db.execute(
            # CROSS: SQLite would rather look at every document of the kind, which come in order
            "SELECT d.id, d.generation, d.body FROM reference r CROSS JOIN document d USING (kind, id)"
            " WHERE r.to_kind = ? AND r.to_id = ? AND r.kind = ? ORDER BY r.id",
            (to.kind, to.id, cls.KIND),
        )
        return [self._decode(Ref(cls.KIND, id), generation, body) for id, generation, body in rows]  # type: ignore[misc]

    def referrer_refs(self, to: Ref) -> list[Ref]:
        """Who refers to `to`, whatever kind."""
        rows = self._db.execute("SELECT kind, id FROM reference WHERE to_kind = ? AND to_id = ?", to)
        return [Ref(*row) for row in rows]

    def claimed(self, claim: Ref) -> bool:
        """Whether somebody refers to `claim`: a name without a document, such as an address, that is taken
        by being referred to.  About 3 us, however many there are.
        """
        row = self._db.execute("SELECT 1 FROM reference WHERE to_kind = ? AND to_id = ? LIMIT 1", claim)
        return row.fetchone() is not None

    def claims(self, kind: str, prefix: str) -> set[str]:
        """All claimed ids of a kind that begin with `prefix`."""
        rows = self._db.execute(
            "SELECT DISTINCT to_id FROM reference WHERE to_kind = ? AND to_id >= ? AND to_id < ?",
            (kind, prefix, prefix + "\U0010ffff"),
        )
        return {row[0] for row in rows}

    def claim_count(self, kind: str, prefix: str) -> int:
        """How many ids `claims` would give; about 0.1 ms for 1,000."""
        row = self._db.execute(
            "SELECT count(DISTINCT to_id) FROM reference WHERE to_kind = ? AND to_id >= ? AND to_id < ?",
            (kind, prefix, prefix + "\U0010ffff"),
        ).fetchone()
        return int(row[0])

    def revision(self) -> int:
        """The number of the newest change; 0 in an empty store."""
        row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'change'").fetchone()
        return row[0] if row else 0

    def changes(self, after: int, limit: int = 1000) -> list[Change]:
        """Changes with a revision above `after`, oldest first."""
        rows = self._db.execute(
            "SELECT revision, kind, id, generation FROM change WHERE revision > ? ORDER BY revision LIMIT ?",
            (after, limit),
        )
        return [Change(revision, Ref(kind, id), generation) for revision, kind, id, generation in rows]

    def history(self, cls: type[R], after: int = 0, limit: int = 1000) -> list[Edition[R]]:
        """Editions of a kind with a number above `after`, oldest first; each was written exactly once, with
        the document itself.  The newest `KEPT_EDITIONS` of all kinds are kept."""
        rows = self._db.execute(
            "SELECT number, at, body FROM history WHERE number > ? AND kind = ? ORDER BY number LIMIT ?",
            (after, cls.KIND, limit),
        )
        decode = self._decoders[cls.KIND].decode
        return [Edition(number, at, decode(body)) for number, at, body in rows]  # type: ignore[arg-type]

    def newest_edition(self) -> int:
        """The number of the newest edition there ever was; 0 when there was none."""
        row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'history'").fetchone()
        return row[0] if row else 0

    def _find(self, ref: Ref) -> tuple[int, Resource] | None:
        if ref in self._cache:
            return self._cache[ref]
        if ref in self._absent:
            return None
        row = self._db.execute(
            "SELECT generation, body FROM document WHERE kind = ? AND id = ?", ref
        ).fetchone()
        if row is None:
            if len(self._absent) == MOST_ABSENT:
                self._absent.clear()
            self._absent.add(ref)
            return None
        self._decode(ref, *row)
        return self._cache[ref]

    def _forget(self, ref: Ref) -> None:
        """What is known of a document that is another now."""
        self._cache.pop(ref, None)
        self._absent.discard(ref)
        if ref.kind in self._kinds:
            self._outdated.setdefault(ref.kind, set()).add(ref.id)

    def _decode(self, ref: Ref, generation: int, body: bytes) -> Resource:
        cached = self._cache.get(ref)
        if cached is None or cached[0] != generation:
            cached = (generation, self._decoders[ref.kind].decode(body))
            self._cache[ref] = cached
        return cached[1]


class Transaction(Reader):
    """The writing half, alive inside one `with store.write()`.  All of it happens or nothing."""

    def __init__(self, connection: sqlite3.Connection, reader: Reader) -> None:
        self._db = connection
        self._cache = reader._cache
        self._absent = reader._absent
        self._kinds = reader._kinds
        self._outdated = reader._outdated
        self._decoders = reader._decoders
        self.touched: set[Ref] = set()

    def put(self, resource: Resource, expect: int | None = None) -> int:
        """Write a document and its references; returns the new generation.

        expect   0: it must not exist yet; n: its generation must be n; None: whatever is there
        Raises   Conflict when `expect` does not hold.
        """
        ref = resource.ref
        current = self._find(ref)
        generation = current[0] if current else 0
        if expect is not None and expect != generation:
            raise Conflict(f"{ref.kind} {ref.id} is at generation {generation}, not {expect}")
        if current and current[1] == resource:
            return generation
        body = msgspec.json.encode(resource)
        self._db.execute(
            "INSERT INTO document VALUES (?, ?, ?, ?)"
            " ON CONFLICT (kind, id) DO UPDATE SET generation = excluded.generation, body = excluded.body",
            (*ref, generation + 1, body),
        )
        if resource.edition() is not None and (current is None or current[1].edition() != resource.edition()):
            self._keep_edition(ref, body)
        if current is None or current[1].refs() != resource.refs():
            self._db.execute("DELETE FROM reference WHERE kind = ? AND id = ?", ref)
            self._db.executemany(
                "INSERT OR IGNORE INTO reference VALUES (?, ?, ?, ?)", [(*ref, *to) for to in resource.refs()]
            )
        self._changed(ref, generation + 1)
        return generation + 1

    def delete(self, cls: type[Resource], id: str) -> None:
        """Remove a document and its references.  Raises NotFound."""
        ref = Ref(cls.KIND, id)
        if self._db.execute("DELETE FROM document WHERE kind = ? AND id = ?", ref).rowcount == 0:
            raise NotFound(*ref)
        self._db.execute("DELETE FROM reference WHERE kind = ? AND id = ?", ref)
        self._changed(ref, 0)

    def _keep_edition(self, ref: Ref, body: bytes) -> None:
        row = self._db.execute("INSERT INTO history (kind, id, body) VALUES (?, ?, ?)", (*ref, body))
        self._db.execute("DELETE FROM history WHERE number <= ?", ((row.lastrowid or 0) - KEPT_EDITIONS,))

    def _changed(self, ref: Ref, generation: int) -> None:
        self._db.execute("INSERT INTO change (kind, id, generation) VALUES (?, ?, ?)", (*ref, generation))
        self._forget(ref)
        self.touched.add(ref)


class Store(Reader):
    """Open with `Store(path)`; raises Busy when another process has it open for writing."""

    def __init__(self, path: Path) -> None:
        self._lock = open(path.with_suffix(".lock"), "w")  # noqa: SIM115 - held for the life of the store
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._lock.close()
            raise Busy(f"another Seawall uses {path}") from error
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            _migrate(connection)
        except BaseException:
            connection.close()
            self._lock.close()
            raise
        super().__init__(connection)
        self._writing = False
        self._listeners: list[Callable[[], None]] = []

    def on_commit(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` after every commit that changed something: a wake-up, carrying nothing.

        Returns what ends that.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """One transaction.  An exception undoes all of it; there must be no await inside."""
        if self._writing:
            raise RuntimeError("a transaction is open already; pass it along instead of opening another")
        txn = Transaction(self._db, self)
        self._db.execute("BEGIN IMMEDIATE")
        self._writing = True
        try:
            yield txn
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # SQLite ends it itself where the disk fails: that is what to tell
                self._db.execute("ROLLBACK")
            for ref in txn.touched:
                self._forget(ref)
            raise
        finally:
            self._writing = False
        if txn.touched:
            for listener in tuple(self._listeners):
                listener()

    def clear(self) -> None:
        """Remove every document and all history; the feed says so for each document, so that loops take
        everything down."""
        with self.write() as txn:
            self._db.execute("DELETE FROM history")
            for kind, id in self._db.execute("SELECT kind, id FROM document").fetchall():
                txn.delete(load_kinds()[kind], id)

    def prune_changes(self, keep: int = 100_000) -> None:
        """Forget all but the newest `keep` changes."""
        self._db.execute("DELETE FROM change WHERE revision <= ?", (self.revision() - keep,))

    def close(self) -> None:
        self._db.close()
        self._lock.close()


def _migrate(connection: sqlite3.Connection) -> None:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(MIGRATIONS):
        raise Busy(f"the store was written by a newer Seawall (schema {version}, known {len(MIGRATIONS)})")
    for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
        connection.executescript(f"BEGIN IMMEDIATE; {script} PRAGMA user_version = {number}; COMMIT;")
