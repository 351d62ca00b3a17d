"""say why a task or a service failed, or what it waits for, and how long each part of a task's way took

TASK is a task's id, the beginning of one, or an ARN; also a stopped one, as long as it is kept.  Or it is a
service: NAME, CLUSTER/NAME or an ARN; of one that is not well the task that tells most is told of.
Exit status 0: nothing is known to be wrong with it; 1: a cause of failure is known.
Example:  seawall why 3fb2
"""

import argparse
import json
from collections.abc import Iterator
from datetime import datetime

import msgspec

from seawall.app.answer import answer
from seawall.app.saved_model import fetch_own
from seawall.controllers.why import Why
from seawall.controllers.why_service import WhyService
from seawall.model.finding import Finding, Phase

BAR = 30  # characters


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("task", metavar="TASK")


def run(args: argparse.Namespace) -> int:
    said = fetch_own(args.state_dir, "why", {"task": _asked(args.task)})
    shown = json.loads(said)
    if "service" in shown:
        service = msgspec.json.decode(said, type=WhyService)
        answer(args.output, shown, service_lines(service))
        return 1 if service.state == "ailing" else 0
    found = msgspec.json.decode(said, type=Why)
    answer(args.output, shown, lines(found))
    return 0 if found.finding is None else 1


def _asked(text: str) -> str:
    """Of an ARN what is behind its kind: CLUSTER/NAME."""
    return text.rpartition(":")[2].partition("/")[2] if text.startswith("arn:") else text


def service_lines(found: WhyService) -> Iterator[str]:
    yield f"Service {found.service} (cluster {found.cluster}): {found.running} of {found.desired} tasks run"
    for one in found.deployments:
        failed = f", {one.failed} failed" if one.failed else ""
        head = f"  deployment {one.id} ({one.definition}), {one.status}"
        yield f"{head}: {one.running} of {one.desired} run{failed}. {one.reason}"
    for group, states in found.targets.items():
        yield f"  target group {group}: {', '.join(f'{count} {state}' for state, count in states.items())}"
    yield ""
    if found.state == "well":
        since = found.steady_since
        told = f" It was last found steady at {since:%Y-%m-%d %H:%M:%S} UTC." if since else ""
        yield f"Nothing is wrong with it.{told}"
    elif found.state == "deleted":
        yield "It is deleted."
    elif found.state == "underway":
        yield "It is on its way; nothing is known to be wrong with it."
    yield from found.troubles
    if found.given_up is not None:
        yield f"Its newest deployment was given up. {found.given_up}"
    if found.task is not None:
        yield ""
        yield from lines(found.task)


def lines(found: Why) -> Iterator[str]:
    head = f"Task {found.task} ({found.definition}, cluster {found.cluster}): {found.status}"
    yield f"{head}{', ' + found.stop_code if found.stop_code else ''}"
    if found.stopped_reason:
        yield f"    {found.stopped_reason}"
    yield ""
    yield from chart(found.phases)
    for line in found.waits_for:
        yield f"It waits for {line}."
    if found.finding is not None:
        yield ""
        yield from _finding(found.finding)
    elif not found.waits_for and found.status == "RUNNING":
        yield "Nothing is wrong with it."


def chart(phases: tuple[Phase, ...]) -> Iterator[str]:
    """A line for each phase: when it began after the first one, how long it took, and a bar."""
    if not phases:
        return
    first = phases[0].began
    last = max([*(p.ended or p.began for p in phases if p.name != "runs"), *(p.began for p in phases)])
    width = max((last - first).total_seconds(), 0.001)
    names = [f"{p.container}: {p.name}" if p.container else p.name for p in phases]
    longest = max(map(len, names))
    for phase, name in zip(phases, names, strict=True):
        start = min(_at(phase.began, first, width), BAR - 1)
        end = BAR if phase.ended is None else _at(min(phase.ended, last), first, width)
        bar = (" " * start + "#" * max(end - start, 1)).ljust(BAR)
        began = f"+{(phase.began - first).total_seconds():.3f} s"
        text = f"  {phase.text}" if phase.text else ""
        yield f"  {name.ljust(longest)}  {began:>12}  {_length(phase):>11}  |{bar}|{text}"


def _at(moment: datetime, first: datetime, width: float) -> int:
    return min(int((moment - first).total_seconds() / width * BAR), BAR)


def _length(phase: Phase) -> str:
    return "goes on" if phase.ended is None else f"{(phase.ended - phase.began).total_seconds():.3f} s"


def _finding(finding: Finding) -> Iterator[str]:
    yield f"Cause ({finding.category}): {finding.cause}."
    for line in finding.packets:
        yield f"    {line}"
    if finding.commands:
        yield "This mends it:"
        yield from (f"    {command}" for command in finding.commands)
    if finding.advice:
        yield finding.advice
