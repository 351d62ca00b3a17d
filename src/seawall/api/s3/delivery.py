"""What services of AWS put into buckets themselves."""

import hashlib
import os
from datetime import datetime
from pathlib import Path

from seawall.store.objects import PIECE, ObjectFacts, Objects


def put_file(objects: Objects, bucket: str, key: str, file: Path, now: datetime, kind: str) -> None:
    """Make a file, which `objects` gave a place, an object of the content type `kind`.  Who asks has seen to
    it that the bucket is there and may be written to."""
    objects.put(bucket, key, file, facts_of(file, now, kind))


def facts_of(file: Path, now: datetime, kind: str) -> ObjectFacts:
    """Of a finished file, which is made durable."""
    digest, size = hashlib.md5(usedforsecurity=False), 0
    with open(file, "rb") as finished:
        while piece := finished.read(PIECE):
            digest.update(piece)
            size += len(piece)
        os.fsync(finished.fileno())
    return ObjectFacts(
        size=size, etag=digest.hexdigest(), modified=now.timestamp(), headers={"ContentType": kind}
    )
