"""Scaling policies: an alarm that rings changes how many tasks a service is to have.

While an alarm rings its policy is asked again each minute, as CloudWatch invokes scaling actions.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec.structs import replace

from seawall.compile.scaling import allowed, cooling_until, stepped_count, tracked_count
from seawall.controllers.loop import After, Context, Done, Reconciler, reconciler
from seawall.model.alarm import MetricAlarm
from seawall.model.resource import Ref
from seawall.model.scaling import ScalableTarget, ScalingActivity, ScalingPolicy
from seawall.model.service import Service
from seawall.store.ids import new_uuid
from seawall.store.store import Transaction

AGAIN_S = 60.0
KEEP_ACTIVITIES = timedelta(days=42)  # six weeks (API reference, DescribeScalingActivities)


def reconcile(policy_id: str, context: Context) -> Done | After:
    policy = context.store.find(ScalingPolicy, policy_id)
    target = context.store.find(ScalableTarget, policy.target_id) if policy else None
    service = context.store.find(Service, target.service_id) if target else None
    if policy is None or target is None or service is None or service.status != "ACTIVE":
        return Done()
    ringing = [alarm for alarm in _alarms(policy, context) if alarm.state == "ALARM"]
    if not ringing:
        return Done()
    now = context.clock.now()
    for alarm in ringing:
        wanted = _wanted(policy, alarm, service.desired_count)
        count = allowed(target, wanted, service.desired_count)
        if count == service.desired_count:
            continue
        until = cooling_until(policy, out=count > service.desired_count)
        if until is not None and until > now:
            return After((until - now).total_seconds())
        with context.store.write() as txn:
            _scale(txn, policy, service, alarm, count, now)
        return After(AGAIN_S)
    return After(AGAIN_S)


def _alarms(policy: ScalingPolicy, context: Context) -> list[MetricAlarm]:
    """Those that invoke it: its own, or a user's that name it.  Switched off ones invoke nothing."""
    named = (alarm for alarm in context.store.all(MetricAlarm) if policy.arn in alarm.alarm_actions)
    return sorted((alarm for alarm in named if alarm.actions_enabled), key=lambda alarm: alarm.id)


def _wanted(policy: ScalingPolicy, alarm: MetricAlarm, current: int) -> int:
    if alarm.value is None:
        return current
    if policy.step is not None:
        return stepped_count(policy.step, alarm.value - alarm.threshold, current)
    if policy.tracking is None:
        return current
    high = alarm.comparison.startswith("Greater")
    return tracked_count(policy.tracking, alarm.value, current, high=high)


def _scale(
    txn: Transaction, policy: ScalingPolicy, service: Service, alarm: MetricAlarm, count: int, now: datetime
) -> None:
    txn.put(replace(service, desired_count=count, steady=False))
    txn.put(replace(policy, acted_at=now, acted="out" if count > service.desired_count else "in"))
    txn.put(
        ScalingActivity(
            id=new_uuid(),
            target_id=policy.target_id,
            description=f"Setting desired count to {count}.",
            cause=f"monitor alarm {alarm.id} in state ALARM triggered policy {policy.name}",
            start_time=now,
            end_time=now,
            message=f"Successfully set desired count to {count}. Change successfully fulfilled by ecs.",
        )
    )
    for old in txn.all(ScalingActivity):
        if now - old.start_time > KEEP_ACTIVITIES:
            txn.delete(ScalingActivity, old.id)


def _keys(context: Context, changed: Ref) -> Iterable[str]:
    if changed.kind == "scaling_policy":
        return (changed.id,)
    policies = context.store.all(ScalingPolicy)
    if changed.kind == "scalable_target":
        return [policy.id for policy in policies if policy.target_id == changed.id]
    alarm = context.store.find(MetricAlarm, changed.id)
    return [policy.id for policy in policies if alarm is not None and policy.arn in alarm.alarm_actions]


def _all(context: Context) -> Iterable[str]:
    return [policy.id for policy in context.store.all(ScalingPolicy)]


def _none(context: Context) -> Iterable[str]:
    return ()


reconciler(
    Reconciler(
        name="scaling",
        run=reconcile,
        kinds=frozenset({"scaling_policy", "scalable_target", "metric_alarm"}),
        keys=_keys,
        all_keys=_all,
        on_host=_none,
    )
)
