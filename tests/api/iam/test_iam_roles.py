import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from seawall.model.access_key import RoleSession

EXECUTION = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
LINKED = "AWSServiceRoleForECS"


def trust(**changes: Any) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "ecs-tasks.amazonaws.com"},
        "Action": "sts:AssumeRole",
    } | changes
    kept = {name: value for name, value in statement.items() if value is not None}
    return json.dumps({"Version": "2012-10-17", "Statement": [kept]})


def allow(**changes: Any) -> str:
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"} | changes
    kept = {name: value for name, value in statement.items() if value is not None}
    return json.dumps({"Version": "2012-10-17", "Statement": kept})


def refused(call: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.fixture
def iam(aws: Any) -> Any:
    return aws("iam")


@pytest.fixture
def role(iam: Any) -> Any:
    return iam.create_role(
        RoleName="task", AssumeRolePolicyDocument=trust(), Tags=[{"Key": "a", "Value": "1"}]
    )["Role"]


def test_a_role_is_described_as_it_was_made(iam: Any, role: Any) -> None:
    assert role["Arn"] == "arn:aws:iam::123456789012:role/task"
    assert role["RoleId"].startswith("AROA")
    assert role["AssumeRolePolicyDocument"] == json.loads(trust())
    assert role["MaxSessionDuration"] == 3600
    found = iam.get_role(RoleName="task")["Role"]
    assert found["Tags"] == [{"Key": "a", "Value": "1"}]
    assert found["RoleId"] == role["RoleId"]
    assert [listed["RoleName"] for listed in iam.list_roles()["Roles"]] == ["task"]
    assert iam.list_instance_profiles_for_role(RoleName="task")["InstanceProfiles"] == []


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ("{", "This policy contains invalid Json"),
        ("[]", "Syntax errors in policy."),
        (trust(Resource="*"), "Has prohibited field Resource"),
        (trust(Principal=None), "Missing required field Principal"),
        (trust(Principal={"Nobody": "x"}), "Invalid principal in policy"),
        (trust(Action="s3:GetObject"), "AssumeRole policy may only specify STS AssumeRole actions."),
        (trust(Effect="allow"), "Syntax errors in policy."),
        (trust(Nonsense=1), "Syntax errors in policy."),
    ],
)
def test_a_malformed_trust_policy_is_refused(iam: Any, document: str, text: str) -> None:
    code, message = refused(iam.create_role, RoleName="r", AssumeRolePolicyDocument=document)
    assert code == "MalformedPolicyDocument"
    assert text in message
    assert iam.list_roles()["Roles"] == []


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ("x", "This policy contains invalid Json"),
        (json.dumps({"Version": "2012-10-17"}), "Syntax errors in policy."),
        (json.dumps({"Version": "2020-01-01", "Statement": []}), "Syntax errors in policy."),
        (allow(Principal="*"), "Policy document should not specify a principal."),
        (allow(Action=None), "Policy statement must contain actions."),
        (allow(Resource=None), "Policy statement must contain resources."),
        (allow(NotAction="s3:*"), "Syntax errors in policy."),
        (
            allow(Action="GetObject"),
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
        ),
        (allow(Resource="bucket"), 'Resource bucket must be in ARN format or "*".'),
        (allow(Sid="a b"), "Statement IDs (SID) must be alpha-numeric."),
        (allow(Condition=[]), "Syntax errors in policy."),
        (
            json.dumps({"Version": "2012-10-17", "Statement": [json.loads(allow(Sid="a"))["Statement"]] * 2}),
            "Statement IDs (SID) in a single policy must be unique.",
        ),
    ],
)
def test_a_malformed_policy_is_refused(iam: Any, role: Any, document: str, text: str) -> None:
    code, message = refused(iam.put_role_policy, RoleName="task", PolicyName="p", PolicyDocument=document)
    assert code == "MalformedPolicyDocument"
    assert text in message
    assert refused(iam.create_policy, PolicyName="p", PolicyDocument=document)[0] == code
    assert iam.list_role_policies(RoleName="task")["PolicyNames"] == []


def test_roles_are_found_and_taken_by_name(iam: Any, role: Any) -> None:
    assert refused(iam.create_role, RoleName="Task", AssumeRolePolicyDocument=trust()) == (
        "EntityAlreadyExists",
        "Role with name Task already exists.",
    )
    assert refused(iam.get_role, RoleName="x") == ("NoSuchEntity", "The role with name x cannot be found.")


def test_a_role_is_changed(iam: Any, role: Any) -> None:
    iam.update_role(RoleName="task", MaxSessionDuration=7200)
    iam.update_role(RoleName="task", Description="about")
    iam.update_assume_role_policy(RoleName="task", PolicyDocument=trust(Principal={"AWS": "*"}))
    iam.tag_role(RoleName="task", Tags=[{"Key": "b", "Value": "2"}])
    iam.untag_role(RoleName="task", TagKeys=["a"])
    found = iam.get_role(RoleName="task")["Role"]
    assert (found["MaxSessionDuration"], found["Description"]) == (7200, "about")
    assert found["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {"AWS": "*"}
    assert iam.list_role_tags(RoleName="task")["Tags"] == [{"Key": "b", "Value": "2"}]
    twice = [{"Key": "k", "Value": ""}, {"Key": "K", "Value": ""}]
    assert refused(iam.tag_role, RoleName="task", Tags=twice)[0] == "InvalidInput"


def test_inline_policies(iam: Any, role: Any) -> None:
    iam.put_role_policy(RoleName="task", PolicyName="p", PolicyDocument=allow())
    assert iam.list_role_policies(RoleName="task")["PolicyNames"] == ["p"]
    assert iam.get_role_policy(RoleName="task", PolicyName="p")["PolicyDocument"] == json.loads(allow())
    assert refused(iam.delete_role, RoleName="task") == (
        "DeleteConflict",
        "Cannot delete entity, must delete policies first.",
    )
    long = allow(Resource=[f"arn:aws:s3:::{'x' * 60}{n}" for n in range(200)])
    put = iam.put_role_policy
    assert refused(put, RoleName="task", PolicyName="q", PolicyDocument=long)[0] == "LimitExceeded"
    iam.delete_role_policy(RoleName="task", PolicyName="p")
    assert refused(iam.get_role_policy, RoleName="task", PolicyName="p") == (
        "NoSuchEntity",
        "The role policy with name p cannot be found.",
    )


def test_managed_policies_are_attached_and_counted(iam: Any, role: Any) -> None:
    own = iam.create_policy(PolicyName="mine", PolicyDocument=allow())["Policy"]["Arn"]
    assert own == "arn:aws:iam::123456789012:policy/mine"
    iam.attach_role_policy(RoleName="task", PolicyArn=own)
    iam.attach_role_policy(RoleName="task", PolicyArn=EXECUTION)
    iam.attach_role_policy(RoleName="task", PolicyArn=EXECUTION)
    attached = iam.list_attached_role_policies(RoleName="task")["AttachedPolicies"]
    assert attached == [
        {"PolicyName": "mine", "PolicyArn": own},
        {"PolicyName": "AmazonECSTaskExecutionRolePolicy", "PolicyArn": EXECUTION},
    ]
    by_path = iam.list_attached_role_policies(RoleName="task", PathPrefix="/service-role/")
    assert [policy["PolicyArn"] for policy in by_path["AttachedPolicies"]] == [EXECUTION]
    assert iam.get_policy(PolicyArn=own)["Policy"]["AttachmentCount"] == 1
    entities = iam.list_entities_for_policy(PolicyArn=own)
    assert [found["RoleName"] for found in entities["PolicyRoles"]] == ["task"]
    assert refused(iam.delete_policy, PolicyArn=own) == (
        "DeleteConflict",
        "Cannot delete a policy attached to entities.",
    )
    assert refused(iam.delete_role, RoleName="task") == (
        "DeleteConflict",
        "Cannot delete entity, must detach all policies first.",
    )
    for arn in (own, EXECUTION):
        iam.detach_role_policy(RoleName="task", PolicyArn=arn)
    assert refused(iam.detach_role_policy, RoleName="task", PolicyArn=own)[0] == "NoSuchEntity"
    iam.delete_policy(PolicyArn=own)
    iam.delete_role(RoleName="task")


def test_policies_that_do_not_exist_cannot_be_attached(iam: Any, role: Any) -> None:
    missing = "arn:aws:iam::123456789012:policy/none"
    assert refused(iam.attach_role_policy, RoleName="task", PolicyArn=missing) == (
        "NoSuchEntity",
        f"Policy {missing} does not exist or is not attachable.",
    )
    unknown = "arn:aws:iam::aws:policy/AmazonFooFullAccess"
    assert refused(iam.attach_role_policy, RoleName="task", PolicyArn=unknown)[0] == "NotImplemented"


def test_the_execution_roles_policy_is_known(iam: Any) -> None:
    document = iam.get_policy_version(PolicyArn=EXECUTION, VersionId="v1")["PolicyVersion"]["Document"]
    assert "logs:PutLogEvents" in document["Statement"][0]["Action"]
    scopes = {
        scope: [policy["PolicyName"] for policy in iam.list_policies(Scope=scope)["Policies"]]
        for scope in ("AWS", "Local")
    }
    assert {"AdministratorAccess", "AmazonECSTaskExecutionRolePolicy"} < set(scopes["AWS"])
    assert scopes["Local"] == []


def test_versions_of_a_policy(iam: Any) -> None:
    arn = iam.create_policy(PolicyName="mine", PolicyDocument=allow())["Policy"]["Arn"]
    changed = allow(Action="s3:*")
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=changed, SetAsDefault=True)
    versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    assert [(found["VersionId"], found["IsDefaultVersion"]) for found in versions] == [
        ("v1", False),
        ("v2", True),
    ]
    assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v2"
    found = iam.get_policy_version(PolicyArn=arn, VersionId="v2")["PolicyVersion"]
    assert found["Document"] == json.loads(changed)
    assert refused(iam.delete_policy_version, PolicyArn=arn, VersionId="v2")[0] == "DeleteConflict"
    assert refused(iam.delete_policy, PolicyArn=arn)[0] == "DeleteConflict"
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    iam.delete_policy_version(PolicyArn=arn, VersionId="v2")
    for _ in range(4):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=changed)
    assert refused(iam.create_policy_version, PolicyArn=arn, PolicyDocument=changed)[0] == "LimitExceeded"


def test_tags_of_a_policy(iam: Any) -> None:
    tags = [{"Key": "a", "Value": "1"}]
    arn = iam.create_policy(PolicyName="mine", PolicyDocument=allow(), Tags=tags)["Policy"]["Arn"]
    iam.tag_policy(PolicyArn=arn, Tags=[{"Key": "b", "Value": "2"}])
    assert iam.get_policy(PolicyArn=arn)["Policy"]["Tags"] == [*tags, {"Key": "b", "Value": "2"}]
    iam.untag_policy(PolicyArn=arn, TagKeys=["b"])
    assert iam.list_policy_tags(PolicyArn=arn)["Tags"] == tags
    assert refused(iam.tag_policy, PolicyArn=EXECUTION, Tags=tags)[0] == "NoSuchEntity"


def test_the_service_linked_role_is_made_once_and_is_nobodys_to_change(iam: Any) -> None:
    role = iam.create_service_linked_role(AWSServiceName="ecs.amazonaws.com")["Role"]
    assert role["Arn"] == (f"arn:aws:iam::123456789012:role/aws-service-role/ecs.amazonaws.com/{LINKED}")
    assert refused(iam.create_service_linked_role, AWSServiceName="ecs.amazonaws.com") == (
        "InvalidInput",
        f"Service role name {LINKED} has been taken in this account, please try a different suffix.",
    )
    attached = iam.list_attached_role_policies(RoleName=LINKED)["AttachedPolicies"]
    assert [policy["PolicyName"] for policy in attached] == ["AmazonECSServiceRolePolicy"]
    code, text = refused(iam.delete_role, RoleName=LINKED)
    assert code == "UnmodifiableEntity"
    assert text.endswith("this role is only modifiable by AWS")
    task = iam.delete_service_linked_role(RoleName=LINKED)["DeletionTaskId"]
    assert iam.get_service_linked_role_deletion_status(DeletionTaskId=task)["Status"] == "SUCCEEDED"
    assert refused(iam.get_role, RoleName=LINKED)[0] == "NoSuchEntity"
    assert refused(iam.create_service_linked_role, AWSServiceName="x.amazonaws.com")[0] == "NotImplemented"


def test_sessions_end_with_their_role(iam: Any, role: Any, store: Any, clock: Any) -> None:
    with store.write() as txn:
        txn.put(
            RoleSession(
                id="ASIAX", secret="s", session_token="t", role="task", session_name="x", expiration=clock.now
            )
        )
    iam.delete_role(RoleName="task")
    assert store.all(RoleSession) == []
