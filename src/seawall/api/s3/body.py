"""Bodies of objects, which are too large to be parameters: files on their way in and out."""

from pathlib import Path

import msgspec


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """A body that was taken in whole, verified, and written durably.

    checksums   base64 by botocore's member name, of every algorithm that the client named
    """

    file: Path
    size: int
    md5: str  # hex
    checksums: dict[str, str] = {}


class FilePiece(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer's body is: `length` bytes of a file."""

    file: Path
    start: int
    length: int
