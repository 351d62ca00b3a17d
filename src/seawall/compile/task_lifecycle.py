"""What becomes of a task: its next state, from what it is and what is known.  Pure; the controller writes.

PROVISIONING -> PENDING -> ACTIVATING -> RUNNING -> DEACTIVATING -> STOPPING -> DEPROVISIONING -> STOPPED.
ACTIVATING is only for tasks that more than one target group or a service registry has to know before they
count as running, DEACTIVATING for tasks that load balancers still let finish what they began.
Source: "Task lifecycle" of the ECS developer guide.
"""

from datetime import datetime, timedelta, timezone
from typing import Literal

import msgspec
from msgspec.structs import replace

from seawall.compile.stop_reason import stopped_reason
from seawall.compile.why.waterfall import phases_of
from seawall.model.finding import TaskFailure
from seawall.model.task import Task, TaskContainer
from seawall.program.report import ContainerReport, Failure, TaskReport

OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"
OUT_OF_STORAGE = (
    "no space left on device [Seawall: the task has used up its ephemeral storage; on Fargate writes fail"
    " then, here its containers are ended]"
)
ESSENTIAL_EXITED = "Essential container in task exited"
HOST_LOST = "The host that ran this task restarted; its containers and network interface are gone."
INTERFACE_PATIENCE = timedelta(minutes=3)
FAILED_TO_START = "Task failed to start"
NEVER_STARTED = 143  # as if SIGTERM had ended it
INTERFACE_TIMEOUT = "Timeout waiting for network interface provisioning to complete."
WITH_CONTAINERS = ("PROVISIONING", "PENDING", "ACTIVATING", "RUNNING", "DEACTIVATING", "STOPPING")
RUN_ON = ("ACTIVATING", "RUNNING", "DEACTIVATING")  # containers are let run until the task leaves these
ENDS_AT_ONCE = ("EssentialContainerExited", "TaskFailedToStart", "InfrastructureHealth")


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about one task at one moment.

    world      the world that runs containers now; None while the host has not been heard
    in_force   the host's network knows the newest change of this task and its interface
    report     the host's newest word on the task's containers
    unregistered   somebody who has to know the task before it is running does not know it yet
    draining       a load balancer still sends it requests, or waits for what it began
    missing_path   why the interface cannot reach the internet, if it cannot
    """

    world: str | None
    in_force: bool
    report: TaskReport | None
    now: datetime
    missing_path: str | None = None
    unregistered: bool = False
    draining: bool = False


def advance(task: Task, facts: Facts) -> Task:
    """The task after one step; the same object when there is nothing to do.

    A container that stops is a change that is told, though its task goes on without it.
    """
    after = _advanced(task, facts)
    goes_on = after.desired_status == "RUNNING" and after.version == task.version
    if goes_on and _stopped(after) != _stopped(task):
        return _changed(after)
    return after


def _stopped(task: Task) -> list[str]:
    return [c.name for c in task.containers if c.last_status == "STOPPED"]


def _advanced(task: Task, facts: Facts) -> Task:
    if task.last_status == "STOPPED" or facts.world is None:
        return task
    if task.host is None and task.last_status == "PROVISIONING" and task.desired_status == "RUNNING":
        return replace(task, host=facts.world)
    if task.host != facts.world:
        return _without_host(task, facts.now)
    if task.last_status == "DEPROVISIONING":
        return _released(task, facts.now) if facts.in_force else task
    task = _with_report(task, facts.report)
    if task.desired_status == "RUNNING":
        task = _judged(task, facts)
        task = _out_of_patience(task, facts)
    if task.desired_status == "STOPPED":
        return _stopping(task, facts)
    return _starting(task, facts)


def _starting(task: Task, facts: Facts) -> Task:
    if task.last_status == "PROVISIONING" and facts.in_force:
        task = _changed(
            task,
            last_status="PENDING",
            attachment_status="ATTACHED",
            connectivity="CONNECTED",
            connectivity_at=facts.now,
        )
    settled = all(c.started_at or c.last_status == "STOPPED" for c in task.containers)
    if task.last_status == "PENDING" and settled:
        if facts.unregistered:
            return _changed(task, last_status="ACTIVATING")
        started = max((c.started_at for c in task.containers if c.started_at), default=facts.now)
        return _changed(task, last_status="RUNNING", started_at=started)
    if task.last_status == "ACTIVATING" and not facts.unregistered:
        return _changed(task, last_status="RUNNING", started_at=facts.now)
    return task


def _judged(task: Task, facts: Facts) -> Task:
    """Decide whether the task must end: a container that could not start, or an essential one that exited."""
    reports = {r.name: r for r in facts.report.containers} if facts.report else {}
    for container in task.containers:
        report = reports.get(container.name)
        if report is not None and report.failure is not None:
            task = _with_failure(task, container, report.failure, facts.missing_path)
    if task.desired_status == "STOPPED":
        return task
    exited = [c for c in task.containers if c.last_status == "STOPPED"]
    if any(c.essential for c in exited) or len(exited) == len(task.containers):
        return replace(
            task,
            desired_status="STOPPED",
            stop_code="EssentialContainerExited",
            stopped_reason=ESSENTIAL_EXITED,
        )
    return task


def _with_failure(task: Task, container: TaskContainer, failure: Failure, missing_path: str | None) -> Task:
    """The first failure ends the task; but a container that waited in vain ends it only if it is essential.

    Such a container is shown with the exit code that SIGTERM would have left, as the agent on AWS shows it.
    """
    if task.desired_status == "STOPPED":
        return task
    reason = stopped_reason(failure, container.image, missing_path)
    waited = failure.step == "dependency"
    code = NEVER_STARTED if waited else container.exit_code
    containers = tuple(
        replace(c, reason=reason, last_status="STOPPED", exit_code=code) if c.name == container.name else c
        for c in task.containers
    )
    task = replace(task, containers=containers, failure=task.failure or _failure(container.name, failure))
    if waited and not container.essential:
        return task
    return replace(
        task,
        desired_status="STOPPED",
        stop_code="TaskFailedToStart",
        stopped_reason=FAILED_TO_START if waited else reason,
        failure=_failure(container.name, failure),
    )


def _failure(name: str, failure: Failure) -> TaskFailure:
    return TaskFailure(
        container=name,
        step=failure.step,
        cause=failure.cause,
        text=failure.text,
        url=failure.url,
        address=failure.address,
        attempts=failure.attempts,
    )


def _out_of_patience(task: Task, facts: Facts) -> Task:
    """ECS waits three minutes for the interface."""
    if task.last_status != "PROVISIONING" or facts.in_force:
        return task
    if facts.now - task.created_at < INTERFACE_PATIENCE:
        return task
    return replace(
        task, desired_status="STOPPED", stop_code="TaskFailedToStart", stopped_reason=INTERFACE_TIMEOUT
    )


def _drains(task: Task, facts: Facts) -> bool:
    """Whether its containers are to go on until nobody waits for an answer of theirs."""
    serves = all(c.last_status == "RUNNING" for c in task.containers if c.essential)
    return facts.draining and serves and task.stop_code not in ENDS_AT_ONCE


def _stopping(task: Task, facts: Facts) -> Task:
    if task.last_status in RUN_ON and _drains(task, facts):
        return task if task.last_status == "DEACTIVATING" else _changed(task, last_status="DEACTIVATING")
    if task.last_status != "STOPPING":
        return _changed(task, last_status="STOPPING", stopping_at=facts.now)
    if not _all_ended(facts):
        return task
    containers = tuple(replace(c, last_status="STOPPED") for c in task.containers)
    ended = max((c.finished_at for c in containers if c.finished_at), default=facts.now)
    return _changed(
        task,
        last_status="DEPROVISIONING",
        containers=containers,
        execution_stopped_at=ended,
        attachment_status="DETACHING" if task.network_interface_id else task.attachment_status,
    )


def _all_ended(facts: Facts) -> bool:
    """No container runs and none will, and all output is sent: each exited or failed, or was never started
    and the stop is known."""
    containers = facts.report.containers if facts.report else ()
    return all(
        (c.state in ("exited", "failed") and not c.output_pending)
        or (facts.in_force and c.state not in ("created", "running", "exited", "failed"))
        for c in containers
    ) and (bool(containers) or facts.in_force)


def _released(task: Task, now: datetime) -> Task:
    return _changed(
        task,
        last_status="STOPPED",
        attachment_status="DELETED",
        connectivity=None if task.connectivity is None else "DISCONNECTED",
        stopped_at=now,
    )


def _without_host(task: Task, now: datetime) -> Task:
    """The world that ran the task is gone (a reboot), or the task was ended before it had one."""
    lost = task.desired_status == "RUNNING"
    containers = tuple(replace(c, last_status="STOPPED") for c in task.containers)
    return _released(
        replace(
            task,
            desired_status="STOPPED",
            stop_code="InfrastructureHealth" if lost else task.stop_code,
            stopped_reason=HOST_LOST if lost else task.stopped_reason,
            containers=containers,
            stopping_at=task.stopping_at or now,
            execution_stopped_at=task.execution_stopped_at or now,
        ),
        now,
    )


_STATUS_OF: dict[str, Literal["RUNNING", "STOPPED"]] = {
    "running": "RUNNING",
    "exited": "STOPPED",
    "failed": "STOPPED",
}


def _with_report(task: Task, report: TaskReport | None) -> Task:
    if report is None:
        return task
    by_name = {r.name: r for r in report.containers}
    containers = tuple(
        _container_with(c, by_name[c.name]) if c.name in by_name else c for c in task.containers
    )
    pulls = [r.pull_started_at for r in report.containers if r.pull_started_at]
    pulled = [r.pull_stopped_at for r in report.containers if r.pull_stopped_at]
    before = [c.health_status for c in task.containers]
    if [c.health_status for c in containers] != before:
        task = _changed(task)
    return replace(
        task,
        containers=containers,
        phases=phases_of(report.containers) or task.phases,
        pull_started_at=task.pull_started_at or _time(min(pulls, default=None)),
        pull_stopped_at=task.pull_stopped_at
        or (_time(max(pulled)) if len(pulled) == len(task.containers) else None),
    )


def _container_with(container: TaskContainer, report: ContainerReport) -> TaskContainer:
    """What was seen once is not taken back: an agent that was killed begins a launch anew and says so."""
    if container.last_status == "STOPPED":
        return container
    status = _STATUS_OF.get(report.state, container.last_status)
    reason = OUT_OF_MEMORY if report.out_of_memory and status == "STOPPED" else container.reason
    if report.out_of_storage and status == "STOPPED":
        reason = OUT_OF_STORAGE
    return replace(
        container,
        last_status=status,
        image_digest=report.image_digest or container.image_digest,
        started_at=container.started_at or _time(report.started_at),
        finished_at=_time(report.finished_at),
        exit_code=report.exit_code,
        reason=reason,
        health_status=report.health.status if report.health else container.health_status,
    )


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, timezone.utc)


def _changed(task: Task, **changes: object) -> Task:
    return replace(task, version=task.version + 1, **changes)
