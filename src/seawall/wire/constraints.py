"""The constraints of single values: lengths, ranges, enums and patterns, as a model states them."""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from botocore.model import Shape


class Violation(NamedTuple):
    """`kind` is required, length, range, pattern or enum; `path` the member's dotted path."""

    kind: str
    path: str
    value: Any
    text: str
    shape: Shape


Check = Callable[[Any, str], Iterator[Violation]]
Broken = tuple[str, str]  # kind and text


def constraints(shape: Shape, *, enums: bool) -> Check | None:
    """The check of a value's own constraints, or None when the model has none."""
    limits: dict[str, Any] = shape.metadata
    checks: list[Callable[[Any], Broken | None]] = []
    if shape.type_name in ("string", "list", "map", "blob"):
        checks += _length_checks(limits)
    elif shape.type_name in ("integer", "long", "float", "double"):
        checks += _range_checks(limits)
    if shape.type_name == "string":
        if enums and limits.get("enum"):
            checks.append(_enum_check(list(limits["enum"])))
        elif limits.get("pattern"):
            checks += _pattern_checks(limits["pattern"])
    if not checks:
        return None

    def check(value: Any, path: str) -> Iterator[Violation]:
        for one in checks:
            broken = one(value)
            if broken is not None:
                yield Violation(broken[0], path, value, broken[1], shape)

    return check


def _length_checks(limits: dict[str, Any]) -> Iterator[Callable[[Any], Broken | None]]:
    low, high = limits.get("min"), limits.get("max")
    if low:
        text = f"Member must have length greater than or equal to {low}"
        yield lambda value: ("length", text) if len(value) < low else None
    if high is not None:
        over = f"Member must have length less than or equal to {high}"
        yield lambda value: ("length", over) if len(value) > high else None


def _range_checks(limits: dict[str, Any]) -> Iterator[Callable[[Any], Broken | None]]:
    low, high = limits.get("min"), limits.get("max")
    if low is not None:
        text = f"Member must have value greater than or equal to {low}"
        yield lambda value: ("range", text) if value < low else None
    if high is not None:
        over = f"Member must have value less than or equal to {high}"
        yield lambda value: ("range", over) if value > high else None


def _enum_check(allowed: list[str]) -> Callable[[Any], Broken | None]:
    text = f"Member must satisfy enum value set: [{', '.join(allowed)}]"
    known = frozenset(allowed)
    return lambda value: ("enum", text) if value not in known else None


def _pattern_checks(pattern: str) -> Iterator[Callable[[Any], Broken | None]]:
    compiled = _compiled(pattern)
    if compiled is not None:
        text = f"Member must satisfy regular expression pattern: {pattern}"
        yield lambda value: ("pattern", text) if compiled.fullmatch(value) is None else None


def _compiled(pattern: str) -> re.Pattern[str] | None:
    """The models' patterns are Java's.  A few use what Python spells otherwise; None when it cannot be read,
    and then the value is the operation's to judge."""
    python = pattern.replace(r"\w-_", r"\w\-_")
    for java, spelled in _UNICODE_CLASSES.items():
        python = python.replace(java, spelled)
    try:
        return re.compile(python, 0 if r"\p{L}" in pattern else re.ASCII)
    except re.error:
        return None


_UNICODE_CLASSES = {  # inside brackets; letters and numbers are Python's \w
    r"\p{L}": r"\w",
    r"\p{N}": "",
    r"\p{Z}": r" \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000",
    r"\p{ASCII}": r"[\x00-\x7f]",
}
