"""AWS Signature Version 4, verified over the request exactly as it was received.

Both forms: the Authorization header and the presigned query string.  The order of the checks is: is the
signature complete, (the caller looks up the key), does its scope fit, is it in time, does it match.
"""

import hashlib
import hmac
import posixpath
import re
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from urllib.parse import quote, unquote_to_bytes

import msgspec

from seawall.wire.auth_faults import AuthFault
from seawall.wire.http import Request
from seawall.wire.timestamps import parse_http_date

ALGORITHM = "AWS4-HMAC-SHA256"
SKEW = timedelta(minutes=15)
MAX_EXPIRES = 604_800  # seconds; a presigned request lives seven days at most
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
STAMP = "%Y%m%dT%H%M%SZ"


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """What a request claims.  `expires` is in seconds and only presigned requests have it."""

    access_key_id: str
    date: str  # YYYYMMDD of the scope
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str
    moment: datetime
    security_token: str | None
    expires: int | None = None

    @property
    def scope(self) -> str:
        return f"{self.date}/{self.region}/{self.service}/aws4_request"

    @property
    def presigned(self) -> bool:
        return self.expires is not None


def claimed_key(request: Request) -> str | None:
    """The access key id that a request names, whatever else is wrong with its signature."""
    found = re.search(r"Credential=([A-Za-z0-9_]+)/", request.headers.get("authorization", ""))
    if found is None:
        query = re.search(r"(?:^|&)X-Amz-Credential=([A-Za-z0-9_]+)(?:/|%2F)", request.query, re.IGNORECASE)
        return query[1] if query else None
    return found[1]


def read_signature(request: Request) -> Signature:
    """The signature of a request, complete but not verified.

    Raises AuthFault: missing, incomplete, or of a scope that cannot be.
    """
    header = request.headers.get("authorization")
    if header is not None:
        return _from_header(request, header)
    query = _query_pairs(request.query)
    if any(name.lower() in ("x-amz-signature", "x-amz-algorithm") for name, _ in query):
        return _from_query(dict(query))
    raise AuthFault("missing")


def check_time(signature: Signature, now: datetime) -> None:
    """Raises AuthFault when the signature is too old, or not yet valid."""
    stamp, present = signature.moment.strftime(STAMP), now.strftime(STAMP)
    if signature.moment > now + SKEW:
        limit = (now + SKEW).strftime(STAMP)
        raise AuthFault(
            "skewed", f"Signature not yet current: {stamp} is still later than {limit} ({present} + 15 min.)"
        )
    if signature.expires is not None:
        if now > signature.moment + timedelta(seconds=signature.expires):
            raise AuthFault("request expired")
    elif signature.moment < now - SKEW:
        limit = (now - SKEW).strftime(STAMP)
        raise AuthFault(
            "skewed", f"Signature expired: {stamp} is now earlier than {limit} ({present} - 15 min.)"
        )


def check_match(request: Request, signature: Signature, secret: str) -> None:
    """Raises AuthFault when `secret` does not yield this signature over this request."""
    canonical = canonical_request(request, signature)
    to_sign = "\n".join(
        (ALGORITHM, signature.moment.strftime(STAMP), signature.scope, hashlib.sha256(canonical).hexdigest())
    )
    key = signing_key(secret, signature.date, signature.region, signature.service)
    expected = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), signature.signature.encode("utf-8", "replace")):
        raise AuthFault("mismatch")


def canonical_request(request: Request, signature: Signature) -> bytes:
    """The canonical request of the specification.  Headers keep their bytes (latin-1 on the way in)."""
    is_s3 = signature.service in ("s3", "s3-outposts", "s3-object-lambda")
    lines = [request.method, _canonical_path(request.path, is_s3), _canonical_query(request.query)]
    for name in signature.signed_headers:
        if name not in request.headers:
            raise AuthFault("mismatch")
        lines.append(f"{name}:{' '.join(request.headers[name].split())}")
    lines += ["", ";".join(signature.signed_headers), _payload_hash(request, signature, is_s3)]
    return "\n".join(lines).encode("latin-1", "replace")


@lru_cache(maxsize=256)
def signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    """What a day's signatures of a service in a region are made with."""
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def _payload_hash(request: Request, signature: Signature, is_s3: bool) -> str:
    """For S3 what the client declared: whoever takes in the body holds it against that, piece by piece."""
    declared = request.headers.get("x-amz-content-sha256")
    if is_s3:
        return declared or UNSIGNED_PAYLOAD
    body = hashlib.sha256(request.body).hexdigest()
    if declared not in (None, UNSIGNED_PAYLOAD, body):
        raise AuthFault("mismatch")
    return declared or body


def _canonical_path(path: str, is_s3: bool) -> str:
    if is_s3:
        return quote(unquote_to_bytes(path), safe="/~") or "/"
    normal = posixpath.normpath(re.sub("/+", "/", path or "/"))
    if path.endswith("/") and not normal.endswith("/"):
        normal += "/"
    return quote(normal, safe="/~")


def _query_pairs(query: str) -> list[tuple[str, str]]:
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    return [(_decoded(name), _decoded(value)) for name, _, value in pairs]


def _decoded(text: str) -> str:
    return unquote_to_bytes(text).decode("utf-8", "surrogateescape")


def _canonical_query(query: str) -> str:
    pairs = sorted(
        (_encoded(name), _encoded(value)) for name, value in _query_pairs(query) if name != "X-Amz-Signature"
    )
    return "&".join(f"{name}={value}" for name, value in pairs)


def _encoded(text: str) -> str:
    return quote(text.encode("utf-8", "surrogateescape"), safe="-_.~")


def _from_header(request: Request, header: str) -> Signature:
    algorithm, _, rest = header.partition(" ")
    parts = (part.partition("=") for part in rest.split(","))
    fields = {name.strip(): value.strip() for name, _, value in parts}
    stamp = request.headers.get("x-amz-date") or request.headers.get("date")
    missing = [
        f"Authorization header requires '{name}' parameter."
        for name in ("Credential", "Signature", "SignedHeaders")
        if not fields.get(name)
    ]
    if not stamp:
        missing.append("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
    if missing or not stamp or algorithm != ALGORITHM:
        raise AuthFault("incomplete", " ".join([*missing, f"Authorization={header}"]))
    return _signature(
        credential=fields["Credential"],
        stamp=stamp,
        signed_headers=fields["SignedHeaders"],
        signature=fields["Signature"],
        security_token=request.headers.get("x-amz-security-token"),
    )


def _from_query(fields: dict[str, str]) -> Signature:
    required = ("Algorithm", "Credential", "Signature", "SignedHeaders", "Date", "Expires")
    missing = [
        f"AWS query-string parameters must include 'X-Amz-{name}'."
        for name in required
        if not fields.get(f"X-Amz-{name}")
    ]
    expires = fields.get("X-Amz-Expires", "")
    if missing or fields["X-Amz-Algorithm"] != ALGORITHM:
        raise AuthFault("incomplete", " ".join([*missing, "Re-examine the query-string parameters."]))
    if not (expires.isascii() and expires.isdigit() and int(expires) <= MAX_EXPIRES):
        raise AuthFault("incomplete", f"X-Amz-Expires must be a number from 0 to {MAX_EXPIRES}")
    return _signature(
        credential=fields["X-Amz-Credential"],
        stamp=fields["X-Amz-Date"],
        signed_headers=fields["X-Amz-SignedHeaders"],
        signature=fields["X-Amz-Signature"],
        security_token=fields.get("X-Amz-Security-Token"),
        expires=int(expires),
    )


def _signature(
    *,
    credential: str,
    stamp: str,
    signed_headers: str,
    signature: str,
    security_token: str | None,
    expires: int | None = None,
) -> Signature:
    parts = credential.split("/")
    if len(parts) != 5:
        raise AuthFault(
            "incomplete",
            "Credential must have exactly 5 slash-delimited elements, "
            f"e.g. keyid/date/region/service/term, got '{credential}'",
        )
    key, date, region, service, terminator = parts
    moment = _moment(stamp)
    if terminator != "aws4_request":
        raise AuthFault(
            "scope",
            f"Credential should be scoped with a valid terminator: 'aws4_request', not '{terminator}'.",
        )
    if date != moment.strftime("%Y%m%d"):
        raise AuthFault(
            "scope",
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
            f"'{date}' != '{moment:%Y%m%d}', from '{moment.strftime(STAMP)}'.",
        )
    names = tuple(signed_headers.split(";"))
    if "host" not in names:
        raise AuthFault("scope", "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
    return Signature(
        access_key_id=key,
        date=date,
        region=region,
        service=service,
        signed_headers=names,
        signature=signature,
        moment=moment,
        security_token=security_token,
        expires=expires,
    )


@lru_cache(maxsize=64)  # requests of one second say the same
def _moment(stamp: str) -> datetime:
    try:
        return datetime.strptime(stamp, STAMP).replace(tzinfo=timezone.utc)
    except ValueError:
        pass
    try:
        return parse_http_date(stamp)
    except ValueError as error:
        raise AuthFault("incomplete", f"Date must be in ISO-8601 'basic format'. Got '{stamp}'.") from error
