"""Alarms: each is looked at once a minute, and its state follows its metric."""

from collections.abc import Iterable
from datetime import datetime, timezone

from msgspec.structs import replace

from seawall.compile.alarm import Point, judge
from seawall.controllers.loop import After, Context, Done, Reconciler, reconciler
from seawall.model.alarm import MetricAlarm
from seawall.model.resource import Ref
from seawall.store.metrics import STATISTICS, Metric

EVERY_S = 60.0
SETTLED_S = 5.0  # after the end of a minute its values have been filed


def reconcile(name: str, context: Context) -> Done | After:
    alarm = context.store.find(MetricAlarm, name)
    if alarm is None or context.metrics is None:
        return Done()
    now = context.clock.now()
    waits = EVERY_S - (now.timestamp() - SETTLED_S) % EVERY_S
    if alarm.evaluated_at is not None and _minute(alarm.evaluated_at) == _minute(now):
        return After(max(waits, 0.1))
    verdict = judge(alarm, _points(alarm, now, context))
    after = replace(alarm, evaluated_at=now, value=verdict.value)
    if verdict.state is not None:
        after = replace(after, state=verdict.state, state_reason=verdict.reason, state_updated_at=now)
        if verdict.state != alarm.state:
            after = replace(after, state_changed_at=now)
    with context.store.write() as txn:
        txn.put(after)
    return After(max(waits, 0.1))


def _minute(when: datetime) -> int:
    return int((when.timestamp() - SETTLED_S) // EVERY_S)


def _points(alarm: MetricAlarm, now: datetime, context: Context) -> list[Point | None]:
    """Of the newest whole periods."""
    assert context.metrics is not None
    end = int(now.timestamp() - SETTLED_S) // alarm.period * alarm.period
    start = end - alarm.evaluation_periods * alarm.period
    metric = Metric(alarm.namespace, alarm.metric_name, alarm.dimensions)
    seen = {s.time: s for s in context.metrics.read(metric, start, end, alarm.period, alarm.unit)}
    found: list[Point | None] = []
    for time in range(start, end, alarm.period):
        statistics = seen.get(time)
        when = datetime.fromtimestamp(time, timezone.utc)
        found.append(Point(when, STATISTICS[alarm.statistic](statistics)) if statistics else None)
    return found


def _keys(context: Context, changed: Ref) -> Iterable[str]:
    return (changed.id,)


def _all(context: Context) -> Iterable[str]:
    return [alarm.id for alarm in context.store.all(MetricAlarm)]


def _none(context: Context) -> Iterable[str]:
    return ()


reconciler(
    Reconciler(
        name="alarm",
        run=reconcile,
        kinds=frozenset({"metric_alarm"}),
        keys=_keys,
        all_keys=_all,
        on_host=_none,
    )
)
