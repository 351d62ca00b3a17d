"""Scaling policies: steps that a user's alarm invokes, or a target value with alarms of its own.

Source: Application Auto Scaling user guide, "Target tracking scaling policies": its alarms; that scaling in
waits for fifteen minutes below nine tenths of the target is how AWS makes them for ECS.
"""

from itertools import pairwise
from typing import Any

from msgspec.structs import replace

from seawall.api.applicationautoscaling.names import (
    find_target,
    invalid,
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
ONE_METRIC = "One of PredefinedMetricSpecification and CustomizedMetricSpecification is required."


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
        if kind == "StepScaling":
            policy = replace(policy, step=_step(params.get("StepScalingPolicyConfiguration")))
        elif kind == "TargetTrackingScaling":
            policy = _with_tracking(call, txn, policy, params.get("TargetTrackingScalingPolicyConfiguration"))
        else:
            raise NotImplementedHere(f"PutScalingPolicy: {kind} is not served.")
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


def _step(given: Params | None) -> StepScaling:
    if given is None or not given.get("StepAdjustments") or not given.get("AdjustmentType"):
        raise invalid("A step scaling policy needs an adjustment type and at least one step adjustment.")
    steps = tuple(
        StepAdjustment(
            adjustment=step["ScalingAdjustment"],
            lower=step.get("MetricIntervalLowerBound"),
            upper=step.get("MetricIntervalUpperBound"),
        )
        for step in given["StepAdjustments"]
    )
    _check_steps(steps)
    return StepScaling(
        adjustment_type=given["AdjustmentType"],
        steps=steps,
        min_magnitude=given.get("MinAdjustmentMagnitude"),
        cooldown=given.get("Cooldown", 300),
        aggregation=given.get("MetricAggregationType") or "Average",
    )


def _check_steps(steps: tuple[StepAdjustment, ...]) -> None:
    """They may neither overlap nor leave gaps."""
    ordered = sorted(steps, key=lambda step: float("-inf") if step.lower is None else step.lower)
    for step in ordered:
        if step.lower is None and step.upper is None and len(steps) > 1:
            raise invalid("At least one of the bounds of a step adjustment is required.")
        if step.lower is not None and step.upper is not None and step.lower >= step.upper:
            raise invalid("The upper bound of a step adjustment must be greater than its lower bound.")
    for before, after in pairwise(ordered):
        if before.upper != after.lower or before.upper is None:
            raise invalid("There can't be a gap between, or an overlap of, step adjustments.")


def _with_tracking(
    call: Call, txn: Transaction, policy: ScalingPolicy, given: Params | None
) -> ScalingPolicy:
    """With alarms of its own, made anew."""
    if given is None:
        raise invalid("A target tracking scaling policy needs its configuration.")
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
    if (ready is None) == (own is None):
        raise invalid(ONE_METRIC)
    if own is not None:
        return _own_metric(own)
    _, cluster, service = policy.target_id.split("/", 2)
    kind, label = ready["PredefinedMetricType"], ready.get("ResourceLabel")
    if kind in ("ECSServiceAverageCPUUtilization", "ECSServiceAverageMemoryUtilization"):
        if label is not None:
            raise invalid(f"Resource labels are not supported for {kind}.")
        name = "CPUUtilization" if "CPU" in kind else "MemoryUtilization"
        dimensions = dimensions_of({"ClusterName": cluster, "ServiceName": service})
        return Metric("AWS/ECS", name, dimensions), "Average", None
    if kind != "ALBRequestCountPerTarget":
        raise NotImplementedHere(f"PutScalingPolicy: {kind} is no metric that Seawall publishes.")
    balancer, found, group = (label or "").partition("/targetgroup/")
    if not found or not balancer.startswith("app/"):
        raise invalid("The resource label is app/NAME/ID/targetgroup/NAME/ID.")
    dimensions = dimensions_of({"LoadBalancer": balancer, "TargetGroup": f"targetgroup/{group}"})
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
    id, dimension = wanted(params)
    names = params.get("PolicyNames")
    found = [
        policy
        for policy in call.store.all(ScalingPolicy)
        if id in (None, policy.target_id)
        and dimension in (None, SERVICE_DIMENSION)
        and (not names or policy.name in names or policy.arn in names)
    ]
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


@operation("application-autoscaling", "DescribeScheduledActions")
def describe_scheduled_actions(call: Call, params: Params) -> dict[str, Any]:
    """There are none: PutScheduledAction is refused."""
    wanted(params)
    for member in ("ScheduledActionNames", "MaxResults", "NextToken"):
        params.get(member)
    return {"ScheduledActions": []}
