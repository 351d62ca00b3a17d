"""Signatures are those that botocore makes of the same requests."""

from datetime import datetime, timezone

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as SigningKeys

from seawall.host.signature import signed
from seawall.program.task import Credentials

NOW = datetime(2026, 11, 21, 16, 5, 9, tzinfo=timezone.utc)


def by_botocore(kind: type[SigV4Auth], service: str, request: AWSRequest, token: str) -> str:
    request.context["timestamp"] = request.headers["X-Amz-Date"]
    auth = kind(SigningKeys("AKIA", "secret/key+", token or None), service, "eu-west-3")
    return str(auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request))


@pytest.mark.parametrize("token", ["", "a-token=="])
@pytest.mark.parametrize(
    ("kind", "service", "method", "url", "headers", "body"),
    [
        (
            SigV4Auth,
            "ecr",
            "POST",
            "https://api.ecr.eu-west-3.amazonaws.com/",
            {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "A.B"},
            b'{"name": "\xc3\xa9"}',
        ),
        (SigV4Auth, "logs", "POST", "https://logs.test:4443", {"X-Odd": "  two   spaces "}, b""),
        (S3SigV4Auth, "s3", "GET", "https://b.s3.test/a%20b/c~d+e/%C3%A9", {}, b""),
        (S3SigV4Auth, "s3", "GET", "https://s3.test/dotted.bucket//x", {}, b""),
    ],
)
def test_as_botocore_signs(
    kind: type[SigV4Auth],
    service: str,
    method: str,
    url: str,
    headers: dict[str, str],
    body: bytes,
    token: str,
) -> None:
    keys = Credentials(access_key_id="AKIA", secret_access_key="secret/key+", session_token=token)
    sent = signed(keys, service, "eu-west-3", method, url, headers, body, NOW)
    words = sent.pop("Authorization").split()
    assert words[0] == "AWS4-HMAC-SHA256"
    assert words[1] == f"Credential=AKIA/20261121/eu-west-3/{service}/aws4_request,"
    assert ("X-Amz-Security-Token" in sent) == bool(token)
    again = AWSRequest(method=method, url=url, data=body, headers=sent)
    assert words[3] == f"Signature={by_botocore(kind, service, again, token)}"
    assert words[2].removeprefix("SignedHeaders=").rstrip(",").split(";") == sorted(
        {"host", *(name.lower() for name in sent)}
    )
