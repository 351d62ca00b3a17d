"""Scheduled actions: at their times a target gets new limits, and its service as many tasks as they allow."""

from collections.abc import Iterable
from datetime import datetime

from msgspec.structs import replace

from seawall.compile.scheduled_scaling import Due, due_actions, limits_in_words, next_at, with_limits
from seawall.controllers.loop import After, Context, Done, Reconciler, reconciler
from seawall.model.resource import Ref
from seawall.model.scaling import ScalableTarget, ScalingActivity, ScheduledAction
from seawall.model.service import Service
from seawall.store.ids import new_uuid
from seawall.store.store import Transaction

LONGEST_WAIT_S = 3600.0  # the clock may be set


def reconcile(target_id: str, context: Context) -> Done | After:
    target = context.store.find(ScalableTarget, target_id)
    actions = context.store.referrers(ScheduledAction, target.ref) if target is not None else []
    now = context.clock.now()
    for due in due_actions(actions, now):
        with context.store.write() as txn:
            _run(txn, target_id, due, now)
    upcoming = next_at(actions, now)
    if upcoming is None:
        return Done()
    return After(min((upcoming - now).total_seconds(), LONGEST_WAIT_S))


def _run(txn: Transaction, target_id: str, due: Due, now: datetime) -> None:
    txn.put(replace(due.action, done_until=due.moment))
    target = txn.get(ScalableTarget, target_id)
    if target.scheduled_suspended:
        return
    words, limited = limits_in_words(due.action), with_limits(target, due.action)
    cause = f"scheduled action name {due.action.name} was triggered"
    if limited is None:
        why = "Maximum capacity cannot be less than minimum capacity"
        _tell(
            txn,
            target_id,
            now,
            f"Setting {words}",
            cause,
            f"Failed to set {words}. Reason: {why}",
            failed=True,
        )
        return
    txn.put(limited)
    _tell(txn, target_id, now, f"Setting {words}", cause, f"Successfully set {words}")
    _fit(txn, limited, now)


def _fit(txn: Transaction, target: ScalableTarget, now: datetime) -> None:
    """Bring the service within the limits of its target."""
    service = txn.find(Service, target.service_id)
    if service is None or service.status != "ACTIVE":
        return
    count = min(max(service.desired_count, target.min_capacity), target.max_capacity)
    if count == service.desired_count:
        return
    side = "minimum" if count > service.desired_count else "maximum"
    txn.put(replace(service, desired_count=count, steady=False))
    _tell(
        txn,
        target.id,
        now,
        f"Setting desired count to {count}.",
        f"{side} capacity was set to {count}",
        f"Successfully set desired count to {count}. Change successfully fulfilled by ecs.",
    )


def _tell(
    txn: Transaction,
    target_id: str,
    now: datetime,
    description: str,
    cause: str,
    message: str,
    *,
    failed: bool = False,
) -> None:
    txn.put(
        ScalingActivity(
            id=new_uuid(),
            target_id=target_id,
            description=description,
            cause=cause,
            start_time=now,
            end_time=now,
            status="Failed" if failed else "Successful",
            message=message,
        )
    )


def _keys(context: Context, changed: Ref) -> Iterable[str]:
    if changed.kind == "scalable_target":
        return (changed.id,)
    return (changed.id.rpartition("/")[0],)


def _all(context: Context) -> Iterable[str]:
    return [target.id for target in context.store.all(ScalableTarget)]


def _none(context: Context) -> Iterable[str]:
    return ()


reconciler(
    Reconciler(
        name="scheduled_scaling",
        run=reconcile,
        kinds=frozenset({"scheduled_action", "scalable_target"}),
        keys=_keys,
        all_keys=_all,
        on_host=_none,
    )
)
