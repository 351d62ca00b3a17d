"""All that is known of one service: whether it is well, and if not, which of its tasks tells why."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from seawall.compile.service.event_log import troubles
from seawall.compile.service.situation import is_alive
from seawall.controllers.loop import Context
from seawall.controllers.service_targets import targets_of
from seawall.controllers.why import Why, why
from seawall.model.service import Deployment, Service, ServiceEvents
from seawall.model.service_deployment import ServiceDeployment
from seawall.model.task import Task
from seawall.store.store import Store

State = Literal["well", "underway", "ailing", "deleted"]
GIVEN_UP = ("STOPPED", "ROLLBACK_IN_PROGRESS", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED")


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """One deployment: `running` of its `desired` tasks run, `failed` did not come so far."""

    id: str
    definition: str
    status: str
    rollout: str
    reason: str
    running: int
    desired: int
    failed: int


class WhyService(msgspec.Struct, frozen=True, kw_only=True):
    """state      "underway": neither is anything known to be wrong nor is it where it shall be
    steady_since   when it was last said to be steady; None while it is not
    targets    how many of each state, by target group's name
    given_up   why its newest deployment was undone; None: it was not
    troubles   what its events tell of since it was steady, the newest first
    task       the one that tells most, if one tells anything
    """

    service: str
    cluster: str
    state: State
    running: int
    desired: int
    steady_since: datetime | None
    deployments: tuple[Release, ...]
    targets: dict[str, dict[str, int]]
    given_up: str | None
    troubles: tuple[str, ...]
    task: Why | None


def services_meant(asked: str, store: Store) -> list[Service]:
    """Those of this name, or the one that CLUSTER/NAME is."""
    return [service for service in store.all(Service) if asked in (service.name, service.id)]


def why_service(service: Service, context: Context) -> WhyService:
    store = context.store
    tasks = sorted(store.referrers(Task, service.ref), key=lambda task: (task.created_at, task.id))
    undone = _undone(store.referrers(ServiceDeployment, service.ref))
    events = store.find(ServiceEvents, service.id)
    steady_at, told = troubles(events.events if events else ())
    ill = [task for task in tasks if is_alive(task) and task.finding is not None]
    is_well = service.steady and not ill
    telling = _telling(service, tasks, ill, undone.deployment if undone is not None else None)
    ailing = not is_well and bool(told or ill or (telling is not None and telling.finding is not None))
    state: State = "well" if is_well else "ailing" if ailing else "underway"
    return WhyService(
        service=service.name,
        cluster=service.cluster,
        state=state if service.status == "ACTIVE" else "deleted",
        running=sum(1 for task in tasks if task.last_status == "RUNNING"),
        desired=service.desired_count,
        steady_since=steady_at if is_well else None,
        deployments=tuple(_release(d, tasks) for d in service.deployments),
        targets=_target_states(store, tasks),
        given_up=undone.status_reason if undone is not None else None,
        troubles=() if is_well else told,
        task=why(telling, context) if telling is not None else None,
    )


def _undone(records: Sequence[ServiceDeployment]) -> ServiceDeployment | None:
    """The newest deployment, if it was given up."""
    newest = max(records, key=lambda record: (record.created_at, record.id), default=None)
    return newest if newest is not None and newest.status in GIVEN_UP else None


def _telling(service: Service, tasks: Sequence[Task], ill: Sequence[Task], undone: str | None) -> Task | None:
    """The newest that is ill; else the newest that failed of what is deployed, or was given up; else the
    newest that is on its way."""
    if ill:
        return ill[-1]
    asked = {undone} if service.steady else {undone, *(d.id for d in service.deployments)}
    failed = [t for t in tasks if t.deployment_id in asked and t.finding is not None and t.healthy_at is None]
    coming = [t for t in tasks if is_alive(t) and t.last_status != "RUNNING"]
    return next(iter([*reversed(failed), *reversed(coming)]), None)


def _release(deployment: Deployment, tasks: Sequence[Task]) -> Release:
    own = [task for task in tasks if task.deployment_id == deployment.id]
    return Release(
        id=deployment.id,
        definition=deployment.task_definition,
        status=deployment.status,
        rollout=deployment.rollout_state,
        reason=deployment.rollout_state_reason,
        running=sum(1 for task in own if task.last_status == "RUNNING"),
        desired=deployment.desired_count,
        failed=deployment.failed_tasks,
    )


def _target_states(store: Store, tasks: Sequence[Task]) -> dict[str, dict[str, int]]:
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for targets in targets_of(store, tasks).values():
        for target in targets:
            counted[target.target_group_id.partition("/")[0]][target.state] += 1
    return {group: dict(sorted(states.items())) for group, states in sorted(counted.items())}
