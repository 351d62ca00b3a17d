"""Who may take on a role, with which limits; what tasks' roles must say; credentials of users."""

import json
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.api.enforcing import Enforcing

from seawall.app.gateway import Gateway
from seawall.model.access_key import AccessKey

ACCOUNT = "123456789012"
ANN = f"arn:aws:iam::{ACCOUNT}:user/ann"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/deploy"


@pytest.fixture
def gateway(store: Any, clock: Any, resources: Any) -> Gateway:
    clock.now = datetime.now(timezone.utc)
    return Gateway(store, Enforcing(), resources=resources, clock=clock)


@pytest.fixture
def root(aws: Callable[..., Any], store: Any, clock: Any) -> Callable[[str], Any]:
    with store.write() as txn:
        txn.put(AccessKey(id="AK" + "IAROOTSFIRSTKEY000", secret="roots", user=None, create_date=clock.now))
    return lambda service: aws(service, access_key="AK" + "IAROOTSFIRSTKEY000", secret_key="roots")


@pytest.fixture
def ann(aws: Callable[..., Any], root: Callable[[str], Any]) -> Callable[[str], Any]:
    root("iam").create_user(UserName="ann")
    key = root("iam").create_access_key(UserName="ann")["AccessKey"]
    return lambda service: aws(service, access_key=key["AccessKeyId"], secret_key=key["SecretAccessKey"])


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trusting(principal: Any, actions: Any = "sts:AssumeRole", **more: Any) -> str:
    return document({"Effect": "Allow", "Principal": principal, "Action": actions, **more})


def role(root: Callable[[str], Any], trust: str, *allowed: str) -> None:
    """Role deploy with this trust policy, which may do `allowed`."""
    root("iam").create_role(RoleName="deploy", AssumeRolePolicyDocument=trust)
    if allowed:
        statement = {"Effect": "Allow", "Action": list(allowed), "Resource": "*"}
        root("iam").put_role_policy(RoleName="deploy", PolicyName="p", PolicyDocument=document(statement))


def as_session(aws: Any, answer: Any) -> Callable[[str], Any]:
    found = answer["Credentials"]
    return lambda service: aws(
        service,
        access_key=found["AccessKeyId"],
        secret_key=found["SecretAccessKey"],
        session_token=found["SessionToken"],
    )


def refused(call: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


NOT_TRUSTED = (
    "AccessDenied",
    f"User: {ANN} is not authorized to perform: sts:AssumeRole on resource: {ROLE}",
)


def assume(client: Any, **more: Any) -> Any:
    return client.assume_role(RoleArn=ROLE, RoleSessionName="xx", **more)


def test_a_role_that_names_the_user_is_theirs(ann: Any, root: Any) -> None:
    role(root, trusting({"AWS": ANN}))
    assume(ann("sts"))
    root("iam").update_assume_role_policy(
        RoleName="deploy", PolicyDocument=trusting({"AWS": f"arn:aws:iam::{ACCOUNT}:user/bob"})
    )
    assert refused(assume, client=ann("sts")) == NOT_TRUSTED


def test_a_role_that_names_the_account_leaves_it_to_the_users_policies(ann: Any, root: Any) -> None:
    role(root, trusting({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}))
    code, text = refused(assume, client=ann("sts"))
    assert (code, text) == (
        "AccessDenied",
        f"{NOT_TRUSTED[1]} because no identity-based policy allows the sts:AssumeRole action",
    )
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": ROLE}
    root("iam").put_user_policy(UserName="ann", PolicyName="p", PolicyDocument=document(statement))
    assume(ann("sts"))


def test_a_service_role_is_not_for_users(ann: Any, root: Any) -> None:
    role(root, trusting({"Service": "ecs-tasks.amazonaws.com"}))
    root("iam").attach_user_policy(UserName="ann", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    assert refused(assume, client=ann("sts")) == NOT_TRUSTED


def test_the_external_id_is_asked_for(ann: Any, root: Any) -> None:
    role(root, trusting({"AWS": ANN}, Condition={"StringEquals": {"sts:ExternalId": "secret"}}))
    assert refused(assume, client=ann("sts")) == NOT_TRUSTED
    assert refused(assume, client=ann("sts"), ExternalId="other") == NOT_TRUSTED
    assume(ann("sts"), ExternalId="secret")


def test_a_session_policy_limits_the_session(aws: Any, ann: Any, root: Any) -> None:
    role(root, trusting({"AWS": ANN}), "iam:List*", "iam:CreateUser")
    narrow = document({"Effect": "Allow", "Action": "iam:ListUsers", "Resource": "*"})
    session = as_session(aws, assume(ann("sts"), Policy=narrow))
    session("iam").list_users()
    code, text = refused(session("iam").list_roles)
    assert code == "AccessDenied"
    assert text == (
        f"User: arn:aws:sts::{ACCOUNT}:assumed-role/deploy/xx is not authorized to perform: iam:ListRoles"
        f" on resource: arn:aws:iam::{ACCOUNT}:role/"
        " because no session policy allows the iam:ListRoles action"
    )
    reader = [{"arn": "arn:aws:iam::aws:policy/IAMFullAccess"}]
    session = as_session(aws, assume(ann("sts"), PolicyArns=reader))
    session("iam").list_roles()
    assert "no identity-based policy" in refused(session("iam").get_account_summary)[1]
    unknown = [{"arn": f"arn:aws:iam::{ACCOUNT}:policy/none"}]
    assert refused(assume, client=ann("sts"), PolicyArns=unknown)[0] == "NoSuchEntity"


def test_session_tags_need_their_permission_and_decide(aws: Any, ann: Any, root: Any) -> None:
    team = [{"Key": "team", "Value": "blue"}]
    role(root, trusting({"AWS": ANN}))
    code, text = refused(assume, client=ann("sts"), Tags=team)
    assert code == "AccessDenied" and "sts:TagSession" in text
    condition = {"StringEquals": {"aws:RequestTag/team": ["blue", "red"]}}
    trust = document(
        {"Effect": "Allow", "Principal": {"AWS": ANN}, "Action": "sts:AssumeRole"},
        {"Effect": "Allow", "Principal": {"AWS": ANN}, "Action": "sts:TagSession", "Condition": condition},
    )
    root("iam").update_assume_role_policy(RoleName="deploy", PolicyDocument=trust)
    statement = {
        "Effect": "Allow",
        "Action": "iam:ListUsers",
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:PrincipalTag/team": "blue"}},
    }
    root("iam").put_role_policy(RoleName="deploy", PolicyName="p", PolicyDocument=document(statement))
    as_session(aws, assume(ann("sts"), Tags=team))("iam").list_users()
    other = assume(ann("sts"), Tags=[{"Key": "team", "Value": "red"}])
    assert refused(as_session(aws, other)("iam").list_users)[0] == "AccessDenied"
    assert refused(assume, client=ann("sts"), Tags=[{"Key": "team", "Value": "green"}])[0] == "AccessDenied"


def test_transitive_tags_and_the_source_identity_go_along(aws: Any, ann: Any, root: Any) -> None:
    everything = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
    role(root, trusting({"AWS": "*"}, everything), "sts:*")
    tags = [{"Key": "team", "Value": "blue"}, {"Key": "cost", "Value": "1"}]
    first = as_session(
        aws, assume(ann("sts"), Tags=tags, TransitiveTagKeys=["team"], SourceIdentity="ann-herself")
    )
    second = assume(first("sts"))
    assert second["SourceIdentity"] == "ann-herself"
    statement = {
        "Effect": "Allow",
        "Action": "iam:ListUsers",
        "Resource": "*",
        "Condition": {
            "StringEquals": {"aws:PrincipalTag/team": "blue", "aws:SourceIdentity": "ann-herself"},
            "Null": {"aws:PrincipalTag/cost": "true"},
        },
    }
    root("iam").put_role_policy(RoleName="deploy", PolicyName="q", PolicyDocument=document(statement))
    as_session(aws, second)("iam").list_users()
    assert refused(assume, client=first("sts"), Tags=[{"Key": "Team", "Value": "red"}])[0] == (
        "InvalidParameterValue"
    )


def test_a_users_temporary_credentials(aws: Any, ann: Any, root: Any, clock: Any) -> None:
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    root("iam").put_user_policy(UserName="ann", PolicyName="p", PolicyDocument=document(statement))
    answer = ann("sts").get_session_token(DurationSeconds=900)
    session = as_session(aws, answer)
    assert session("sts").get_caller_identity()["Arn"] == ANN
    session("ecs").list_clusters()
    assert refused(session("iam").list_users)[0] == "InvalidClientTokenId"  # needs a device
    assert refused(session("sts").get_session_token) == (
        "AccessDenied",
        "Cannot call GetSessionToken with session credentials",
    )
    clock.advance(901)
    assert refused(session("ecs").list_clusters)[0] == "ExpiredTokenException"


@pytest.mark.parametrize(
    ("trust", "assumed"),
    [
        (trusting({"Service": "ecs-tasks.amazonaws.com"}), True),
        (trusting({"Service": ["ec2.amazonaws.com", "ecs-tasks.amazonaws.com"]}, "sts:*"), True),
        (trusting({"Service": "ecs.amazonaws.com"}), False),
        (trusting({"AWS": "*"}), False),
        (
            trusting(
                {"Service": "ecs-tasks.amazonaws.com"},
                Condition={
                    "StringEquals": {"aws:SourceAccount": ACCOUNT},
                    "ArnLike": {"aws:SourceArn": f"arn:aws:ecs:us-east-1:{ACCOUNT}:*"},
                },
            ),
            True,
        ),
        (
            trusting(
                {"Service": "ecs-tasks.amazonaws.com"},
                Condition={"StringEquals": {"aws:SourceAccount": "210987654321"}},
            ),
            False,
        ),
    ],
)
def test_a_tasks_role_must_trust_tasks(root: Any, trust: str, assumed: bool) -> None:
    role(root, trust)
    ecs, ec2 = root("ecs"), root("ec2")
    ecs.create_cluster()
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    ecs.register_task_definition(
        family="web",
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        taskRoleArn=ROLE,
        containerDefinitions=[{"name": "web", "image": "web"}],
    )
    run = {
        "taskDefinition": "web",
        "launchType": "FARGATE",
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": [subnet]}},
    }
    if assumed:
        assert ecs.run_task(**run)["tasks"]
    else:
        assert refused(ecs.run_task, **run) == (
            "ClientException",
            f"ECS was unable to assume the role '{ROLE}' that was provided for this task. Please verify that"
            " the role being passed has the proper trust relationship and permissions and that your IAM user"
            " has permissions to pass this role.",
        )
