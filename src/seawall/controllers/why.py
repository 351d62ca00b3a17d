"""All that is known of one task: its way, what it waits for, why it ended."""

import msgspec

from seawall.compile.why.container import health_finding
from seawall.compile.why.waiting import waits_for
from seawall.compile.why.waterfall import waterfall
from seawall.controllers.loop import Context
from seawall.controllers.task_finding import reports_of
from seawall.model.finding import Finding, Phase
from seawall.model.task import Task
from seawall.model.task_definition import TaskDefinition
from seawall.store.store import Store


class Why(msgspec.Struct, frozen=True, kw_only=True):
    """waits_for  one line for each thing; empty for a task that runs or is over
    finding    None: nothing is wrong, or the task was stopped from outside
    """

    task: str
    cluster: str
    definition: str
    status: str
    desired_status: str
    stop_code: str | None
    stopped_reason: str | None
    phases: tuple[Phase, ...]
    waits_for: tuple[str, ...]
    finding: Finding | None


def tasks_meant(asked: str, store: Store) -> list[Task]:
    """The tasks whose id begins so."""
    return [task for task in store.all(Task) if asked and task.id.startswith(asked)]


def why(task: Task, context: Context) -> Why:
    """What is asked of the store and of the host's newest word."""
    reports = reports_of(task, context)
    finding = task.finding
    if finding is None and task.last_status != "STOPPED":
        finding = health_finding(task, reports)
    return Why(
        task=task.id,
        cluster=task.cluster,
        definition=task.task_definition,
        status=task.last_status,
        desired_status=task.desired_status,
        stop_code=task.stop_code,
        stopped_reason=task.stopped_reason,
        phases=waterfall(task),
        waits_for=waits_for(
            task,
            context.store.find(TaskDefinition, task.task_definition),
            reports,
            context.host.problems,
            host=context.host.world is not None,
        ),
        finding=finding,
    )
