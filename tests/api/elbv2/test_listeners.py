"""Listeners, their rules, and what these refuse."""

from collections.abc import Callable
from typing import Any

import pytest

Call = Callable[..., Any]


def forward(*groups: str, **more: Any) -> list[dict[str, Any]]:
    if len(groups) == 1 and not more:
        return [{"Type": "forward", "TargetGroupArn": groups[0]}]
    tuples = [{"TargetGroupArn": group, "Weight": number} for number, group in enumerate(groups, 1)]
    return [{"Type": "forward", "ForwardConfig": {"TargetGroups": tuples} | more}]


def fixed(code: str = "200", **more: Any) -> list[dict[str, Any]]:
    return [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": code} | more}]


def redirect(**config: Any) -> list[dict[str, Any]]:
    return [{"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301"} | config}]


def path(*values: str) -> dict[str, Any]:
    return {"Field": "path-pattern", "PathPatternConfig": {"Values": list(values)}}


def test_a_listener_shows_its_action_in_both_ways(elb: Any, make_alb: Call, make_group: Call) -> None:
    balancer, group = make_alb(), make_group()
    [made] = elb.create_listener(
        LoadBalancerArn=balancer, Port=80, Protocol="HTTP", DefaultActions=forward(group)
    )["Listeners"]
    assert made.pop("ListenerArn").startswith(balancer.replace(":loadbalancer/", ":listener/") + "/")
    assert made == {
        "LoadBalancerArn": balancer,
        "Port": 80,
        "Protocol": "HTTP",
        "DefaultActions": [
            {
                "Type": "forward",
                "TargetGroupArn": group,
                "ForwardConfig": {
                    "TargetGroups": [{"TargetGroupArn": group, "Weight": 1}],
                    "TargetGroupStickinessConfig": {"Enabled": False},
                },
            }
        ],
    }


def test_a_port_has_one_listener(
    elb: Any, make_alb: Call, make_group: Call, listen: Call, refused: Call
) -> None:
    balancer, group = make_alb(), make_group()
    listener = listen(balancer, group)
    assert listen(balancer, group) == listener
    assert refused(
        elb.create_listener, LoadBalancerArn=balancer, Port=80, Protocol="HTTP", DefaultActions=fixed()
    ) == (
        "DuplicateListener",
        f"A listener already exists on this port for this load balancer '{balancer}'",
        400,
    )
    other = listen(balancer, group, 81)
    assert refused(elb.modify_listener, ListenerArn=other, Port=80)[:2] == (
        "ValidationError",
        "Listener port '80' is already in use",
    )
    [moved] = elb.modify_listener(ListenerArn=other, Port=82, DefaultActions=fixed("404"))["Listeners"]
    assert moved["Port"] == 82
    assert moved["DefaultActions"][0]["FixedResponseConfig"] == {"StatusCode": "404"}
    found = elb.describe_listeners(LoadBalancerArn=balancer)["Listeners"]
    assert {one["Port"] for one in found} == {80, 82}
    elb.delete_listener(ListenerArn=other)
    assert refused(elb.describe_listeners, ListenerArns=[other])[:2] == (
        "ListenerNotFound",
        "One or more listeners not found",
    )


@pytest.mark.parametrize(
    ("listener", "group", "code"),
    [
        ({"Protocol": "TCP"}, {}, "ValidationError"),
        ({"Protocol": "HTTP"}, {"Protocol": "TCP"}, "IncompatibleProtocols"),
        ({"Protocol": "HTTP"}, {"ProtocolVersion": "GRPC"}, "InvalidConfigurationRequest"),
        ({"Protocol": "HTTPS"}, {}, "ValidationError"),
        ({"Protocol": "HTTP", "SslPolicy": "ELBSecurityPolicy-2016-08"}, {}, "ValidationError"),
    ],
)
def test_listener_and_group_must_fit(
    elb: Any,
    make_alb: Call,
    make_group: Call,
    refused: Call,
    listener: dict[str, Any],
    group: dict[str, Any],
    code: str,
) -> None:
    balancer, target = make_alb(), make_group(**group)
    answer = refused(
        elb.create_listener, LoadBalancerArn=balancer, Port=80, DefaultActions=forward(target), **listener
    )
    assert answer[0] == code


def test_texts_of_listeners(
    elb: Any, make_alb: Call, make_nlb: Call, make_group: Call, refused: Call
) -> None:
    balancer, group, flow = make_alb(), make_group(), make_group("flows", Protocol="TCP")

    def ask(balancer: str, protocol: str, actions: Any, **more: Any) -> tuple[str, str]:
        answer = refused(
            elb.create_listener,
            LoadBalancerArn=balancer,
            Port=443,
            Protocol=protocol,
            DefaultActions=actions,
            **more,
        )
        return answer[0], answer[1]

    assert ask(balancer, "TCP", forward(flow)) == (
        "ValidationError",
        "Listener protocol 'TCP' must be one of 'HTTP, HTTPS'",
    )
    assert ask(make_nlb(), "HTTP", forward(group)) == (
        "ValidationError",
        "Listener protocol 'HTTP' must be one of 'TLS, TCP, TCP_UDP, UDP'",
    )
    assert ask(balancer, "HTTP", forward(flow)) == (
        "IncompatibleProtocols",
        f"The listener and the following target groups have incompatible protocols: {flow}",
    )
    assert ask(balancer, "HTTPS", forward(group)) == (
        "ValidationError",
        "A certificate must be specified for HTTPS listeners",
    )
    missing = "arn:aws:acm:us-east-1:123456789012:certificate/01234567-89ab-cdef-0123-456789abcdef"
    assert ask(balancer, "HTTPS", forward(group), Certificates=[{"CertificateArn": missing}]) == (
        "CertificateNotFound",
        f"Certificate '{missing}' not found",
    )
    assert ask(balancer, "HTTP", fixed("200", ContentType="image/png"))[0] == "InvalidLoadBalancerAction"
    assert ask(balancer, "HTTP", redirect(Query="a=1"))[0] == "InvalidLoadBalancerAction"
    assert ask(balancer, "HTTP", fixed("200", MessageBody="a\x00b"))[0] == "ValidationError"
    for member in ("Host", "Path", "Query"):
        split = redirect(**{member: "/a\r\nSet-Cookie: b"})
        assert "contains a character that is not valid" in ask(balancer, "HTTP", split)[1]
    assert ask(balancer, "HTTP", redirect(Port="\u0664\u0664"))[0] == "ValidationError"
    cognito = {"UserPoolArn": "a", "UserPoolClientId": "b", "UserPoolDomain": "c"}
    action = [{"Type": "authenticate-cognito", "AuthenticateCognitoConfig": cognito}]
    code, text = ask(balancer, "HTTP", [*action, *forward(group)])
    assert code == "NotImplemented" and "authenticate-cognito" in text


def test_actions_come_back_as_they_were_given(
    elb: Any, make_alb: Call, make_group: Call, listen: Call
) -> None:
    balancer, first, second = make_alb(), make_group("a"), make_group("b")
    listener = listen(balancer, first)
    sticky = {"Enabled": True, "DurationSeconds": 60}
    actions = forward(first, second, TargetGroupStickinessConfig=sticky)
    [made] = elb.create_rule(ListenerArn=listener, Priority=5, Conditions=[path("/a")], Actions=actions)[
        "Rules"
    ]
    assert made["Actions"] == actions
    [made] = elb.create_rule(
        ListenerArn=listener,
        Priority=6,
        Conditions=[path("/b")],
        Actions=redirect(Protocol="HTTPS", Port="443"),
    )["Rules"]
    assert made["Actions"][0]["RedirectConfig"] == {
        "Protocol": "HTTPS",
        "Port": "443",
        "Host": "#{host}",
        "Path": "/#{path}",
        "Query": "#{query}",
        "StatusCode": "HTTP_301",
    }
    given = fixed("503", ContentType="text/plain", MessageBody="busy")
    [made] = elb.create_rule(ListenerArn=listener, Priority=7, Conditions=[path("/c")], Actions=given)[
        "Rules"
    ]
    assert made["Actions"] == given
    shown = elb.describe_target_groups(LoadBalancerArn=balancer)["TargetGroups"]
    assert {group["TargetGroupName"] for group in shown} == {"a", "b"}


def test_conditions_come_back_as_they_were_given(elb: Any, make_alb: Call, listen: Call) -> None:
    listener = listen(make_alb(), DefaultActions=fixed("404"))
    conditions = [
        {"Field": "host-header", "Values": ["*.example.com"]},
        {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Kind", "Values": ["a*"]}},
        {"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["GET"]}},
        {"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "v", "Value": "1"}]}},
        {"Field": "source-ip", "SourceIpConfig": {"Values": ["10.0.0.0/8"]}},
    ]
    [made] = elb.create_rule(ListenerArn=listener, Priority=1, Conditions=conditions, Actions=fixed())[
        "Rules"
    ]
    host = {"HostHeaderConfig": {"Values": ["*.example.com"]}}
    assert made["Conditions"] == [conditions[0] | host, *conditions[1:]]
    assert (made["Priority"], made["IsDefault"]) == ("1", False)


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (
            {"Field": "colour", "Values": ["red"]},
            "Condition field 'colour' must be one of 'http-header,http-request-method,host-header,"
            "query-string,source-ip,path-pattern'",
        ),
        ({"Field": "path-pattern", "Values": []}, "A condition value must be specified"),
        (
            {"Field": "source-ip", "SourceIpConfig": {"Values": ["10.0.0.1"]}},
            "The specified value '10.0.0.1' is not a valid CIDR block",
        ),
        (
            {"Field": "host-header", "Values": ["localhost"]},
            "Condition value 'localhost' contains a character that is not valid",
        ),
        (
            {"Field": "path-pattern", "Values": ["/" + "a" * 128]},
            "Condition value for 'path-pattern' cannot contain more than 128 characters",
        ),
        (path(*"abcdef"), "A rule can only have '5' condition values and regex values"),
        (
            {"Field": "query-string"},
            "For conditions of type 'query-string', you must specify the following fields:"
            " 'QueryStringConfig'",
        ),
        (
            {"Field": "path-pattern", "PathPatternConfig": {"Values": []}},
            "You must provide exactly one of the following: ['Values' 'RegexValues'] for config of type"
            " 'PathPatternConfig'",
        ),
    ],
)
def test_texts_of_conditions(
    elb: Any, make_alb: Call, listen: Call, refused: Call, condition: dict[str, Any], text: str
) -> None:
    listener = listen(make_alb(), DefaultActions=fixed("404"))
    assert refused(
        elb.create_rule, ListenerArn=listener, Priority=1, Conditions=[condition], Actions=fixed()
    ) == ("ValidationError", text, 400)


def test_rules_have_an_order(elb: Any, make_alb: Call, listen: Call, refused: Call) -> None:
    listener = listen(make_alb(), DefaultActions=fixed("404"))

    def make(priority: int) -> str:
        made = elb.create_rule(
            ListenerArn=listener, Priority=priority, Conditions=[path(f"/{priority}")], Actions=fixed()
        )
        return str(made["Rules"][0]["RuleArn"])

    def order() -> list[tuple[str, str]]:
        rules = elb.describe_rules(ListenerArn=listener)["Rules"]
        return [(rule["Priority"], rule["RuleArn"]) for rule in rules]

    ten, two = make(10), make(2)
    assert [priority for priority, _ in order()] == ["2", "10", "default"]
    assert refused(
        elb.create_rule, ListenerArn=listener, Priority=10, Conditions=[path("/x")], Actions=fixed()
    ) == ("PriorityInUse", "Priority '10' is currently in use", 400)
    elb.set_rule_priorities(
        RulePriorities=[{"RuleArn": ten, "Priority": 2}, {"RuleArn": two, "Priority": 10}]
    )
    assert order()[:2] == [("2", ten), ("10", two)]
    both = [{"RuleArn": ten, "Priority": 5}, {"RuleArn": two, "Priority": 5}]
    assert refused(elb.set_rule_priorities, RulePriorities=both)[:2] == (
        "ValidationError",
        "Priority '5' was provided multiple times",
    )
    assert refused(elb.set_rule_priorities, RulePriorities=[{"RuleArn": ten, "Priority": 10}])[0] == (
        "PriorityInUse"
    )
    default = order()[-1][1]
    assert refused(elb.delete_rule, RuleArn=default) == (
        "OperationNotPermitted",
        f"Default rule '{default}' cannot be deleted",
        400,
    )
    assert refused(elb.modify_rule, RuleArn=ten)[:2] == (
        "ValidationError",
        "Either conditions or actions must be specified",
    )
    [changed] = elb.modify_rule(RuleArn=ten, Conditions=[path("/new")])["Rules"]
    assert changed["Conditions"][0]["Values"] == ["/new"]
    elb.delete_rule(RuleArn=two)
    assert refused(elb.describe_rules, RuleArns=[two])[0] == "RuleNotFound"


def test_pages(elb: Any, make_alb: Call, listen: Call) -> None:
    listener = listen(make_alb(), DefaultActions=fixed("404"))
    for number in range(1, 6):
        elb.create_rule(
            ListenerArn=listener, Priority=number, Conditions=[path(f"/{number}")], Actions=fixed()
        )
    first = elb.describe_rules(ListenerArn=listener, PageSize=4)
    rest = elb.describe_rules(ListenerArn=listener, PageSize=4, Marker=first["NextMarker"])
    assert [rule["Priority"] for rule in first["Rules"] + rest["Rules"]] == [*"12345", "default"]
    assert "NextMarker" not in rest


def test_a_network_load_balancer_only_forwards(
    elb: Any, make_nlb: Call, make_group: Call, listen: Call, refused: Call
) -> None:
    balancer = make_nlb()
    flows = make_group("flows", Protocol="TCP", Port=9000)
    listener = listen(balancer, flows, 9000, Protocol="TCP")
    asked = {"LoadBalancerArn": balancer, "Port": 9001, "Protocol": "TCP"}
    assert refused(elb.create_listener, DefaultActions=fixed(), **asked)[0] == "InvalidLoadBalancerAction"
    assert refused(
        elb.create_rule, ListenerArn=listener, Priority=1, Conditions=[path("/a")], Actions=forward(flows)
    )[0] == ("InvalidConfigurationRequest")
    attributes = elb.describe_listener_attributes(ListenerArn=listener)["Attributes"]
    assert attributes == [{"Key": "tcp.idle_timeout.seconds", "Value": "350"}]
    changed = elb.modify_listener_attributes(
        ListenerArn=listener, Attributes=[{"Key": "tcp.idle_timeout.seconds", "Value": "60"}]
    )
    assert changed["Attributes"] == [{"Key": "tcp.idle_timeout.seconds", "Value": "60"}]


def test_an_application_load_balancer_is_a_target(
    elb: Any, make_alb: Call, make_nlb: Call, make_group: Call, listen: Call, refused: Call
) -> None:
    inner = make_alb()
    group = make_group("inner", Protocol="TCP", Port=80, TargetType="alb")
    target = {"TargetGroupArn": group, "Targets": [{"Id": inner, "Port": 80}]}
    assert refused(elb.register_targets, **target)[0] == "InvalidTarget"
    listen(inner, DefaultActions=fixed())
    elb.register_targets(**target)
    listen(make_nlb(), group, 80, Protocol="TCP")
    [health] = elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    assert health["Target"] == {"Id": inner, "Port": 80}
    assert refused(elb.delete_load_balancer, LoadBalancerArn=inner)[:2] == (
        "ResourceInUse",
        f"Load balancer '{inner}' cannot be deleted because it is currently associated with another service",
    )
