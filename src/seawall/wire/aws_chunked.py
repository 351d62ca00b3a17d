"""The body in signed or unsigned chunks that S3 clients send: aws-chunked, with or without trailers.

    SIZE;chunk-signature=HEX CRLF data CRLF ... 0;chunk-signature=HEX CRLF trailer:value CRLF ... CRLF

Source: "Signature calculations for the Authorization header: transferring payload in multiple chunks", with
and without trailing headers, S3 API reference.
"""

import hashlib
import hmac
import re
from collections.abc import Generator

from seawall.wire.errors import ApiError
from seawall.wire.sigv4 import STAMP, Signature, signing_key

LONGEST_LINE = 16 * 1024
_SIZE = re.compile(rb"([0-9a-fA-F]{1,16})(?:;chunk-signature=([0-9a-f]{64}))?")
_EMPTY = hashlib.sha256(b"").hexdigest()


class ChunkSigner:
    """Verifies each chunk's signature, which follows from the one before; the first from the request's."""

    def __init__(self, signature: Signature, secret: str) -> None:
        self._key = signing_key(secret, signature.date, signature.region, signature.service)
        self._head = (signature.moment.strftime(STAMP), signature.scope)
        self._last = signature.signature

    def check(self, given: str, digest: str) -> None:
        """One chunk.  Raises ApiError SignatureDoesNotMatch."""
        self._check("AWS4-HMAC-SHA256-PAYLOAD", given, (_EMPTY, digest))

    def check_trailer(self, given: str, trailer: bytes) -> None:
        """The trailing headers, as `name:value` lines.  Raises ApiError SignatureDoesNotMatch."""
        self._check("AWS4-HMAC-SHA256-TRAILER", given, (hashlib.sha256(trailer).hexdigest(),))

    def _check(self, algorithm: str, given: str, rest: tuple[str, ...]) -> None:
        to_sign = "\n".join((algorithm, *self._head, self._last, *rest))
        expected = hmac.new(self._key, to_sign.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, given):
            raise ApiError(
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided. Check your"
                " key and signing method.",
                status=403,
            )
        self._last = expected


class ChunkedBody:
    """Feed it what was received, it gives what is inside.

    trailers   the trailing headers, names in lower case, once `done`
    """

    def __init__(self, signer: ChunkSigner | None) -> None:
        self.trailers: dict[str, str] = {}
        self.done = False
        self._signer = signer
        self._waiting = bytearray()
        self._left = 0  # of the chunk being read
        self._signature: str | None = None
        self._digest = hashlib.sha256()
        self._steps = self._read()
        next(self._steps)
        self._out: list[bytes] = []

    def feed(self, received: bytes) -> list[bytes]:
        """Raises ApiError for what is no such body, or is wrongly signed."""
        self._waiting += received
        self._out = []
        if not self.done:
            next(self._steps)
        return self._out

    def _read(self) -> Generator[None, None, None]:
        """Yields whenever more has to come."""
        yield
        while True:
            line = yield from self._line()
            found = _SIZE.fullmatch(line)
            if found is None or (self._signer is not None and found[2] is None):
                raise _malformed()
            self._digest = hashlib.sha256()
            self._signature = found[2].decode() if found[2] else None
            self._left = int(found[1], 16)
            last = self._left == 0
            yield from self._data()
            if self._signer is not None and self._signature is not None:
                self._signer.check(self._signature, self._digest.hexdigest())
            if last:
                break
            if (yield from self._line()):
                raise _malformed()
        yield from self._trailer()
        self.done = True
        while True:
            yield

    def _data(self) -> Generator[None, None, None]:
        while self._left:
            if not self._waiting:
                yield
                continue
            piece = bytes(self._waiting[: self._left])
            del self._waiting[: self._left]
            self._left -= len(piece)
            if self._signer is not None:
                self._digest.update(piece)
            self._out.append(piece)

    def _trailer(self) -> Generator[None, None, None]:
        signed = b""
        signature: str | None = None
        while line := (yield from self._line()):
            name, colon, value = line.partition(b":")
            if not colon:
                raise _malformed()
            key = name.strip().lower()
            if key == b"x-amz-trailer-signature":
                signature = value.strip().decode("latin-1")
                continue
            self.trailers[key.decode("latin-1")] = value.strip().decode("latin-1")
            signed += key + b":" + value.strip() + b"\n"
        if self._signer is not None and signed:
            self._signer.check_trailer(signature or "", signed)

    def _line(self) -> Generator[None, None, bytes]:
        while (end := self._waiting.find(b"\r\n")) < 0:
            if len(self._waiting) > LONGEST_LINE:
                raise _malformed()
            yield
        line = bytes(self._waiting[:end])
        del self._waiting[: end + 2]
        return line


def _malformed() -> ApiError:
    return ApiError("IncompleteBody", "The request body terminated unexpectedly")
