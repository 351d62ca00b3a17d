import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from seawall.api.iam.bootstrap import create_administrator
from seawall.model.access_key import AccessKey


def refused(call: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.fixture
def iam(aws: Any) -> Any:
    return aws("iam")


def test_a_user_is_described_as_it_was_made(iam: Any, clock: Any) -> None:
    made = iam.create_user(UserName="ann", Path="/team/", Tags=[{"Key": "a", "Value": "1"}])["User"]
    assert made["Arn"] == "arn:aws:iam::123456789012:user/team/ann"
    assert made["UserId"].startswith("AIDA") and len(made["UserId"]) == 20
    assert made["CreateDate"] == clock.now
    assert iam.get_user(UserName="ann")["User"] == made
    del made["Tags"]  # ListUsers leaves them out
    assert iam.list_users(PathPrefix="/team/")["Users"] == [made]
    assert iam.list_users(PathPrefix="/other/")["Users"] == []


def test_names_are_taken_without_regard_to_case(iam: Any) -> None:
    iam.create_user(UserName="ann")
    assert refused(iam.create_user, UserName="ANN") == (
        "EntityAlreadyExists",
        "User with name ANN already exists.",
    )
    assert refused(iam.get_user, UserName="bob") == (
        "NoSuchEntity",
        "The user with name bob cannot be found.",
    )


def test_users_come_in_pages(iam: Any) -> None:
    for name in ("a", "b", "c"):
        iam.create_user(UserName=name)
    first = iam.list_users(MaxItems=2)
    assert first["IsTruncated"] and [user["UserName"] for user in first["Users"]] == ["a", "b"]
    rest = iam.list_users(MaxItems=2, Marker=first["Marker"])
    assert not rest["IsTruncated"] and [user["UserName"] for user in rest["Users"]] == ["c"]
    assert refused(iam.list_users, Marker="?")[0] == "ValidationError"


def test_two_keys_at_most_and_none_may_be_left(iam: Any) -> None:
    iam.create_user(UserName="ann")
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    assert key["AccessKeyId"].startswith("AKIA") and len(key["SecretAccessKey"]) == 40
    other = iam.create_access_key(UserName="ann")["AccessKey"]
    assert refused(iam.create_access_key, UserName="ann") == (
        "LimitExceeded",
        "Cannot exceed quota for AccessKeysPerUser: 2",
    )
    iam.update_access_key(UserName="ann", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    listed = iam.list_access_keys(UserName="ann")["AccessKeyMetadata"]
    assert {found["AccessKeyId"]: found["Status"] for found in listed} == {
        key["AccessKeyId"]: "Inactive",
        other["AccessKeyId"]: "Active",
    }
    assert all("SecretAccessKey" not in found for found in listed)
    assert refused(iam.delete_user, UserName="ann") == (
        "DeleteConflict",
        "Cannot delete entity, must delete access keys first.",
    )
    for found in listed:
        iam.delete_access_key(UserName="ann", AccessKeyId=found["AccessKeyId"])
    iam.delete_user(UserName="ann")
    assert iam.list_users()["Users"] == []


def test_a_key_is_found_by_its_owner_only(iam: Any) -> None:
    iam.create_user(UserName="ann")
    iam.create_user(UserName="bob")
    id = iam.create_access_key(UserName="ann")["AccessKey"]["AccessKeyId"]
    assert refused(iam.delete_access_key, UserName="bob", AccessKeyId=id) == (
        "NoSuchEntity",
        f"The Access Key with id {id} cannot be found.",
    )


def test_the_first_user_is_an_administrator_with_a_key(iam: Any, store: Any, clock: Any) -> None:
    with store.write() as txn:
        key = create_administrator(txn, clock.now)
    assert store.get(AccessKey, key.id) == key
    (listed,) = iam.list_access_keys(UserName="administrator")["AccessKeyMetadata"]
    assert (listed["AccessKeyId"], listed["Status"]) == (key.id, "Active")
    (policy,) = iam.list_attached_user_policies(UserName="administrator")["AttachedPolicies"]
    assert policy["PolicyName"] == "AdministratorAccess"
    root = iam.get_user()["User"]
    assert (root["Arn"], root["UserId"]) == ("arn:aws:iam::123456789012:root", "123456789012")


def test_a_users_policies_and_tags(iam: Any) -> None:
    iam.create_user(UserName="ann")
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": statement})
    iam.put_user_policy(UserName="ann", PolicyName="p", PolicyDocument=document)
    assert iam.get_user_policy(UserName="ann", PolicyName="p")["PolicyDocument"] == json.loads(document)
    administrator = "arn:aws:iam::aws:policy/AdministratorAccess"
    iam.attach_user_policy(UserName="ann", PolicyArn=administrator)
    assert iam.list_attached_user_policies(UserName="ann")["AttachedPolicies"] == [
        {"PolicyName": "AdministratorAccess", "PolicyArn": administrator}
    ]
    entities = iam.list_entities_for_policy(PolicyArn=administrator)
    assert [found["UserName"] for found in entities["PolicyUsers"]] == ["ann"]
    assert (
        refused(iam.delete_user, UserName="ann")[1] == "Cannot delete entity, must detach all policies first."
    )
    iam.detach_user_policy(UserName="ann", PolicyArn=administrator)
    assert refused(iam.delete_user, UserName="ann")[1] == "Cannot delete entity, must delete policies first."
    long = document.replace("s3:*", "s3:" + "x" * 2048)
    put = iam.put_user_policy
    assert refused(put, UserName="ann", PolicyName="q", PolicyDocument=long)[0] == "LimitExceeded"
    iam.delete_user_policy(UserName="ann", PolicyName="p")
    assert refused(iam.get_user_policy, UserName="ann", PolicyName="p") == (
        "NoSuchEntity",
        "The user policy with name p cannot be found.",
    )
    iam.tag_user(UserName="ann", Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    iam.untag_user(UserName="ann", TagKeys=["a"])
    assert iam.list_user_tags(UserName="ann")["Tags"] == [{"Key": "b", "Value": "2"}]
    assert iam.list_groups_for_user(UserName="ann")["Groups"] == []
