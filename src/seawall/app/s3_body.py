"""Taking in the body of an S3 request: piece by piece to a file, held against all that was said of it."""

import asyncio
import base64
import hashlib
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

from seawall.api.s3.body import Received
from seawall.wire.aws_chunked import ChunkedBody, ChunkSigner
from seawall.wire.checksums import ALGORITHMS, Running, checksum, encoded
from seawall.wire.errors import ApiError
from seawall.wire.http import Request
from seawall.wire.sigv4 import UNSIGNED_PAYLOAD

LARGEST_PUT = 5 * 1024**3  # bytes
LARGEST_TEXT = 2 * 1024**2  # of a body that is XML or a policy
_HEX = re.compile(r"[0-9a-f]{64}")
_CHECKSUM = "x-amz-checksum-"


class BodyCheck:
    """What the headers of a request say of its body."""

    def __init__(self, request: Request, signer: ChunkSigner | None) -> None:
        """`signer` verifies signed chunks; None where nothing is verified.  Raises ApiError."""
        headers = request.headers
        self._declared = headers.get("x-amz-content-sha256", UNSIGNED_PAYLOAD)
        self._md5_wanted = _md5_header(headers.get("content-md5"))
        streamed = self._declared.startswith("STREAMING-")
        if not streamed and self._declared != UNSIGNED_PAYLOAD and not _HEX.fullmatch(self._declared):
            raise ApiError(
                "InvalidRequest",
                "The value of x-amz-content-sha256 header is invalid.",
            )
        signed = self._declared.startswith("STREAMING-AWS4-HMAC-SHA256-PAYLOAD")
        self._chunks = ChunkedBody(signer if signed else None) if streamed else None
        self._size = headers.get("x-amz-decoded-content-length" if streamed else "content-length")
        self._wanted = {
            name: headers[f"{_CHECKSUM}{name.lower()}"]
            for name in ALGORITHMS
            if f"{_CHECKSUM}{name.lower()}" in headers
        }
        named = {
            *self._wanted,
            *(
                t.strip().lower().removeprefix(_CHECKSUM).upper()
                for t in headers.get("x-amz-trailer", "").split(",")
            ),
            headers.get("x-amz-sdk-checksum-algorithm", "").upper(),
        }
        self._running: dict[str, Running] = {name: checksum(name) for name in ALGORITHMS if name in named}
        self._sha256 = hashlib.sha256() if _HEX.fullmatch(self._declared) else None
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._seen = 0

    def take(self, received: bytes) -> list[bytes]:
        """What to write of what was received.  Raises ApiError."""
        pieces = [received] if self._chunks is None else self._chunks.feed(received)
        for piece in pieces:
            self._seen += len(piece)
            if self._seen > LARGEST_PUT:
                raise ApiError(
                    "EntityTooLarge",
                    "Your proposed upload exceeds the maximum allowed size",
                    members={"ProposedSize": self._seen, "MaxSizeAllowed": LARGEST_PUT},
                )
            self._md5.update(piece)
            for running in (*self._running.values(), *([self._sha256] if self._sha256 else [])):
                running.update(piece)
        return pieces

    def finish(self) -> tuple[int, str, dict[str, str]]:
        """Size, MD5 and checksums of a body that is what it was said to be.  Raises ApiError."""
        incomplete = self._chunks is not None and not self._chunks.done
        if incomplete or (self._size is not None and self._size != str(self._seen)):
            raise ApiError("IncompleteBody", "The request body terminated unexpectedly")
        if self._sha256 is not None and self._sha256.hexdigest() != self._declared:
            raise ApiError(
                "XAmzContentSHA256Mismatch",
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
                members={
                    "ClientComputedContentSHA256": self._declared,
                    "S3ComputedContentSHA256": self._sha256.hexdigest(),
                },
            )
        if self._md5_wanted is not None and self._md5.digest() != self._md5_wanted:
            raise ApiError("BadDigest", "The Content-MD5 you specified did not match what we received.")
        found = {name: encoded(running) for name, running in self._running.items()}
        trailers = self._chunks.trailers if self._chunks is not None else {}
        for name, text in found.items():
            wanted = self._wanted.get(name, trailers.get(f"{_CHECKSUM}{name.lower()}", text))
            if wanted != text:
                raise ApiError(
                    "BadDigest", f"The {name} you specified did not match the calculated checksum."
                )
        return self._seen, self._md5.hexdigest(), {f"Checksum{name}": text for name, text in found.items()}


def _md5_header(text: str | None) -> bytes | None:
    if text is None:
        return None
    try:
        digest = base64.b64decode(text, validate=True)
    except ValueError:  # also of what is not ASCII
        digest = b""
    if len(digest) != 16:
        raise ApiError("InvalidDigest", "The Content-MD5 you specified was invalid.")
    return digest


async def receive_file(check: BodyCheck, pieces: AsyncIterator[bytes], file: Path) -> Received:
    """Write a body to `file`, durably.  Raises ApiError; what was written stays for the caller to remove."""
    out = await asyncio.to_thread(open, file, "xb")
    with out:
        async for received in pieces:
            for piece in check.take(received):
                out.write(piece)
        size, md5, checksums = check.finish()
        out.flush()
        await asyncio.to_thread(os.fsync, out.fileno())
    return Received(file=file, size=size, md5=md5, checksums=checksums)


async def receive_text(check: BodyCheck, pieces: AsyncIterator[bytes]) -> bytes:
    """A body that is a document.  Raises ApiError."""
    text = bytearray()
    async for received in pieces:
        for piece in check.take(received):
            text += piece
            if len(text) > LARGEST_TEXT:
                raise ApiError("MaxMessageLengthExceeded", "Your request was too big.")
    check.finish()
    return bytes(text)
