"""What a task that does not run yet waits for."""

from collections.abc import Mapping, Sequence

from seawall.model.task import Task
from seawall.model.task_definition import TaskDefinition
from seawall.program.report import ContainerReport, Problem

_OF_PHASE = {
    "registry login": "the registry's login is asked for",
    "secrets": "its secrets are fetched",
    "environment files": "its files of variables are fetched",
    "image": "its image is pulled",
    "log stream": "its log stream is made",
    "bundle": "its root and its settings are put together",
    "create": "it is created",
    "start": "it is started",
}


def waits_for(
    task: Task,
    definition: TaskDefinition | None,
    reports: Mapping[str, ContainerReport],
    problems: Sequence[Problem],
    *,
    host: bool,
) -> tuple[str, ...]:
    """One line for each thing.  Empty for a task that runs or is over.

    host   there is a host that is heard
    """
    if task.last_status not in ("PROVISIONING", "PENDING", "ACTIVATING"):
        return ()
    if not host:
        return ("a host: none is heard (see `seawall doctor`)",)
    if task.last_status == "PROVISIONING":
        own = [problem.text for problem in problems if task.id in problem.subject]
        words = "its network interface, which is not in force yet"
        return tuple(f"{words}: {text}" for text in own) or (words,)
    return tuple(
        f"container {container.name}: {_of_container(definition, container.name, reports)}"
        for container in task.containers
        if container.started_at is None
    )


def _of_container(
    definition: TaskDefinition | None, name: str, reports: Mapping[str, ContainerReport]
) -> str:
    report = reports.get(name)
    if report is None:
        return "the host has not begun"
    lasting = next((phase for phase in report.phases if phase.ended is None), None)
    if lasting is not None:
        text = _OF_PHASE.get(lasting.name, lasting.name)
        return f"{text} ({lasting.text})" if lasting.text else text
    wanted = definition.container(name).depends_on if definition is not None else None
    unmet = [d for d in wanted or () if not _met(d.condition, reports.get(d.container_name))]
    if unmet:
        return " and ".join(f"{d.container_name} is to be {d.condition}" for d in unmet)
    return f"it is {report.state}"


def _met(condition: str, report: ContainerReport | None) -> bool:
    if report is None:
        return False
    match condition:
        case "START":
            return report.started_at is not None
        case "HEALTHY":
            return report.health is not None and report.health.status == "HEALTHY"
        case "SUCCESS":
            return report.exit_code == 0
    return report.state == "exited"
