"""say why a task failed, or what it waits for, and how long each part of its way took

TASK is a task's id, the beginning of one, or an ARN; also a stopped one, as long as it is kept.  Of a service
(its name) the newest task that failed is told of, else its newest.
Exit status 0: nothing is wrong with it; 1: a cause of failure is known.
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
from seawall.model.finding import Finding, Phase

BAR = 30  # characters


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("task", metavar="TASK")


def run(args: argparse.Namespace) -> int:
    said = fetch_own(args.state_dir, "why", {"task": args.task.rpartition("/")[2]})
    found = msgspec.json.decode(said, type=Why)
    answer(args.output, json.loads(said), lines(found))
    return 0 if found.finding is None else 1


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
