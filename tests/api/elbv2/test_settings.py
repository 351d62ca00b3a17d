"""Attributes, health checks, subnets, groups, tags, limits."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from seawall.model.bucket import Bucket
from seawall.store.objects import Objects
from seawall.store.store import Store

Call = Callable[..., Any]


def attributes(found: list[dict[str, str]]) -> dict[str, str]:
    return {pair["Key"]: pair["Value"] for pair in found}


def pairs(**given: str) -> list[dict[str, str]]:
    return [{"Key": key.replace("__", "."), "Value": value} for key, value in given.items()]


def test_attributes_of_an_application_load_balancer(elb: Any, make_alb: Call, refused: Call) -> None:
    arn = make_alb()
    born = attributes(elb.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"])
    assert born["idle_timeout.timeout_seconds"] == "60"
    assert born["routing.http.desync_mitigation_mode"] == "defensive"
    assert born["client_keep_alive.seconds"] == "3600"
    assert born["load_balancing.cross_zone.enabled"] == "true"
    assert len(born) == 23

    def change(**given: str) -> dict[str, str]:
        answer = elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=pairs(**given))
        return attributes(answer["Attributes"])

    def no(**given: str) -> tuple[str, str]:
        answer = refused(elb.modify_load_balancer_attributes, LoadBalancerArn=arn, Attributes=pairs(**given))
        return answer[0], answer[1]

    assert change(idle_timeout__timeout_seconds="4000") == born | {"idle_timeout.timeout_seconds": "4000"}
    assert no(idle_timeout__timeout_seconds="4001") == (
        "ValidationError",
        "'idle_timeout.timeout_seconds' value '4001' must be between '1-4000' inclusive",
    )
    assert no(colour="red") == ("ValidationError", "Load balancer attribute key 'colour' is not recognized")
    assert no(load_balancing__cross_zone__enabled="false") == (
        "InvalidConfigurationRequest",
        "The value for 'load_balancing.cross_zone.enabled' must always be 'true' for an Application Load"
        " Balancer",
    )
    assert no(access_logs__s3__enabled="true") == (
        "InvalidConfigurationRequest",
        "The key 'access_logs.s3.bucket' must set in order to enable access logs",
    )
    assert no(access_logs__s3__enabled="true", access_logs__s3__bucket="nowhere") == (
        "InvalidConfigurationRequest",
        "Access Denied for bucket: nowhere. Please check S3bucket permission",
    )
    assert no(connection_logs__s3__enabled="true")[0] == "NotImplemented"
    change(deletion_protection__enabled="true")
    assert refused(elb.delete_load_balancer, LoadBalancerArn=arn) == (
        "OperationNotPermitted",
        f"Load balancer '{arn}' cannot be deleted because deletion protection is enabled",
        400,
    )


@pytest.mark.parametrize(
    ("protocol", "expected"),
    [
        ("TCP", {"preserve_client_ip.enabled": "false", "stickiness.type": "source_ip"}),
        ("UDP", {"preserve_client_ip.enabled": "true"}),
        ("HTTP", {"stickiness.type": "lb_cookie", "load_balancing.algorithm.type": "round_robin"}),
    ],
)
def test_attributes_of_groups(elb: Any, make_group: Call, protocol: str, expected: dict[str, str]) -> None:
    arn = make_group(Protocol=protocol)
    born = attributes(elb.describe_target_group_attributes(TargetGroupArn=arn)["Attributes"])
    assert expected.items() <= born.items()
    assert born["deregistration_delay.timeout_seconds"] == "300"
    assert born["target_group_health.unhealthy_state_routing.minimum_healthy_targets.count"] == "1"


@pytest.mark.parametrize(
    ("protocol", "given", "code", "text"),
    [
        (
            "HTTP",
            pairs(deregistration_delay__timeout_seconds="3601"),
            "ValidationError",
            "'deregistration_delay.timeout_seconds' value '3601' must be between '0-3600' inclusive",
        ),
        (
            "HTTP",
            pairs(stickiness__type="source_ip"),
            "InvalidConfigurationRequest",
            "Stickiness type 'source_ip' is not supported for target groups with the HTTP protocol",
        ),
        (
            "HTTP",
            pairs(stickiness__type="luck"),
            "ValidationError",
            "'luck' must be one of [app_cookie, lb_cookie, source_ip]",
        ),
        (
            "HTTP",
            pairs(stickiness__enabled="true", stickiness__type="app_cookie"),
            "InvalidConfigurationRequest",
            "You must set an application cookie name to enable stickiness of type 'app_cookie'",
        ),
        (
            "TLS",
            pairs(stickiness__enabled="true"),
            "InvalidConfigurationRequest",
            "You cannot enable stickiness on target groups with the TLS protocol",
        ),
        (
            "UDP",
            pairs(preserve_client_ip__enabled="false"),
            "InvalidConfigurationRequest",
            "You cannot disable client IP preservation on target groups with the UDP protocol",
        ),
        ("HTTP", pairs(slow_start__duration_seconds="29"), "ValidationError", None),
        ("TCP", pairs(slow_start__duration_seconds="30"), "InvalidConfigurationRequest", None),
    ],
)
def test_what_groups_refuse(
    elb: Any,
    make_group: Call,
    refused: Call,
    protocol: str,
    given: list[dict[str, str]],
    code: str,
    text: str | None,
) -> None:
    arn = make_group(Protocol=protocol)
    answer = refused(elb.modify_target_group_attributes, TargetGroupArn=arn, Attributes=given)
    assert answer[0] == code
    assert text in (None, answer[1])


@pytest.mark.parametrize(
    ("group", "code", "text"),
    [
        (
            {"HealthCheckTimeoutSeconds": 30},
            "ValidationError",
            "Health check timeout '30' must be smaller than the interval '30'",
        ),
        (
            {"Protocol": "TCP", "HealthCheckTimeoutSeconds": 31},
            "ValidationError",
            "Health check timeout '31' must be smaller than or equal to the interval '30'",
        ),
        ({"HealthCheckProtocol": "TCP"}, "InvalidConfigurationRequest", None),
        ({"Matcher": {"HttpCode": "500"}}, "ValidationError", None),
        ({"Matcher": {"GrpcCode": "0"}}, "InvalidConfigurationRequest", None),
        (
            {"Protocol": "TCP", "Matcher": {"HttpCode": "200"}},
            "InvalidConfigurationRequest",
            "Custom health check matchers are not supported for health checks for target groups with the TCP"
            " protocol",
        ),
        ({"HealthCheckPath": "a"}, "ValidationError", None),
        (
            {"VpcId": "vpc-0123456789abcdef0"},
            "ValidationError",
            "The VPC ID 'vpc-0123456789abcdef0' is not found",
        ),
        ({"TargetType": "lambda"}, "NotImplemented", None),
    ],
)
def test_what_new_groups_refuse(
    elb: Any, net: Any, refused: Call, group: dict[str, Any], code: str, text: str | None
) -> None:
    wanted = {"Name": "a", "Protocol": "HTTP", "Port": 80, "VpcId": net.vpc, "TargetType": "ip"} | group
    answer = refused(elb.create_target_group, **wanted)
    assert answer[0] == code
    assert text in (None, answer[1])


def test_a_health_check_is_changed(elb: Any, make_group: Call) -> None:
    arn = make_group(Protocol="TCP")
    [group] = elb.modify_target_group(
        TargetGroupArn=arn, HealthCheckProtocol="HTTP", HealthCheckPath="/up", Matcher={"HttpCode": "200-299"}
    )["TargetGroups"]
    assert (group["HealthCheckProtocol"], group["HealthCheckPath"]) == ("HTTP", "/up")
    [group] = elb.modify_target_group(TargetGroupArn=arn, HealthyThresholdCount=2)["TargetGroups"]
    assert (group["HealthyThresholdCount"], group["Matcher"]) == (2, {"HttpCode": "200-299"})
    [group] = elb.modify_target_group(TargetGroupArn=arn, HealthCheckProtocol="TCP")["TargetGroups"]
    assert "HealthCheckPath" not in group


def test_subnets_are_changed(ec2: Any, elb: Any, net: Any, make_alb: Call) -> None:
    arn = make_alb()

    def interfaces() -> dict[str, str]:
        filters = [{"Name": "requester-id", "Values": ["amazon-elb"]}]
        found = ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
        staying = [one for one in found if one["Status"] != "detaching"]
        return {one["SubnetId"]: one["NetworkInterfaceId"] for one in staying}

    before = interfaces()
    answer = elb.set_subnets(LoadBalancerArn=arn, Subnets=list(net.subnets[1:]))
    assert {zone["SubnetId"] for zone in answer["AvailabilityZones"]} == set(net.subnets[1:])
    after = interfaces()
    assert after.keys() == set(net.subnets[1:])
    assert after[net.subnets[1]] == before[net.subnets[1]]


def test_security_groups_are_changed_on_the_nodes_too(
    ec2: Any, elb: Any, net: Any, make_alb: Call, make_nlb: Call, refused: Call
) -> None:
    arn = make_alb()
    answer = elb.set_security_groups(LoadBalancerArn=arn, SecurityGroups=[net.group])
    assert answer["SecurityGroupIds"] == [net.group]
    filters = [{"Name": "group-id", "Values": [net.group]}]
    assert len(ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]) == 2
    assert refused(elb.set_security_groups, LoadBalancerArn=make_nlb(), SecurityGroups=[net.group])[0] == (
        "InvalidConfigurationRequest"
    )
    missing = "sg-0123456789abcdef0"
    assert refused(elb.set_security_groups, LoadBalancerArn=arn, SecurityGroups=[missing])[0] == (
        "InvalidSecurityGroup"
    )


def test_tags(elb: Any, make_alb: Call, make_group: Call, listen: Call, refused: Call) -> None:
    balancer, group = make_alb(Tags=[{"Key": "a", "Value": "1"}]), make_group()
    listener = listen(balancer, group)
    elb.add_tags(ResourceArns=[balancer, listener], Tags=[{"Key": "b", "Value": "2"}])
    elb.remove_tags(ResourceArns=[balancer], TagKeys=["a"])
    found = elb.describe_tags(ResourceArns=[balancer, group, listener])["TagDescriptions"]
    assert {one["ResourceArn"]: one["Tags"] for one in found} == {
        balancer: [{"Key": "b", "Value": "2"}],
        group: [],
        listener: [{"Key": "b", "Value": "2"}],
    }
    twice = [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]
    assert refused(elb.add_tags, ResourceArns=[group], Tags=twice)[0] == "DuplicateTagKeys"
    many = [{"Key": str(number), "Value": ""} for number in range(51)]
    assert refused(elb.add_tags, ResourceArns=[group], Tags=many)[0] == "TooManyTags"


def test_limits_are_told(aws: Call, elb: Any) -> None:
    limits = {one["Name"]: one["Max"] for one in elb.describe_account_limits()["Limits"]}
    assert limits["target-groups"] == "3000"
    assert limits["application-load-balancers"] == "50"
    quotas = aws("service-quotas").list_service_quotas(ServiceCode="elasticloadbalancing")["Quotas"]
    assert {"L-53DA6B97": 50.0}.items() <= {one["QuotaCode"]: one["Value"] for one in quotas}.items()


def test_security_policies(elb: Any, refused: Call) -> None:
    name = "ELBSecurityPolicy-TLS13-1-2-2021-06"
    [policy] = elb.describe_ssl_policies(Names=[name])["SslPolicies"]
    assert policy["SslProtocols"] == ["TLSv1.3", "TLSv1.2"]
    assert policy["Ciphers"][0] == {"Name": "TLS_AES_128_GCM_SHA256", "Priority": 1}
    assert policy["Ciphers"][-1] == {"Name": "ECDHE-RSA-AES256-SHA384", "Priority": 11}
    assert refused(elb.describe_ssl_policies, Names=["none"])[:2] == (
        "SSLPolicyNotFound",
        "SSL policy 'none' not found",
    )


def test_the_services_role_is_made_with_the_first_load_balancer(aws: Call, make_alb: Call) -> None:
    make_alb()
    role = aws("iam").get_role(RoleName="AWSServiceRoleForElasticLoadBalancing")["Role"]
    assert role["Path"] == "/aws-service-role/elasticloadbalancing.amazonaws.com/"


def test_addresses_are_of_one_family(elb: Any, make_alb: Call, refused: Call) -> None:
    arn = make_alb()
    assert elb.set_ip_address_type(LoadBalancerArn=arn, IpAddressType="ipv4")["IpAddressType"] == "ipv4"
    code, text, status = refused(elb.set_ip_address_type, LoadBalancerArn=arn, IpAddressType="dualstack")
    assert (code, status) == ("NotImplemented", 501) and "IPv4" in text


@pytest.fixture
def objects(tmp_path: Path, resources: dict[str, Any]) -> Iterator[Objects]:
    opened = resources["objects"] = Objects(tmp_path / "s3")
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("principal", "resource", "allowed"),
    [
        ({"Service": "logdelivery.elasticloadbalancing.amazonaws.com"}, "mine/AWSLogs/123456789012/*", True),
        ({"AWS": "arn:aws:iam::127311923021:root"}, "*", True),
        ({"AWS": "127311923021"}, "*", True),
        ({"AWS": "arn:aws:iam::123456789012:root"}, "*", False),
        ({"Service": "ecs-tasks.amazonaws.com"}, "*", False),
        ({"Service": "logdelivery.elasticloadbalancing.amazonaws.com"}, "theirs/*", False),
    ],
)
def test_access_logs_go_where_the_buckets_policy_lets_them(
    elb: Any,
    make_alb: Call,
    store: Store,
    objects: Objects,
    principal: dict[str, str],
    resource: str,
    allowed: bool,
) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": principal,
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::logs/{resource}",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    now = datetime(2026, 1, 1, tzinfo=timezone.utc)
    with store.write() as txn:
        txn.put(Bucket(id="logs", created_at=now, policy=policy))
    wanted = {
        "LoadBalancerArn": make_alb(),
        "Attributes": pairs(
            access_logs__s3__enabled="true", access_logs__s3__bucket="logs", access_logs__s3__prefix="mine"
        ),
    }
    if allowed:
        found = attributes(elb.modify_load_balancer_attributes(**wanted)["Attributes"])
        assert found["access_logs.s3.enabled"] == "true"
        test_file = objects.find("logs", "mine/AWSLogs/123456789012/ELBAccessLogTestFile")
        assert test_file is not None
        assert test_file.file.read_text() == "Enable AccessLog for ELB: web at 2026-01-01T00:00:00.000Z"
        return
    with pytest.raises(ClientError, match="Access Denied for bucket: logs"):
        elb.modify_load_balancer_attributes(**wanted)
    assert objects.is_empty("logs")


def test_network_load_balancers_write_no_access_logs(elb: Any, make_nlb: Call, refused: Call) -> None:
    wanted = pairs(access_logs__s3__enabled="true", access_logs__s3__bucket="logs")
    code, _, status = refused(
        elb.modify_load_balancer_attributes, LoadBalancerArn=make_nlb(), Attributes=wanted
    )
    assert (code, status) == ("NotImplemented", 501)
