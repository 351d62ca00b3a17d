"""One look at a service: what is to be done about it now.  Pure; the loop of services carries it out."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime

import msgspec
from msgspec.structs import replace

from seawall.compile.service import event_text
from seawall.compile.service.alarms import baked_at, in_alarm, went_off
from seawall.compile.service.deployment import (
    STEADY_AGAIN,
    Notice,
    Turn,
    announced,
    going_back_until,
    judged,
    settled,
)
from seawall.compile.service.health import Health, healths
from seawall.compile.service.progress import Progress, progress
from seawall.compile.service.rollout import Moves, Rollout, Start, Stop
from seawall.compile.service.situation import GONE, Situation, is_alive, upper_limit
from seawall.compile.service.zone_spread import is_uneven, zone_counts
from seawall.model.service import Service
from seawall.model.task import Task

STOPPED_BY_SCHEDULER = "ServiceSchedulerInitiated"


class Decision(msgspec.Struct, kw_only=True):
    """service   as it is to be stored
    tasks     that changed, also those that are to stop
    starts    the launches to make, of deployments of `service`
    texts     service events, in the order in which they happened; those of launches come after them
    notices   what EventBridge is told
    again_at  when to look again though nothing else changes
    """

    service: Service
    tasks: list[Task] = []
    starts: list[Start] = []
    texts: list[str] = []
    notices: list[Notice] = []
    again_at: datetime | None = None


def decide(situation: Situation, group_arn: str) -> Decision:
    """group_arn   how the ARN of a target group begins, before its id"""
    if situation.service.status != "ACTIVE":
        return _ending(situation)
    states = healths(situation)
    made = Decision(service=situation.service)
    situation = _counted(made, situation, progress(situation, states, group_arn))
    situation = _turned(made, situation, judged(made.service, situation.now, went_off(situation)))
    situation = _turned(made, situation, announced(made.service, in_alarm(situation)))
    situation = _rebalanced(made, situation)
    moves = Rollout(situation, states).moves()
    situation = replace(situation, service=moves.service)
    made.service = moves.service
    _carry(made, situation, moves, states, group_arn)
    if moves.starts or moves.stops or _orphans(made, situation):
        evening_out = made.service.rebalancing and not moves.stops
        made.service = replace(made.service, steady=made.service.steady and evening_out)
    else:
        situation = _turned(made, situation, settled(situation, states))
    made.again_at = _next_look(situation, states)
    return made


def _turned(made: Decision, situation: Situation, turn: Turn) -> Situation:
    made.service = turn.service
    made.texts += turn.texts
    made.notices += turn.notices
    return replace(situation, service=turn.service)


def _counted(made: Decision, situation: Situation, step: Progress) -> Situation:
    made.service = step.service
    made.tasks += step.tasks
    made.texts += step.texts
    made.notices += [Notice("WARN", name) for name in step.warnings]
    marked = {task.id: task for task in step.tasks}
    tasks = [marked.get(task.id, task) for task in situation.tasks]
    return replace(situation, service=step.service, tasks=tasks)


def _rebalanced(made: Decision, situation: Situation) -> Situation:
    """Begin to even out the zones of a service that is steady, or be done with it."""
    service = situation.service
    revision = situation.revision_of(service.primary.id)
    if revision is None or not (service.steady or service.rebalancing):
        return situation
    living = [t for t in situation.tasks if t.deployment_id == service.primary.id and is_alive(t)]
    counts = zone_counts(living, revision.network.subnet_ids, situation.zones)
    wanted = (
        service.availability_zone_rebalancing == "ENABLED"
        and upper_limit(service) > service.desired_count
        and len(service.deployments) == 1
    )
    if not service.rebalancing and wanted and is_uneven(counts):
        made.texts.append(event_text.unbalanced(service.name, counts))
        made.notices.append(Notice("INFO", "SERVICE_REBALANCING_STARTED"))
        return _turned(made, situation, Turn(replace(service, rebalancing=True)))
    if service.rebalancing and not wanted:
        return _turned(made, situation, Turn(replace(service, rebalancing=False)))
    if service.rebalancing and len(living) == service.desired_count and not is_uneven(counts):
        made.texts.append(event_text.balanced(service.name, counts))
        made.notices.append(Notice("INFO", "SERVICE_REBALANCING_COMPLETED"))
        return _turned(made, situation, Turn(replace(service, rebalancing=False)))
    return situation


def _carry(
    made: Decision, situation: Situation, moves: Moves, states: Mapping[str, Health], group_arn: str
) -> None:
    name = situation.service.name
    made.tasks += [_stopped(stop, states, group_arn) for stop in moves.stops]
    made.texts += _stop_texts(name, moves.stops)
    made.starts = _within_pace(situation, moves.starts)
    if moves.protected:
        made.texts.append(event_text.protected(name, situation.service.primary.id))
    elif moves.blocked:
        made.texts.append(event_text.blocked(name))


def _stopped(stop: Stop, states: Mapping[str, Health], group_arn: str) -> Task:
    target = states[stop.task.id].target
    deployment = f"(deployment {stop.task.deployment_id})"
    if stop.why == "rebalancing":
        reason = f"Availability-zone rebalancing initiated by {deployment}"
    elif stop.why == "scaling":
        reason = f"Scaling activity initiated by {deployment}"
    elif target is not None:
        reason = f"Task failed ELB health checks in (target-group {group_arn}{target.target_group_id})"
    else:
        reason = "Task failed container health checks"
    return to_stop(stop.task, reason)


def to_stop(task: Task, reason: str) -> Task:
    return replace(
        task,
        desired_status="STOPPED",
        stop_code=STOPPED_BY_SCHEDULER,
        stopped_reason=reason,
        version=task.version + 1,
    )


def _stop_texts(name: str, stops: list[Stop]) -> Iterator[str]:
    running = [s for s in stops if s.task.last_status in ("ACTIVATING", "RUNNING")]
    moved: dict[str, list[str]] = defaultdict(list)
    for stop in running:
        if stop.why == "rebalancing":
            moved[stop.task.availability_zone].append(stop.task.id)
    for zone, ids in moved.items():
        yield event_text.stopped_to_balance(name, ids, zone)
    others = [stop.task.id for stop in running if stop.why != "rebalancing"]
    if others:
        yield event_text.stopped_running(name, others)
    if len(stops) > len(running):
        yield event_text.stopped_pending(name, len(stops) - len(running))


def _within_pace(situation: Situation, starts: list[Start]) -> list[Start]:
    """As many as one look may start."""
    left = situation.pace.batch
    if situation.pace.launches_per_minute is not None:
        young = sum(1 for t in situation.tasks if (situation.now - t.created_at).total_seconds() < 60)
        left = min(left, max(situation.pace.launches_per_minute - young, 0))
    kept = []
    for start in starts:
        number = min(start.number, left)
        left -= number
        if number:
            kept.append(start._replace(number=number, replacing=min(number, start.replacing)))
    return kept


def _orphans(made: Decision, situation: Situation) -> bool:
    """Stop tasks whose deployment is no more."""
    known = {deployment.id for deployment in situation.service.deployments}
    lost = [t for t in situation.tasks if is_alive(t) and t.deployment_id not in known]
    made.tasks += [_scaled_in(task) for task in lost]
    return bool(lost)


def _scaled_in(task: Task) -> Task:
    return to_stop(task, f"Scaling activity initiated by (deployment {task.deployment_id})")


def _ending(situation: Situation) -> Decision:
    """A service that is deleted stops all its tasks, protected ones too, and is INACTIVE when they are gone.

    Source: DeleteService of the API reference.
    """
    service = situation.service
    if service.status == "INACTIVE":
        return Decision(service=service)
    alive = [task for task in situation.tasks if is_alive(task)]
    stops = [Stop(task, "scaling") for task in alive]
    if all(task.last_status in GONE for task in situation.tasks):
        service = replace(service, status="INACTIVE", steady=False, inactive_at=situation.now)
    texts = list(_stop_texts(service.name, stops))
    return Decision(service=service, tasks=[_scaled_in(task) for task in alive], texts=texts)


def _next_look(situation: Situation, states: Mapping[str, Health]) -> datetime | None:
    """When time alone changes something."""
    now, service = situation.now, situation.service
    times = [health.until for health in states.values()]
    times += [deployment.retry_at for deployment in service.deployments]
    times += [task.protected_until for task in situation.tasks if is_alive(task)]
    times.append(going_back_until(situation))
    if service.primary.baking_since is not None:
        times.append(baked_at(situation))
    if service.steady:
        times.append((situation.told_steady or now) + STEADY_AGAIN)
    return min((time for time in times if time is not None and time > now), default=None)
