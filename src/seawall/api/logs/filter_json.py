"""Filter patterns over JSON events: { $.level = "ERROR" && ($.status >= 500 || $.id NOT EXISTS) }."""

import re
from collections.abc import Callable, Iterator
from typing import Any, Union

import msgspec

from seawall.api.logs.filter_value import InvalidPattern, Scanner, ValueTest, comparison, unquote

Step = Union[str, int, None]  # noqa: UP007 - evaluated at run time on Python 3.10
"""A property's name, an index, or None for every member."""
JsonTest = Callable[[Any], bool]

_NAME = re.compile(r"[A-Za-z0-9_\-@]+")
_INDEX = re.compile(r"\d{1,9}")
_WORD = re.compile(r"[^\s(){}&|\"%=<>!]+")
_DEEPEST = 50  # levels of parentheses


def json_pattern(text: str) -> Callable[[str], bool]:
    """A test for the messages that match { ... }.  Raises InvalidPattern."""
    scanner = Scanner(text)
    scanner.expect("{")
    test = _either(scanner, 0)
    scanner.expect("}")
    if scanner.peek():
        raise InvalidPattern(f"Invalid filter pattern: unexpected text at position {scanner.at}")

    def matches(message: str) -> bool:
        try:
            document = msgspec.json.decode(message)
        except (msgspec.DecodeError, RecursionError):
            return False
        return isinstance(document, dict | list) and test(document)

    return matches


def _either(scanner: Scanner, depth: int) -> JsonTest:
    tests = [_both(scanner, depth)]
    while scanner.take("||"):
        tests.append(_both(scanner, depth))
    return tests[0] if len(tests) == 1 else lambda document: any(test(document) for test in tests)


def _both(scanner: Scanner, depth: int) -> JsonTest:
    tests = [_single(scanner, depth)]
    while scanner.take("&&"):
        tests.append(_single(scanner, depth))
    return tests[0] if len(tests) == 1 else lambda document: all(test(document) for test in tests)


def _single(scanner: Scanner, depth: int) -> JsonTest:
    if scanner.take("("):
        if depth == _DEEPEST:
            raise InvalidPattern("Invalid filter pattern: too many parentheses")
        inner = _either(scanner, depth + 1)
        scanner.expect(")")
        return inner
    path = _selector(scanner)
    if scanner.take_words("NOT", "EXISTS"):
        return lambda document: not any(True for _ in _select(document, path))
    if scanner.take_words("IS", "NULL"):
        return lambda document: any(value is None for value in _select(document, path))
    if scanner.take_words("IS", "TRUE"):
        return lambda document: any(value is True for value in _select(document, path))
    if scanner.take_words("IS", "FALSE"):
        return lambda document: any(value is False for value in _select(document, path))
    return _compare(path, comparison(scanner, _WORD))


def _compare(path: tuple[Step, ...], test: ValueTest) -> JsonTest:
    def matches(document: Any) -> bool:
        return any(not isinstance(value, dict | list) and test(value) for value in _select(document, path))

    return matches


def _selector(scanner: Scanner) -> tuple[Step, ...]:
    """$.a.b[0].c[*]["odd name"].*"""
    scanner.expect("$")
    path: list[Step] = []
    while True:
        following = scanner.text[scanner.at : scanner.at + 1]
        if following == ".":
            scanner.at += 1
            name = "*" if scanner.take("*") else scanner.take_match(_NAME)
            if not name:
                raise InvalidPattern(f"Invalid filter pattern: expected a property at position {scanner.at}")
            path.append(None if name == "*" else name)
        elif following == "[":
            scanner.at += 1
            path.append(_bracketed(scanner))
            scanner.expect("]")
        else:
            break
    if not path:
        raise InvalidPattern(f"Invalid filter pattern: expected a property at position {scanner.at}")
    return tuple(path)


def _bracketed(scanner: Scanner) -> Step:
    following = scanner.peek()
    if following in ("'", '"') and following:
        return unquote(scanner.delimited(following))
    if scanner.take("*"):
        return None
    index = scanner.take_match(_INDEX)
    if index is None:
        raise InvalidPattern(f"Invalid filter pattern: expected an index at position {scanner.at}")
    return int(index)


def _select(document: Any, path: tuple[Step, ...]) -> Iterator[Any]:
    """The values a selector names; none where a step does not exist."""
    if not path:
        yield document
        return
    step, rest = path[0], path[1:]
    if step is None:
        members = document.values() if isinstance(document, dict) else document
        if isinstance(document, dict | list):
            for member in members:
                yield from _select(member, rest)
    elif isinstance(step, str):
        if isinstance(document, dict) and step in document:
            yield from _select(document[step], rest)
    elif isinstance(document, list) and step < len(document):
        yield from _select(document[step], rest)
