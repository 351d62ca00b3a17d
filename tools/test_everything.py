"""Run all tests in three pytest runs and print one closing line for them together.

The tests marked `world` need namespaces of their own, so they run inside private worlds; the ones marked
`e2e` start whole Seawalls and must not; the rest needs neither.  Workers share the tests, for most of them
wait most of the time: three the plain ones, two the others, with one world each, or one Seawall each for the
tests that share one.
A run in which nothing was collected counts as failed: green must mean that something was tested.
"""

import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

BUILD = Path("build")
IN_A_WORLD = f"{sys.executable} -m seawall.host.world run -- {sys.executable}"
RUNS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    # marker, options; the tests of a file share what is costly to set up, unless they need nothing
    "plain": ("not world and not e2e", ("-n", "3", "--dist", "worksteal")),
    "world": ("world", ("--dist", "loadfile", "--tx", f"2*popen//python={IN_A_WORLD}")),
    "e2e": ("e2e", ("--dist", "loadfile", "-n", "2")),
}


@dataclass(frozen=True)
class Counts:
    """What a pytest run, or several, came to."""

    passed: int = 0
    failed: int = 0
    errors: int = 0
    skipped: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.passed + other.passed,
            self.failed + other.failed,
            self.errors + other.errors,
            self.skipped + other.skipped,
        )

    @property
    def ok(self) -> bool:
        return self.passed > 0 and not self.failed and not self.errors

    def __str__(self) -> str:
        parts = [(self.failed, "failed"), (self.passed, "passed"), (self.skipped, "skipped")]
        parts.append((self.errors, "error" if self.errors == 1 else "errors"))
        return ", ".join(f"{number} {word}" for number, word in parts if number) or "no tests ran"


def read_counts(report: Path) -> Counts:
    """Add up a JUnit report as pytest writes it.  A missing report is one error: pytest never finished."""
    if not report.exists():
        return Counts(errors=1)
    total = Counts()
    for suite in ElementTree.parse(report).getroot().iter("testsuite"):
        tests, failed, errors, skipped = (
            int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")
        )
        total += Counts(tests - failed - errors - skipped, failed, errors, skipped)
    return total


def run(name: str, arguments: list[str]) -> Counts:
    """One pytest run; its report decides, and an exit status that contradicts the report is an error."""
    marker, options = RUNS[name]
    report = BUILD / f"tests-{name}.xml"
    report.unlink(missing_ok=True)
    # A worker that is lost has failed; one that was told to end must not be replaced.
    command = [sys.executable, "-m", "pytest", *options, "--max-worker-restart=0", "-m", marker]
    command.append(f"--junitxml={report.absolute()}")
    print("+", *command, *arguments, flush=True)
    # A group of its own, so that Ctrl-C reaches it from here alone.
    with subprocess.Popen([*command, *arguments], start_new_session=True) as process:
        try:
            status = process.wait()
        except KeyboardInterrupt:
            # Not `subprocess.run`, which would kill pytest before it has cleared up.
            process.send_signal(signal.SIGTERM)
            process.wait()
            raise
    counts = read_counts(report)
    if status and counts.ok:
        counts += Counts(errors=1)
    if not counts.passed and not counts.failed and not counts.errors:
        print(f"the {name} run collected no tests", flush=True)
        counts += Counts(errors=1)
    return counts


def main() -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    BUILD.mkdir(exist_ok=True)
    began = time.monotonic()
    try:
        results = {name: run(name, sys.argv[1:]) for name in RUNS}
    except KeyboardInterrupt:
        print("interrupted; nothing is said about the tests that did not run", flush=True)
        return 130
    for name, counts in results.items():
        print(f"{name:6} {counts}")
    total = sum(results.values(), Counts())
    print(f" {total} in {time.monotonic() - began:.2f}s ".center(80, "="), flush=True)
    return 0 if all(counts.ok for counts in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
