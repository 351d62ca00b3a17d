"""Secrets: versions and their labels, deletion with a way back, policies, lists."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from seawall.model.kms_key import KmsAlias
from seawall.model.secret import Secret
from seawall.store.store import Store


def refused(call: Callable[..., Any], **members: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**members)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


ABSENT = ("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
MARKED = (
    "InvalidRequestException",
    "You can't perform this operation on the secret because it was marked for deletion.",
)


@pytest.fixture
def manager(aws: Callable[..., Any]) -> Any:
    return aws("secretsmanager")


@pytest.fixture
def arn(manager: Any) -> str:
    return str(manager.create_secret(Name="app/db", SecretString='{"user":"me"}')["ARN"])


def test_a_value_is_found_by_name_and_by_whole_and_partial_arn(manager: Any, arn: str) -> None:
    assert arn.startswith("arn:aws:secretsmanager:us-east-1:123456789012:secret:app/db-")
    for id in ("app/db", arn, arn[:-7]):
        assert manager.get_secret_value(SecretId=id)["SecretString"] == '{"user":"me"}'
    assert refused(manager.get_secret_value, SecretId="other") == ABSENT
    assert refused(manager.get_secret_value, SecretId=arn[:-1] + "?") == ABSENT


def test_the_value_is_not_in_the_store_in_the_clear(manager: Any, arn: str, store: Store) -> None:
    secret = store.get(Secret, "app/db")
    assert b"user" not in secret.versions[0].sealed
    assert [alias.id for alias in store.all(KmsAlias)] == ["alias/aws/secretsmanager"]


def test_putting_moves_the_labels_on(manager: Any, arn: str) -> None:
    first = manager.get_secret_value(SecretId=arn)["VersionId"]
    second = manager.put_secret_value(SecretId=arn, SecretBinary=b"\x00\x01")["VersionId"]
    assert manager.get_secret_value(SecretId=arn)["SecretBinary"] == b"\x00\x01"
    before = manager.get_secret_value(SecretId=arn, VersionStage="AWSPREVIOUS")
    assert (before["VersionId"], before["SecretString"]) == (first, '{"user":"me"}')
    assert manager.describe_secret(SecretId=arn)["VersionIdsToStages"] == {
        first: ["AWSPREVIOUS"],
        second: ["AWSCURRENT"],
    }
    third = manager.put_secret_value(SecretId=arn, SecretString="c")["VersionId"]
    assert {v["VersionId"] for v in manager.list_secret_version_ids(SecretId=arn)["Versions"]} == {
        second,
        third,
    }
    everything = manager.list_secret_version_ids(SecretId=arn, IncludeDeprecated=True)["Versions"]
    assert first in {v["VersionId"] for v in everything}


def test_versions_that_are_not_there(manager: Any, arn: str) -> None:
    assert refused(manager.get_secret_value, SecretId=arn, VersionStage="BLUE") == (
        "ResourceNotFoundException",
        "Secrets Manager can't find the specified secret value for staging label: BLUE",
    )
    first = manager.get_secret_value(SecretId=arn)["VersionId"]
    code, text = refused(manager.get_secret_value, SecretId=arn, VersionId=first, VersionStage="AWSPREVIOUS")
    assert code == "InvalidRequestException"
    assert text == "You provided a VersionStage that is not associated to the provided VersionId."


def test_the_same_token_is_the_same_version(manager: Any, arn: str) -> None:
    token = "t" * 36
    for _ in range(2):
        assert (
            manager.put_secret_value(SecretId=arn, SecretString="b", ClientRequestToken=token)["VersionId"]
            == token
        )
    code, text = refused(
        manager.put_secret_value, SecretId=arn, SecretString="other", ClientRequestToken=token
    )
    assert code == "ResourceExistsException"
    assert text == (
        f"You can't use ClientRequestToken {token} because that value is already in use for a version of"
        f" secret {arn}."
    )


def test_labels_are_moved_only_from_where_they_are(manager: Any, arn: str) -> None:
    first = manager.get_secret_value(SecretId=arn)["VersionId"]
    second = manager.put_secret_value(SecretId=arn, SecretString="b")["VersionId"]
    move = {"SecretId": arn, "VersionStage": "AWSCURRENT", "MoveToVersionId": first}
    assert refused(manager.update_secret_version_stage, **move) == (
        "InvalidParameterException",
        "The parameter RemoveFromVersionId can't be empty. Staging label AWSCURRENT is currently attached to"
        f" version {second}, so you must explicitly reference that version in RemoveFromVersionId.",
    )
    manager.update_secret_version_stage(**move, RemoveFromVersionId=second)
    assert manager.get_secret_value(SecretId=arn)["VersionId"] == first
    assert manager.get_secret_value(SecretId=arn, VersionStage="AWSPREVIOUS")["VersionId"] == second


def test_twenty_labels_are_on_all_versions_together(manager: Any, arn: str) -> None:
    first = manager.get_secret_value(SecretId=arn)["VersionId"]
    nine = [f"a{number}" for number in range(9)]
    manager.put_secret_value(SecretId=arn, SecretString="two", VersionStages=[*nine, "AWSCURRENT"])
    eight = [f"b{number}" for number in range(8)]
    manager.put_secret_value(SecretId=arn, SecretString="three", VersionStages=eight)  # 9, 2 and these
    manager.update_secret_version_stage(SecretId=arn, VersionStage="last", MoveToVersionId=first)
    full = ("LimitExceededException", "The request failed because it would exceed one of the Secrets Manager")
    for call, members in (
        (manager.update_secret_version_stage, {"VersionStage": "more", "MoveToVersionId": first}),
        (manager.put_secret_value, {"SecretString": "four", "VersionStages": ["more"]}),
    ):
        code, text = refused(call, SecretId=arn, **members)
        assert (code, text.startswith(full[1])) == (full[0], True)
    assert len(manager.list_secret_version_ids(SecretId=arn)["Versions"]) == 3
    manager.put_secret_value(SecretId=arn, SecretString="four", VersionStages=["b0"])


def test_deletion_can_be_taken_back_until_its_day(manager: Any, arn: str, clock: Any) -> None:
    due = manager.delete_secret(SecretId=arn, RecoveryWindowInDays=7)["DeletionDate"]
    assert (due - clock.now).days == 7
    assert refused(manager.get_secret_value, SecretId=arn) == MARKED
    assert refused(manager.create_secret, Name="app/db") == (
        "InvalidRequestException",
        "You can't create this secret because a secret with this name is already scheduled for deletion.",
    )
    assert manager.list_secrets()["SecretList"] == []
    assert len(manager.list_secrets(IncludePlannedDeletion=True)["SecretList"]) == 1
    manager.restore_secret(SecretId=arn)
    assert manager.get_secret_value(SecretId=arn)["SecretString"] == '{"user":"me"}'
    manager.delete_secret(SecretId=arn)
    clock.advance(31 * 86_400)
    assert refused(manager.describe_secret, SecretId=arn) == ABSENT


def test_deletion_by_force_is_at_once(manager: Any, arn: str) -> None:
    assert refused(
        manager.delete_secret, SecretId=arn, RecoveryWindowInDays=7, ForceDeleteWithoutRecovery=True
    ) == (
        "InvalidParameterException",
        "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
    )
    assert refused(manager.delete_secret, SecretId=arn, RecoveryWindowInDays=3) == (
        "InvalidParameterException",
        "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).",
    )
    manager.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)
    assert refused(manager.describe_secret, SecretId=arn) == ABSENT
    again = manager.create_secret(Name="app/db", SecretString="new")["ARN"]
    assert again != arn


def test_update_and_create_as_terraform_sends_them(manager: Any, aws: Callable[..., Any]) -> None:
    key = aws("kms").create_key()["KeyMetadata"]["KeyId"]
    arn = manager.create_secret(
        Name="tf", Description="a", KmsKeyId=key, ForceOverwriteReplicaSecret=False, Tags=[]
    )["ARN"]
    assert refused(manager.get_secret_value, SecretId=arn)[1].endswith("staging label: AWSCURRENT")
    manager.update_secret(SecretId=arn, Description="b", SecretString="v")
    described = manager.describe_secret(SecretId=arn)
    assert (described["Description"], described["KmsKeyId"]) == ("b", key)
    aws("kms").disable_key(KeyId=key)
    assert refused(manager.get_secret_value, SecretId=arn)[0] == "DecryptionFailure"
    assert refused(manager.create_secret, Name="tf") == (
        "ResourceExistsException",
        "The operation failed because the secret tf already exists.",
    )


def test_lists_are_filtered_and_paged(manager: Any) -> None:
    for name in ("app/a", "app/b", "web/c"):
        manager.create_secret(Name=name, SecretString=name, Tags=[{"Key": "team", "Value": name[:3]}])
    named = manager.list_secrets(Filters=[{"Key": "name", "Values": ["app"]}])["SecretList"]
    assert {s["Name"] for s in named} == {"app/a", "app/b"}
    others = manager.list_secrets(Filters=[{"Key": "tag-value", "Values": ["!app"]}])["SecretList"]
    assert [s["Name"] for s in others] == ["web/c"]
    keyless = [{"Values": ["app"]}]  # boto3 lets it through, for the model does not require a key
    assert refused(manager.list_secrets, Filters=keyless)[0] == "InvalidParameterException"
    assert refused(manager.batch_get_secret_value, Filters=keyless)[0] == "InvalidParameterException"
    seen, token = [], {}
    while True:
        page = manager.list_secrets(MaxResults=2, **token)
        seen += [s["Name"] for s in page["SecretList"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert sorted(seen) == ["app/a", "app/b", "web/c"]


def test_many_values_at_once(manager: Any, arn: str) -> None:
    got = manager.batch_get_secret_value(SecretIdList=["app/db", "none"])
    assert [v["SecretString"] for v in got["SecretValues"]] == ['{"user":"me"}']
    assert [(e["SecretId"], e["ErrorCode"]) for e in got["Errors"]] == [("none", "ResourceNotFoundException")]
    assert (
        len(manager.batch_get_secret_value(Filters=[{"Key": "name", "Values": ["app"]}])["SecretValues"]) == 1
    )


def test_resource_policies(manager: Any, arn: str) -> None:
    public = (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*",'
        '"Action":"secretsmanager:GetSecretValue","Resource":"*"}]}'
    )
    assert refused(manager.put_resource_policy, SecretId=arn, ResourcePolicy=public, BlockPublicPolicy=True)[
        0
    ] == ("PublicPolicyException")
    manager.put_resource_policy(SecretId=arn, ResourcePolicy=public)
    assert manager.get_resource_policy(SecretId=arn)["ResourcePolicy"] == public
    manager.delete_resource_policy(SecretId=arn)
    assert "ResourcePolicy" not in manager.get_resource_policy(SecretId=arn)
    code, _ = refused(manager.put_resource_policy, SecretId=arn, ResourcePolicy="{}")
    assert code == "MalformedPolicyDocumentException"


def test_tags_and_random_passwords(manager: Any, arn: str) -> None:
    manager.tag_resource(SecretId=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    manager.untag_resource(SecretId=arn, TagKeys=["a"])
    assert manager.describe_secret(SecretId=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    made = manager.get_random_password(PasswordLength=20, ExcludePunctuation=True)["RandomPassword"]
    assert len(made) == 20 and made.isalnum()
    assert any(c.isdigit() for c in made)
    assert refused(manager.get_random_password, PasswordLength=2)[0] == "InvalidParameterException"
