"""Keys that encrypt, aliases, policies, deletion."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from seawall.store.store import Store


def refused(call: Callable[..., Any], **members: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**members)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


@pytest.fixture
def kms(aws: Callable[..., Any]) -> Any:
    return aws("kms")


@pytest.fixture
def key(kms: Any) -> str:
    return str(kms.create_key(Description="mine")["KeyMetadata"]["KeyId"])


def test_a_new_key_is_described_as_aws_describes_it(kms: Any, key: str) -> None:
    known = kms.describe_key(KeyId=key)["KeyMetadata"]
    assert known["Arn"] == f"arn:aws:kms:us-east-1:123456789012:key/{key}"
    assert (known["KeyState"], known["Enabled"], known["KeyManager"]) == ("Enabled", True, "CUSTOMER")
    assert [k["KeyId"] for k in kms.list_keys()["Keys"]] == [key]


def test_what_was_encrypted_comes_back_only_in_its_context(kms: Any, key: str) -> None:
    sealed = kms.encrypt(KeyId=key, Plaintext=b"hush", EncryptionContext={"app": "a"})["CiphertextBlob"]
    assert b"hush" not in sealed
    opened = kms.decrypt(CiphertextBlob=sealed, EncryptionContext={"app": "a"})
    assert (opened["Plaintext"], opened["KeyId"].endswith(key)) == (b"hush", True)
    assert refused(kms.decrypt, CiphertextBlob=sealed)[0] == "InvalidCiphertextException"
    assert refused(kms.decrypt, CiphertextBlob=b"junk")[0] == "InvalidCiphertextException"


def test_another_key_does_not_open_it(kms: Any, key: str) -> None:
    other = kms.create_key()["KeyMetadata"]["KeyId"]
    sealed = kms.encrypt(KeyId=key, Plaintext=b"hush")["CiphertextBlob"]
    assert refused(kms.decrypt, CiphertextBlob=sealed, KeyId=other)[0] == "IncorrectKeyException"
    again = kms.re_encrypt(CiphertextBlob=sealed, DestinationKeyId=other)["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=again, KeyId=other)["Plaintext"] == b"hush"


def test_data_keys(kms: Any, key: str) -> None:
    made = kms.generate_data_key(KeyId=key, KeySpec="AES_256")
    assert len(made["Plaintext"]) == 32
    assert kms.decrypt(CiphertextBlob=made["CiphertextBlob"])["Plaintext"] == made["Plaintext"]
    assert "Plaintext" not in kms.generate_data_key_without_plaintext(KeyId=key, NumberOfBytes=8)
    assert refused(kms.generate_data_key, KeyId=key) == (
        "ValidationException",
        "Please specify either number of bytes or key spec.",
    )


def test_aliases_stand_for_keys(kms: Any, key: str) -> None:
    kms.create_alias(AliasName="alias/app", TargetKeyId=key)
    assert kms.describe_key(KeyId="alias/app")["KeyMetadata"]["KeyId"] == key
    assert refused(kms.create_alias, AliasName="alias/app", TargetKeyId=key) == (
        "AlreadyExistsException",
        "An alias with the name arn:aws:kms:us-east-1:123456789012:alias/app already exists",
    )
    assert refused(kms.create_alias, AliasName="alias/aws/x", TargetKeyId=key)[0] == "NotAuthorizedException"
    other = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.update_alias(AliasName="alias/app", TargetKeyId=other)
    assert [a["TargetKeyId"] for a in kms.list_aliases()["Aliases"]] == [other]
    kms.delete_alias(AliasName="alias/app")
    assert refused(kms.describe_key, KeyId="alias/app") == (
        "NotFoundException",
        "Alias arn:aws:kms:us-east-1:123456789012:alias/app is not found.",
    )


def test_a_disabled_key_does_nothing(kms: Any, key: str) -> None:
    kms.disable_key(KeyId=key)
    arn = f"arn:aws:kms:us-east-1:123456789012:key/{key}"
    assert refused(kms.encrypt, KeyId=key, Plaintext=b"a") == ("DisabledException", f"{arn} is disabled.")
    kms.enable_key(KeyId=key)
    assert kms.encrypt(KeyId=key, Plaintext=b"a")["KeyId"] == arn


def test_a_key_is_deleted_after_its_waiting_time(kms: Any, key: str, clock: Any, store: Store) -> None:
    assert refused(kms.schedule_key_deletion, KeyId=key, PendingWindowInDays=3)[0] == "ValidationException"
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert refused(kms.encrypt, KeyId=key, Plaintext=b"a")[0] == "KMSInvalidStateException"
    kms.cancel_key_deletion(KeyId=key)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Disabled"
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    clock.advance(7 * 86_400)
    assert refused(kms.describe_key, KeyId=key)[0] == "NotFoundException"
    assert kms.list_keys()["Keys"] == []


def test_key_policies(kms: Any, key: str) -> None:
    assert "arn:aws:iam::123456789012:root" in kms.get_key_policy(KeyId=key)["Policy"]
    everybody = '{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}'
    text = f'{{"Version":"2012-10-17","Statement":[{everybody}]}}'
    kms.put_key_policy(KeyId=key, Policy=text)
    assert kms.get_key_policy(KeyId=key)["Policy"] == text
    assert refused(kms.put_key_policy, KeyId=key, Policy="{")[0] == "MalformedPolicyDocumentException"


def test_tags_and_rotation_are_told(kms: Any, key: str) -> None:
    kms.tag_resource(KeyId=key, Tags=[{"TagKey": "a", "TagValue": "1"}, {"TagKey": "b", "TagValue": "2"}])
    kms.untag_resource(KeyId=key, TagKeys=["a"])
    assert kms.list_resource_tags(KeyId=key)["Tags"] == [{"TagKey": "b", "TagValue": "2"}]
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is False


def test_what_kms_could_be_is_refused(kms: Any) -> None:
    assert refused(kms.create_key, KeySpec="RSA_2048")[0] == "NotImplemented"
    assert (
        refused(kms.sign, KeyId="a", Message=b"a", SigningAlgorithm="ED25519_SHA_512")[0] == "NotImplemented"
    )
