"""What an alarm's state is, from its metric's newest values.

Source: CloudWatch user guide, "Alarm evaluation" and "Configuring how CloudWatch alarms treat missing data".
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from seawall.model.alarm import AlarmState, MetricAlarm

_BREACHES: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}
_WORDS = {
    "GreaterThanOrEqualToThreshold": "greater than or equal to",
    "GreaterThanThreshold": "greater than",
    "LessThanThreshold": "less than",
    "LessThanOrEqualToThreshold": "less than or equal to",
}


class Point(NamedTuple):
    time: datetime
    value: float


class Judgement(NamedTuple):
    """`state` is None where the alarm stays what it is."""

    state: AlarmState | None
    reason: str = ""
    value: float | None = None


def judge(alarm: MetricAlarm, points: Sequence[Point | None]) -> Judgement:
    """points   one for each of the newest evaluation periods, the oldest first; None: no data then"""
    known = [point for point in points if point is not None]
    if not known and alarm.missing_data in ("missing", "ignore"):
        if alarm.missing_data == "ignore":
            return Judgement(None)
        return Judgement("INSUFFICIENT_DATA", _insufficient(len(points)))
    breaches = _BREACHES[alarm.comparison]
    breaching = [point for point in known if breaches(point.value, alarm.threshold)]
    missing = len(points) - len(known)
    needed = alarm.datapoints_to_alarm or alarm.evaluation_periods
    count = len(breaching) + (missing if alarm.missing_data == "breaching" else 0)
    value = known[-1].value if known else None
    if count >= needed:
        return Judgement("ALARM", _crossed(alarm, breaching or known, missing), value)
    if missing and alarm.missing_data == "missing" and len(breaching) + missing >= needed:
        # What is missing might decide it: a state that is there stays.
        return Judgement("OK", _not_crossed(alarm, known), value) if alarm.state == "OK" else Judgement(None)
    return Judgement("OK", _not_crossed(alarm, known), value)


def _shown(points: Sequence[Point]) -> str:
    return ", ".join(f"{point.value} ({point.time:%d/%m/%y %H:%M:%S})" for point in points)


def _crossed(alarm: MetricAlarm, points: Sequence[Point], missing: int) -> str:
    needed = alarm.datapoints_to_alarm or alarm.evaluation_periods
    if not points:
        return (
            f"Threshold Crossed: no datapoints were received for {missing} periods, treated as [Breaching]."
        )
    return (
        f"Threshold Crossed: {len(points)} out of the last {alarm.evaluation_periods} datapoints"
        f" [{_shown(points)}] was {_WORDS[alarm.comparison]} the threshold ({alarm.threshold}) (minimum"
        f" {needed} datapoint{'s' if needed > 1 else ''} for OK -> ALARM transition)."
    )


def _not_crossed(alarm: MetricAlarm, points: Sequence[Point]) -> str:
    if not points:
        return "Threshold Crossed: no datapoints were received, treated as [NonBreaching]."
    return (
        f"Threshold Crossed: {len(points)} datapoints [{_shown(points)}] were not enough that are"
        f" {_WORDS[alarm.comparison]} the threshold ({alarm.threshold})."
    )


def _insufficient(periods: int) -> str:
    return (
        f"Insufficient Data: {periods} datapoint{'s were' if periods > 1 else ' was'} unknown: no data came."
    )
