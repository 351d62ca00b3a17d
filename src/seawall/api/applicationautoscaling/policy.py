"""Scaling policies: steps that a user's alarm invokes, or a target value with alarms of its own.

Source: Application Auto Scaling user guide, "Target tracking scaling policies": its alarms; that scaling in
waits for fifteen minutes below nine tenths of the target is how AWS makes them for ECS.
"""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from msgspec.structs import replace

from seawall.api.applicationautoscaling.names import (
    find_target,
    invalid,
    named,
    page_of,
    resource_id,
    scaled,
    wanted,
)
from seawall.api.applicationautoscaling.target import remove_policy
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.alarm import MetricAlarm
from seawall.model.scaling import (
    SERVICE_DIMENSION,
    ScalableTarget,
    ScalingActivity,
    ScalingPolicy,
    StepAdjustment,
    StepScaling,
    TargetTracking,
)
from seawall.store.ids import new_uuid
from seawall.store.metrics import Metric, dimensions_of
from seawall.store.store import Transaction
from seawall.wire.errors import ApiError, NotImplementedHere

OUT_PERIODS, IN_PERIODS = 3, 15  # minutes above, and below, before an alarm rings
IN_SHARE = 0.9  # of the target value, below which scaling in begins
METRICS = "PredefinedMetricSpecification or CustomizedMetricSpecification"
CONFIGURATIONS = {
    "StepScaling": "StepScalingPolicyConfiguration",
    "TargetTrackingScaling": "TargetTrackingScalingPolicyConfiguration",
}
TRACKED = (  # of an ECS service
    "ALBRequestCountPerTarget",
    "ECSServiceAverageCPUUtilization",
    "ECSServiceAverageCPUUtilizationHighResolution",
    "ECSServiceAverageMemoryUtilization",
    "ECSServiceAverageMemoryUtilizationHighResolution",
)
LABEL = re.compile(r"(app/[^/]+/[^/]+)/(targetgroup/[^/]+/[^/]+)")


@operation(
    "application-autoscaling",
    "PutScalingPolicy",
    stored={
        "StepScalingPolicyConfiguration.MetricAggregationType": "alarms compare one statistic of a minute"
    },
    refused={
        "PredictiveScalingPolicyConfiguration": "there is no history to predict from",
        "TargetTrackingScalingPolicyConfiguration.CustomizedMetricSpecification.Metrics": "no expressions",
    },
)
def put_scaling_policy(call: Call, params: Params) -> dict[str, Any]:
    id = resource_id(params)
    with call.write() as txn:
        target = find_target(txn, id)
        known = txn.find(ScalingPolicy, f"{id}/{params['PolicyName']}")
        policy = known or _new(call, target, params["PolicyName"])
        kind = params.get("PolicyType") or ("TargetTrackingScaling" if policy.tracking else "StepScaling")
        if known is not None and kind != _kind(known):
            raise invalid("You cannot change the type of a scaling policy.")
        given = _configuration(params, kind)
        if kind == "StepScaling":
            policy = replace(policy, step=_step(given))
        else:
            policy = _with_tracking(call, txn, policy, given)
        txn.put(policy)
    return {"PolicyARN": policy.arn, "Alarms": _alarms(call, policy)}


def _new(call: Call, target: ScalableTarget, name: str) -> ScalingPolicy:
    place = f"scalingPolicy:{new_uuid()}:resource/ecs/{target.id}:policyName/{name}"
    return ScalingPolicy(
        id=f"{target.id}/{name}",
        name=name,
        target_id=target.id,
        arn=call.arn(place, service="autoscaling"),
        creation_time=call.now,
    )


def _kind(policy: ScalingPolicy) -> str:
    return "StepScaling" if policy.step is not None else "TargetTrackingScaling"


def _configuration(params: Params, kind: str) -> Params:
    """That of the policy's type, which has to be the only one.  Raises ApiError."""
    if kind not in CONFIGURATIONS:
        raise NotImplementedHere(f"PutScalingPolicy: {kind} is not served.")
    given = {name: params.get(member) for name, member in CONFIGURATIONS.items()}
    wanted: Params | None = given.pop(kind)
    if wanted is None:
        raise invalid(f"{kind} policy configuration must be specified")
    if any(other is not None for other in given.values()):
        raise invalid(
            "You must only provide a single scaling policy configuration, which must match the scaling policy"
            " type specified."
        )
    return wanted


def _step(given: Params) -> StepScaling:
    kind, magnitude = given.get("AdjustmentType"), given.get("MinAdjustmentMagnitude")
    if not kind:
        raise invalid("Adjustment type must be specified")
    if magnitude is not None and kind != "PercentChangeInCapacity":
        raise invalid(
            "Minimum adjustment magnitude is only allowed for adjustment type PercentChangeInCapacity"
        )
    steps = tuple(
        StepAdjustment(
            adjustment=step["ScalingAdjustment"],
            lower=step.get("MetricIntervalLowerBound"),
            upper=step.get("MetricIntervalUpperBound"),
        )
        for step in given.get("StepAdjustments") or ()
    )
    _check_steps(steps)
    if kind == "ExactCapacity" and any(step.adjustment < 0 for step in steps):
        raise invalid("Scaling adjustment cannot be less than 0 when adjustment type is ExactCapacity")
    return StepScaling(
        adjustment_type=kind,
        steps=steps,
        min_magnitude=magnitude,
        cooldown=given.get("Cooldown", 300),
        aggregation=given.get("MetricAggregationType") or "Average",
    )


def _check_steps(steps: Sequence[StepAdjustment]) -> None:
    """They may neither overlap nor leave gaps, and go on to the end on each side that they touch."""
    if not steps:
        raise invalid("There must be at least one step adjustment")
    for step in steps:
        if step.lower is None and step.upper is None:
            raise invalid("Both lower and upper bounds of a step adjustment cannot be left unspecified")
        if step.lower is not None and step.upper is not None and step.lower >= step.upper:
            raise invalid("Lower bound must be less than upper bound for a step adjustment")
    _check_end("lower", [step.lower for step in steps], "negative", -1)
    _check_end("upper", [step.upper for step in steps], "positive", 1)
    ordered = sorted(steps, key=lambda step: float("-inf") if step.lower is None else step.lower)
    for before, after in pairwise(ordered):
        top, bottom = before.upper, after.lower
        if top is None or bottom is None or top > bottom:
            raise invalid("Step adjustment intervals cannot overlap")
        if top < bottom:
            raise invalid("Step adjustment intervals cannot have gaps between them")


def _check_end(side: str, bounds: Sequence[float | None], words: str, sign: int) -> None:
    """sign   of the bounds on the far side of the threshold"""
    if bounds.count(None) > 1:
        raise invalid(f"At most one step adjustment may have an unspecified {side} bound")
    if None not in bounds and any(bound is not None and bound * sign > 0 for bound in bounds):
        raise invalid(
            f"There must be a step adjustment with an unspecified {side} bound when one step adjustment has a"
            f" {words} {side} bound"
        )


def _with_tracking(call: Call, txn: Transaction, policy: ScalingPolicy, given: Params) -> ScalingPolicy:
    """With alarms of its own, made anew."""
    configuration = given.copy_unread()
    metric, statistic, unit = _metric(policy, given)
    tracking = TargetTracking(
        target_value=given["TargetValue"],
        scale_out_cooldown=given.get("ScaleOutCooldown", 300),
        scale_in_cooldown=given.get("ScaleInCooldown", 300),
        disable_scale_in=given.get("DisableScaleIn", False),
        given=configuration,
    )
    for name in policy.alarms:
        if txn.find(MetricAlarm, name) is not None:
            txn.delete(MetricAlarm, name)
    names = []
    for side, periods, share, comparison in (
        ("High", OUT_PERIODS, 1.0, "GreaterThanThreshold"),
        ("Low", IN_PERIODS, IN_SHARE, "LessThanThreshold"),
    ):
        if side == "Low" and tracking.disable_scale_in:
            continue
        alarm = MetricAlarm(
            id=f"TargetTracking-{policy.target_id}-Alarm{side}-{new_uuid()}",
            namespace=metric.namespace,
            metric_name=metric.name,
            dimensions=metric.dimensions,
            statistic=statistic,
            unit=unit,
            period=60,
            evaluation_periods=periods,
            threshold=tracking.target_value * share,
            comparison=comparison,  # type: ignore[arg-type]  # one of the two above
            description=f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {policy.arn}.",
            alarm_actions=(policy.arn,),
            state_updated_at=call.now,
            state_changed_at=call.now,
            configured_at=call.now,
        )
        txn.put(alarm)
        names.append(alarm.id)
    return replace(policy, tracking=tracking, alarms=tuple(names))


def _metric(policy: ScalingPolicy, given: Params) -> tuple[Metric, str, str | None]:
    """The metric, its statistic and its unit.  Raises ApiError."""
    ready, own = given.get("PredefinedMetricSpecification"), given.get("CustomizedMetricSpecification")
    if ready is None and own is None:
        raise invalid(f"{METRICS} must be set for target tracking scaling.")
    if ready is not None and own is not None:
        raise invalid(f"Only one of {METRICS} can be set for target tracking scaling.")
    if own is not None:
        return _own_metric(own)
    _, cluster, service = policy.target_id.split("/", 2)
    kind, label = ready["PredefinedMetricType"], ready.get("ResourceLabel")
    if kind in ("ECSServiceAverageCPUUtilization", "ECSServiceAverageMemoryUtilization"):
        if label is not None:
            raise invalid(f"Resource label should not be specified for predefined metric type {kind}")
        name = "CPUUtilization" if "CPU" in kind else "MemoryUtilization"
        dimensions = dimensions_of({"ClusterName": cluster, "ServiceName": service})
        return Metric("AWS/ECS", name, dimensions), "Average", None
    if kind not in TRACKED:
        raise invalid(
            f"Scalable dimension {SERVICE_DIMENSION} only supports the following predefined metric types:"
            f" {', '.join(TRACKED)}"
        )
    if kind != "ALBRequestCountPerTarget":
        raise NotImplementedHere(f"PutScalingPolicy: {kind} is no metric that Seawall publishes.")
    if label is None:
        raise invalid(f"Resource label should be specified for predefined metric type {kind}")
    found = LABEL.fullmatch(label)
    if found is None:
        raise invalid(f"Invalid resource label '{label}' for predefined metric type {kind}")
    dimensions = dimensions_of({"LoadBalancer": found[1], "TargetGroup": found[2]})
    return Metric("AWS/ApplicationELB", "RequestCountPerTarget", dimensions), "Sum", None


def _own_metric(own: Params) -> tuple[Metric, str, str | None]:
    if own.get("Metrics"):
        raise NotImplementedHere("PutScalingPolicy: metric expressions are not served.")
    name, namespace, statistic = own.get("MetricName"), own.get("Namespace"), own.get("Statistic")
    if not name or not namespace or not statistic:
        raise invalid("A customized metric needs a name, a namespace and a statistic.")
    dimensions = dimensions_of({d["Name"]: d["Value"] for d in own.get("Dimensions") or ()})
    return Metric(namespace, name, dimensions), statistic, own.get("Unit")


@operation("application-autoscaling", "DescribeScalingPolicies")
def describe_scaling_policies(call: Call, params: Params) -> dict[str, Any]:
    found = named(call.store.all(ScalingPolicy), wanted(params), params.get("PolicyNames"))
    return page_of(params, found, "ScalingPolicies", lambda one: _shown(call, one))


def _shown(call: Call, policy: ScalingPolicy) -> dict[str, Any]:
    shown = scaled(policy.target_id) | {
        "PolicyARN": policy.arn,
        "PolicyName": policy.name,
        "PolicyType": _kind(policy),
        "Alarms": _alarms(call, policy),
        "CreationTime": policy.creation_time,
    }
    if policy.tracking is not None:
        return shown | {"TargetTrackingScalingPolicyConfiguration": policy.tracking.given}
    assert policy.step is not None
    return shown | {"StepScalingPolicyConfiguration": _shown_step(policy.step)}


def _shown_step(step: StepScaling) -> dict[str, Any]:
    steps = []
    for each in step.steps:
        bounds = {"MetricIntervalLowerBound": each.lower, "MetricIntervalUpperBound": each.upper}
        known = {name: bound for name, bound in bounds.items() if bound is not None}
        steps.append(known | {"ScalingAdjustment": each.adjustment})
    shown: dict[str, Any] = {
        "AdjustmentType": step.adjustment_type,
        "StepAdjustments": steps,
        "Cooldown": step.cooldown,
        "MetricAggregationType": step.aggregation,
    }
    return shown | ({"MinAdjustmentMagnitude": step.min_magnitude} if step.min_magnitude is not None else {})


def _alarms(call: Call, policy: ScalingPolicy) -> list[dict[str, str]]:
    return [
        {"AlarmName": name, "AlarmARN": call.arn(f"alarm:{name}", service="cloudwatch")}
        for name in policy.alarms
    ]


@operation("application-autoscaling", "DeleteScalingPolicy")
def delete_scaling_policy(call: Call, params: Params) -> dict[str, Any]:
    id = resource_id(params)
    with call.write() as txn:
        policy = txn.find(ScalingPolicy, f"{id}/{params['PolicyName']}")
        if policy is None:
            raise ApiError(
                "ObjectNotFoundException",
                f"No scaling policy found for service namespace: ecs, resource ID: {id}, scalable dimension:"
                f" {SERVICE_DIMENSION}, policy name: {params['PolicyName']}",
            )
        remove_policy(txn, policy)
    return {}


@operation(
    "application-autoscaling",
    "DescribeScalingActivities",
    stored={"IncludeNotScaledActivities": "what did not scale anything leaves no activity"},
)
def describe_scaling_activities(call: Call, params: Params) -> dict[str, Any]:
    id, dimension = wanted(params)
    found = [
        activity
        for activity in call.store.all(ScalingActivity)
        if id in (None, activity.target_id) and dimension in (None, SERVICE_DIMENSION)
    ]
    page = page_of(params, found, "ScalingActivities", _shown_activity)
    page["ScalingActivities"].sort(key=lambda shown: shown["StartTime"], reverse=True)
    return page


def _shown_activity(activity: ScalingActivity) -> dict[str, Any]:
    return scaled(activity.target_id) | {
        "ActivityId": activity.id,
        "Description": activity.description,
        "Cause": activity.cause,
        "StartTime": activity.start_time,
        "EndTime": activity.end_time,
        "StatusCode": activity.status,
        "StatusMessage": activity.message,
    }
