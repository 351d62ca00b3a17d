"""When alarms ring, and what scaling policies make of it."""

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from msgspec.structs import replace

from seawall.compile.alarm import Point, judge
from seawall.compile.scaling import allowed, cooling_until, stepped_count, tracked_count
from seawall.model.alarm import MetricAlarm
from seawall.model.scaling import ScalableTarget, ScalingPolicy, StepAdjustment, StepScaling, TargetTracking

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)


def alarm(**members: Any) -> MetricAlarm:
    given: dict[str, Any] = {
        "namespace": "x",
        "metric_name": "m",
        "statistic": "Average",
        "period": 60,
        "evaluation_periods": 3,
        "threshold": 10.0,
        "comparison": "GreaterThanThreshold",
        **members,
    }
    times = dict.fromkeys(("state_updated_at", "state_changed_at", "configured_at"), NOW)
    return MetricAlarm(id="a", **times, **given)


def points(*values: float | None) -> list[Point | None]:
    return [
        None if value is None else Point(NOW + timedelta(minutes=number), value)
        for number, value in enumerate(values)
    ]


@pytest.mark.parametrize(
    ("members", "values", "state"),
    [
        ({}, (11, 12, 13), "ALARM"),
        ({}, (11, 10, 13), "OK"),
        ({"datapoints_to_alarm": 2}, (11, 10, 13), "ALARM"),
        ({"comparison": "GreaterThanOrEqualToThreshold"}, (10, 10, 10), "ALARM"),
        ({"comparison": "LessThanThreshold"}, (1, 2, 10), "OK"),
        ({"comparison": "LessThanOrEqualToThreshold"}, (1, 2, 10), "ALARM"),
        ({}, (None, None, None), "INSUFFICIENT_DATA"),
        ({"missing_data": "ignore", "state": "ALARM"}, (None, None, None), None),
        ({"missing_data": "breaching"}, (None, None, None), "ALARM"),
        ({"missing_data": "notBreaching"}, (None, None, None), "OK"),
        ({"missing_data": "breaching"}, (11, None, 12), "ALARM"),
        ({"missing_data": "notBreaching"}, (11, None, 12), "OK"),
        ({"state": "ALARM"}, (11, None, 12), None),  # what is missing might have kept it
        ({"state": "ALARM"}, (1, None, 2), "OK"),
        ({"state": "OK"}, (11, None, 12), "OK"),
    ],
)
def test_an_alarm_follows_its_newest_values(
    members: dict[str, Any], values: Sequence[float | None], state: str | None
) -> None:
    assert judge(alarm(**members), points(*values)).state == state


@pytest.mark.parametrize(
    ("value", "current", "high", "count"),
    [
        (100.0, 4, True, 8),  # twice the target: twice the tasks
        (51.0, 4, True, 5),  # at least one more, rounded up
        (25.0, 4, False, 2),
        (44.0, 4, False, 4),  # three would be over the target again
        (0.0, 4, False, 0),
        (50.0, 4, True, 5),
    ],
)
def test_tracking_brings_the_metric_to_its_target(value: float, current: int, high: bool, count: int) -> None:
    assert tracked_count(TargetTracking(target_value=50.0), value, current, high=high) == count


@pytest.mark.parametrize(
    ("excess", "count"), [(0.0, 11), (9.9, 11), (10.0, 13), (1000.0, 13), (-0.1, 9), (-10.0, 9), (-11.0, 10)]
)
def test_steps_have_bounds_on_both_sides(excess: float, count: int) -> None:
    step = StepScaling(
        adjustment_type="ChangeInCapacity",
        steps=(
            StepAdjustment(adjustment=1, lower=0, upper=10),
            StepAdjustment(adjustment=3, lower=10),
            StepAdjustment(adjustment=-1, lower=-11, upper=0),
        ),
    )
    assert stepped_count(step, excess, 10) == count


@pytest.mark.parametrize(
    ("kind", "adjustment", "least", "current", "count"),
    [
        ("PercentChangeInCapacity", 25, None, 4, 5),
        ("PercentChangeInCapacity", 25, 2, 4, 6),
        ("PercentChangeInCapacity", 10, None, 4, 5),  # less than one is one
        ("PercentChangeInCapacity", 30, None, 10, 13),
        ("PercentChangeInCapacity", 35, None, 10, 13),  # rounded towards nothing
        ("PercentChangeInCapacity", -35, None, 10, 7),
        ("ExactCapacity", 7, None, 2, 7),
    ],
)
def test_adjustments(kind: Any, adjustment: int, least: int | None, current: int, count: int) -> None:
    step = StepScaling(
        adjustment_type=kind, steps=(StepAdjustment(adjustment=adjustment),), min_magnitude=least
    )
    assert stepped_count(step, 1.0, current) == count


def test_limits_and_suspension() -> None:
    target = ScalableTarget(
        id="service/c/s", arn_id="x", min_capacity=2, max_capacity=5, role_arn="r", creation_time=NOW
    )
    assert [allowed(target, wanted, 3) for wanted in (0, 4, 9)] == [2, 4, 5]
    assert [allowed(replace(target, out_suspended=True), wanted, 3) for wanted in (0, 9)] == [2, 3]
    assert [allowed(replace(target, in_suspended=True), wanted, 3) for wanted in (0, 9)] == [3, 5]


def test_scaling_out_does_not_wait_for_scaling_in() -> None:
    policy = ScalingPolicy(
        id="p",
        name="p",
        target_id="t",
        arn="a",
        tracking=TargetTracking(target_value=1, scale_out_cooldown=60, scale_in_cooldown=120),
        creation_time=NOW,
        acted_at=NOW,
        acted="in",
    )
    assert cooling_until(policy, out=True) is None
    assert cooling_until(policy, out=False) == NOW + timedelta(seconds=120)
    acted_out = replace(policy, acted="out")
    assert cooling_until(acted_out, out=True) == NOW + timedelta(seconds=60)
    assert cooling_until(acted_out, out=False) == NOW + timedelta(seconds=60)
