"""Another S3 behind Seawall's: who may what is decided here, the objects are there.

Requests are signed anew with the other's own key, since it knows none of Seawall's; bodies are verified and
handed on piece by piece.
"""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import unquote

import httpx
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from seawall.app.gateway import Send
from seawall.app.s3_body import BodyCheck
from seawall.app.settings import ExternalS3Settings
from seawall.wire.errors import ApiError
from seawall.wire.http import Request
from seawall.wire.sigv4 import UNSIGNED_PAYLOAD

_OWN = {
    *("x-amz-date", "x-amz-content-sha256", "x-amz-security-token", "x-amz-decoded-content-length"),
    *("x-amz-trailer", "x-amz-sdk-checksum-algorithm"),
}
_KEPT = {
    *("content-type", "content-md5", "cache-control", "content-disposition", "content-language", "expires"),
    *("range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since"),
}
_SIGNATURE = {
    *("x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-expires", "x-amz-signedheaders"),
    *("x-amz-signature", "x-amz-security-token", "awsaccesskeyid", "signature", "expires", "x-id"),
}
_HOP_BY_HOP = {b"connection", b"keep-alive", b"transfer-encoding", b"server", b"date"}


class _Unsigned(S3SigV4Auth):
    """Of a body that is not known yet."""

    def payload(self, request: Any) -> str:
        return UNSIGNED_PAYLOAD


class ExternalS3:
    def __init__(
        self, settings: ExternalS3Settings, region: str, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        keys = Credentials(settings.access_key_id, settings.secret_access_key)
        self._url = settings.url.rstrip("/")
        self._signer = _Unsigned(keys, "s3", region)
        self._client = httpx.AsyncClient(transport=transport, timeout=httpx.Timeout(None, connect=5.0))

    async def close(self) -> None:
        await self._client.aclose()

    async def pass_on(
        self, request: Request, check: BodyCheck, pieces: AsyncIterator[bytes] | None, send: Send
    ) -> int:
        """Send a request, its bucket in its path, and its answer back; returns the answer's status.

        pieces   the body as it comes; None: it is `request.body`
        Raises   ApiError: a body that is not what it was said to be, or no answer
        """
        query = "&".join(
            pair for pair in request.query.split("&") if pair.partition("=")[0].lower() not in _SIGNATURE
        )
        url = f"{self._url}{request.path}" + (f"?{query}" if query else "")
        signed = AWSRequest(method=request.method, url=url, headers=_headers(request))
        self._signer.add_auth(signed)
        headers = dict(signed.headers.items())
        content: Any = request.body or None
        if pieces is not None:
            given = request.headers
            length = given.get("x-amz-decoded-content-length") or given.get("content-length")
            headers |= {"content-length": length} if length else {"transfer-encoding": "chunked"}
            content = _verified(check, pieces)
        try:
            asked = self._client.build_request(request.method, url, headers=headers, content=content)
            _check_same(asked.url, url)
            answer = await self._client.send(asked, stream=True)
        except httpx.TransportError as error:
            text = f"The S3 at {self._url} does not answer: {error}"
            raise ApiError("ServiceUnavailable", text, status=503) from error
        try:
            kept = [(name.lower(), v) for name, v in answer.headers.raw if name.lower() not in _HOP_BY_HOP]
            await send({"type": "http.response.start", "status": answer.status_code, "headers": kept})
            if request.method != "HEAD":
                async for piece in answer.aiter_raw():
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            await answer.aclose()
        return answer.status_code


def _check_same(asked: httpx.URL, meant: str) -> None:
    """The client resolves dots in paths: what it then asks for is not what the policies were asked about.

    Raises ApiError.
    """
    path = meant.partition("?")[0].partition("://")[2].partition("/")[2]
    if unquote(asked.raw_path.decode().partition("?")[0]) != "/" + unquote(path):
        raise ApiError("InvalidURI", "Couldn't parse the specified URI.")


def _headers(request: Request) -> dict[str, str]:
    kept = {
        name: value
        for name, value in request.headers.items()
        if name in _KEPT or (name.startswith("x-amz-") and name not in _OWN)
    }
    encodings = [each.strip() for each in request.headers.get("content-encoding", "").split(",")]
    encoding = ",".join(each for each in encodings if each and each != "aws-chunked")
    return kept | ({"content-encoding": encoding} if encoding else {})


async def _verified(check: BodyCheck, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The body, cut off before its end when it is not what it was said to be.  Raises ApiError."""
    last = b""
    async for received in pieces:
        for piece in check.take(received):
            if last:
                yield last
            last = piece
    check.finish()
    yield last
