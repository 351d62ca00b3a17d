"""Scalable targets and policies, through the SDK."""

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest
from botocore.exceptions import ClientError

from seawall.model.service import Service
from seawall.store.store import Store

NAMED = {
    "ServiceNamespace": "ecs",
    "ResourceId": "service/default/web",
    "ScalableDimension": "ecs:service:DesiredCount",
}
TRACKING = {
    "TargetValue": 60.0,
    "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
}


def refused(call: Any, **members: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**members)
    error = caught.value.response["Error"]
    return str(error["Code"]), str(error["Message"])


@pytest.fixture
def scaling(aws: Callable[..., Any], store: Store) -> Any:
    """A client, where there is a service."""
    with store.write() as txn:
        born = datetime(2026, 1, 1, tzinfo=timezone.utc)
        txn.put(Service(id="default/web", cluster="default", name="web", incarnation="x", created_at=born))
    return aws("application-autoscaling")


@pytest.fixture
def target(scaling: Any) -> str:
    made = scaling.register_scalable_target(**NAMED, MinCapacity=1, MaxCapacity=10)
    return str(made["ScalableTargetARN"])


def test_a_target_is_registered_once_and_changed_in_parts(scaling: Any, target: str) -> None:
    again = scaling.register_scalable_target(
        **NAMED, MaxCapacity=4, SuspendedState={"DynamicScalingInSuspended": True}
    )
    assert again["ScalableTargetARN"] == target
    (shown,) = scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    assert (shown["MinCapacity"], shown["MaxCapacity"]) == (1, 4)
    assert shown["SuspendedState"]["DynamicScalingInSuspended"] is True
    assert shown["ResourceId"] == NAMED["ResourceId"]
    code, text = refused(scaling.register_scalable_target, **NAMED, MinCapacity=5)
    assert (code, text) == ("ValidationException", "Maximum capacity cannot be less than minimum capacity")
    other = {**NAMED, "ResourceId": "service/default/none", "MinCapacity": 1, "MaxCapacity": 2}
    code, text = refused(scaling.register_scalable_target, **other)
    assert (code, text) == ("ValidationException", "ECS service doesn't exist: service/default/none")


def test_target_tracking_has_two_alarms_of_its_own(aws: Any, scaling: Any, target: str) -> None:
    made = scaling.put_scaling_policy(
        **NAMED,
        PolicyName="cpu",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=TRACKING,
    )
    cloudwatch = aws("cloudwatch")
    names = [alarm["AlarmName"] for alarm in made["Alarms"]]
    shown = {a["AlarmName"]: a for a in cloudwatch.describe_alarms(AlarmNames=names)["MetricAlarms"]}
    high, low = (shown[name] for name in names)
    assert (high["Threshold"], high["EvaluationPeriods"]) == (60.0, 3)
    assert (low["Threshold"], low["EvaluationPeriods"]) == (54.0, 15)
    assert high["AlarmActions"] == [made["PolicyARN"]]
    assert high["Dimensions"] == [
        {"Name": "ClusterName", "Value": "default"},
        {"Name": "ServiceName", "Value": "web"},
    ]
    one_way = {**TRACKING, "DisableScaleIn": True}
    changed = scaling.put_scaling_policy(
        **NAMED, PolicyName="cpu", TargetTrackingScalingPolicyConfiguration=one_way
    )
    assert changed["PolicyARN"] == made["PolicyARN"] and len(changed["Alarms"]) == 1
    assert len(cloudwatch.describe_alarms()["MetricAlarms"]) == 1
    scaling.delete_scaling_policy(**NAMED, PolicyName="cpu")
    assert cloudwatch.describe_alarms()["MetricAlarms"] == []
    assert refused(scaling.delete_scaling_policy, **NAMED, PolicyName="cpu")[0] == "ObjectNotFoundException"


def put_steps(scaling: Any, *bounds: tuple[float | None, float | None], **changes: Any) -> Any:
    steps = []
    for lower, upper in bounds:
        given = {"MetricIntervalLowerBound": lower, "MetricIntervalUpperBound": upper}
        steps.append({k: v for k, v in given.items() if v is not None} | {"ScalingAdjustment": -1})
    configuration = {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": steps, **changes}
    return scaling.put_scaling_policy(
        **NAMED,
        PolicyName="steps",
        PolicyType="StepScaling",
        StepScalingPolicyConfiguration={k: v for k, v in configuration.items() if v is not None},
    )


@pytest.mark.parametrize(
    ("bounds", "changes", "text"),
    [
        ((), {}, "There must be at least one step adjustment"),
        (((0, None),), {"AdjustmentType": None}, "Adjustment type must be specified"),
        (((0, 10), (20, None)), {}, "Step adjustment intervals cannot have gaps between them"),
        (((0, 10), (5, None)), {}, "Step adjustment intervals cannot overlap"),
        (((5, 5), (5, None)), {}, "Lower bound must be less than upper bound for a step adjustment"),
        (
            ((None, None),),
            {},
            "Both lower and upper bounds of a step adjustment cannot be left unspecified",
        ),
        (((None, -5), (None, 0)), {}, "At most one step adjustment may have an unspecified lower bound"),
        (((0, None), (5, None)), {}, "At most one step adjustment may have an unspecified upper bound"),
        (
            ((-5, 0),),
            {},
            "There must be a step adjustment with an unspecified lower bound when one step adjustment has a"
            " negative lower bound",
        ),
        (
            ((0, 5),),
            {},
            "There must be a step adjustment with an unspecified upper bound when one step adjustment has a"
            " positive upper bound",
        ),
        (
            ((0, None),),
            {"AdjustmentType": "ExactCapacity"},
            "Scaling adjustment cannot be less than 0 when adjustment type is ExactCapacity",
        ),
        (
            ((0, None),),
            {"MinAdjustmentMagnitude": 2},
            "Minimum adjustment magnitude is only allowed for adjustment type PercentChangeInCapacity",
        ),
    ],
)
def test_what_steps_may_not_be(
    scaling: Any, target: str, bounds: tuple[Any, ...], changes: dict[str, Any], text: str
) -> None:
    with pytest.raises(ClientError) as caught:
        put_steps(scaling, *bounds, **changes)
    error = caught.value.response["Error"]
    assert (error["Code"], error["Message"]) == ("ValidationException", text)


def test_steps_are_described(scaling: Any, target: str) -> None:
    put_steps(scaling, (None, -10), (-10, 0))
    put_steps(scaling, (0, 10), (10, None))
    (shown,) = scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]
    assert shown["StepScalingPolicyConfiguration"]["StepAdjustments"][1] == {
        "MetricIntervalLowerBound": 10.0,
        "ScalingAdjustment": -1,
    }


REQUESTS = {"PredefinedMetricType": "ALBRequestCountPerTarget"}
LABEL = "app/shop/0123456789abcdef/targetgroup/web/fedcba9876543210"
CUSTOMIZED = {"MetricName": "m", "Namespace": "n", "Statistic": "Average"}


def put_tracking(scaling: Any, **changes: Any) -> Any:
    configuration = {k: v for k, v in {**TRACKING, **changes}.items() if v is not None}
    return scaling.put_scaling_policy(
        **NAMED,
        PolicyName="requests",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=configuration,
    )


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"PredefinedMetricSpecification": REQUESTS},
            "Resource label should be specified for predefined metric type ALBRequestCountPerTarget",
        ),
        (
            {"PredefinedMetricSpecification": {**REQUESTS, "ResourceLabel": "app/shop"}},
            "Invalid resource label 'app/shop' for predefined metric type ALBRequestCountPerTarget",
        ),
        (
            {
                "PredefinedMetricSpecification": {
                    **TRACKING["PredefinedMetricSpecification"],
                    "ResourceLabel": LABEL,
                }
            },
            "Resource label should not be specified for predefined metric type"
            " ECSServiceAverageCPUUtilization",
        ),
        (
            {"PredefinedMetricSpecification": {"PredefinedMetricType": "RDSReaderAverageCPUUtilization"}},
            "Scalable dimension ecs:service:DesiredCount only supports the following predefined metric types:"
            " ALBRequestCountPerTarget, ECSServiceAverageCPUUtilization,"
            " ECSServiceAverageCPUUtilizationHighResolution, ECSServiceAverageMemoryUtilization,"
            " ECSServiceAverageMemoryUtilizationHighResolution",
        ),
        (
            {"PredefinedMetricSpecification": None},
            "PredefinedMetricSpecification or CustomizedMetricSpecification must be set for target tracking"
            " scaling.",
        ),
        (
            {"CustomizedMetricSpecification": CUSTOMIZED},
            "Only one of PredefinedMetricSpecification or CustomizedMetricSpecification can be set for target"
            " tracking scaling.",
        ),
    ],
)
def test_what_tracking_may_not_be(scaling: Any, target: str, changes: dict[str, Any], text: str) -> None:
    with pytest.raises(ClientError) as caught:
        put_tracking(scaling, **changes)
    error = caught.value.response["Error"]
    assert (error["Code"], error["Message"]) == ("ValidationException", text)


def test_requests_of_targets_have_a_label(scaling: Any, target: str) -> None:
    metric = {**REQUESTS, "ResourceLabel": LABEL}
    assert len(put_tracking(scaling, PredefinedMetricSpecification=metric)["Alarms"]) == 2


def test_a_policy_has_the_configuration_of_its_type(scaling: Any, target: str) -> None:
    named = {**NAMED, "PolicyName": "cpu", "PolicyType": "TargetTrackingScaling"}
    tracking = {"TargetTrackingScalingPolicyConfiguration": TRACKING}
    step = {"StepScalingPolicyConfiguration": {"AdjustmentType": "ChangeInCapacity"}}
    assert refused(scaling.put_scaling_policy, **named, **step) == (
        "ValidationException",
        "TargetTrackingScaling policy configuration must be specified",
    )
    assert refused(scaling.put_scaling_policy, **named, **step, **tracking) == (
        "ValidationException",
        "You must only provide a single scaling policy configuration, which must match the scaling policy"
        " type specified.",
    )


def test_what_goes_takes_its_policies_along(aws: Any, scaling: Any, target: str) -> None:
    policy = {"TargetTrackingScalingPolicyConfiguration": TRACKING, "PolicyType": "TargetTrackingScaling"}
    scaling.put_scaling_policy(**NAMED, PolicyName="cpu", **policy)
    scaling.deregister_scalable_target(**NAMED)
    assert scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"] == []
    assert aws("cloudwatch").describe_alarms()["MetricAlarms"] == []
    code, text = refused(scaling.put_scaling_policy, **NAMED, PolicyName="cpu", **policy)
    assert code == "ObjectNotFoundException"
    assert text.startswith("No scalable target registered for service namespace: ecs, resource ID: service/")


def test_tags_of_targets(scaling: Any, target: str) -> None:
    scaling.tag_resource(ResourceARN=target, Tags={"a": "1", "b": "2"})
    scaling.untag_resource(ResourceARN=target, TagKeys=["a"])
    assert scaling.list_tags_for_resource(ResourceARN=target)["Tags"] == {"b": "2"}


def test_alarms_are_put_described_and_deleted(aws: Any) -> None:
    cloudwatch = aws("cloudwatch")
    given: dict[str, Any] = {
        "AlarmName": "busy",
        "Namespace": "AWS/ECS",
        "MetricName": "CPUUtilization",
        "Statistic": "Average",
        "Period": 60,
        "EvaluationPeriods": 2,
        "Threshold": 80.0,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    cloudwatch.put_metric_alarm(**given)
    (shown,) = cloudwatch.describe_alarms(AlarmNamePrefix="bu")["MetricAlarms"]
    assert {name: shown[name] for name in given} == given
    assert (shown["StateValue"], shown["TreatMissingData"]) == ("INSUFFICIENT_DATA", "missing")
    cloudwatch.set_alarm_state(AlarmName="busy", StateValue="ALARM", StateReason="to see")
    assert len(cloudwatch.describe_alarms(StateValue="ALARM")["MetricAlarms"]) == 1
    cloudwatch.put_metric_alarm(**{**given, "Threshold": 70.0})
    (shown,) = cloudwatch.describe_alarms()["MetricAlarms"]
    assert (shown["Threshold"], shown["StateValue"]) == (70.0, "ALARM")
    cloudwatch.disable_alarm_actions(AlarmNames=["busy"])
    assert cloudwatch.describe_alarms()["MetricAlarms"][0]["ActionsEnabled"] is False
    named = {"MetricName": "CPUUtilization", "Namespace": "AWS/ECS"}
    assert len(cloudwatch.describe_alarms_for_metric(**named)["MetricAlarms"]) == 1
    assert refused(cloudwatch.delete_alarms, AlarmNames=["busy", "none"])[0] == "ResourceNotFound"
    cloudwatch.delete_alarms(AlarmNames=["busy"])
    assert cloudwatch.describe_alarms()["MetricAlarms"] == []
