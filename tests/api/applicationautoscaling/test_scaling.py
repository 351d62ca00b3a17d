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


def test_steps_have_neither_gaps_nor_overlaps(scaling: Any, target: str) -> None:
    def put(*bounds: tuple[float | None, float | None]) -> None:
        steps = []
        for lower, upper in bounds:
            given = {"MetricIntervalLowerBound": lower, "MetricIntervalUpperBound": upper}
            steps.append({k: v for k, v in given.items() if v is not None} | {"ScalingAdjustment": 1})
        configuration = {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": steps}
        scaling.put_scaling_policy(
            **NAMED,
            PolicyName="steps",
            PolicyType="StepScaling",
            StepScalingPolicyConfiguration=configuration,
        )

    for bad in (((0, 10), (20, None)), ((0, 10), (5, None)), ((5, 5),), ()):
        with pytest.raises(ClientError) as caught:
            put(*bad)
        assert caught.value.response["Error"]["Code"] == "ValidationException"
    put((0, 10), (10, None))
    (shown,) = scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]
    assert shown["StepScalingPolicyConfiguration"]["StepAdjustments"][1] == {
        "MetricIntervalLowerBound": 10.0,
        "ScalingAdjustment": 1,
    }


def test_requests_of_targets_need_a_label(scaling: Any, target: str) -> None:
    def put(label: str | None) -> Any:
        metric = {"PredefinedMetricType": "ALBRequestCountPerTarget"}
        metric |= {"ResourceLabel": label} if label else {}
        return scaling.put_scaling_policy(
            **NAMED,
            PolicyName="requests",
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration={
                "TargetValue": 100.0,
                "PredefinedMetricSpecification": metric,
            },
        )

    with pytest.raises(ClientError):
        put(None)
    assert len(put("app/shop/0123456789abcdef/targetgroup/web/fedcba9876543210")["Alarms"]) == 2


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
