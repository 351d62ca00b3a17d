"""Which containers of a task may start now, which never will, and in what order they stop.  Pure.

Sources: ECS developer guide, "Container dependency" and "startTimeout"; the words of what cannot be resolved
are those of the agent that Fargate's containers run under.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from seawall.program.report import ContainerReport
from seawall.program.task import ContainerProgram, Dependency


class Verdict(NamedTuple):
    """`never` says why a container can not start any more; `until` is when waiting for it ends (seconds since
    the epoch), where there is an end."""

    may_start: bool
    never: str | None = None
    until: float | None = None


Member = tuple[ContainerProgram, ContainerReport]


def judge(container: ContainerProgram, members: Mapping[str, Member], now: float) -> Verdict:
    """May it start, with the task's containers (`members`, by name) as they are?"""
    until: list[float] = []
    resolved = True
    for wanted in container.depends_on:
        if wanted.container not in members:
            continue
        program, report = members[wanted.container]
        if _holds(wanted, report):
            continue
        resolved = False
        deadline = _deadline(wanted, program, report)
        fault = _fault(wanted, report, deadline is not None and now >= deadline)
        if fault is not None:
            return Verdict(
                False, never=fault.format(dependency=_said(program, report), target=container.name)
            )
        if deadline is not None:
            until.append(deadline)
    return Verdict(resolved, until=min(until, default=None))


def _holds(wanted: Dependency, report: ContainerReport) -> bool:
    match wanted.condition:
        case "START":
            return report.started_at is not None
        case "COMPLETE":
            return report.state == "exited"
        case "SUCCESS":
            return report.state == "exited" and report.exit_code == 0
    return report.state == "running" and report.health is not None and report.health.status == "HEALTHY"


def _deadline(wanted: Dependency, program: ContainerProgram, report: ContainerReport) -> float | None:
    """A start timeout counts from the dependency's own start, and not for START."""
    if wanted.condition == "START" or program.start_timeout_s is None or report.started_at is None:
        return None
    return report.started_at + program.start_timeout_s


def _fault(wanted: Dependency, report: ContainerReport, timed_out: bool) -> str | None:
    failed = "dependency graph: failed to resolve container ordering dependency [{dependency}] for target"
    if report.state == "failed":
        return failed + " [{target}] because dependency will never start"
    if report.state == "exited":
        return failed + " [{target}] as dependency did not exit successfully."
    if timed_out:
        late = "dependency graph: container ordering dependency [{dependency}] for target [{target}]"
        return late + " has timed out."
    return None


def _said(program: ContainerProgram, report: ContainerReport) -> str:
    known = {"running": "RUNNING", "exited": "STOPPED", "failed": "STOPPED"}.get(report.state, "PENDING")
    exit = f" - Exit: {report.exit_code}" if report.exit_code is not None else ""
    return f"{program.name}({program.image.reference}) ({known}->RUNNING){exit}"


def stops_after(name: str, programs: Iterable[ContainerProgram]) -> frozenset[str]:
    """The containers that must have ended before this one is asked to: those that depend on it."""
    return frozenset(p.name for p in programs if any(d.container == name for d in p.depends_on))
