"""The tables of the store, as numbered migrations.  A released migration is never edited; add the next."""

MIGRATIONS: tuple[str, ...] = (
    # 1: documents, the references between them, and the feed of changes.
    """
    CREATE TABLE document (
        kind       TEXT NOT NULL,
        id         TEXT NOT NULL,
        generation INTEGER NOT NULL,
        body       BLOB NOT NULL,
        PRIMARY KEY (kind, id)
    ) WITHOUT ROWID;
    CREATE TABLE reference (
        kind    TEXT NOT NULL,
        id      TEXT NOT NULL,
        to_kind TEXT NOT NULL,
        to_id   TEXT NOT NULL,
        PRIMARY KEY (kind, id, to_kind, to_id)
    ) WITHOUT ROWID;
    CREATE INDEX reference_to ON reference (to_kind, to_id, kind, id);
    CREATE TABLE change (
        revision   INTEGER PRIMARY KEY AUTOINCREMENT,
        kind       TEXT NOT NULL,
        id         TEXT NOT NULL,
        generation INTEGER NOT NULL
    );
    """,
    # 2: a route's destination may be a block of either family or a prefix list.
    """
    UPDATE document SET body = CAST(
        replace(CAST(body AS TEXT), '"destination_cidr_block":', '"destination":') AS BLOB
    )
    WHERE kind = 'route_table';
    """,
)
