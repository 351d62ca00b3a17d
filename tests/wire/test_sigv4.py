"""Signatures made by botocore's own signers, over the bytes that would be sent."""

from datetime import datetime, timedelta, timezone
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from seawall.wire.auth_faults import AuthFault
from seawall.wire.http import Request
from seawall.wire.sigv4 import check_match, check_time, claimed_key, read_signature

KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=timezone.utc)
HOST = "ecs.us-east-1.amazonaws.com"


def signed(signer: Any, *, when: datetime = NOW, **request: Any) -> Request:
    """The request as it leaves botocore's signer."""
    made = AWSRequest(**({"method": "POST", "url": f"http://{HOST}/", "data": b"{}"} | request))
    with mock.patch("botocore.auth.get_current_datetime", lambda: when.replace(tzinfo=None)):
        signer.add_auth(made)
    prepared = made.prepare()
    parts = urlsplit(prepared.url)
    headers = {
        str(k).lower(): v.decode("latin-1") if isinstance(v, bytes) else v.encode().decode("latin-1")
        for k, v in prepared.headers.items()
    }
    return Request(
        method=prepared.method,
        path=parts.path,
        query=parts.query,
        headers=headers | {"host": HOST},
        body=prepared.body or b"",
    )


def signer(kind: Any = SigV4Auth, token: str | None = None, service: str = "ecs", **options: Any) -> Any:
    return kind(Credentials(KEY, SECRET, token), service, "us-east-1", **options)


@pytest.mark.parametrize(
    "request_parts",
    [
        {},
        {"method": "GET", "data": b"", "url": f"http://{HOST}/a%20b/c%2Fd//e/../f/?x=1&a=%2F&a=%20b&B="},
        {"headers": {"X-Amz-Target": "  Some.  Thing ", "X-Amz-Meta": "gr\u00fcn"}},
        {"data": b"\x00\xff" * 100},
        {"url": f"http://{HOST}/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A1%3Afunction%3Af"},
    ],
)
def test_what_botocore_signs_is_accepted(request_parts: dict[str, Any]) -> None:
    request = signed(signer(), **request_parts)
    signature = read_signature(request)
    assert (signature.access_key_id, signature.region, signature.service) == (KEY, "us-east-1", "ecs")
    check_time(signature, NOW)
    check_match(request, signature, SECRET)


def test_s3_paths_are_encoded_once_and_payloads_may_be_unsigned() -> None:
    made = signer(S3SigV4Auth, service="s3")
    request = signed(made, method="PUT", url=f"http://{HOST}/b/a%20b%2B//c", data=b"data")
    check_match(request, read_signature(request), SECRET)
    with mock.patch.object(S3SigV4Auth, "payload", lambda self, request: "UNSIGNED-PAYLOAD"):
        request = signed(made, method="PUT", url=f"http://{HOST}/b/k", data=b"data")
    check_match(request, read_signature(request), SECRET)


def test_presigned_requests_carry_their_signature_in_the_query() -> None:
    made = signer(SigV4QueryAuth, token="the/token+", service="sts", expires=60)
    request = signed(made, method="GET", url=f"http://{HOST}/?Action=GetCallerIdentity&b=%20", data=b"")
    signature = read_signature(request)
    assert (signature.expires, signature.security_token) == (60, "the/token+")
    assert claimed_key(request) == KEY
    check_match(request, signature, SECRET)
    check_time(signature, NOW + timedelta(seconds=60))
    with pytest.raises(AuthFault) as late:
        check_time(signature, NOW + timedelta(seconds=61))
    assert late.value.kind == "request expired"


def test_the_session_token_is_part_of_what_is_signed() -> None:
    request = signed(signer(token="token"))
    signature = read_signature(request)
    assert signature.security_token == "token"
    check_match(request, signature, SECRET)
    other = dict(request.headers) | {"x-amz-security-token": "another"}
    with pytest.raises(AuthFault, match="mismatch"):
        check_match(_with(request, headers=other), signature, SECRET)


@pytest.mark.parametrize("change", ["body", "path", "query", "method", "header", "secret", "signature"])
def test_any_change_breaks_the_signature(change: str) -> None:
    request = signed(signer(), headers={"X-Amz-Target": "T.Op"})
    signature, secret = read_signature(request), SECRET
    if change == "header":
        request = _with(request, headers=dict(request.headers) | {"x-amz-target": "T.Other"})
    elif change == "secret":
        secret += "x"
    elif change == "signature":
        flipped = "0" if request.headers["authorization"][-1] != "0" else "1"
        authorization = request.headers["authorization"][:-1] + flipped
        request = _with(request, headers=dict(request.headers) | {"authorization": authorization})
        signature = read_signature(request)
    else:
        changed = {"body": b"{ }", "path": "/x", "query": "a=1", "method": "PUT"}[change]
        request = _with(request, **{change: changed})
    with pytest.raises(AuthFault) as fault:
        check_match(request, signature, secret)
    assert fault.value.kind == "mismatch"


def test_a_false_payload_hash_is_refused() -> None:
    request = signed(signer(), headers={"X-Amz-Content-SHA256": "0" * 64})
    with pytest.raises(AuthFault, match="mismatch"):
        check_match(request, read_signature(request), SECRET)


def test_clocks_may_differ_by_a_quarter_of_an_hour() -> None:
    signature = read_signature(signed(signer()))
    for minutes in (-15, 0, 15):
        check_time(signature, NOW + timedelta(minutes=minutes))
    with pytest.raises(AuthFault) as old:
        check_time(signature, NOW + timedelta(minutes=15, seconds=1))
    assert old.value.text == (
        "Signature expired: 20260304T050607Z is now earlier than 20260304T050608Z "
        "(20260304T052108Z - 15 min.)"
    )
    with pytest.raises(AuthFault) as early:
        check_time(signature, NOW - timedelta(minutes=15, seconds=1))
    assert early.value.text == (
        "Signature not yet current: 20260304T050607Z is still later than 20260304T050606Z "
        "(20260304T045106Z + 15 min.)"
    )


@pytest.mark.parametrize(
    ("headers", "kind", "text"),
    [
        ({}, "missing", ""),
        (
            {"authorization": "AWS4-HMAC-SHA256 x"},
            "incomplete",
            "Authorization header requires 'Credential' parameter. "
            "Authorization header requires 'Signature' parameter. "
            "Authorization header requires 'SignedHeaders' parameter. "
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. "
            "Authorization=AWS4-HMAC-SHA256 x",
        ),
        (
            {"authorization": "AWS4-HMAC-SHA256 Credential=A/b, SignedHeaders=host, Signature=0"},
            "incomplete",
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, "
            "got 'A/b'",
        ),
        (
            {
                "authorization": "AWS4-HMAC-SHA256 Credential=A/20260304/r/s/aws5, "
                "SignedHeaders=host, Signature=0"
            },
            "scope",
            "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5'.",
        ),
        (
            {
                "authorization": "AWS4-HMAC-SHA256 Credential=A/20260303/r/s/aws4_request, "
                "SignedHeaders=host, Signature=0"
            },
            "scope",
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
            "'20260303' != '20260304', from '20260304T050607Z'.",
        ),
        (
            {
                "authorization": "AWS4-HMAC-SHA256 Credential=A/20260304/r/s/aws4_request, "
                "SignedHeaders=x-amz-date, Signature=0"
            },
            "scope",
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
        ),
    ],
)
def test_incomplete_signatures_are_named(headers: dict[str, str], kind: str, text: str) -> None:
    stamped = headers | ({"x-amz-date": "20260304T050607Z"} if "Credential" in str(headers) else {})
    request = Request(method="POST", path="/", query="", headers=stamped, body=b"")
    with pytest.raises(AuthFault) as fault:
        read_signature(request)
    assert (fault.value.kind, fault.value.text) == (kind, text)


@pytest.mark.parametrize(
    "query",
    [
        "X-Amz-Algorithm=AWS4-HMAC-SHA256",
        "X-Amz-Signature=0&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=A%2F20260304%2Fr%2Fs%2Faws4_request"
        "&X-Amz-SignedHeaders=host&X-Amz-Date=20260304T050607Z&X-Amz-Expires=604801",
    ],
)
def test_incomplete_presigned_requests_are_refused(query: str) -> None:
    with pytest.raises(AuthFault) as fault:
        read_signature(Request(method="GET", path="/", query=query, headers={}, body=b""))
    assert fault.value.kind == "incomplete"


def _with(request: Request, **changes: Any) -> Request:
    fields = {name: getattr(request, name) for name in Request.__struct_fields__}
    return Request(**(fields | changes))
