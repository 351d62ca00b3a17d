"""CloudWatch alarms on metrics."""

from datetime import datetime
from typing import Literal

from seawall.model.resource import Resource, Tags, kind

AlarmState = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
Comparison = Literal[
    "GreaterThanOrEqualToThreshold",
    "GreaterThanThreshold",
    "LessThanThreshold",
    "LessThanOrEqualToThreshold",
]
MissingData = Literal["missing", "notBreaching", "breaching", "ignore"]


@kind("metric_alarm")
class MetricAlarm(Resource, frozen=True, kw_only=True):
    """`id` is its name.  `period` is in seconds.

    dimensions   sorted pairs, as the metric has them
    value        the newest value that the state was decided by
    evaluated_at   when it was looked at last
    """

    namespace: str
    metric_name: str
    dimensions: tuple[tuple[str, str], ...] = ()
    statistic: str
    unit: str | None = None
    period: int
    evaluation_periods: int
    datapoints_to_alarm: int | None = None
    threshold: float
    comparison: Comparison
    missing_data: MissingData = "missing"
    description: str | None = None
    actions_enabled: bool = True
    ok_actions: tuple[str, ...] = ()
    alarm_actions: tuple[str, ...] = ()
    insufficient_data_actions: tuple[str, ...] = ()
    state: AlarmState = "INSUFFICIENT_DATA"
    state_reason: str = "Unchecked: Initial alarm creation"
    state_updated_at: datetime
    state_changed_at: datetime
    configured_at: datetime
    value: float | None = None
    evaluated_at: datetime | None = None
    tags: Tags = {}
