"""What Elastic Load Balancing says, word for word as clients match it, where no other test looks at it."""

from collections.abc import Callable
from typing import Any

import pytest

Call = Callable[..., Any]


@pytest.mark.parametrize(
    ("operation", "members", "code", "text"),
    [
        (
            "describe_load_balancers",
            {"Names": ["a", "b"]},
            "LoadBalancerNotFound",
            "Load balancers '[a, b]' not found",
        ),
        (
            "describe_target_groups",
            {"Names": ["a"]},
            "TargetGroupNotFound",
            "One or more target groups not found",
        ),
        (
            "describe_listeners",
            {},
            "ValidationError",
            "You must specify either listener ARNs or a load balancer ARN",
        ),
    ],
)
def test_of_what_is_asked_for(
    elb: Any, refused: Call, operation: str, members: dict[str, Any], code: str, text: str
) -> None:
    assert refused(getattr(elb, operation), **members)[:2] == (code, text)


def test_of_rules_that_are_not_there(
    elb: Any, make_alb: Call, make_group: Call, listen: Call, refused: Call
) -> None:
    listener = listen(make_alb(), make_group())
    missing = f"{listener.replace(':listener/', ':listener-rule/')}/0123456789abcdef"
    for call in (elb.delete_rule, elb.modify_rule):
        assert refused(call, RuleArn=missing)[:2] == ("RuleNotFound", "One or more rules not found")


def test_of_addresses_on_the_internet(elb: Any, make_group: Call, refused: Call) -> None:
    given = refused(elb.register_targets, TargetGroupArn=make_group(), Targets=[{"Id": "198.51.100.7"}])
    assert given[:2] == ("ValidationError", "The IP address '198.51.100.7' is not within a valid range")


def test_of_targets_that_come_and_go(elb: Any, make_alb: Call, make_group: Call, listen: Call) -> None:
    group = make_group()
    listen(make_alb(), group)
    named = {"TargetGroupArn": group, "Targets": [{"Id": "10.0.0.50"}]}

    def health() -> tuple[str, str, str]:
        (shown,) = elb.describe_target_health(**named)["TargetHealthDescriptions"]
        told = shown["TargetHealth"]
        return told["State"], told["Reason"], told["Description"]

    assert health() == (
        "unused",
        "Target.NotRegistered",
        "Target is not registered to the target group",
    )
    elb.register_targets(**named)
    assert health() == ("initial", "Elb.RegistrationInProgress", "Target registration is in progress")
    elb.deregister_targets(**named)
    assert health() == (
        "draining",
        "Target.DeregistrationInProgress",
        "Target deregistration is in progress",
    )


@pytest.mark.parametrize(
    ("protocol", "target_type", "check", "attributes"),
    [
        (
            "HTTP",
            "ip",
            ("HTTP", 30, 5, 5, 2),
            {
                "deregistration_delay.timeout_seconds": "300",
                "load_balancing.algorithm.type": "round_robin",
                "load_balancing.cross_zone.enabled": "use_load_balancer_configuration",
                "slow_start.duration_seconds": "0",
                "stickiness.enabled": "false",
                "stickiness.type": "lb_cookie",
                "stickiness.lb_cookie.duration_seconds": "86400",
                "stickiness.app_cookie.duration_seconds": "86400",
                "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": "1",
            },
        ),
        (
            "TCP",
            "ip",
            ("TCP", 30, 10, 5, 2),
            {
                "deregistration_delay.connection_termination.enabled": "false",
                "preserve_client_ip.enabled": "false",
                "proxy_protocol_v2.enabled": "false",
                "stickiness.type": "source_ip",
            },
        ),
        ("TCP", "instance", ("TCP", 30, 10, 5, 2), {"preserve_client_ip.enabled": "true"}),
        ("TLS", "ip", ("TCP", 30, 10, 5, 2), {"preserve_client_ip.enabled": "false"}),
        ("UDP", "ip", ("TCP", 30, 10, 5, 2), {"preserve_client_ip.enabled": "true"}),
        ("TCP_UDP", "ip", ("TCP", 30, 10, 5, 2), {"preserve_client_ip.enabled": "true"}),
    ],
)
def test_what_a_target_group_has_unless_told_otherwise(
    elb: Any,
    make_group: Call,
    protocol: str,
    target_type: str,
    check: tuple[Any, ...],
    attributes: dict[str, str],
) -> None:
    arn = make_group(Protocol=protocol, TargetType=target_type)
    (shown,) = elb.describe_target_groups(TargetGroupArns=[arn])["TargetGroups"]
    members = ("Protocol", "IntervalSeconds", "TimeoutSeconds")
    assert tuple(shown[f"HealthCheck{member}"] for member in members) == check[:3]
    assert (shown["HealthyThresholdCount"], shown["UnhealthyThresholdCount"]) == check[3:]
    pairs = elb.describe_target_group_attributes(TargetGroupArn=arn)["Attributes"]
    assert {pair["Key"]: pair["Value"] for pair in pairs}.items() >= attributes.items()


def test_what_a_load_balancer_has_unless_told_otherwise(elb: Any, make_alb: Call, make_nlb: Call) -> None:
    def attributes(arn: str) -> dict[str, str]:
        pairs = elb.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
        return {pair["Key"]: pair["Value"] for pair in pairs}

    assert (
        attributes(make_alb()).items()
        >= {
            "access_logs.s3.enabled": "false",
            "deletion_protection.enabled": "false",
            "idle_timeout.timeout_seconds": "60",
            "load_balancing.cross_zone.enabled": "true",
            "routing.http.desync_mitigation_mode": "defensive",
            "routing.http.drop_invalid_header_fields.enabled": "false",
            "routing.http.preserve_host_header.enabled": "false",
            "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "false",
            "routing.http.xff_client_port.enabled": "false",
            "routing.http.xff_header_processing.mode": "append",
            "routing.http2.enabled": "true",
            "waf.fail_open.enabled": "false",
        }.items()
    )
    assert attributes(make_nlb())["load_balancing.cross_zone.enabled"] == "false"


def test_how_much_there_may_be(elb: Any) -> None:
    limits = {limit["Name"]: limit["Max"] for limit in elb.describe_account_limits()["Limits"]}
    assert (
        limits.items()
        >= {
            "application-load-balancers": "50",
            "certificates-per-application-load-balancer": "25",
            "condition-values-per-alb-rule": "5",
            "condition-wildcards-per-alb-rule": "5",
            "listeners-per-application-load-balancer": "50",
            "network-load-balancers": "50",
            "rules-per-application-load-balancer": "100",
            "target-groups": "3000",
            "target-groups-per-action-on-application-load-balancer": "5",
            "target-groups-per-action-on-network-load-balancer": "1",
            "target-groups-per-application-load-balancer": "100",
            "targets-per-application-load-balancer": "1000",
            "targets-per-availability-zone-per-network-load-balancer": "500",
            "targets-per-network-load-balancer": "3000",
            "targets-per-target-group": "1000",
        }.items()
    )


@pytest.mark.parametrize(
    ("name", "of_balancers", "of_groups"),
    [
        ("x" * 33, "cannot be longer than '32' characters", "cannot be longer than '32' characters"),
        (
            "my_name",
            "can only contain characters that are alphanumeric characters and hyphens(-)",
            "can only contain characters that are alphanumeric characters or hyphens(-)",
        ),
        ("-x", "cannot begin with a hyphen(-)", "cannot begin or end with '-'"),
        ("x-", "cannot end with a hyphen(-)", "cannot begin or end with '-'"),
        ("internal-x", "cannot begin with 'internal-'", None),
    ],
)
def test_of_names(
    elb: Any, net: Any, refused: Call, name: str, of_balancers: str, of_groups: str | None
) -> None:
    given = refused(elb.create_load_balancer, Name=name, Subnets=list(net.subnets[:2]))
    assert given[:2] == ("ValidationError", f"The load balancer name '{name}' {of_balancers}")
    if of_groups is not None:
        group = {"Name": name, "Protocol": "HTTP", "Port": 80, "VpcId": net.vpc}
        given = refused(elb.create_target_group, **group)
        assert given[:2] == ("ValidationError", f"Target group name '{name}' {of_groups}")
