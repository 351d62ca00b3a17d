"""How a VPC grows: a thousand interfaces and rules against two and one, measured in one private world."""

import json
import subprocess
import sys
from typing import Any

from bench.record import Result, Turns, compare, compare_turns, sample

MANY = 1000


def scale() -> list[Result]:
    """Goals: a packet and a connection cost at most 1.10 times as much; changes stay quick and flat."""
    command = [sys.executable, "-m", "seawall.host.world", "run", "--"]
    done = subprocess.run(
        [*command, sys.executable, "-m", "bench.vpc_scale"], stdout=subprocess.PIPE, text=True, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return [*_traffic(found["traffic"]), *_changes(found)]


def _traffic(rates: dict[str, Turns]) -> list[Result]:
    return [
        compare_turns(
            f"{what}, {interfaces} interfaces, {rules} rules", "1/s",
            rates[f"{what} {interfaces} {rules}"], rates[f"{what} 2 1"],
            against="2 and 1", at_least=1 / 1.1,
        )
        for what in ("requests", "connects")
        for interfaces, rules in ((MANY, 1), (2, MANY), (MANY, MANY))
    ]  # fmt: skip


def _changes(found: dict[str, Any]) -> list[Result]:
    changes = {n: sample(times, more_is_better=False) for n, times in found["rule change"].items()}
    added = {n: sample(times, more_is_better=False) for n, times in found["interface"].items()}
    memory = sample(found["memory"], more_is_better=False)
    return [
        compare(
            "rule changed, compile to kernel, 1000 interfaces", "ms", changes["1000"], changes["10"],
            against="10 interfaces", p99_at_most=20,
        ),
        compare(
            "interface added to 1000", "ms", added["1000"], added["10"], against="to 10", p50_at_most=10
        ),
        compare("interface added to 100", "ms", added["100"], added["10"], against="to 10", p50_at_most=10),
        compare("memory per interface", "kB", memory, memory, against="itself"),
    ]  # fmt: skip
