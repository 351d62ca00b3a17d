"""Containers that ran and ended, or run and are not well."""

from seawall.model.finding import Finding
from seawall.model.task import Task, TaskContainer
from seawall.program.report import ContainerReport

_SIGNALS = {134: "SIGABRT", 137: "SIGKILL", 139: "SIGSEGV", 143: "SIGTERM"}
_SHELL = {
    126: "its command cannot be executed",
    127: "its command was not found",
}
OUT_OF_MEMORY = "OutOfMemoryError"


def exit_finding(task: Task, *, logs: bool) -> Finding | None:
    """Of a task that ended because an essential container did.  None while none has.

    logs   its output is kept
    """
    ended = [c for c in task.containers if c.last_status == "STOPPED" and c.essential]
    first = min(ended, key=lambda c: (c.finished_at is None, c.finished_at or task.created_at), default=None)
    if first is None:
        return None
    if (first.reason or "").startswith(OUT_OF_MEMORY):
        return _out_of_memory(task, first)
    code = first.exit_code
    read = (
        f"Its output says more: seawall logs {task.id} {first.name}"
        if logs
        else ("It has no log driver; with awslogs in the definition its output would be kept.")
    )
    return Finding(
        category="container",
        cause=f"essential container {first.name} ended by itself: {_code(code)}",
        missing={"container": first.name, "exit_code": str(code)},
        advice=f"The program in the container decides this, not its surroundings. {read}",
    )


def _code(code: int | None) -> str:
    if code is None:
        return "its exit code is unknown"
    told = f"exit code {code}"
    if code in _SHELL:
        return f"{told} ({_SHELL[code]})"
    return f"{told} ({_SIGNALS[code]})" if code in _SIGNALS else told


def _out_of_memory(task: Task, container: TaskContainer) -> Finding:
    own = container.memory
    if own is not None and int(own) < int(task.memory):
        limit, member = f"its own limit of {own} MiB", "the container's memory"
    else:
        limit, member = f"the task's {task.memory} MiB", "the task's memory"
    return Finding(
        category="container",
        cause=f"container {container.name} was killed: it used more memory than {limit}",
        missing={"container": container.name, "memory_mib": own or task.memory},
        advice=f"Raise {member} in a new revision of {task.task_definition.partition(':')[0]}, or make the"
        " program use less.",
    )


def health_finding(task: Task, reports: dict[str, ContainerReport]) -> Finding | None:
    """Of a task with a container that is unhealthy."""
    for container in task.containers:
        report = reports.get(container.name)
        health = report.health if report is not None else None
        status = health.status if health is not None else container.health_status
        if status == "UNHEALTHY":
            said = f", exit code {health.exit_code}" if health is not None and health.exit_code else ""
            output = f": {health.output.strip()[:200]}" if health is not None and health.output else ""
            return Finding(
                category="container",
                cause=f"the health check of {container.name} fails{said}{output}",
                missing={"container": container.name},
                advice="Correct healthCheck.command in a new revision, or what it asks; a task outside of a"
                " service goes on running.",
            )
    return None


def dependency_finding(name: str, text: str, reports: dict[str, ContainerReport]) -> Finding:
    """Of a container whose dependencies did not come to be what it waits for.  `text` is the host's word."""
    unwell = [
        f"the check of {report.name} last ended with exit code {report.health.exit_code}"
        f"{': ' + report.health.output.strip()[:200] if report.health.output.strip() else ''}"
        for report in reports.values()
        if report.health is not None and report.health.status != "HEALTHY"
    ]
    ended = [
        f"{report.name} ended with exit code {report.exit_code}"
        for report in reports.values()
        if report.exit_code
    ]
    return Finding(
        category="container",
        cause="; ".join([f"container {name} was not started: {text}", *unwell, *ended]),
        missing={"container": name},
        advice="Mend what it depends on (dependsOn, healthCheck, startTimeout) in a new revision.",
    )
