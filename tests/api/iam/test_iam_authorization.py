"""Calls are decided: each service says no in its own words, and yes where policies say yes."""

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

ACCOUNT = "123456789012"
ANN = f"arn:aws:iam::{ACCOUNT}:user/ann"
TASKS = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Principal": {"Service": "ecs-tasks.amazonaws.com"},
        "Action": "sts:AssumeRole",
    },
}


@pytest.fixture
def through() -> dict[str, EndpointOrigin]:
    """The VPC endpoint behind each address."""
    return {}


@pytest.fixture
def gateway(store: Any, clock: Any, resources: Any, through: dict[str, EndpointOrigin]) -> Gateway:
    clock.now = datetime.now(timezone.utc)
    via = lambda reader, address: through.get(address)  # noqa: E731
    return Gateway(store, Enforcing(), resources=resources, clock=clock, via=via)


@pytest.fixture
def root(aws: Callable[..., Any], store: Any, clock: Any) -> Callable[[str], Any]:
    with store.write() as txn:
        txn.put(AccessKey(id="AK" + "IAROOTSFIRSTKEY000", secret="roots", user=None, create_date=clock.now))
    return lambda service: aws(service, access_key="AK" + "IAROOTSFIRSTKEY000", secret_key="roots")


@pytest.fixture
def ann(aws: Callable[..., Any], root: Callable[[str], Any]) -> Callable[[str], Any]:
    """Clients of user ann, who may do nothing yet."""
    root("iam").create_user(UserName="ann", Tags=[{"Key": "team", "Value": "blue"}])
    key = root("iam").create_access_key(UserName="ann")["AccessKey"]
    return lambda service: aws(service, access_key=key["AccessKeyId"], secret_key=key["SecretAccessKey"])


@pytest.fixture
def let(root: Callable[[str], Any]) -> Callable[..., None]:
    """let("s3:Get*", "arn...", Condition=...) gives ann one inline policy, in place of the one before."""

    def put(action: Any, resource: Any = "*", effect: str = "Allow", **more: Any) -> None:
        statement = {"Effect": effect, "Action": action, "Resource": resource, **more}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        root("iam").put_user_policy(UserName="ann", PolicyName="p", PolicyDocument=document)

    return put


def refused(call: Any, **params: Any) -> tuple[str, str, int]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    answer = caught.value.response
    return answer["Error"]["Code"], answer["Error"]["Message"], answer["ResponseMetadata"]["HTTPStatusCode"]


def because(
    action: str, resource: str, why: str = "because no identity-based policy allows the {} action"
) -> str:
    return f"User: {ANN} is not authorized to perform: {action} on resource: {resource} " + why.format(action)


@pytest.mark.parametrize(
    ("service", "operation", "params", "action", "resource", "code", "status"),
    [
        ("ecs", "list_clusters", {}, "ecs:ListClusters", "*", "AccessDeniedException", 400),
        (
            *("ecs", "run_task", {"taskDefinition": "web:3"}, "ecs:RunTask"),
            *(f"arn:aws:ecs:us-east-1:{ACCOUNT}:task-definition/web:3", "AccessDeniedException", 400),
        ),
        (
            *("logs", "create_log_group", {"logGroupName": "/x"}, "logs:CreateLogGroup"),
            *(f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/x:log-stream:", "AccessDeniedException", 400),
        ),
        (
            *(
                "ecr",
                "batch_get_image",
                {"repositoryName": "web", "imageIds": [{"imageTag": "x"}]},
                "ecr:BatchGetImage",
            ),
            *(f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/web", "AccessDeniedException", 400),
        ),
        (*("iam", "get_user", {}, "iam:GetUser", ANN, "AccessDenied", 403),),
        (*("iam", "list_roles", {}, "iam:ListRoles", f"arn:aws:iam::{ACCOUNT}:role/", "AccessDenied", 403),),
        (
            *("route53", "get_hosted_zone", {"Id": "Z123"}, "route53:GetHostedZone"),
            *("arn:aws:route53:::hostedzone/Z123", "AccessDenied", 403),
        ),
        (
            *("service-quotas", "get_service_quota", {"ServiceCode": "vpc", "QuotaCode": "L-1"}),
            *("servicequotas:GetServiceQuota", f"arn:aws:servicequotas:us-east-1:{ACCOUNT}:vpc/L-1"),
            *("AccessDeniedException", 400),
        ),
    ],
)
def test_each_service_denies_in_its_own_words(
    ann: Any, service: str, operation: str, params: Any, action: str, resource: str, code: str, status: int
) -> None:
    text = because(action, resource)
    assert refused(getattr(ann(service), operation), **params) == (code, text, status)


def test_everybody_may_ask_who_they_are(ann: Any, let: Any) -> None:
    let("*", effect="Deny")
    assert ann("sts").get_caller_identity()["Arn"] == ANN


def test_ec2_encodes_why_it_denies(ann: Any, root: Any, let: Any) -> None:
    start = "You are not authorized to perform this operation. "
    code, text, status = refused(ann("ec2").describe_vpcs)
    assert (code, status) == ("UnauthorizedOperation", 403)
    assert text == (
        f"{start}User: {ANN} is not authorized to perform: ec2:DescribeVpcs"
        " because no identity-based policy allows the ec2:DescribeVpcs action"
    )
    code, text, _ = refused(ann("ec2").create_vpc, CidrBlock="10.0.0.0/16", DryRun=True)
    arn = f"arn:aws:ec2:us-east-1:{ACCOUNT}:vpc/*"
    told, _, message = text.partition(". Encoded authorization failure message: ")
    assert (code, told) == ("UnauthorizedOperation", start + because("ec2:CreateVpc", arn))
    decode = ann("sts").decode_authorization_message
    assert refused(decode, EncodedMessage=message)[0] == "AccessDenied"
    let("sts:DecodeAuthorizationMessage")
    decoded = json.loads(decode(EncodedMessage=message)["DecodedMessage"])
    assert (decoded["allowed"], decoded["explicitDeny"]) == (False, False)
    context = decoded["context"]
    assert (context["action"], context["resource"], context["principal"]["arn"]) == (
        "ec2:CreateVpc",
        arn,
        ANN,
    )
    assert {"key": "ec2:region", "values": {"items": [{"value": "us-east-1"}]}} in context["conditions"][
        "items"
    ]
    assert refused(decode, EncodedMessage=message[:-4] + "AAAA")[:2] == (
        "InvalidAuthorizationMessageException",
        "Message is not valid",
    )


def test_each_layer_is_named_that_says_no(ann: Any, root: Any, let: Any) -> None:
    arn = f"arn:aws:ecs:us-east-1:{ACCOUNT}:cluster/prod"
    create = ann("ecs").create_cluster
    let("ecs:*", effect="Deny")
    denied = because("ecs:CreateCluster", arn, "with an explicit deny in an identity-based policy")
    assert refused(create, clusterName="prod")[1] == denied
    let("ecs:*")
    create(clusterName="prod")
    iam = root("iam")
    boundary = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
    iam.put_user_permissions_boundary(UserName="ann", PermissionsBoundary=boundary)
    missing = because("ecs:CreateCluster", arn, "because no permissions boundary allows the {} action")
    assert refused(create, clusterName="prod")[1] == missing
    iam.delete_user_permissions_boundary(UserName="ann")
    create(clusterName="prod")


def test_groups_and_managed_policies_allow(ann: Any, root: Any) -> None:
    iam = root("iam")
    iam.create_group(GroupName="readers")
    iam.add_user_to_group(GroupName="readers", UserName="ann")
    assert refused(ann("ec2").describe_vpcs)[0] == "UnauthorizedOperation"
    iam.attach_group_policy(GroupName="readers", PolicyArn="arn:aws:iam::aws:policy/AmazonVPCReadOnlyAccess")
    ann("ec2").describe_vpcs()
    assert refused(ann("ec2").create_vpc, CidrBlock="10.0.0.0/16")[0] == "UnauthorizedOperation"
    iam.remove_user_from_group(GroupName="readers", UserName="ann")
    assert refused(ann("ec2").describe_vpcs)[0] == "UnauthorizedOperation"


def test_resources_and_their_tags_decide(ann: Any, root: Any, let: Any) -> None:
    ec2 = root("ec2")

    def vpc(team: str) -> str:
        tags = [{"ResourceType": "vpc", "Tags": [{"Key": "team", "Value": team}]}]
        return str(ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tags)["Vpc"]["VpcId"])

    mine, other = vpc("blue"), vpc("red")
    let("ec2:*", Condition={"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}})
    assert refused(ann("ec2").delete_vpc, VpcId=other)[0] == "UnauthorizedOperation"
    ann("ec2").delete_vpc(VpcId=mine)
    let("ec2:CreateSubnet", [f"arn:aws:ec2:*:*:vpc/{other}", "arn:aws:ec2:*:*:subnet/*"])
    ann("ec2").create_subnet(VpcId=other, CidrBlock="10.0.0.0/24")
    let("ec2:CreateSubnet", "arn:aws:ec2:*:*:subnet/*")
    assert f"vpc/{other}" in refused(ann("ec2").create_subnet, VpcId=other, CidrBlock="10.0.1.0/24")[1]


def test_a_denied_route_table_is_found_behind_its_association(ann: Any, root: Any, let: Any) -> None:
    ec2 = root("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    tie = ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)["AssociationId"]
    statements = [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "ec2:*", "Resource": f"arn:aws:ec2:*:*:route-table/{table}"},
    ]
    root("iam").put_user_policy(
        UserName="ann",
        PolicyName="p",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements}),
    )
    refusal = refused(ann("ec2").disassociate_route_table, AssociationId=tie)
    assert "with an explicit deny in an identity-based policy" in refusal[1]


def test_tags_on_create_are_an_action_of_their_own(ann: Any, let: Any) -> None:
    tags = [{"ResourceType": "vpc", "Tags": [{"Key": "team", "Value": "blue"}]}]
    let("ec2:CreateVpc")
    ann("ec2").create_vpc(CidrBlock="10.0.0.0/16")
    refusal = refused(ann("ec2").create_vpc, CidrBlock="10.0.0.0/16", TagSpecifications=tags)
    assert "not authorized to perform: ec2:CreateTags on resource" in refusal[1]
    let(
        ["ec2:CreateVpc", "ec2:CreateTags"],
        Condition={"StringEqualsIfExists": {"ec2:CreateAction": "CreateVpc"}},
    )
    ann("ec2").create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tags)
    let("ec2:*", Condition={"ForAllValues:StringEquals": {"aws:TagKeys": ["cost"]}})
    assert refused(ann("ec2").create_vpc, CidrBlock="10.0.0.0/16", TagSpecifications=tags)[0] == (
        "UnauthorizedOperation"
    )
    let("ec2:*", Condition={"StringEquals": {"aws:RequestTag/team": "blue"}})
    ann("ec2").create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tags)
    let("ecs:CreateCluster")
    made = refused(ann("ecs").create_cluster, clusterName="c", tags=[{"key": "a", "value": "b"}])
    assert "ecs:TagResource" in made[1]


def test_a_tag_does_not_hide_another_that_differs_in_case(ann: Any, root: Any, let: Any) -> None:
    let(
        ["ec2:CreateVpc", "ec2:CreateTags"],
        Condition={"StringEqualsIfExists": {"aws:RequestTag/team": "blue"}},
    )
    deny = {"Effect": "Deny", "Action": "ec2:*", "Resource": "*"}
    deny["Condition"] = {"StringNotEquals": {"aws:RequestTag/team": "blue"}}  # type: ignore[assignment]
    document = json.dumps({"Version": "2012-10-17", "Statement": deny})
    root("iam").put_user_policy(UserName="ann", PolicyName="deny", PolicyDocument=document)

    def create(*tags: tuple[str, str]) -> Any:
        given = [{"Key": key, "Value": value} for key, value in tags]
        specification = [{"ResourceType": "vpc", "Tags": given}]
        return ann("ec2").create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=specification)

    create(("team", "blue"))
    create(("Team", "blue"))
    for tags in ([("Team", "red"), ("team", "blue")], [("team", "blue"), ("TEAM", "red")]):
        with pytest.raises(ClientError, match="explicit deny"):
            create(*tags)


def test_who_comes_after_under_a_deleted_users_name_is_somebody_else(
    aws: Callable[..., Any], root: Any
) -> None:
    iam = root("iam")
    tom = iam.create_user(UserName="tom")["User"]
    for policy in ({"AWS": tom["Arn"]}, {"AWS": [ANN, tom["Arn"]], "Service": "ecs-tasks.amazonaws.com"}):
        statement = {"Effect": "Allow", "Principal": policy, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.create_role(RoleName=f"r{len(policy)}", AssumeRolePolicyDocument=document)
    secret = root("secretsmanager").create_secret(Name="s", SecretString="x")["ARN"]
    statement = {"Effect": "Allow", "Principal": {"AWS": tom["Arn"]}, "Action": "*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": statement})
    root("secretsmanager").put_resource_policy(SecretId=secret, ResourcePolicy=document)

    def of_tom(service: str) -> Any:
        for old in iam.list_access_keys(UserName="tom")["AccessKeyMetadata"]:
            iam.delete_access_key(UserName="tom", AccessKeyId=old["AccessKeyId"])
        key = iam.create_access_key(UserName="tom")["AccessKey"]
        return aws(service, access_key=key["AccessKeyId"], secret_key=key["SecretAccessKey"])

    role = {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/r1", "RoleSessionName": "tom"}
    of_tom("sts").assume_role(**role)
    of_tom("secretsmanager").get_secret_value(SecretId=secret)
    for old in iam.list_access_keys(UserName="tom")["AccessKeyMetadata"]:
        iam.delete_access_key(UserName="tom", AccessKeyId=old["AccessKeyId"])
    iam.delete_user(UserName="tom")
    iam.create_user(UserName="tom")
    assert refused(of_tom("sts").assume_role, **role)[0] == "AccessDenied"
    assert refused(of_tom("secretsmanager").get_secret_value, SecretId=secret)[0] == "AccessDeniedException"
    trusted = iam.get_role(RoleName="r2")["Role"]["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]
    assert trusted == {"AWS": [ANN, tom["UserId"]], "Service": "ecs-tasks.amazonaws.com"}


def test_a_cluster_limits_what_runs_in_it(ann: Any, root: Any, let: Any) -> None:
    arn = f"arn:aws:ecs:us-east-1:{ACCOUNT}:cluster/prod"
    let("ecs:ListTasks", Condition={"ArnEquals": {"ecs:cluster": arn}})
    root("ecs").create_cluster(clusterName="prod")
    ann("ecs").list_tasks(cluster="prod")
    ann("ecs").list_tasks(cluster=arn)
    assert refused(ann("ecs").list_tasks, cluster="dev")[0] == "AccessDeniedException"


def definition(client: Any, **roles: str) -> Any:
    return client.register_task_definition(
        family="web",
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        containerDefinitions=[{"name": "web", "image": "web"}],
        **roles,
    )


def test_roles_are_passed_with_permission_only(ann: Any, root: Any, let: Any) -> None:
    role = root("iam").create_role(RoleName="app", AssumeRolePolicyDocument=json.dumps(TASKS))["Role"]["Arn"]
    let("ecs:*")
    definition(ann("ecs"))
    refusal = refused(definition, client=ann("ecs"), taskRoleArn=role)
    assert refusal[:2] == ("AccessDeniedException", because("iam:PassRole", role))
    allowed = {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    let(["ecs:*", "iam:PassRole"], Condition={"StringEqualsIfExists": allowed["StringEquals"]})
    definition(ann("ecs"), taskRoleArn=role)
    let("ecs:*")
    assert "iam:PassRole" in refused(ann("ecs").run_task, taskDefinition="web")[1]
    override = {"taskDefinition": "web:1", "overrides": {"executionRoleArn": role}}
    assert "iam:PassRole" in refused(ann("ecs").run_task, **override)[1]


def test_the_endpoint_must_allow_as_well(
    ann: Any, let: Any, store: Any, clock: Any, through: dict[str, EndpointOrigin], gateway: Gateway
) -> None:
    """No address is known of the in-process clients, so the endpoint's policy is asked in the open."""
    from seawall.iam.access import CallFacts
    from seawall.iam.authorize import authorize
    from seawall.iam.context import Origin
    from seawall.iam.principal import Principal
    from seawall.wire.errors import ApiError
    from seawall.wire.service import load_service

    let("ecs:*")
    service = load_service("ecs")
    assert service is not None
    caller = Principal(kind="user", account=ACCOUNT, arn=ANN, user_id="AIDA", access_key_id="AKIA")
    facts = CallFacts(store=store, account=ACCOUNT, region="us-east-1", now=clock.now, principal=caller)

    def ask(statement: Any) -> None:
        document = json.dumps({"Statement": [{"Resource": "*", "Principal": "*", **statement}]})
        endpoint = EndpointOrigin(id="vpce-1", vpc_id="vpc-1", source_ip="10.0.0.9", policy=document)
        authorize(service, "ListClusters", {}, facts, Origin(endpoint=endpoint))

    ask({"Effect": "Allow", "Action": "*"})
    ask({"Effect": "Allow", "Action": "*", "Condition": {"StringEquals": {"aws:SourceVpce": "vpce-1"}}})
    ask({"Effect": "Allow", "Action": "*", "Condition": {"IpAddress": {"aws:VpcSourceIp": "10.0.0.0/8"}}})
    for statement, why in (
        ({"Effect": "Allow", "Action": "s3:*"}, "because no VPC endpoint policy allows the {} action"),
        ({"Effect": "Deny", "Action": "*"}, "with an explicit deny in a VPC endpoint policy"),
    ):
        with pytest.raises(ApiError) as caught:
            ask(statement)
        assert caught.value.message == because("ecs:ListClusters", "*", why)


def test_a_key_tells_when_it_was_used(ann: Any, root: Any) -> None:
    key = root("iam").list_access_keys(UserName="ann")["AccessKeyMetadata"][0]["AccessKeyId"]
    used = root("iam").get_access_key_last_used(AccessKeyId=key)
    assert used["AccessKeyLastUsed"] == {"ServiceName": "N/A", "Region": "N/A"}
    ann("sts").get_caller_identity()
    used = root("iam").get_access_key_last_used(AccessKeyId=key)
    assert used["UserName"] == "ann"
    assert (used["AccessKeyLastUsed"]["ServiceName"], used["AccessKeyLastUsed"]["Region"]) == (
        "sts",
        "us-east-1",
    )


def test_a_decision_takes_well_below_a_millisecond(store: Any, root: Any, ann: Any, let: Any) -> None:
    """Measured without the wire; a loose bound, because the machine is shared."""
    from time import perf_counter

    from seawall.iam.access import CallFacts
    from seawall.iam.authorize import authorize
    from seawall.iam.context import Origin
    from seawall.iam.principal import Principal
    from seawall.wire.service import load_service

    for name in ("ReadOnlyAccess", "AmazonECS_FullAccess", "AmazonS3ReadOnlyAccess"):
        root("iam").attach_user_policy(UserName="ann", PolicyArn=f"arn:aws:iam::aws:policy/{name}")
    let("ecs:RunTask")
    service = load_service("ecs")
    assert service is not None
    caller = Principal(kind="user", account=ACCOUNT, arn=ANN, user_id="AIDA", access_key_id="AKIA")
    now = datetime.now(timezone.utc)
    facts = CallFacts(store=store, account=ACCOUNT, region="us-east-1", now=now, principal=caller)
    times = []
    for _ in range(200):
        began = perf_counter()
        authorize(service, "RunTask", {"taskDefinition": "web:1"}, facts, Origin(source_ip="127.0.0.1"))
        times.append(perf_counter() - began)
    print(f"median {sorted(times)[100] * 1e6:.0f} us")
    assert sorted(times)[100] < 0.001
