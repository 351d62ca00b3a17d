"""A task's way from RunTask to its end, part by part, with times."""

from collections.abc import Iterator
from datetime import datetime, timezone

from seawall.model.finding import Phase
from seawall.model.task import Task
from seawall.program.report import ContainerReport


def phases_of(reports: tuple[ContainerReport, ...]) -> tuple[Phase, ...]:
    """What the host told of its containers, as the model keeps it."""
    found = [
        Phase(
            name=phase.name,
            began=_time(phase.began),
            ended=None if phase.ended is None else _time(phase.ended),
            container=report.name,
            text=phase.text,
        )
        for report in reports
        for phase in report.phases
    ]
    return tuple(sorted(found, key=lambda phase: phase.began))


def waterfall(task: Task) -> tuple[Phase, ...]:
    """In the order they began.  `ended` is None for what lasts."""
    found = [*_before_containers(task), *task.phases, *_running(task), *_ending(task)]
    over = task.stopped_at
    closed = (
        phase if phase.ended or over is None else _ended(phase, task.stopping_at or over) for phase in found
    )
    return tuple(sorted(closed, key=lambda phase: phase.began))


def _before_containers(task: Task) -> Iterator[Phase]:
    """From the API's answer until the interface is in force.  The API answers when the task is recorded."""
    yield Phase(name="API accepted the task", began=task.created_at, ended=task.created_at)
    over = task.connectivity_at or task.stopping_at
    yield Phase(name="interface made and in force", began=task.created_at, ended=over)


def _running(task: Task) -> Iterator[Phase]:
    for container in task.containers:
        if container.started_at is not None:
            code = f"exit code {container.exit_code}" if container.exit_code is not None else ""
            health = f"health {container.health_status}" if container.health_status else ""
            yield Phase(
                name="runs",
                began=container.started_at,
                # What ended at once may be told to have ended before its start was noted.
                ended=max(container.started_at, container.finished_at) if container.finished_at else None,
                container=container.name,
                text=", ".join(filter(None, (code, health))),
            )


def _ending(task: Task) -> Iterator[Phase]:
    if task.stopping_at is not None:
        yield Phase(
            name="containers stopped",
            began=task.stopping_at,
            ended=max(task.stopping_at, task.execution_stopped_at) if task.execution_stopped_at else None,
        )
    if task.execution_stopped_at is not None:
        began = max(task.execution_stopped_at, task.stopping_at or task.execution_stopped_at)
        yield Phase(name="interface released", began=began, ended=task.stopped_at)


def _ended(phase: Phase, at: datetime) -> Phase:
    return Phase(
        name=phase.name,
        began=phase.began,
        ended=max(at, phase.began),
        container=phase.container,
        text=phase.text,
    )


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)
