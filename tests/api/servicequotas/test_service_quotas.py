"""Quotas are published, hold, and can be raised."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

VPCS = {"ServiceCode": "vpc", "QuotaCode": "L-F678F1CE"}


@pytest.fixture
def quotas(aws: Callable[[str], Any]) -> Any:
    return aws("service-quotas")


def test_a_raised_quota_holds(quotas: Any, aws: Callable[[str], Any]) -> None:
    ec2 = aws("ec2")
    while len(ec2.describe_vpcs()["Vpcs"]) < 5:
        ec2.create_vpc(CidrBlock="10.0.0.0/16")
    with pytest.raises(ClientError, match="VpcLimitExceeded"):
        ec2.create_vpc(CidrBlock="10.0.0.0/16")
    asked = quotas.request_service_quota_increase(**VPCS, DesiredValue=6)["RequestedQuota"]
    assert (asked["Status"], asked["DesiredValue"], asked["QuotaName"]) == ("PENDING", 6, "VPCs per Region")
    assert quotas.get_service_quota(**VPCS)["Quota"]["Value"] == 6
    assert quotas.get_aws_default_service_quota(**VPCS)["Quota"]["Value"] == 5
    ec2.create_vpc(CidrBlock="10.0.0.0/16")
    with pytest.raises(ClientError, match="VpcLimitExceeded"):
        ec2.create_vpc(CidrBlock="10.0.0.0/16")
    found = quotas.get_requested_service_quota_change(RequestId=asked["Id"])["RequestedQuota"]
    assert found["Status"] == "APPROVED"
    history = quotas.list_requested_service_quota_change_history_by_quota(**VPCS)["RequestedQuotas"]
    assert [request["Id"] for request in history] == [asked["Id"]]


def test_quotas_are_listed_in_pages(quotas: Any) -> None:
    assert "vpc" in [s["ServiceCode"] for s in quotas.list_services()["Services"]]
    every = quotas.list_service_quotas(ServiceCode="vpc")["Quotas"]
    assert {"VPCs per Region", "Subnets per VPC"} <= {q["QuotaName"] for q in every}
    pages = quotas.get_paginator("list_service_quotas").paginate(
        ServiceCode="vpc", PaginationConfig={"PageSize": 3}
    )
    assert [q for page in pages for q in page["Quotas"]] == every


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"DesiredValue": 5}, "IllegalArgumentException"),
        ({"ServiceCode": "moon", "DesiredValue": 9}, "NoSuchResourceException"),
        ({"QuotaCode": "L-00000000", "DesiredValue": 9}, "NoSuchResourceException"),
        ({"QuotaCode": "L-2AEEBF1A", "DesiredValue": 41}, "IllegalArgumentException"),
    ],
)
def test_what_cannot_be_raised(quotas: Any, change: dict[str, Any], code: str) -> None:
    with pytest.raises(ClientError, match=code):
        quotas.request_service_quota_increase(**VPCS | change)


def test_rules_times_groups_stay_below_a_thousand(quotas: Any) -> None:
    rules = {"ServiceCode": "vpc", "QuotaCode": "L-0EA8095F"}
    groups = {"ServiceCode": "vpc", "QuotaCode": "L-2AFB9258"}
    with pytest.raises(ClientError, match=r"per network interface cannot exceed 1000\.") as caught:
        quotas.request_service_quota_increase(**rules, DesiredValue=201)
    assert caught.value.response["Error"]["Code"] == "IllegalArgumentException"
    quotas.request_service_quota_increase(**rules, DesiredValue=200)
    with pytest.raises(ClientError, match="per security group cannot exceed 1000"):
        quotas.request_service_quota_increase(**groups, DesiredValue=6)
