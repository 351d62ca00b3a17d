"""Groups, instance profiles, boundaries, renamed users."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
READER = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
DOCUMENT = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
)
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)


@pytest.fixture
def iam(aws: Any) -> Any:
    return aws("iam")


def refused(call: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_group_from_beginning_to_end(iam: Any) -> None:
    made = iam.create_group(GroupName="dev", Path="/team/")["Group"]
    assert made["Arn"] == "arn:aws:iam::123456789012:group/team/dev"
    assert made["GroupId"].startswith("AGPA")
    assert refused(iam.create_group, GroupName="DEV") == (
        "EntityAlreadyExists",
        "Group with name DEV already exists.",
    )
    for name in ("ann", "bob"):
        iam.create_user(UserName=name)
        iam.add_user_to_group(GroupName="dev", UserName=name)
        iam.add_user_to_group(GroupName="dev", UserName=name)  # repeating is no error
    assert [user["UserName"] for user in iam.get_group(GroupName="dev")["Users"]] == ["ann", "bob"]
    assert [g["GroupName"] for g in iam.list_groups_for_user(UserName="ann")["Groups"]] == ["dev"]
    iam.update_group(GroupName="dev", NewGroupName="ops", NewPath="/")
    assert [g["Arn"] for g in iam.list_groups()["Groups"]] == ["arn:aws:iam::123456789012:group/ops"]
    assert [user["UserName"] for user in iam.get_group(GroupName="ops")["Users"]] == ["ann", "bob"]
    assert refused(iam.delete_user, UserName="ann") == (
        "DeleteConflict",
        "Cannot delete entity, must remove users from group first.",
    )
    assert refused(iam.delete_group, GroupName="ops")[0] == "DeleteConflict"
    for name in ("ann", "bob"):
        iam.remove_user_from_group(GroupName="ops", UserName=name)
    assert refused(iam.remove_user_from_group, GroupName="ops", UserName="ann")[0] == "NoSuchEntity"
    iam.delete_group(GroupName="ops")
    assert refused(iam.get_group, GroupName="ops") == (
        "NoSuchEntity",
        "The group with name ops cannot be found.",
    )


def test_a_groups_policies(iam: Any) -> None:
    iam.create_group(GroupName="dev")
    iam.attach_group_policy(GroupName="dev", PolicyArn=READER)
    iam.put_group_policy(GroupName="dev", PolicyName="own", PolicyDocument=DOCUMENT)
    assert iam.list_attached_group_policies(GroupName="dev")["AttachedPolicies"] == [
        {"PolicyName": "AmazonS3ReadOnlyAccess", "PolicyArn": READER}
    ]
    assert iam.list_group_policies(GroupName="dev")["PolicyNames"] == ["own"]
    found = iam.get_group_policy(GroupName="dev", PolicyName="own")
    assert found["PolicyDocument"] == json.loads(DOCUMENT)
    used = iam.list_entities_for_policy(PolicyArn=READER)
    assert [group["GroupName"] for group in used["PolicyGroups"]] == ["dev"]
    assert refused(iam.delete_group, GroupName="dev")[0] == "DeleteConflict"
    iam.detach_group_policy(GroupName="dev", PolicyArn=READER)
    iam.delete_group_policy(GroupName="dev", PolicyName="own")
    iam.delete_group(GroupName="dev")


def test_nobody_is_in_more_than_ten_groups(iam: Any) -> None:
    iam.create_user(UserName="ann")
    for number in range(11):
        iam.create_group(GroupName=f"g{number}")
        if number < 10:
            iam.add_user_to_group(GroupName=f"g{number}", UserName="ann")
    assert refused(iam.add_user_to_group, GroupName="g10", UserName="ann") == (
        "LimitExceeded",
        "Cannot exceed quota for GroupsPerUser: 10",
    )


def test_a_renamed_user_keeps_what_is_theirs(iam: Any, aws: Any) -> None:
    iam.create_user(UserName="ann")
    iam.create_user(UserName="bob")
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    iam.attach_user_policy(UserName="ann", PolicyArn=ADMINISTRATOR)
    assert refused(iam.update_user, UserName="ann", NewUserName="BOB")[0] == "EntityAlreadyExists"
    iam.update_user(UserName="ann", NewUserName="eve", NewPath="/x/")
    assert refused(iam.get_user, UserName="ann")[0] == "NoSuchEntity"
    eve = aws("iam", access_key=key["AccessKeyId"], secret_key=key["SecretAccessKey"])
    assert eve.get_user()["User"]["Arn"] == "arn:aws:iam::123456789012:user/x/eve"
    assert len(iam.list_attached_user_policies(UserName="eve")["AttachedPolicies"]) == 1


def test_boundaries_are_put_described_and_removed(iam: Any) -> None:
    iam.create_user(UserName="ann", PermissionsBoundary=READER)
    iam.create_role(RoleName="app", AssumeRolePolicyDocument=TRUST)
    own = iam.create_policy(PolicyName="most", PolicyDocument=DOCUMENT)["Policy"]["Arn"]
    iam.put_role_permissions_boundary(RoleName="app", PermissionsBoundary=own)
    iam.put_user_permissions_boundary(UserName="ann", PermissionsBoundary=own)
    expected = {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": own}
    assert iam.get_user(UserName="ann")["User"]["PermissionsBoundary"] == expected
    assert iam.get_role(RoleName="app")["Role"]["PermissionsBoundary"] == expected
    assert iam.get_policy(PolicyArn=own)["Policy"]["PermissionsBoundaryUsageCount"] == 2
    assert refused(iam.delete_policy, PolicyArn=own)[0] == "DeleteConflict"
    used = iam.list_entities_for_policy(PolicyArn=own, PolicyUsageFilter="PermissionsBoundary")
    assert [user["UserName"] for user in used["PolicyUsers"]] == ["ann"]
    assert [role["RoleName"] for role in used["PolicyRoles"]] == ["app"]
    iam.delete_role_permissions_boundary(RoleName="app")
    iam.delete_user_permissions_boundary(UserName="ann")
    assert refused(iam.delete_user_permissions_boundary, UserName="ann")[0] == "NoSuchEntity"
    missing = "arn:aws:iam::123456789012:policy/none"
    assert refused(iam.put_user_permissions_boundary, UserName="ann", PermissionsBoundary=missing)[0] == (
        "NoSuchEntity"
    )


def test_an_instance_profile_holds_one_role(iam: Any) -> None:
    iam.create_role(RoleName="app", AssumeRolePolicyDocument=TRUST)
    iam.create_role(RoleName="other", AssumeRolePolicyDocument=TRUST)
    made = iam.create_instance_profile(InstanceProfileName="p", Tags=[{"Key": "a", "Value": "b"}])
    assert made["InstanceProfile"]["Arn"] == "arn:aws:iam::123456789012:instance-profile/p"
    iam.add_role_to_instance_profile(InstanceProfileName="p", RoleName="app")
    assert refused(iam.add_role_to_instance_profile, InstanceProfileName="p", RoleName="other") == (
        "LimitExceeded",
        "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1",
    )
    (found,) = iam.list_instance_profiles_for_role(RoleName="app")["InstanceProfiles"]
    assert [role["RoleName"] for role in found["Roles"]] == ["app"]
    assert refused(iam.delete_role, RoleName="app") == (
        "DeleteConflict",
        "Cannot delete entity, must remove roles from instance profile first.",
    )
    assert refused(iam.delete_instance_profile, InstanceProfileName="p")[0] == "DeleteConflict"
    iam.tag_instance_profile(InstanceProfileName="p", Tags=[{"Key": "c", "Value": "d"}])
    iam.untag_instance_profile(InstanceProfileName="p", TagKeys=["a"])
    assert iam.list_instance_profile_tags(InstanceProfileName="p")["Tags"] == [{"Key": "c", "Value": "d"}]
    iam.remove_role_from_instance_profile(InstanceProfileName="p", RoleName="app")
    iam.delete_instance_profile(InstanceProfileName="p")
    assert refused(iam.get_instance_profile, InstanceProfileName="p") == (
        "NoSuchEntity",
        "Instance Profile p cannot be found.",
    )


def test_the_account_at_a_glance(iam: Any) -> None:
    iam.create_user(UserName="ann", Tags=[{"Key": "a", "Value": "b"}])
    iam.create_group(GroupName="dev")
    iam.add_user_to_group(GroupName="dev", UserName="ann")
    iam.put_user_policy(UserName="ann", PolicyName="own", PolicyDocument=DOCUMENT)
    iam.attach_group_policy(GroupName="dev", PolicyArn=READER)
    iam.create_role(RoleName="app", AssumeRolePolicyDocument=TRUST)
    iam.create_policy(PolicyName="most", PolicyDocument=DOCUMENT)
    summary = iam.get_account_summary()["SummaryMap"]
    assert [summary[key] for key in ("Users", "Groups", "Roles", "Policies")] == [1, 1, 1, 1]
    assert (summary["VersionsPerPolicyQuota"], summary["MFADevices"]) == (5, 0)
    details = iam.get_account_authorization_details()
    (user,) = details["UserDetailList"]
    assert user["GroupList"] == ["dev"]
    assert user["UserPolicyList"] == [{"PolicyName": "own", "PolicyDocument": json.loads(DOCUMENT)}]
    (group,) = details["GroupDetailList"]
    assert group["AttachedManagedPolicies"][0]["PolicyArn"] == READER
    assert {policy["PolicyName"] for policy in details["Policies"]} == {"most", "AmazonS3ReadOnlyAccess"}
    only = iam.get_account_authorization_details(Filter=["LocalManagedPolicy", "Role"])
    assert [policy["PolicyName"] for policy in only["Policies"]] == ["most"]
    assert [role["RoleName"] for role in only["RoleDetailList"]] == ["app"]
    assert only["UserDetailList"] == []


def decisions(answer: Any) -> dict[tuple[str, str], str]:
    return {
        (one["EvalActionName"], one["EvalResourceName"]): one["EvalDecision"]
        for one in answer["EvaluationResults"]
    }


def test_the_simulator_decides_as_a_call_would(iam: Any) -> None:
    arn = iam.create_user(UserName="ann")["User"]["Arn"]
    home = "arn:aws:s3:::b/${aws:username}/*"
    statements = [
        {"Effect": "Allow", "Action": "s3:*", "Resource": home},
        {
            "Effect": "Deny",
            "Action": "s3:Delete*",
            "Resource": "*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_user_policy(UserName="ann", PolicyName="own", PolicyDocument=document)
    entries = [
        {"ContextKeyName": "aws:username", "ContextKeyType": "string", "ContextKeyValues": ["ann"]},
        {"ContextKeyName": "aws:SecureTransport", "ContextKeyType": "boolean", "ContextKeyValues": ["false"]},
    ]
    asked = {
        "PolicySourceArn": arn,
        "ActionNames": ["s3:GetObject", "s3:DeleteObject"],
        "ResourceArns": ["arn:aws:s3:::b/ann/x", "arn:aws:s3:::b/bob/x"],
    }
    answer = iam.simulate_principal_policy(**asked, ContextEntries=entries)
    assert decisions(answer) == {
        ("s3:GetObject", "arn:aws:s3:::b/ann/x"): "allowed",
        ("s3:GetObject", "arn:aws:s3:::b/bob/x"): "implicitDeny",
        ("s3:DeleteObject", "arn:aws:s3:::b/ann/x"): "explicitDeny",
        ("s3:DeleteObject", "arn:aws:s3:::b/bob/x"): "explicitDeny",
    }
    without = iam.simulate_principal_policy(**asked)
    assert set(decisions(without).values()) == {"implicitDeny"}
    assert without["EvaluationResults"][0]["MissingContextValues"] == ["aws:SecureTransport", "aws:username"]
    keys = iam.get_context_keys_for_principal_policy(PolicySourceArn=arn)["ContextKeyNames"]
    assert keys == ["aws:SecureTransport", "aws:username"]


def test_the_simulator_takes_policies_as_they_come(iam: Any) -> None:
    deny = json.dumps({"Statement": {"Effect": "Deny", "Action": "s3:Put*", "Resource": "*"}})
    answer = iam.simulate_custom_policy(
        PolicyInputList=[DOCUMENT, deny], ActionNames=["s3:GetObject", "s3:PutObject", "ec2:RunInstances"]
    )
    assert decisions(answer) == {
        ("s3:GetObject", "*"): "allowed",
        ("s3:PutObject", "*"): "explicitDeny",
        ("ec2:RunInstances", "*"): "implicitDeny",
    }
    bounded = iam.simulate_custom_policy(
        PolicyInputList=[DOCUMENT], PermissionsBoundaryPolicyInputList=[deny], ActionNames=["s3:GetObject"]
    )["EvaluationResults"][0]
    assert bounded["EvalDecision"] == "implicitDeny"
    assert bounded["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}
    assert refused(iam.simulate_custom_policy, PolicyInputList=["{}"], ActionNames=["s3:GetObject"])[0] == (
        "MalformedPolicyDocument"
    )
    assert (
        refused(
            iam.simulate_principal_policy,
            PolicySourceArn="arn:aws:s3:::bucket-x/12345",
            ActionNames=["s3:Get"],
        )[0]
        == "InvalidInput"
    )
