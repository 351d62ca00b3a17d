"""Who may open a secret: its own policy, the key's, and what a VPC endpoint lets through."""

import json
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.api.enforcing import Enforcing

from seawall.app.gateway import Gateway
from seawall.iam.context import EndpointOrigin
from seawall.model.access_key import AccessKey
from seawall.model.user import User

ACCOUNT = "123456789012"
ROOT, ANN = "AKIA" + "ROOT" * 4, "AKIA" + "ANNA" * 4


@pytest.fixture
def through() -> dict[str, str]:
    """The policy of the endpoint that everything comes through; none: there is no endpoint."""
    return {}


@pytest.fixture
def gateway(store: Any, clock: Any, resources: Any, through: dict[str, str]) -> Gateway:
    clock.now = datetime.now(timezone.utc)

    def via(reader: Any, address: str) -> EndpointOrigin | None:
        if "policy" not in through:
            return None
        return EndpointOrigin(id="vpce-1", vpc_id="vpc-1", source_ip=None, policy=through["policy"])

    with store.write() as txn:
        txn.put(AccessKey(id=ROOT, secret="r", user=None, create_date=clock.now))
        txn.put(User(id="ann", user_id="AIDAANN", create_date=clock.now))
        txn.put(AccessKey(id=ANN, secret="a", user="ann", create_date=clock.now))
    return Gateway(store, Enforcing(), resources=resources, clock=clock, via=via)


@pytest.fixture
def root(aws: Callable[..., Any]) -> Callable[[str], Any]:
    return lambda service: aws(service, access_key=ROOT, secret_key="r")


@pytest.fixture
def ann(aws: Callable[..., Any]) -> Callable[[str], Any]:
    return lambda service: aws(service, access_key=ANN, secret_key="a")


@pytest.fixture
def let(root: Callable[[str], Any]) -> Callable[..., None]:
    def put(*actions: str) -> None:
        document = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}],
        }
        root("iam").put_user_policy(UserName="ann", PolicyName="p", PolicyDocument=json.dumps(document))

    return put


def denial(call: Any, **members: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**members)
    error = caught.value.response["Error"]
    assert error["Code"] == "AccessDeniedException"
    return str(error["Message"])


def value(client: Any) -> str:
    return str(client.get_secret_value(SecretId="s")["SecretString"])


def test_a_policy_of_the_callers_is_enough_under_the_services_own_key(root: Any, ann: Any, let: Any) -> None:
    arn = root("secretsmanager").create_secret(Name="s", SecretString="v")["ARN"]
    text = denial(ann("secretsmanager").get_secret_value, SecretId="s")
    assert text == (
        f"User: arn:aws:iam::{ACCOUNT}:user/ann is not authorized to perform: secretsmanager:GetSecretValue"
        f" on resource: {arn} because no identity-based policy allows the"
        " secretsmanager:GetSecretValue action"
    )
    let("secretsmanager:GetSecretValue")
    assert value(ann("secretsmanager")) == "v"
    key = root("kms").describe_key(KeyId="alias/aws/secretsmanager")["KeyMetadata"]["KeyId"]
    let("kms:*")
    assert "kms:Encrypt" in denial(ann("kms").encrypt, KeyId=key, Plaintext=b"not through the service")


def test_a_key_of_ones_own_has_to_be_allowed_as_well(root: Any, ann: Any, let: Any) -> None:
    key = root("kms").create_key()["KeyMetadata"]["KeyId"]
    root("secretsmanager").create_secret(Name="s", SecretString="v", KmsKeyId=key)
    let("secretsmanager:GetSecretValue")
    assert denial(ann("secretsmanager").get_secret_value, SecretId="s") == "Access to KMS is not allowed"
    let("secretsmanager:GetSecretValue", "kms:Decrypt")
    assert value(ann("secretsmanager")) == "v"


def test_the_secrets_policy_lets_in_by_itself(root: Any, ann: Any) -> None:
    root("secretsmanager").create_secret(Name="s", SecretString="v")
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/ann"},
                "Action": "secretsmanager:GetSecretValue",
                "Resource": "*",
            }
        ],
    }
    root("secretsmanager").put_resource_policy(SecretId="s", ResourcePolicy=json.dumps(policy))
    assert value(ann("secretsmanager")) == "v"


def test_an_endpoints_policy_limits_the_service_and_not_its_use_of_keys(
    root: Any, ann: Any, let: Any, through: dict[str, str]
) -> None:
    root("secretsmanager").create_secret(Name="s", SecretString="v")
    let("secretsmanager:GetSecretValue")
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "secretsmanager:GetSecretValue",
        "Resource": "*",
    }
    through["policy"] = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    assert value(ann("secretsmanager")) == "v"
    text = denial(root("secretsmanager").describe_secret, SecretId="s")
    assert text.endswith("because no VPC endpoint policy allows the secretsmanager:DescribeSecret action")


def test_parameters_ask_for_each_key(root: Any, ann: Any, let: Any) -> None:
    key = root("kms").create_key()["KeyMetadata"]["KeyId"]
    root("ssm").put_parameter(Name="/plain", Value="1", Type="String")
    root("ssm").put_parameter(Name="/default", Value="2", Type="SecureString")
    root("ssm").put_parameter(Name="/own", Value="3", Type="SecureString", KeyId=key)
    let("ssm:GetParameters")

    def get(*names: str) -> list[str]:
        got = ann("ssm").get_parameters(Names=list(names), WithDecryption=True)
        return [p["Value"] for p in got["Parameters"]]

    assert get("/plain", "/default") == ["1", "2"]
    assert "kms:Decrypt" in denial(ann("ssm").get_parameters, Names=["/own"], WithDecryption=True)
    assert ann("ssm").get_parameters(Names=["/own"])["Parameters"][0]["Value"] != "3"
    let("ssm:GetParameters", "kms:Decrypt")
    assert get("/plain", "/default", "/own") == ["1", "2", "3"]


def test_an_alias_is_moved_by_who_may_do_so_on_both_keys(root: Any, ann: Any) -> None:
    kms = root("kms")
    old, new = (kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2))
    kms.create_alias(AliasName="alias/app", TargetKeyId=old.rpartition("/")[2])
    alias = old.partition("key/")[0] + "alias/app"

    def may(*resources: str) -> None:
        statement = {"Effect": "Allow", "Action": "kms:UpdateAlias", "Resource": resources}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        root("iam").put_user_policy(UserName="ann", PolicyName="p", PolicyDocument=document)

    move = {"AliasName": "alias/app", "TargetKeyId": new.rpartition("/")[2]}
    may(alias, new)
    assert f"kms:UpdateAlias on resource: {old}" in denial(ann("kms").update_alias, **move)
    may(alias, old)
    assert f"kms:UpdateAlias on resource: {new}" in denial(ann("kms").update_alias, **move)
    may(alias, old, new)
    ann("kms").update_alias(**move)


def test_of_many_secrets_those_that_are_denied_are_told_one_by_one(root: Any, ann: Any, let: Any) -> None:
    manager = root("secretsmanager")
    manager.create_secret(Name="s", SecretString="v")
    closed = manager.create_secret(Name="closed", SecretString="w")["ARN"]
    let("secretsmanager:BatchGetSecretValue", "secretsmanager:GetSecretValue", "kms:Decrypt")
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Deny", "Principal": "*", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
        ],
    }
    manager.put_resource_policy(SecretId="closed", ResourcePolicy=json.dumps(policy))
    answer = ann("secretsmanager").batch_get_secret_value(SecretIdList=["s", "closed"])
    assert [value["SecretString"] for value in answer["SecretValues"]] == ["v"]
    (error,) = answer["Errors"]
    assert (error["SecretId"], error["ErrorCode"]) == ("closed", "AccessDeniedException")
    assert (
        closed in error["Message"] and "with an explicit deny in a resource-based policy" in error["Message"]
    )
