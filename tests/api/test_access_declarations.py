"""What operations ask permission for: declared once, for operations that are there, in IAM's form."""

import re
from collections import defaultdict

import pytest

from seawall.api.registry import load_operations
from seawall.iam.access import access, accesses, declared, default_action
from seawall.wire.service import load_service

# Operations that are asked for on "*" because AWS knows no resources for them (service authorization
# reference), besides EC2's Describe operations.
WITHOUT_RESOURCES = {
    "acm": {"ListCertificates"},
    "cloudwatch": {
        *("DescribeAlarmsForMetric", "GetMetricData", "GetMetricStatistics", "ListMetrics", "PutMetricData"),
    },
    "ec2": {
        *("CreateDefaultSubnet", "CreateDefaultVpc", "GetTransitGatewayAttachmentPropagations"),
        *("GetTransitGatewayRouteTableAssociations", "GetTransitGatewayRouteTablePropagations"),
    },
    "ecr": {"GetAuthorizationToken"},
    "ecs": {
        *("ListClusters", "ListAccountSettings", "PutAccountSetting", "PutAccountSettingDefault"),
        *("DeleteAccountSetting", "DeregisterTaskDefinition", "DescribeTaskDefinition"),
        *("ListTaskDefinitions", "ListTaskDefinitionFamilies", "ListServices"),
        "ListServicesByNamespace",
    },
    "elbv2": {
        *("DescribeAccountLimits", "DescribeListenerAttributes", "DescribeListenerCertificates"),
        *("DescribeListeners", "DescribeLoadBalancerAttributes", "DescribeLoadBalancers"),
        *("DescribeCapacityReservation", "DescribeRules", "DescribeSSLPolicies", "DescribeTags"),
        *("DescribeTargetGroupAttributes", "DescribeTargetGroups", "DescribeTargetHealth"),
    },
    "iam": {
        *("GetAccountSummary", "GetAccountAuthorizationDetails", "SimulateCustomPolicy"),
        *("GetContextKeysForCustomPolicy",),
    },
    "sts": {"GetCallerIdentity", "GetSessionToken", "DecodeAuthorizationMessage"},
    "route53": {
        *("CreateHostedZone", "CreateHealthCheck", "ListHostedZones", "ListHostedZonesByName"),
        *("ListHostedZonesByVPC", "ListHealthChecks", "GetHostedZoneCount", "GetHealthCheckCount"),
        *("GetCheckerIpRanges", "TestDNSAnswer"),
    },
    "service-quotas": {
        *("GetAWSDefaultServiceQuota", "GetRequestedServiceQuotaChange", "ListAWSDefaultServiceQuotas"),
        *("ListRequestedServiceQuotaChangeHistory", "ListRequestedServiceQuotaChangeHistoryByQuota"),
        *("ListServiceQuotas", "ListServices"),
    },
}


def test_declarations_are_of_operations_that_exist() -> None:
    load_operations()
    for service, operation in declared():
        known = load_service(service)
        assert known is not None and operation in known.operation_names, (service, operation)


def test_actions_have_iams_form() -> None:
    for service, operation in load_operations():
        for asked in accesses(service, operation):
            if isinstance(asked.action, str):
                assert re.fullmatch(r"[a-z0-9-]+:[A-Z][A-Za-z0-9]+", asked.action), asked.action


@pytest.mark.parametrize("service", sorted(WITHOUT_RESOURCES))
def test_every_operation_names_its_resources_where_aws_knows_some(service: str) -> None:
    bare = defaultdict(set)
    for name, operation in load_operations():
        own = accesses(name, operation)[0]
        describes = name == "ec2" and operation.startswith("Describe")
        if own.resources is None and not describes:
            bare[name].add(operation)
    assert bare[service] <= WITHOUT_RESOURCES[service]


def test_an_operation_is_declared_once() -> None:
    load_operations()
    with pytest.raises(ValueError, match="declared twice"):
        access("ecs", "RunTask")


def test_prefixes_are_iams_own() -> None:
    assert default_action("service-quotas", "ListServices") == "servicequotas:ListServices"
    assert default_action("ecs", "RunTask") == "ecs:RunTask"
