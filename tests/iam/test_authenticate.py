"""Who gets in, as whom, and what the others are told, per protocol."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Literal

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from seawall.iam.authenticate import authenticate
from seawall.iam.principal import Principal
from seawall.model.access_key import AccessKey, RoleSession
from seawall.model.role import Role
from seawall.model.user import User
from seawall.store.store import Store
from seawall.wire.errors import ApiError
from seawall.wire.http import Request
from seawall.wire.service import load_service

ACCOUNT = "123456789012"
NOW = datetime.now(timezone.utc)
MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
    "Access Key and signing method. Consult the service documentation for details."
)


@dataclass(frozen=True)
class Settings:
    account: str = ACCOUNT
    region: str = "eu-west-1"
    auth: Literal["enforce", "open"] = "enforce"


@pytest.fixture
def store(memory_path: Path) -> Iterator[Store]:
    opened = Store(memory_path / "state.db")
    with opened.write() as txn:
        txn.put(User(id="ann", user_id="AIDAANN", path="/team/", create_date=NOW))
        txn.put(Role(id="worker", role_id="AROAWORKER", create_date=NOW, assume_role_policy_document="{}"))
        txn.put(AccessKey(id="AKIAROOT", secret="root", user=None, create_date=NOW))
        txn.put(AccessKey(id="AKIAANN", secret="ann", user="ann", create_date=NOW))
        txn.put(AccessKey(id="AKIAOFF", secret="off", user="ann", status="Inactive", create_date=NOW))
        for key, expiration in (("ASIANOW", NOW + timedelta(hours=1)), ("ASIAOLD", NOW)):
            txn.put(
                RoleSession(
                    id=key,
                    secret="session",
                    session_token="token",
                    role="worker",
                    session_name="task-1",
                    expiration=expiration,
                )
            )
    yield opened
    opened.close()


def signed(
    service: str, key: str, secret: str, token: str | None = None, region: str = "eu-west-1"
) -> Request:
    made = AWSRequest(method="POST", url="http://localhost:4566/", data=b"body")
    SigV4Auth(Credentials(key, secret, token), service, region).add_auth(made)
    prepared = made.prepare()
    headers = {str(k).lower(): str(v) for k, v in prepared.headers.items()} | {"host": "localhost:4566"}
    return Request(method="POST", path="/", query="", headers=headers, body=b"body")


def caller(store: Store, request: Request, service: str = "ecs", **options: Any) -> Principal:
    known = load_service(service)
    assert known is not None
    now = options.pop("now", NOW)
    return authenticate(request, known, store, Settings(**options), now)


@pytest.mark.parametrize(
    ("key", "secret", "token", "kind", "arn", "user_id"),
    [
        ("AKIAROOT", "root", None, "root", f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT),
        ("AKIAANN", "ann", None, "user", f"arn:aws:iam::{ACCOUNT}:user/team/ann", "AIDAANN"),
        (
            "ASIANOW",
            "session",
            "token",
            "assumed-role",
            f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/task-1",
            "AROAWORKER:task-1",
        ),
    ],
)
@pytest.mark.parametrize("auth", ["enforce", "open"])
def test_a_good_key_is_its_owner(
    store: Store, key: str, secret: str, token: str | None, kind: str, arn: str, user_id: str, auth: str
) -> None:
    principal = caller(store, signed("ecs", key, secret, token), auth=auth)
    assert (principal.kind, principal.arn, principal.user_id) == (kind, arn, user_id)
    assert (principal.account, principal.access_key_id) == (ACCOUNT, key)


def refusal(store: Store, request: Request, service: str, **options: Any) -> tuple[str, str, int]:
    with pytest.raises(ApiError) as refused:
        caller(store, request, service, **options)
    return refused.value.code, refused.value.message, refused.value.status


INVALID = "The security token included in the request is invalid."
EC2_REFUSAL = ("AuthFailure", "AWS was not able to validate the provided access credentials", 401)


@pytest.mark.parametrize(
    ("key", "secret", "token"),
    [
        ("AKIANOBODY", "x", None),
        ("AKIAOFF", "off", None),
        ("AKIAANN", "ann", "token"),
        ("ASIANOW", "session", None),
        ("ASIANOW", "session", "wrong"),
    ],
)
def test_keys_that_are_not_good_are_unknown(store: Store, key: str, secret: str, token: str | None) -> None:
    for service, expected in (
        ("ecs", ("UnrecognizedClientException", INVALID, 400)),
        ("iam", ("InvalidClientTokenId", INVALID, 403)),
        ("ec2", EC2_REFUSAL),
    ):
        assert refusal(store, signed(service, key, secret, token), service) == expected


def test_a_wrong_secret_does_not_match(store: Store) -> None:
    for service, expected in (
        ("ecs", ("InvalidSignatureException", MISMATCH, 400)),
        ("sts", ("SignatureDoesNotMatch", MISMATCH, 403)),
        ("ec2", EC2_REFUSAL),
    ):
        assert refusal(store, signed(service, "AKIAANN", "wrong"), service) == expected


def test_a_session_ends(store: Store) -> None:
    expired = "The security token included in the request is expired"
    for service, expected in (
        ("logs", ("ExpiredTokenException", expired, 400)),
        ("iam", ("ExpiredToken", expired, 403)),
        ("ec2", ("RequestExpired", "Request has expired.", 400)),
    ):
        assert refusal(store, signed(service, "ASIAOLD", "session", "token"), service) == expected


def test_another_region_or_service_is_out_of_scope(store: Store) -> None:
    region = "Credential should be scoped to a valid region."
    wrong_region = signed("ecs", "AKIAANN", "ann", region="us-west-2")
    assert refusal(store, wrong_region, "ecs") == ("InvalidSignatureException", region, 400)
    wrong_service = signed("ec2", "AKIAANN", "ann")
    assert refusal(store, wrong_service, "ecs") == (
        "InvalidSignatureException",
        "Credential should be scoped to correct service: 'ecs'.",
        400,
    )


def test_global_services_are_also_signed_for_us_east_1(store: Store) -> None:
    for service in ("iam", "sts"):
        for region in ("us-east-1", "eu-west-1"):
            request = signed(service, "AKIAANN", "ann", region=region)
            assert caller(store, request, service).user_id == "AIDAANN"
        refused = refusal(store, signed(service, "AKIAANN", "ann", region="us-west-2"), service)
        assert refused[0] == "SignatureDoesNotMatch"


def test_a_clock_that_is_off_is_told_so(store: Store) -> None:
    request = signed("ecs", "AKIAANN", "ann")
    code, text, status = refusal(store, request, "ecs", now=NOW + timedelta(hours=1))
    assert (code, status) == ("InvalidSignatureException", 400)
    assert text.startswith("Signature expired: ")
    assert refusal(store, signed("ec2", "AKIAANN", "ann"), "ec2", now=NOW - timedelta(hours=1)) == EC2_REFUSAL


def test_no_credentials_at_all(store: Store) -> None:
    bare = Request(method="POST", path="/", query="", headers={"host": "x"}, body=b"")
    assert refusal(store, bare, "ecs") == (
        "MissingAuthenticationTokenException",
        "Missing Authentication Token",
        400,
    )
    assert refusal(store, bare, "iam")[0] == "MissingAuthenticationToken"
    assert refusal(store, bare, "ec2")[0] == "MissingParameter"
    assert caller(store, bare, auth="open").kind == "root"


def test_open_mode_takes_anybody_for_the_administrator(store: Store) -> None:
    for key, secret in (("test", "test"), ("AKIAOFF", "off")):
        principal = caller(store, signed("ecs", key, secret, region="mars-1"), auth="open")
        assert (principal.kind, principal.access_key_id) == ("root", key)


def test_the_key_of_a_user_that_is_gone_is_unknown(store: Store) -> None:
    with store.write() as txn:
        txn.delete(User, "ann")
    refused = refusal(store, signed("ecs", "AKIAANN", "ann"), "ecs")
    assert refused[0] == "UnrecognizedClientException"
