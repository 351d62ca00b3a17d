"""What policies can say of load balancers: by ARN, by tag, by scheme, by what is tagged at creation."""

import json
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest
from tests.api.enforcing import Enforcing

from seawall.app.gateway import Gateway
from seawall.model.access_key import AccessKey
from seawall.model.user import User
from seawall.store.store import Store

Call = Callable[..., Any]
ROOT, ANN = "AKIA" + "ROOT" * 4, "AKIA" + "ANNA" * 4


@pytest.fixture
def gateway(store: Store, clock: Any, resources: Any) -> Gateway:
    clock.now = datetime.now(timezone.utc)
    with store.write() as txn:
        txn.put(AccessKey(id=ROOT, secret="r", user=None, create_date=clock.now))
        txn.put(User(id="ann", user_id="AIDAANN", create_date=clock.now))
        txn.put(AccessKey(id=ANN, secret="a", user="ann", create_date=clock.now))
    return Gateway(store, Enforcing(), resources=resources, clock=clock)


@pytest.fixture
def ec2(aws: Call) -> Any:
    return aws("ec2", access_key=ROOT, secret_key="r")


@pytest.fixture
def elb(aws: Call) -> Any:
    return aws("elbv2", access_key=ROOT, secret_key="r")


@pytest.fixture
def ann(aws: Call) -> Any:
    return aws("elbv2", access_key=ANN, secret_key="a")


@pytest.fixture
def allow(aws: Call) -> Call:
    def put(action: Any, resource: str = "*", **condition: Any) -> None:
        statement = {"Effect": "Allow", "Action": action, "Resource": resource}
        if condition:
            statement["Condition"] = condition
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam = aws("iam", access_key=ROOT, secret_key="r")
        iam.put_user_policy(UserName="ann", PolicyName="only", PolicyDocument=document)

    return put


def test_a_scheme_can_be_asked_for_and_the_first_caller_needs_the_services_role(
    ann: Any, aws: Call, net: Any, allow: Call, refused: Call
) -> None:
    internal = {"StringEquals": {"elasticloadbalancing:Scheme": "internal"}}
    asked = {"Name": "web", "Subnets": list(net.subnets[:2]), "Scheme": "internal"}
    allow("elasticloadbalancing:CreateLoadBalancer", **internal)
    code, text, status = refused(ann.create_load_balancer, **asked)
    assert (code, status) == ("AccessDenied", 403)
    assert "iam:CreateServiceLinkedRole" in text
    assert text.split(" because ")[0].endswith("AWSServiceRoleForElasticLoadBalancing")
    iam = aws("iam", access_key=ROOT, secret_key="r")
    iam.create_service_linked_role(AWSServiceName="elasticloadbalancing.amazonaws.com")
    code, text, _ = refused(ann.create_load_balancer, **asked | {"Scheme": "internet-facing"})
    assert code == "AccessDenied" and ":loadbalancer/app/web/*" in text
    ann.create_load_balancer(**asked)


def test_tags_decide(elb: Any, ann: Any, make_group: Call, allow: Call, refused: Call) -> None:
    ours, theirs = make_group("ours", Tags=[{"Key": "team", "Value": "a"}]), make_group("theirs")
    allow(
        "elasticloadbalancing:RegisterTargets",
        StringEquals={"aws:ResourceTag/team": "a"},
    )
    ann.register_targets(TargetGroupArn=ours, Targets=[{"Id": "10.0.0.50"}])
    code, text, _ = refused(ann.register_targets, TargetGroupArn=theirs, Targets=[{"Id": "10.0.0.50"}])
    assert code == "AccessDenied"
    assert f"is not authorized to perform: elasticloadbalancing:RegisterTargets on resource: {theirs}" in text


def test_tagging_at_creation_is_an_action_of_its_own(ann: Any, net: Any, allow: Call, refused: Call) -> None:
    asked = {"Protocol": "HTTP", "Port": 80, "VpcId": net.vpc, "TargetType": "ip"}
    tagged = asked | {"Tags": [{"Key": "team", "Value": "a"}]}
    allow("elasticloadbalancing:CreateTargetGroup")
    ann.create_target_group(Name="plain", **asked)
    code, text, _ = refused(ann.create_target_group, Name="tagged", **tagged)
    assert code == "AccessDenied" and "elasticloadbalancing:AddTags" in text
    allow(
        ["elasticloadbalancing:CreateTargetGroup", "elasticloadbalancing:AddTags"],
        StringEqualsIfExists={"elasticloadbalancing:CreateAction": "CreateTargetGroup"},
    )
    ann.create_target_group(Name="tagged", **tagged)


def test_a_listener_belongs_to_its_load_balancers_arn(
    ann: Any, make_alb: Call, listen: Call, allow: Call, refused: Call
) -> None:
    one, other = make_alb("one"), make_alb("other")
    action = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}]
    asked = {"Port": 80, "Protocol": "HTTP", "DefaultActions": action}
    allow("elasticloadbalancing:CreateListener", one)
    ann.create_listener(LoadBalancerArn=one, **asked)
    assert refused(ann.create_listener, LoadBalancerArn=other, **asked)[0] == "AccessDenied"
