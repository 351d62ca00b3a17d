"""Health checks: what may be checked, what is told of them, and who names them."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

HTTP = {"Type": "HTTP", "IPAddress": "198.18.0.7"}
WHOLE = {
    **HTTP,
    "Port": 80,
    "RequestInterval": 30,
    "FailureThreshold": 3,
    "MeasureLatency": False,
    "Inverted": False,
    "EnableSNI": False,
}


@pytest.fixture
def r53(aws: Callable[..., Any]) -> Any:
    return aws("route53")


def create(r53: Any, reference: str = "1", **config: Any) -> dict[str, Any]:
    made = r53.create_health_check(CallerReference=reference, HealthCheckConfig=config)
    return dict(made["HealthCheck"])


def refused(call: Callable[..., Any], **members: Any) -> tuple[str, int]:
    with pytest.raises(ClientError) as caught:
        call(**members)
    response = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def test_a_check_is_created_once_for_a_reference(r53: Any) -> None:
    check = create(r53, **HTTP)
    assert check["HealthCheckConfig"] == WHOLE
    assert create(r53, **HTTP)["Id"] == check["Id"]
    other = {"CallerReference": "1", "HealthCheckConfig": {**HTTP, "Port": 81}}
    assert refused(r53.create_health_check, **other) == ("HealthCheckAlreadyExists", 409)
    assert r53.get_health_check_count()["HealthCheckCount"] == 1
    assert r53.get_health_check(HealthCheckId=check["Id"])["HealthCheck"] == check


@pytest.mark.parametrize(
    "config",
    [
        {"Type": "HTTP"},
        {"Type": "HTTP", "IPAddress": "10.0.0.1"},
        {"Type": "HTTP", "IPAddress": "fd00::1"},
        {"Type": "TCP", "IPAddress": "198.18.0.7"},
        {"Type": "TCP", "IPAddress": "198.18.0.7", "Port": 80, "ResourcePath": "/"},
        {"Type": "HTTP_STR_MATCH", "IPAddress": "198.18.0.7"},
        {**HTTP, "SearchString": "ok"},
        {**HTTP, "RequestInterval": 20},
        {**HTTP, "ChildHealthChecks": ["a"]},
        {"Type": "CALCULATED"},
        {"Type": "CALCULATED", "ChildHealthChecks": ["a"], "HealthThreshold": 1, "Port": 80},
    ],
)
def test_what_cannot_be_checked(r53: Any, config: dict[str, Any]) -> None:
    members = {"CallerReference": "1", "HealthCheckConfig": config}
    assert refused(r53.create_health_check, **members) == ("InvalidInput", 400)
    assert r53.list_health_checks()["HealthChecks"] == []


@pytest.mark.parametrize("type", ["CLOUDWATCH_METRIC", "RECOVERY_CONTROL"])
def test_there_are_no_alarms_and_no_routing_controls(r53: Any, type: str) -> None:
    members = {"CallerReference": "1", "HealthCheckConfig": {"Type": type}}
    assert refused(r53.create_health_check, **members)[0] == "NotImplemented"


def test_an_update_raises_the_version_and_holds_to_it(r53: Any) -> None:
    id = create(r53, **HTTP, ResourcePath="/up")["Id"]
    updated = r53.update_health_check(
        HealthCheckId=id, HealthCheckVersion=1, FailureThreshold=1, ResetElements=["ResourcePath"]
    )["HealthCheck"]
    assert updated["HealthCheckVersion"] == 2
    assert updated["HealthCheckConfig"] == {**WHOLE, "FailureThreshold": 1}
    stale = {"HealthCheckId": id, "HealthCheckVersion": 1, "Port": 8080}
    assert refused(r53.update_health_check, **stale) == ("HealthCheckVersionMismatch", 409)
    assert refused(r53.update_health_check, HealthCheckId=id, IPAddress="10.0.0.1") == ("InvalidInput", 400)
    assert r53.get_health_check(HealthCheckId=id)["HealthCheck"]["HealthCheckVersion"] == 2


def test_pages_and_an_unknown_check(r53: Any) -> None:
    ids = sorted(create(r53, str(n), **HTTP)["Id"] for n in range(3))
    pages = r53.get_paginator("list_health_checks").paginate(PaginationConfig={"PageSize": 2})
    assert [[check["Id"] for check in page["HealthChecks"]] for page in pages] == [ids[:2], ids[2:]]
    r53.delete_health_check(HealthCheckId=ids[0])
    for call in r53.get_health_check, r53.delete_health_check, r53.get_health_check_status:
        assert refused(call, HealthCheckId=ids[0]) == ("NoSuchHealthCheck", 404)


def test_tags(r53: Any) -> None:
    id = create(r53, **HTTP)["Id"]
    which = {"ResourceType": "healthcheck", "ResourceId": id}
    r53.change_tags_for_resource(**which, AddTags=[{"Key": "Name", "Value": "web"}])
    told = r53.list_tags_for_resource(**which)["ResourceTagSet"]
    assert told == {**which, "Tags": [{"Key": "Name", "Value": "web"}]}


def test_a_record_set_names_a_check_that_there_is(r53: Any) -> None:
    zone = r53.create_hosted_zone(Name="example.com", CallerReference="1")["HostedZone"]["Id"]
    id = create(r53, **HTTP)["Id"]

    def change(check: str) -> Any:
        record = {
            "Name": "f.example.com.",
            "Type": "A",
            "SetIdentifier": "1",
            "Failover": "PRIMARY",
            "TTL": 60,
            "ResourceRecords": [{"Value": "198.18.0.7"}],
            "HealthCheckId": check,
        }
        batch = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
        return r53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)

    with pytest.raises(ClientError) as caught:
        change("00000000-0000-0000-0000-000000000000")
    assert caught.value.response["Error"]["Code"] == "NoSuchHealthCheck"
    change(id)
    listed = r53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    assert [each["HealthCheckId"] for each in listed if "HealthCheckId" in each] == [id]
