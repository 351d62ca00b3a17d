"""The old presigned form of S3, which boto3 still makes unless told otherwise: ?AWSAccessKeyId=..&Expires=..

Source: "Authenticating requests (AWS signature version 2)", query string alternative, S3 user guide.
"""

import base64
import hashlib
import hmac
from datetime import datetime
from urllib.parse import quote

import msgspec

from seawall.wire.auth_faults import AuthFault
from seawall.wire.http import Request
from seawall.wire.rest_paths import query_values

_SUBRESOURCES = (
    *("acl", "cors", "delete", "lifecycle", "location", "logging", "notification", "partNumber", "policy"),
    *("requestPayment", "response-cache-control", "response-content-disposition"),
    *("response-content-encoding", "response-content-language", "response-content-type", "response-expires"),
    *("tagging", "torrent", "uploadId", "uploads", "versionId", "versioning", "versions", "website"),
)


class OldSignature(msgspec.Struct, frozen=True, kw_only=True):
    """`expires` in seconds since 1970."""

    access_key_id: str
    signature: str
    expires: int
    security_token: str | None


def read_old_signature(request: Request) -> OldSignature | None:
    """None when the request is not signed in this way.  Raises AuthFault when it is, but not wholly."""
    query = query_values(request)
    if "AWSAccessKeyId" not in query:
        return None
    expires, signature = query.get("Expires", [""])[0], query.get("Signature", [""])[0]
    if not signature or not (expires.isascii() and expires.isdigit()):
        raise AuthFault("incomplete", "Query-string authentication requires Signature and Expires.")
    return OldSignature(
        access_key_id=query["AWSAccessKeyId"][0],
        signature=signature,
        expires=int(expires),
        security_token=query.get("x-amz-security-token", [None])[0],
    )


def check_old(request: Request, old: OldSignature, secret: str, bucket: str | None, now: datetime) -> None:
    """Raises AuthFault.  `bucket` is the one that the Host names, if it names any."""
    if now.timestamp() > old.expires:
        raise AuthFault("request expired")
    headers = request.headers
    amz = {name: value.strip() for name, value in headers.items() if name.startswith("x-amz-")}
    if old.security_token is not None:
        amz["x-amz-security-token"] = old.security_token
    to_sign = "\n".join(
        (
            request.method,
            headers.get("content-md5", ""),
            headers.get("content-type", ""),
            str(old.expires),
            *(f"{name}:{amz[name]}" for name in sorted(amz)),
            _resource(request, bucket),
        )
    )
    digest = hmac.new(secret.encode(), to_sign.encode("latin-1", "replace"), hashlib.sha1).digest()
    if not hmac.compare_digest(base64.b64encode(digest), old.signature.encode("latin-1", "replace")):
        raise AuthFault("mismatch")


def _resource(request: Request, bucket: str | None) -> str:
    path = f"/{quote(bucket)}{request.path}" if bucket else request.path
    query = query_values(request)
    found = [
        f"{name}={query[name][0]}" if query[name][0] else name for name in _SUBRESOURCES if name in query
    ]
    return path + (f"?{'&'.join(found)}" if found else "")
