"""A task and its containers as the metadata endpoint shows them.  Pure.

`known` is TaskProgram.metadata, decoded: what was known above.  States and times are the host's own.
Source: the structures of the ECS agent's task metadata server, versions 3 and 4.
"""

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, Literal

from seawall.program.report import ContainerReport, Health, TaskReport
from seawall.program.task import ContainerProgram, TaskProgram

Version = Literal[3, 4]
Known = Mapping[str, Any]

STAGES = ("NONE", "PULLED", "CREATED", "RUNNING", "STOPPED")
_STAGE_OF = {
    "waiting": "NONE",
    "pulling": "NONE",
    "pulled": "PULLED",
    "created": "CREATED",
    "running": "RUNNING",
    "exited": "STOPPED",
    "failed": "STOPPED",
}
# Version 3 came before these.
_ONLY_V4_TASK = ("LaunchType", "ServiceName", "FaultInjectionEnabled")
_ONLY_V4_CONTAINER = ("ContainerARN", "LogDriver", "LogOptions", "Snapshotter")
_V3_NETWORK = ("NetworkMode", "IPv4Addresses", "IPv6Addresses")


def describe_container(
    known: Known, program: ContainerProgram, report: ContainerReport, version: Version
) -> dict[str, Any]:
    """One container; what has no value yet is left out."""
    told = dict(known["Containers"].get(program.name, {}))
    networks = told.pop("Networks", [])
    if version == 3:
        told = {name: value for name, value in told.items() if name not in _ONLY_V4_CONTAINER}
        networks = [{name: net[name] for name in _V3_NETWORK if name in net} for net in networks]
    shown: dict[str, Any] = {
        "DockerId": program.runtime_id,
        "Name": program.name,
        "DockerName": program.name,
        "Image": told.pop("Image", program.image.reference),
        "ImageID": report.image_digest,
        "DesiredStatus": program.desired.upper(),
        "KnownStatus": _STAGE_OF[report.state],
        "ExitCode": report.exit_code,
        "CreatedAt": _text(report.started_at),
        "StartedAt": _text(report.started_at),
        "FinishedAt": _text(report.finished_at),
        "Health": _health(report.health),
        "RestartCount": report.restarts if program.restart_policy and version == 4 else None,
        **told,
        "Networks": networks,
    }
    return {name: value for name, value in shown.items() if value is not None}


def describe_task(
    known: Known, program: TaskProgram, report: TaskReport, version: Version, *, with_tags: bool = False
) -> dict[str, Any]:
    """The task with all its containers, without what must be measured."""
    reports = {each.name: each for each in report.containers}
    told = {n: v for n, v in known["Task"].items() if version == 4 or n not in _ONLY_V4_TASK}
    all_reports = [reports[c.name] for c in program.containers if c.name in reports]
    stopping = all(c.desired == "stopped" for c in program.containers)
    pulls = [r.pull_started_at for r in all_reports if r.pull_started_at]
    pulled = [r.pull_stopped_at for r in all_reports if r.pull_stopped_at]
    ends = [r.finished_at for r in all_reports if r.finished_at]
    shown: dict[str, Any] = {
        **told,
        "DesiredStatus": "STOPPED" if stopping else "RUNNING",
        "KnownStatus": _earliest(all_reports),
        "PullStartedAt": _text(min(pulls, default=None)),
        "PullStoppedAt": _text(max(pulled)) if pulled and len(pulled) == len(all_reports) else None,
        "ExecutionStoppedAt": _text(max(ends)) if ends and len(ends) == len(all_reports) else None,
        "TaskTags": (known.get("TaskTags") or None) if with_tags else None,
        "Containers": [
            describe_container(known, c, reports[c.name], version)
            for c in program.containers
            if c.name in reports
        ],
    }
    return {name: value for name, value in shown.items() if value is not None}


def _earliest(reports: list[ContainerReport]) -> str:
    """A task is as far as the one of its containers that is least far."""
    return min((_STAGE_OF[r.state] for r in reports), key=STAGES.index, default="NONE")


def _health(health: Health | None) -> dict[str, Any] | None:
    if health is None:
        return None
    shown: dict[str, Any] = {"status": health.status, "statusSince": _text(health.since or None)}
    shown |= {"exitCode": health.exit_code, "output": health.output or None}
    return {name: value for name, value in shown.items() if value is not None}


def _text(seconds: float | None) -> str | None:
    return None if seconds is None else moment(seconds)


def moment(seconds: float) -> str:
    """RFC 3339 as Go writes it: without zeros at the end."""
    at = datetime.fromtimestamp(seconds, timezone.utc)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond:06d}".rstrip("0").rstrip(".") + "Z"
