"""What is in S3's buckets: each object a file, and what is known of it in an SQLite file beside them.

An object's file is written whole and made durable before its row names it; a file that no row names was left
by a crash and goes at the next start.
"""

import os
import sqlite3
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec

_SCHEMA = """
BEGIN IMMEDIATE;
CREATE TABLE object (
    bucket TEXT NOT NULL,
    key    TEXT NOT NULL,
    file   TEXT NOT NULL UNIQUE,
    facts  BLOB NOT NULL,
    PRIMARY KEY (bucket, key)
) WITHOUT ROWID;
CREATE TABLE upload (
    id     TEXT PRIMARY KEY,
    bucket TEXT NOT NULL,
    key    TEXT NOT NULL,
    facts  BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE part (
    upload TEXT NOT NULL REFERENCES upload (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    file   TEXT NOT NULL UNIQUE,
    facts  BLOB NOT NULL,
    PRIMARY KEY (upload, number)
) WITHOUT ROWID;
PRAGMA user_version = 1;
COMMIT;
"""
PIECE = 1024 * 1024  # bytes read at once
LAST = "\U0010ffff"  # no key that begins with p is greater than p + LAST


class ObjectFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of an object or of a part.  Times are seconds since 1970.

    etag       without its quotes
    headers    standard headers to answer with, by botocore's member names (ContentType, CacheControl, ...)
    checksums  base64 by botocore's member names (ChecksumCRC32, ...)
    parts      the sizes of the parts it was made of, if it was
    """

    size: int
    etag: str
    modified: float
    headers: dict[str, str] = {}
    metadata: dict[str, str] = {}
    checksums: dict[str, str] = {}
    checksum_type: str | None = None
    tags: dict[str, str] = {}
    parts: tuple[int, ...] = ()


class StoredObject(msgspec.Struct, frozen=True, kw_only=True):
    key: str
    file: Path
    facts: ObjectFacts


class UploadFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A multipart upload that has begun; `by` is the ARN of who began it."""

    begun: float
    by: str
    headers: dict[str, str] = {}
    metadata: dict[str, str] = {}
    tags: dict[str, str] = {}
    checksum_algorithm: str | None = None
    checksum_type: str | None = None


class StoredUpload(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    bucket: str
    key: str
    facts: UploadFacts


class StoredPart(msgspec.Struct, frozen=True, kw_only=True):
    number: int
    file: Path
    facts: ObjectFacts


class Objects:
    """Open with the folder it keeps all of this in."""

    def __init__(self, folder: Path) -> None:
        self._files = folder / "files"
        self._files.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._db = sqlite3.connect(folder / "objects.db", isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA foreign_keys = ON")
        if self._db.execute("PRAGMA user_version").fetchone()[0] == 0:
            self._db.executescript(_SCHEMA)
        self._facts = msgspec.json.Decoder(ObjectFacts)
        self._upload_facts = msgspec.json.Decoder(UploadFacts)
        self._remove_strays()

    def new_file(self) -> Path:
        """Where to write a body; `put` and `put_part` take it over, `forget_file` removes it."""
        return self._files / uuid.uuid4().hex

    def forget_file(self, file: Path) -> None:
        file.unlink(missing_ok=True)

    def put(self, bucket: str, key: str, file: Path, facts: ObjectFacts) -> None:
        """Make `file`, which is durable, the object; what was there before is gone."""
        before = self.find(bucket, key)
        self._db.execute(
            "INSERT INTO object VALUES (?, ?, ?, ?)"
            " ON CONFLICT (bucket, key) DO UPDATE SET file = excluded.file, facts = excluded.facts",
            (bucket, key, file.name, msgspec.json.encode(facts)),
        )
        if before is not None and before.file != file:
            self.forget_file(before.file)

    def find(self, bucket: str, key: str) -> StoredObject | None:
        row = self._db.execute(
            "SELECT key, file, facts FROM object WHERE bucket = ? AND key = ?", (bucket, key)
        ).fetchone()
        return self._object(row) if row else None

    def delete(self, bucket: str, key: str) -> None:
        """Harmless when there is none."""
        found = self.find(bucket, key)
        if found is not None:
            self._db.execute("DELETE FROM object WHERE bucket = ? AND key = ?", (bucket, key))
            self.forget_file(found.file)

    def after(self, bucket: str, prefix: str, last: str, limit: int) -> list[StoredObject]:
        """The objects whose keys begin with `prefix` and come after `last`, in the order of their bytes."""
        rows = self._db.execute(
            "SELECT key, file, facts FROM object"
            " WHERE bucket = ? AND key > ? AND key >= ? AND key < ? ORDER BY key LIMIT ?",
            (bucket, last, prefix, prefix + LAST, limit),
        )
        return [self._object(row) for row in rows]

    def is_empty(self, bucket: str) -> bool:
        return self._db.execute("SELECT 1 FROM object WHERE bucket = ? LIMIT 1", (bucket,)).fetchone() is None

    def begin_upload(self, upload: StoredUpload) -> None:
        self._db.execute(
            "INSERT INTO upload VALUES (?, ?, ?, ?)",
            (upload.id, upload.bucket, upload.key, msgspec.json.encode(upload.facts)),
        )

    def find_upload(self, id: str) -> StoredUpload | None:
        row = self._db.execute("SELECT id, bucket, key, facts FROM upload WHERE id = ?", (id,)).fetchone()
        return self._upload(row) if row else None

    def uploads(self, bucket: str, prefix: str = "") -> list[StoredUpload]:
        rows = self._db.execute(
            "SELECT id, bucket, key, facts FROM upload WHERE bucket = ? AND key >= ? AND key < ?"
            " ORDER BY key, id",
            (bucket, prefix, prefix + LAST),
        )
        return [self._upload(row) for row in rows]

    def put_part(self, upload_id: str, number: int, file: Path, facts: ObjectFacts) -> None:
        old = [part.file for part in self.parts(upload_id) if part.number == number]
        self._db.execute(
            "INSERT OR REPLACE INTO part VALUES (?, ?, ?, ?)",
            (upload_id, number, file.name, msgspec.json.encode(facts)),
        )
        for path in old:
            self.forget_file(path)

    def parts(self, upload_id: str) -> list[StoredPart]:
        """Ordered by number."""
        rows = self._db.execute(
            "SELECT number, file, facts FROM part WHERE upload = ? ORDER BY number", (upload_id,)
        )
        return [
            StoredPart(number=number, file=self._files / file, facts=self._facts.decode(facts))
            for number, file, facts in rows
        ]

    def end_upload(self, id: str) -> None:
        """Forget an upload and its parts."""
        files = [part.file for part in self.parts(id)]
        self._db.execute("DELETE FROM upload WHERE id = ?", (id,))
        for file in files:
            self.forget_file(file)

    def forget_bucket(self, bucket: str) -> None:
        """Remove all that a bucket holds."""
        for upload in self.uploads(bucket):
            self.end_upload(upload.id)
        while found := self.after(bucket, "", "", 1000):
            for stored in found:
                self.delete(bucket, stored.key)

    def clear(self) -> None:
        """Forget everything."""
        self._db.execute("DELETE FROM upload")
        self._db.execute("DELETE FROM object")
        self._remove_strays()

    def close(self) -> None:
        self._db.close()

    def _object(self, row: Any) -> StoredObject:
        return StoredObject(key=row[0], file=self._files / row[1], facts=self._facts.decode(row[2]))

    def _upload(self, row: Any) -> StoredUpload:
        return StoredUpload(id=row[0], bucket=row[1], key=row[2], facts=self._upload_facts.decode(row[3]))

    def _remove_strays(self) -> None:
        known = {file for (file,) in self._db.execute("SELECT file FROM object UNION SELECT file FROM part")}
        for entry in os.scandir(self._files):
            if entry.name not in known:
                Path(entry.path).unlink()


def join_files(sources: Iterable[Path], target: Path, seen: Callable[[bytes], None] | None = None) -> None:
    """Write the sources one after the other into `target`, durably; `seen` is shown every piece."""
    with open(target, "xb") as out:
        for source in sources:
            with open(source, "rb") as part:
                while piece := part.read(PIECE):
                    out.write(piece)
                    if seen is not None:
                        seen(piece)
        out.flush()
        os.fsync(out.fileno())
