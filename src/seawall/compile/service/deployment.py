"""The turns of a deployment: begun, failed and rolled back, completed, replaced, steady.

Sources: "How the Amazon ECS deployment circuit breaker detects failures" (the newest COMPLETED deployment
goes on, under its own id, and cannot be rolled back to again before it completed); `rolloutState` of
Deployment; "Service deployment state change events".
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from msgspec.structs import replace

from seawall.compile.service import event_text
from seawall.compile.service.alarms import baked_at
from seawall.compile.service.health import Health
from seawall.compile.service.situation import GONE, Situation, is_alive, is_settled
from seawall.model.service import CircuitBreaker, Deployment, Service, ServiceRevision

LEAST_FAILURES, MOST_FAILURES = 3, 200  # of a bounded threshold
STEADY_AGAIN = timedelta(hours=6)


class Cause(NamedTuple):
    """Why a deployment is over: `judge` has found `what`."""

    judge: str
    what: str


BREAKER = Cause("ECS deployment circuit breaker", "tasks failed to start")
ALARMS = Cause("ECS deployment alarms", "alarm detected")
REQUEST = Cause("ECS deployment", "a rollback was requested")  # StopServiceDeployment


class Notice(NamedTuple):
    """What EventBridge is told: a deployment's turn, or an action of the service.

    providers   the capacity providers it is about
    """

    type: Literal["INFO", "WARN", "ERROR"]
    name: str
    deployment: str | None = None
    reason: str | None = None
    providers: tuple[str, ...] = ()


class Turn(NamedTuple):
    service: Service
    texts: tuple[str, ...] = ()
    notices: tuple[Notice, ...] = ()


def threshold(breaker: CircuitBreaker, desired_count: int) -> int:
    """How many failures end a deployment."""
    if breaker.threshold_type == "COUNT":
        return breaker.threshold_value
    failures = max(-(-desired_count * breaker.threshold_value // 100), 1)
    if breaker.threshold_type == "UNBOUNDED_PERCENT":
        return failures
    return min(max(failures, LEAST_FAILURES), MOST_FAILURES)


def announced(service: Service, in_alarm: tuple[str, ...]) -> Turn:
    """Tell of a deployment that has begun.

    in_alarm   the alarms that went off before it
    """
    primary = service.primary
    if primary.announced:
        return Turn(service)
    reason = primary.rollout_state_reason or f"ECS deployment {primary.id} in progress."
    begun = replace(primary, announced=True, rollout_state_reason=reason, ignored_alarms=in_alarm)
    notice = Notice("INFO", "SERVICE_DEPLOYMENT_IN_PROGRESS", begun.id, reason)
    return Turn(replace(service, deployments=(begun, *service.deployments[1:])), (), (notice,))


def judged(service: Service, now: datetime, alarms: tuple[str, ...]) -> Turn:
    """End a deployment whose tasks failed too often, and go back where that is wanted and possible.

    alarms   that went off meanwhile
    """
    primary, breaker = service.primary, service.deployment_configuration.circuit_breaker
    if primary.rollout_state != "IN_PROGRESS":
        return Turn(service)
    cause, wants_back = None, False
    if breaker is not None and _is_tripped(breaker, primary, service.desired_count):
        cause, wants_back = BREAKER, breaker.rollback
    elif alarms:
        configured = service.deployment_configuration.alarms or {}
        cause, wants_back = ALARMS, bool(configured.get("rollback"))
    if primary.rollback_requested:
        cause, wants_back = cause or REQUEST, True
    if cause is None:
        return Turn(service)
    ended = replace(
        primary,
        rollout_state="FAILED",
        rollout_state_reason=f"{cause.judge}: {cause.what}.",
        triggered_alarms=alarms if cause is ALARMS else (),
        updated_at=now,
        finished_at=now,
    )
    texts = [event_text.failed(service.name, ended.id, cause.what)]
    notices = (Notice("ERROR", "SERVICE_DEPLOYMENT_FAILED", ended.id, ended.rollout_state_reason),)
    others = service.deployments[1:]
    if not wants_back or service.completed is None:
        return Turn(replace(service, deployments=(ended, *others)), tuple(texts), notices)
    known = next((d for d in others if d.id == service.completed.id), service.completed)
    back = _going_back(known, ended, cause, service.desired_count, now)
    texts.append(event_text.rolling_back(service.name, back.id))
    rest = tuple(d for d in others if d.id != back.id)
    deployments = (back, replace(ended, status="ACTIVE"), *rest)
    return Turn(replace(service, deployments=deployments, completed=None), tuple(texts), notices)


def _is_tripped(breaker: CircuitBreaker, primary: Deployment, desired_count: int) -> bool:
    return breaker.enable and primary.failed_tasks >= threshold(breaker, desired_count)


def _going_back(
    known: Deployment, ended: Deployment, cause: Cause, desired: int, now: datetime
) -> Deployment:
    return replace(
        known,
        status="PRIMARY",
        desired_count=desired,
        failed_tasks=0,
        consecutive_failures=0,
        consecutive_crashes=0,
        retry_at=None,
        rollout_state="IN_PROGRESS",
        rollout_state_reason=f"{cause.judge}: rolling back to deploymentId {known.id}.",
        rolled_back_from=ended.id,
        announced=False,
        triggered_alarms=(),
        baking_since=None,
        updated_at=now,
        finished_at=None,
    )


def settled(situation: Situation, healths: Mapping[str, Health]) -> Turn:
    """After a look that moved nothing: forget what is replaced, tell what is complete or steady."""
    service = situation.service
    if situation.now < going_back_until(situation):
        return Turn(replace(service, steady=False))
    service = _without_replaced(situation)
    primary, now, baked = service.primary, situation.now, baked_at(situation)
    living = [t for t in situation.tasks if t.deployment_id == primary.id and is_alive(t)]
    healthy = all(healths[task.id].state == "healthy" for task in living)
    alone = len(service.deployments) == 1
    if not (alone and healthy and len(living) == service.desired_count) or primary.rollout_state == "FAILED":
        return Turn(replace(service, steady=False))
    if primary.rollout_state == "IN_PROGRESS" and baked is not None and now < baked:
        return Turn(_baking(situation.service, now))
    texts: list[str] = []
    notices: list[Notice] = []
    if primary.rollout_state == "IN_PROGRESS":
        primary = _completed(primary, now)
        service = replace(service, deployments=(primary,), completed=primary)
        texts.append(event_text.completed(service.name, primary.id))
        reason = primary.rollout_state_reason
        notices.append(Notice("INFO", "SERVICE_DEPLOYMENT_COMPLETED", primary.id, reason))
    last = situation.told_steady
    if not service.steady or last is None or now - last >= STEADY_AGAIN:
        texts.append(event_text.steady(service.name))
        notices.append(Notice("INFO", "SERVICE_STEADY_STATE"))
        providers = providers_of(situation.revision_of(primary.id))
        if providers:
            notices.append(Notice("INFO", "CAPACITY_PROVIDER_STEADY_STATE", providers=providers))
    return Turn(replace(service, steady=True), tuple(texts), tuple(notices))


def providers_of(revision: ServiceRevision | None) -> tuple[str, ...]:
    """The capacity providers that tasks of a revision are started on."""
    items = revision.capacity_provider_strategy if revision is not None else ()
    return tuple(item.capacity_provider for item in items)


def _baking(service: Service, now: datetime) -> Service:
    """The deployments before stay listed until the newest was watched for long enough."""
    primary = service.primary
    baking = replace(primary, baking_since=primary.baking_since or now)
    return replace(service, deployments=(baking, *service.deployments[1:]), steady=False)


def going_back_until(situation: Situation) -> datetime:
    """A deployment that is gone back to is not complete before its tasks were seen healthy for a while,
    where no load balancer says that they are."""
    primary, pace = situation.service.primary, situation.pace
    going = primary.rolled_back_from is not None and primary.rollout_state == "IN_PROGRESS"
    revision = situation.revision_of(primary.id)
    if not going or (revision is not None and revision.load_balancers):
        return primary.updated_at
    return primary.updated_at + pace.healthy_after


def _completed(primary: Deployment, now: datetime) -> Deployment:
    return replace(
        primary,
        rollout_state="COMPLETED",
        rollout_state_reason=f"ECS deployment {primary.id} completed.",
        failed_tasks=0,
        updated_at=now,
        finished_at=now,
    )


def _without_replaced(situation: Situation) -> Service:
    """Earlier deployments stay until their tasks are gone, and those that still serve while they should."""
    held = {task.deployment_id for task in situation.tasks if task.last_status not in GONE}
    service = situation.service
    kept = tuple(
        d
        for d in service.deployments[1:]
        if d.id in held or (is_settled(d) and d.desired_count > 0 and service.desired_count > 0)
    )
    if len(kept) == len(service.deployments) - 1:
        return service
    return replace(service, deployments=(service.primary, *kept))
