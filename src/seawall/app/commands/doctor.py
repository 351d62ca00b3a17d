"""check that this machine has what Seawall needs

One line for each thing, with what to do where it is missing.  Exit status 4 when something needed is missing.
"""

import argparse

from seawall.app.answer import answer
from seawall.app.doctor import examine
from seawall.app.failure import UNPREPARED

_MARKS = {"ok": "ok     ", "limited": "limited", "missing": "MISSING"}


def configure(parser: argparse.ArgumentParser) -> None:
    pass


def run(args: argparse.Namespace) -> int:
    findings = examine()
    answer(
        args.output,
        [finding.plain() for finding in findings],
        (f"{_MARKS[finding.verdict]}  {finding.subject}: {finding.sentence()}" for finding in findings),
    )
    return UNPREPARED if any(finding.verdict == "missing" for finding in findings) else 0
