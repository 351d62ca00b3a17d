"""Alarms on metrics: put, described, switched, deleted.  Their states are the controllers' to find."""

from typing import Any

from msgspec.structs import replace

from seawall.api.cloudwatch.names import shown_metric
from seawall.api.page import InvalidToken, take_page
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.alarm import MetricAlarm
from seawall.store.metrics import Metric, dimensions_of
from seawall.store.store import Reader
from seawall.wire.errors import ApiError, NotImplementedHere

MOST_ON_A_PAGE = 100
LONGEST_S = 86_400  # of all evaluation periods together
MISSING = ("missing", "notBreaching", "breaching", "ignore")
ACTIONS = "of actions those of Application Auto Scaling are done; others are kept and described"
NOT_SERVED = {
    **dict.fromkeys(("Metrics", "ThresholdMetricId"), "expressions and anomaly detection are not served"),
    **dict.fromkeys(("ExtendedStatistic", "EvaluateLowSampleCountPercentile"), "percentiles are not kept"),
    **dict.fromkeys(
        ("EvaluationWindow", "WarmUpConfiguration", "EvaluationCriteria", "EvaluationInterval"),
        "every alarm is evaluated once a minute",
    ),
    "ActionConfiguration": "nothing is notified",
}


@operation(
    "cloudwatch",
    "PutMetricAlarm",
    stored={"OKActions": ACTIONS, "InsufficientDataActions": ACTIONS},
    refused=NOT_SERVED,
    note=f"Metrics by the minute only; {ACTIONS}.",
)
def put_metric_alarm(call: Call, params: Params) -> dict[str, Any]:
    for member, reason in NOT_SERVED.items():
        if params.get(member) is not None:
            raise NotImplementedHere(f"PutMetricAlarm: {member}: {reason}.")
    with call.write() as txn:
        known = txn.find(MetricAlarm, params["AlarmName"])
        txn.put(_read(call, params, known))
    return {}


def _read(call: Call, params: Params, known: MetricAlarm | None) -> MetricAlarm:
    """The alarm a request describes; one that is there keeps its state and its tags.  Raises ApiError."""
    required = ("MetricName", "Namespace", "Statistic", "Period", "EvaluationPeriods", "Threshold")
    for member in (*required, "ComparisonOperator"):
        if params.get(member) is None:
            raise ApiError("MissingParameter", f"The request must contain the parameter {member}.")
    period, periods, needed = params["Period"], params["EvaluationPeriods"], params.get("DatapointsToAlarm")
    if period % 60:
        raise NotImplementedHere("PutMetricAlarm: periods are multiples of 60 seconds here.")
    if period * periods > LONGEST_S:
        raise _invalid(
            "Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= 86400)."
        )
    if needed is not None and needed > periods:
        raise _invalid("DatapointsToAlarm must be less than or equal to EvaluationPeriods.")
    missing: Any = params.get("TreatMissingData") or "missing"
    if missing not in MISSING:
        raise _invalid(f"TreatMissingData must be one of {', '.join(MISSING)}.")
    comparison = params["ComparisonOperator"]
    if not comparison.endswith("ToThreshold") and not comparison.endswith("nThreshold"):
        raise NotImplementedHere(
            f"PutMetricAlarm: {comparison} is of anomaly detection, which is not served."
        )
    tags = {tag["Key"]: tag["Value"] for tag in params.get("Tags") or ()}
    alarm = MetricAlarm(
        id=params["AlarmName"],
        namespace=params["Namespace"],
        metric_name=params["MetricName"],
        dimensions=dimensions_of({d["Name"]: d["Value"] for d in params.get("Dimensions") or ()}),
        statistic=params["Statistic"],
        unit=params.get("Unit"),
        period=period,
        evaluation_periods=periods,
        datapoints_to_alarm=needed,
        threshold=params["Threshold"],
        comparison=comparison,
        missing_data=missing,
        description=params.get("AlarmDescription"),
        actions_enabled=params.get("ActionsEnabled", True),
        ok_actions=tuple(params.get("OKActions") or ()),
        alarm_actions=tuple(params.get("AlarmActions") or ()),
        insufficient_data_actions=tuple(params.get("InsufficientDataActions") or ()),
        state_updated_at=call.now,
        state_changed_at=call.now,
        configured_at=call.now,
        tags=known.tags if known else tags,
    )
    if known is None:
        return alarm
    kept = ("state", "state_reason", "state_updated_at", "state_changed_at", "value")
    return replace(alarm, **{name: getattr(known, name) for name in kept})


def _invalid(text: str) -> ApiError:
    return ApiError("ValidationError", text)


@operation(
    "cloudwatch",
    "DescribeAlarms",
    stored={
        "ChildrenOfAlarmName": "there are no composite alarms",
        "ParentsOfAlarmName": "there are no composite alarms",
    },
)
def describe_alarms(call: Call, params: Params) -> dict[str, Any]:
    names, prefix = params.get("AlarmNames"), params.get("AlarmNamePrefix") or ""
    state, action = params.get("StateValue"), params.get("ActionPrefix") or ""
    kinds = params.get("AlarmTypes") or ["MetricAlarm"]
    if names is not None and prefix:
        raise _invalid("AlarmNames and AlarmNamePrefix cannot be used together.")
    found = [
        alarm
        for alarm in sorted(call.store.all(MetricAlarm), key=lambda alarm: alarm.id)
        if (names is None or alarm.id in names)
        and alarm.id.startswith(prefix)
        and state in (None, alarm.state)
        and (not action or any(each.startswith(action) for each in _actions(alarm)))
        and "MetricAlarm" in kinds
    ]
    try:
        page, token = take_page(
            found, params.get("MaxRecords") or MOST_ON_A_PAGE, params.get("NextToken"), lambda alarm: alarm.id
        )
    except InvalidToken:
        raise ApiError("InvalidNextToken", "Invalid value for parameter NextToken.") from None
    answer: dict[str, Any] = {"MetricAlarms": [shown_alarm(call, alarm) for alarm in page]}
    return answer | ({"NextToken": token} if token else {})


@operation("cloudwatch", "DescribeAlarmsForMetric", refused={"ExtendedStatistic": "percentiles are not kept"})
def describe_alarms_for_metric(call: Call, params: Params) -> dict[str, Any]:
    dimensions = dimensions_of({d["Name"]: d["Value"] for d in params.get("Dimensions") or ()})
    metric = Metric(params["Namespace"], params["MetricName"], dimensions)
    statistic, period, unit = params.get("Statistic"), params.get("Period"), params.get("Unit")
    found = [
        alarm
        for alarm in call.store.all(MetricAlarm)
        if Metric(alarm.namespace, alarm.metric_name, alarm.dimensions) == metric
        and statistic in (None, alarm.statistic)
        and period in (None, alarm.period)
        and unit in (None, alarm.unit)
    ]
    return {"MetricAlarms": [shown_alarm(call, alarm) for alarm in found]}


def _actions(alarm: MetricAlarm) -> tuple[str, ...]:
    return (*alarm.ok_actions, *alarm.alarm_actions, *alarm.insufficient_data_actions)


def alarm_arn(call: Call, name: str) -> str:
    return call.arn(f"alarm:{name}", service="cloudwatch")


def shown_alarm(call: Call, alarm: MetricAlarm) -> dict[str, Any]:
    metric = shown_metric(Metric(alarm.namespace, alarm.metric_name, alarm.dimensions))
    shown: dict[str, Any] = metric | {
        "AlarmName": alarm.id,
        "AlarmArn": alarm_arn(call, alarm.id),
        "AlarmConfigurationUpdatedTimestamp": alarm.configured_at,
        "ActionsEnabled": alarm.actions_enabled,
        "OKActions": list(alarm.ok_actions),
        "AlarmActions": list(alarm.alarm_actions),
        "InsufficientDataActions": list(alarm.insufficient_data_actions),
        "StateValue": alarm.state,
        "StateReason": alarm.state_reason,
        "StateUpdatedTimestamp": alarm.state_updated_at,
        "StateTransitionedTimestamp": alarm.state_changed_at,
        "Statistic": alarm.statistic,
        "Period": alarm.period,
        "EvaluationPeriods": alarm.evaluation_periods,
        "Threshold": alarm.threshold,
        "ComparisonOperator": alarm.comparison,
        "TreatMissingData": alarm.missing_data,
    }
    optional = {
        "AlarmDescription": alarm.description,
        "Unit": alarm.unit,
        "DatapointsToAlarm": alarm.datapoints_to_alarm,
    }
    return shown | {name: value for name, value in optional.items() if value is not None}


@operation("cloudwatch", "DeleteAlarms")
def delete_alarms(call: Call, params: Params) -> dict[str, Any]:
    """All or none of them."""
    with call.write() as txn:
        for name in dict.fromkeys(params["AlarmNames"]):
            txn.delete(MetricAlarm, _find(txn, name).id)
    return {}


def _find(reader: Reader, name: str) -> MetricAlarm:
    alarm = reader.find(MetricAlarm, name)
    if alarm is None:
        raise ApiError("ResourceNotFound", f"Unknown alarm {name}", status=404)
    return alarm


@operation(
    "cloudwatch",
    "SetAlarmState",
    stored={"StateReasonData": "it is for people"},
    note="The next evaluation sets the state again.",
)
def set_alarm_state(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        alarm, state = _find(txn, params["AlarmName"]), params["StateValue"]
        changed = call.now if state != alarm.state else alarm.state_changed_at
        txn.put(
            replace(
                alarm,
                state=state,
                state_reason=params["StateReason"],
                state_updated_at=call.now,
                state_changed_at=changed,
                evaluated_at=call.now,
            )
        )
    return {}


@operation("cloudwatch", "EnableAlarmActions")
def enable_alarm_actions(call: Call, params: Params) -> dict[str, Any]:
    return _switch(call, params, enabled=True)


@operation("cloudwatch", "DisableAlarmActions")
def disable_alarm_actions(call: Call, params: Params) -> dict[str, Any]:
    return _switch(call, params, enabled=False)


def _switch(call: Call, params: Params, *, enabled: bool) -> dict[str, Any]:
    with call.write() as txn:
        for name in params["AlarmNames"]:
            alarm = txn.find(MetricAlarm, name)
            if alarm is not None:
                txn.put(replace(alarm, actions_enabled=enabled))
    return {}
