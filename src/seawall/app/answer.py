"""What a command prints on success: lines for people, one JSON value for scripts."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any


def answer(output: str, value: Any, lines: Iterable[str]) -> None:
    """Print `value` as JSON when the user asked for it, else the lines."""
    if output == "json":
        json.dump(value, sys.stdout, indent=2)
        print()
        return
    for line in lines:
        print(line)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns as wide as their widest cell; the last one is left ragged."""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (head, *rows)
    ]
