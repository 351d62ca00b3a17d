"""What was measured: one object a line in build/bench.jsonl, and a table for people."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from statistics import median

from seawall.app.answer import table

FILE = Path("build/bench.jsonl")
Turns = Sequence[Sequence[float]]  # single measurements by turn


@dataclass(frozen=True)
class Sample:
    """What one way of doing it came to.

    value   the median
    p99     what 99 of 100 single measurements are at least as good as: the slow end of times and of rates
    """

    value: float
    p50: float
    p99: float


@dataclass(frozen=True)
class Result:
    """One line of the report; `ratio` is `value` divided by the baseline's, or the median of such ratios."""

    name: str
    unit: str
    value: float
    p50: float
    p99: float
    baseline: float
    baseline_name: str
    baseline_p99: float
    ratio: float
    goal: str
    met: bool


def sample(measurements: Sequence[float], *, more_is_better: bool) -> Sample:
    """Condense single measurements.  Raises ValueError when there are fewer than two."""
    if len(measurements) < 2:
        raise ValueError("one measurement tells nothing about how they spread")
    ordered = sorted(measurements, reverse=more_is_better)
    worst = ordered[min(len(ordered) - 1, round(0.99 * (len(ordered) - 1)))]
    middle = median(ordered)
    return Sample(middle, middle, worst)


def compare(
    name: str,
    unit: str,
    ours: Sample,
    theirs: Sample,
    *,
    against: str,
    at_least: float = 0,
    at_most: float = 0,
    p50_at_most: float = 0,
    p99_at_most: float = 0,
    ratio: float = 0,
) -> Result:
    """Ours against a baseline; the goal is a ratio of at least or at most so much, or a value of our own.

    ratio   where there is a better one than that of the two values
    """
    ratio = ratio or ours.value / theirs.value
    goals = [(f">= {at_least:g}", ratio >= at_least)] if at_least else []
    goals += [(f"<= {at_most:g}", ratio <= at_most)] if at_most else []
    goals += [(f"p50 <= {p50_at_most:g}", ours.p50 <= p50_at_most)] if p50_at_most else []
    goals += [(f"p99 <= {p99_at_most:g}", ours.p99 <= p99_at_most)] if p99_at_most else []
    return Result(
        name=name,
        unit=unit,
        value=ours.value,
        p50=ours.p50,
        p99=ours.p99,
        baseline=theirs.value,
        baseline_name=against,
        baseline_p99=theirs.p99,
        ratio=ratio,
        goal=", ".join(text for text, _ in goals),
        met=all(met for _, met in goals),
    )


def compare_turns(
    name: str, unit: str, ours: Turns, theirs: Turns, *, against: str, at_least: float = 0
) -> Result:
    """Rates that were measured in turns: what else the machine did meanwhile met both sides of each turn.

    The ratio is the median of those of the turns.
    """
    ratios = [median(own) / median(other) for own, other in zip(ours, theirs, strict=True)]
    own, other = (sample(list(chain.from_iterable(turns)), more_is_better=True) for turns in (ours, theirs))
    return compare(name, unit, own, other, against=against, at_least=at_least, ratio=median(ratios))


def write(results: Sequence[Result]) -> None:
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text("".join(json.dumps(asdict(result)) + "\n" for result in results))


def lines(results: Sequence[Result]) -> list[str]:
    """The table."""
    head = ("WHAT", "UNIT", "SEAWALL p50", "p99", "BASELINE", "p50", "p99", "RATIO", "GOAL", "")
    rows = [
        (
            result.name,
            result.unit,
            f"{result.p50:,.1f}",
            f"{result.p99:,.1f}",
            result.baseline_name,
            f"{result.baseline:,.1f}",
            f"{result.baseline_p99:,.1f}",
            f"{result.ratio:.2f}",
            result.goal,
            ("met" if result.met else "MISSED") if result.goal else "",
        )
        for result in results
    ]
    return table(head, rows)
