import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.api.enforcing import Enforcing

from seawall.app.gateway import Gateway
from seawall.model.access_key import AccessKey, RoleSession

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
    }
)
ARN = "arn:aws:iam::123456789012:role/team/deploy"


def refused(call: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.fixture
def gateway(store: Any, clock: Any, resources: Any) -> Gateway:
    """Signatures are verified, so that the caller is who the key belongs to."""
    clock.now = datetime.now(timezone.utc)  # botocore signs with the machine's clock
    return Gateway(store, Enforcing(), resources=resources, clock=clock)


@pytest.fixture
def root(aws: Callable[..., Any], store: Any, clock: Any) -> Callable[[str], Any]:
    """Clients of the account's root, by service."""
    with store.write() as txn:
        key = AccessKey(id="AK" + "IAROOTSFIRSTKEY000", secret="roots", user=None, create_date=clock.now)
        txn.put(key)
    return lambda service: aws(service, access_key=key.id, secret_key=key.secret)


@pytest.fixture
def user(aws: Callable[..., Any], root: Callable[[str], Any]) -> Callable[[str], Any]:
    """Clients of user ann, by service; role /team/deploy exists."""
    iam = root("iam")
    iam.create_user(UserName="ann")
    iam.create_role(RoleName="deploy", Path="/team/", AssumeRolePolicyDocument=TRUST, MaxSessionDuration=7200)
    for attach, name in ((iam.attach_role_policy, "deploy"), (iam.attach_user_policy, "ann")):
        who = "RoleName" if name == "deploy" else "UserName"
        attach(**{who: name}, PolicyArn="arn:aws:iam::aws:policy/IAMReadOnlyAccess")
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    return lambda service: aws(service, access_key=key["AccessKeyId"], secret_key=key["SecretAccessKey"])


def as_role(aws: Callable[..., Any], answer: Any, service: str = "sts") -> Any:
    credentials = answer["Credentials"]
    return aws(
        service,
        access_key=credentials["AccessKeyId"],
        secret_key=credentials["SecretAccessKey"],
        session_token=credentials["SessionToken"],
    )


def test_everybody_learns_who_they_are(aws: Any, root: Any, user: Any) -> None:
    assert root("sts").get_caller_identity()["Arn"] == "arn:aws:iam::123456789012:root"
    ann = user("sts").get_caller_identity()
    assert (ann["Arn"], ann["Account"]) == ("arn:aws:iam::123456789012:user/ann", "123456789012")
    assert ann["UserId"] == root("iam").get_user(UserName="ann")["User"]["UserId"]
    answer = user("sts").assume_role(RoleArn=ARN, RoleSessionName="xx")
    role = as_role(aws, answer).get_caller_identity()
    assert (
        role["Arn"]
        == answer["AssumedRoleUser"]["Arn"]
        == ("arn:aws:sts::123456789012:assumed-role/deploy/xx")
    )
    assert role["UserId"] == answer["AssumedRoleUser"]["AssumedRoleId"]
    assert role["UserId"].endswith(":xx") and role["UserId"].startswith("AROA")


def test_a_session_opens_the_api_until_it_expires(aws: Any, user: Any, clock: Any) -> None:
    answer = user("sts").assume_role(RoleArn=ARN, RoleSessionName="xx", DurationSeconds=900)
    credentials = answer["Credentials"]
    assert credentials["AccessKeyId"].startswith("ASIA")
    assert credentials["Expiration"] == clock.now.replace(microsecond=0) + timedelta(seconds=900)
    as_role(aws, answer, "iam").list_users()
    token = credentials["SessionToken"]
    wrong = aws(
        "sts",
        access_key=credentials["AccessKeyId"],
        secret_key=credentials["SecretAccessKey"],
        session_token=("y" if token.startswith("x") else "x") + token[1:],
    )
    assert refused(wrong.get_caller_identity)[0] == "InvalidClientTokenId"


def test_expired_sessions_of_a_role_are_forgotten(user: Any, store: Any, clock: Any) -> None:
    sts = user("sts")
    first = sts.assume_role(RoleArn=ARN, RoleSessionName="xx", DurationSeconds=900)
    with store.write() as txn:
        session = txn.get(RoleSession, first["Credentials"]["AccessKeyId"])
        txn.put(
            RoleSession(
                id="ASIAOLD",
                secret=session.secret,
                session_token="t",
                role="deploy",
                session_name="old",
                expiration=clock.now,
            )
        )
    sts.assume_role(RoleArn=ARN, RoleSessionName="yy")
    assert sorted(session.session_name for session in store.all(RoleSession)) == ["xx", "yy"]


def test_root_assumes_no_roles(root: Any, user: Any) -> None:
    assert refused(root("sts").assume_role, RoleArn=ARN, RoleSessionName="xx") == (
        "AccessDenied",
        "Roles may not be assumed by root accounts.",
    )


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:iam::123456789012:role/none",
        "arn:aws:iam::123456789012:role/deploy",
        "arn:aws:iam::210987654321:role/team/deploy",
    ],
)
def test_a_role_that_is_not_there_is_denied(user: Any, arn: str) -> None:
    assert refused(user("sts").assume_role, RoleArn=arn, RoleSessionName="xx") == (
        "AccessDenied",
        "User: arn:aws:iam::123456789012:user/ann is not authorized to perform: sts:AssumeRole"
        f" on resource: {arn}",
    )


def test_bad_input_is_refused_in_the_services_words(aws: Any, user: Any, store: Any) -> None:
    assume = user("sts").assume_role
    other = "arn:aws:iam::123456789012:user/ann"
    assert refused(assume, RoleArn=other, RoleSessionName="xx") == (
        "ValidationError",
        "Request ARN is invalid",
    )
    text = "no-arn-but-long-enough"
    assert refused(assume, RoleArn=text, RoleSessionName="xx") == ("ValidationError", f"{text} is invalid")
    assert refused(assume, RoleArn=ARN, RoleSessionName="xx", DurationSeconds=7201) == (
        "ValidationError",
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
    )
    assert refused(assume, RoleArn=ARN, RoleSessionName="xx", Policy="{")[0] == "MalformedPolicyDocument"
    chained = as_role(aws, assume(RoleArn=ARN, RoleSessionName="xx"))
    assert refused(chained.assume_role, RoleArn=ARN, RoleSessionName="yy", DurationSeconds=3601) == (
        "ValidationError",
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
    )
    assert len(store.all(RoleSession)) == 1
