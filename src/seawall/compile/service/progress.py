"""What has become of a service's tasks since the last look, counted in their deployments.

Sources: "Deployment circuit breaker" (consecutive failures count, a task that becomes healthy sets them
back), "Service throttle logic" (launches that never ran are repeated later and later, 27 minutes apart at
most).
The steps in between are Seawall's own; AWS tells only where they end.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec.structs import replace

from seawall.compile.service import event_text
from seawall.compile.service.health import Health
from seawall.compile.service.situation import ENDED_BY_ITSELF, Situation, is_alive
from seawall.model.service import CircuitBreaker, Deployment, Service
from seawall.model.task import Task

LONGEST_BACK_OFF = timedelta(minutes=27)
FIRST_BACK_OFF = timedelta(minutes=1)
UNPUNISHED = 2  # launches in a row that may fail before the next one is put off
CRASH_PAUSE = timedelta(seconds=1)  # more for each task that ended before it was healthy
LONGEST_CRASH_PAUSE = timedelta(seconds=10)
START_IMPAIRED, INSTANCE_UNHEALTHY = "SERVICE_TASK_START_IMPAIRED", "SERVICE_DISCOVERY_INSTANCE_UNHEALTHY"


class Progress(NamedTuple):
    """The service as it is then, the tasks that are marked anew, and what there is to tell."""

    service: Service
    tasks: tuple[Task, ...]
    texts: tuple[str, ...]
    warnings: tuple[str, ...] = ()  # names of what EventBridge is told, each once


def progress(situation: Situation, healths: Mapping[str, Health], group_arn: str) -> Progress:
    """group_arn   how the ARN of a target group begins, before its id"""
    deployments = {d.id: d for d in situation.service.deployments}
    marked: list[Task] = []
    texts: list[str] = []
    warnings: set[str] = set()
    for task in sorted(situation.tasks, key=lambda t: (t.created_at, t.id)):
        deployment = deployments.get(task.deployment_id or "")
        if deployment is None:
            continue
        name, health = situation.service.name, healths.get(task.id)
        if health is None:
            if not _failed(task):
                continue
            after = _with_failure(deployment, task, situation.now)
            warnings.update([START_IMPAIRED] if _is_put_off(after) else [])
            texts += _failure_texts(name, task, after)
        elif health.state == "healthy" and (task.healthy_at is None or task.counted_as_failed):
            after = _with_success(deployment, situation.service, situation.now)
            task = replace(task, healthy_at=situation.now, counted_as_failed=False)
            deployments[deployment.id] = after
            marked.append(task)
            continue
        elif health.state == "unhealthy" and not task.counted_as_failed:
            after = _counted(deployment, situation.now)
            texts.append(_unhealthy_text(name, task, health, group_arn))
            revision = situation.revision_of(deployment.id)
            if revision is not None and revision.service_registries:
                warnings.add(INSTANCE_UNHEALTHY)
        else:
            continue
        deployments[deployment.id] = after
        marked.append(replace(task, counted_as_failed=True))
    service = replace(situation.service, deployments=tuple(deployments.values()))
    return Progress(service, tuple(marked), tuple(texts), tuple(sorted(warnings)))


def _failed(task: Task) -> bool:
    """Whether it ended before it was healthy, and nobody wanted that."""
    ended = not is_alive(task) and task.stop_code in ENDED_BY_ITSELF
    return ended and task.healthy_at is None and not task.counted_as_failed


def _counted(deployment: Deployment, now: datetime) -> Deployment:
    if deployment.rollout_state != "IN_PROGRESS":
        return deployment
    return replace(deployment, failed_tasks=deployment.failed_tasks + 1, updated_at=now)


def _with_failure(deployment: Deployment, task: Task, now: datetime) -> Deployment:
    after = _counted(deployment, now)
    if task.started_at is not None:
        crashes = after.consecutive_crashes + 1
        pause = min(CRASH_PAUSE * crashes, LONGEST_CRASH_PAUSE)
        return replace(after, consecutive_failures=0, consecutive_crashes=crashes, retry_at=now + pause)
    failures = after.consecutive_failures + 1
    return replace(after, consecutive_failures=failures, retry_at=now + back_off(failures))


def back_off(failures: int) -> timedelta:
    """How long to wait after so many launches in a row that never ran."""
    if failures <= UNPUNISHED:
        return CRASH_PAUSE * failures
    doublings = min(failures - UNPUNISHED - 1, 10)
    return min(FIRST_BACK_OFF * (1 << doublings), LONGEST_BACK_OFF)


def _is_put_off(deployment: Deployment) -> bool:
    return deployment.consecutive_failures > UNPUNISHED


def _with_success(deployment: Deployment, service: Service, now: datetime) -> Deployment:
    breaker = service.deployment_configuration.circuit_breaker or CircuitBreaker()
    failed = 0 if breaker.reset_on_healthy_task else deployment.failed_tasks
    return replace(
        deployment, failed_tasks=failed, consecutive_failures=0, consecutive_crashes=0, retry_at=None
    )


def _failure_texts(service: str, task: Task, after: Deployment) -> list[str]:
    if task.started_at is not None:
        return []
    texts = [event_text.cannot_place(service, task.stopped_reason or "Internal error")]
    return [*texts, event_text.start_impaired(service)] if _is_put_off(after) else texts


def _unhealthy_text(service: str, task: Task, health: Health, group_arn: str) -> str:
    target = health.target
    if target is None:
        return event_text.unhealthy_containers(service, task.id)
    arn = group_arn + target.target_group_id
    reason = target.description or target.reason or ""
    return event_text.unhealthy_target(service, task.id, target.port, arn, reason)
