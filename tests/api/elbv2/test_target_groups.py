"""Target groups and their targets."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from seawall.model.target_group import Target
from seawall.store.store import Store

Call = Callable[..., Any]


def states(elb: Any, group: str) -> dict[str, tuple[str, str | None]]:
    found = elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    return {
        f"{one['Target']['Id']}:{one['Target']['Port']}": (
            one["TargetHealth"]["State"],
            one["TargetHealth"].get("Reason"),
        )
        for one in found
    }


def test_a_group_is_born_with_the_defaults_of_its_protocol(elb: Any, net: Any) -> None:
    made = elb.create_target_group(Name="tasks", Protocol="HTTP", Port=80, VpcId=net.vpc, TargetType="ip")
    [group] = made["TargetGroups"]
    assert group.pop("TargetGroupArn").startswith(
        "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/tasks/"
    )
    assert group == {
        "TargetGroupName": "tasks",
        "Protocol": "HTTP",
        "ProtocolVersion": "HTTP1",
        "Port": 80,
        "VpcId": net.vpc,
        "HealthCheckProtocol": "HTTP",
        "HealthCheckPort": "traffic-port",
        "HealthCheckEnabled": True,
        "HealthCheckIntervalSeconds": 30,
        "HealthCheckTimeoutSeconds": 5,
        "HealthyThresholdCount": 5,
        "UnhealthyThresholdCount": 2,
        "HealthCheckPath": "/",
        "Matcher": {"HttpCode": "200"},
        "LoadBalancerArns": [],
        "TargetType": "ip",
        "IpAddressType": "ipv4",
    }
    made = elb.create_target_group(Name="flows", Protocol="TCP", Port=80, VpcId=net.vpc, TargetType="ip")
    [group] = made["TargetGroups"]
    assert (group["HealthCheckProtocol"], group["HealthCheckTimeoutSeconds"]) == ("TCP", 10)
    assert "HealthCheckPath" not in group and "Matcher" not in group and "ProtocolVersion" not in group


def test_targets_wait_until_the_group_is_used(
    elb: Any, make_alb: Call, make_group: Call, listen: Call
) -> None:
    group = make_group()
    elb.register_targets(TargetGroupArn=group, Targets=[{"Id": "10.0.0.50"}])
    assert states(elb, group) == {"10.0.0.50:80": ("unused", "Target.NotInUse")}
    balancer = make_alb()
    listen(balancer, group)
    [shown] = elb.describe_target_groups(LoadBalancerArn=balancer)["TargetGroups"]
    assert shown["LoadBalancerArns"] == [balancer]
    elb.register_targets(TargetGroupArn=group, Targets=[{"Id": "10.0.1.50", "Port": 8080}])
    assert states(elb, group)["10.0.1.50:8080"] == ("initial", "Elb.RegistrationInProgress")
    [health] = elb.describe_target_health(TargetGroupArn=group, Targets=[{"Id": "10.0.1.50", "Port": 8080}])[
        "TargetHealthDescriptions"
    ]
    assert health["Target"] == {"Id": "10.0.1.50", "Port": 8080, "AvailabilityZone": "us-east-1b"}
    assert health["HealthCheckPort"] == "8080"


def test_a_deregistered_target_drains(
    elb: Any, make_alb: Call, make_group: Call, listen: Call, store: Store, clock: Any
) -> None:
    group = make_group()
    listen(make_alb(), group)
    elb.modify_target_group_attributes(
        TargetGroupArn=group, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "20"}]
    )
    target = {"Id": "10.0.0.50", "Port": 80}
    elb.register_targets(TargetGroupArn=group, Targets=[target])
    elb.deregister_targets(TargetGroupArn=group, Targets=[target])
    assert states(elb, group) == {"10.0.0.50:80": ("draining", "Target.DeregistrationInProgress")}
    [stored] = store.all(Target)
    assert stored.draining_until == clock() + timedelta(seconds=20)
    elb.register_targets(TargetGroupArn=group, Targets=[target])
    assert states(elb, group) == {"10.0.0.50:80": ("initial", "Elb.RegistrationInProgress")}


def test_a_target_of_an_unused_group_goes_at_once(elb: Any, make_group: Call) -> None:
    group = make_group()
    elb.register_targets(TargetGroupArn=group, Targets=[{"Id": "10.0.0.50"}])
    elb.deregister_targets(TargetGroupArn=group, Targets=[{"Id": "10.0.0.50"}, {"Id": "10.0.0.51"}])
    assert states(elb, group) == {}
    [health] = elb.describe_target_health(TargetGroupArn=group, Targets=[{"Id": "10.0.0.50"}])[
        "TargetHealthDescriptions"
    ]
    assert health["TargetHealth"] == {
        "State": "unused",
        "Reason": "Target.NotRegistered",
        "Description": "Target is not registered to the target group",
    }


def test_addresses_must_be_ones_the_group_can_have(elb: Any, make_group: Call, refused: Call) -> None:
    group = make_group()

    def ask(**target: Any) -> tuple[str, str, int]:
        answer: tuple[str, str, int] = refused(elb.register_targets, TargetGroupArn=group, Targets=[target])
        return answer

    assert ask(Id="10.0.0.50", AvailabilityZone="all")[:2] == (
        "ValidationError",
        "The IP address '10.0.0.50' is within the VPC, and cannot have its Availability Zone overridden to"
        " 'all' from 'us-east-1a'",
    )
    assert ask(Id="192.168.1.1")[:2] == (
        "ValidationError",
        "The Availability Zone is required for IP address '192.168.1.1' because it is not in the VPC",
    )
    assert ask(Id="8.8.8.8")[0] == "ValidationError"
    assert ask(Id="i-0123456789abcdef0")[0] == "ValidationError"
    elb.register_targets(TargetGroupArn=group, Targets=[{"Id": "192.168.1.1", "AvailabilityZone": "all"}])
    instances = make_group("instances", TargetType="instance")
    code, _, _ = refused(
        elb.register_targets, TargetGroupArn=instances, Targets=[{"Id": "i-0123456789abcdef0"}]
    )
    assert code == "InvalidTarget"


def test_a_group_in_use_stays(
    elb: Any, make_alb: Call, make_group: Call, listen: Call, refused: Call
) -> None:
    group = make_group()
    listener = listen(make_alb(), group)
    assert refused(elb.delete_target_group, TargetGroupArn=group) == (
        "ResourceInUse",
        f"Target group '{group}' is currently in use by a listener or a rule",
        400,
    )
    other = make_alb("other")
    assert refused(
        elb.create_listener,
        LoadBalancerArn=other,
        Port=80,
        Protocol="HTTP",
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
    ) == (
        "TargetGroupAssociationLimit",
        f"The following target groups cannot be associated with more than one load balancer: {group}",
        400,
    )
    elb.delete_listener(ListenerArn=listener)
    elb.delete_target_group(TargetGroupArn=group)
    assert elb.describe_target_groups()["TargetGroups"] == []
