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
    # 3: interfaces and Elastic IPs claim their addresses by referring to them.  Counting documents of a kind
    # reads an index instead of the documents.
    """
    CREATE INDEX document_kind ON document (kind);
    INSERT OR IGNORE INTO reference
        SELECT kind, id, 'private_address',
               json_extract(CAST(body AS TEXT), '$.subnet_id') || '/'
               || json_extract(CAST(body AS TEXT), '$.private_ip_address')
        FROM document WHERE kind = 'network_interface';
    INSERT OR IGNORE INTO reference
        SELECT d.kind, d.id, 'private_address',
               json_extract(CAST(d.body AS TEXT), '$.subnet_id') || '/'
               || json_extract(s.value, '$.private_ip_address')
        FROM document d, json_each(CAST(d.body AS TEXT), '$.secondary_addresses') s
        WHERE d.kind = 'network_interface';
    INSERT OR IGNORE INTO reference
        SELECT kind, id, 'public_address', json_extract(CAST(body AS TEXT), '$.association.public_ip')
        FROM document WHERE kind = 'network_interface'
        AND json_extract(CAST(body AS TEXT), '$.association.public_ip') IS NOT NULL;
    INSERT OR IGNORE INTO reference
        SELECT d.kind, d.id, 'public_address', json_extract(s.value, '$.association.public_ip')
        FROM document d, json_each(CAST(d.body AS TEXT), '$.secondary_addresses') s
        WHERE d.kind = 'network_interface' AND json_extract(s.value, '$.association.public_ip') IS NOT NULL;
    INSERT OR IGNORE INTO reference
        SELECT kind, id, 'public_address', json_extract(CAST(body AS TEXT), '$.public_ip')
        FROM document WHERE kind = 'elastic_ip';
    """,
    # 4: what documents were, for those whose editions matter one by one (tasks: each is an event).
    """
    CREATE TABLE history (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        kind   TEXT NOT NULL,
        id     TEXT NOT NULL,
        at     TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
        body   BLOB NOT NULL
    );
    """,
)
