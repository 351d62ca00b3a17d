"""Filter patterns of FilterLogEvents: terms, JSON selectors, and fields separated by spaces.

Source: CloudWatch Logs User Guide, "Filter pattern syntax".  Everything is case-sensitive.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from seawall.api.logs.filter_json import json_pattern
from seawall.api.logs.filter_value import InvalidPattern, Scanner, ValueTest, comparison, regex, unquote

__all__ = ["EventTest", "InvalidPattern", "compile_pattern"]

EventTest = Callable[[str], bool]
"""Says whether a message matches."""

_TERM = re.compile(r"[^\s\"%]+")
_PLAIN_TERM = re.compile(r"\w+")
_FIELD_NAME = re.compile(r"[A-Za-z0-9_\-.]+")
_FIELD_WORD = re.compile(r"[^\s,\]&|\"%=<>!]+")
_MESSAGE_FIELD = re.compile(r'\[([^\]]*)\]|"((?:\\.|[^"\\])*)"|(\S+)')


def compile_pattern(text: str) -> EventTest:
    """A test for the messages that match a pattern; an empty pattern matches every message.

    Raises InvalidPattern.
    """
    start = text.lstrip()[:1]
    if start == "{":
        return json_pattern(text)
    if start == "[":
        return _field_pattern(text)
    return _term_pattern(text)


class _Term(NamedTuple):
    mark: str  # "?": one of these; "-": none of these; "": all of these
    found: EventTest


def _term_pattern(text: str) -> EventTest:
    """ERROR "exact phrase" -debug ?one ?other %regex%"""
    scanner = Scanner(text)
    terms: list[_Term] = []
    while scanner.peek():
        terms.append(_term(scanner))
    wanted = [term.found for term in terms if term.mark == ""]
    unwanted = [term.found for term in terms if term.mark == "-"]
    # The guide: ? terms beside other terms are ignored.
    optional = [term.found for term in terms if term.mark == "?"] if not wanted and not unwanted else []

    def matches(message: str) -> bool:
        return (
            all(found(message) for found in wanted)
            and not any(found(message) for found in unwanted)
            and (not optional or any(found(message) for found in optional))
        )

    return matches


def _term(scanner: Scanner) -> _Term:
    mark = scanner.peek()
    if mark in ("?", "-"):
        scanner.at += 1
    else:
        mark = ""
    following = scanner.text[scanner.at : scanner.at + 1]
    if following == "%":
        expression = regex(scanner.delimited("%"))
        return _Term(mark, lambda message: expression.search(message) is not None)
    if following == '"':
        phrase = unquote(scanner.delimited('"'))
        return _Term(mark, lambda message: phrase in message)
    found = _TERM.match(scanner.text, scanner.at)
    term = found.group() if found else following
    if found is None or not _PLAIN_TERM.fullmatch(term):
        raise InvalidPattern(f"Invalid character(s) in term '{term}'")
    scanner.at = found.end()
    return _Term(mark, lambda message: term in message)


def _field_pattern(text: str) -> EventTest:
    """[ip, user, ..., status=4* && status!=404, size > 100]"""
    scanner = Scanner(text)
    scanner.expect("[")
    before: list[ValueTest] = []
    after: list[ValueTest] = []
    gap = False
    fields = before
    while True:
        if scanner.take("..."):
            if gap:
                raise InvalidPattern("Invalid filter pattern: more than one ellipsis")
            gap, fields = True, after
        else:
            fields.append(_field(scanner))
        if not scanner.take(","):
            break
    scanner.expect("]")
    if scanner.peek():
        raise InvalidPattern(f"Invalid filter pattern: unexpected text at position {scanner.at}")

    def matches(message: str) -> bool:
        values = split_fields(message)
        asked = len(before) + len(after)
        if len(values) < asked or (not gap and len(values) > asked):
            return False
        ends = values[: len(before)] + values[len(values) - len(after) :]
        return all(test(value) for test, value in zip(before + after, ends, strict=True))

    return matches


def split_fields(message: str) -> list[str]:
    """The fields of a message: words, and what stands in "quotes" or [brackets] as one."""
    return [found.group(found.lastindex or 0) for found in _MESSAGE_FIELD.finditer(message)]


def _field(scanner: Scanner) -> ValueTest:
    """A name alone (any value), or comparisons of it joined by && and ||."""
    name = scanner.take_match(_FIELD_NAME)
    if name is None:
        raise InvalidPattern(f"Invalid filter pattern: expected a field name at position {scanner.at}")
    if scanner.peek() in (",", "]", ""):
        return lambda _: True
    choices = [[comparison(scanner, _FIELD_WORD)]]
    while True:
        if scanner.take("&&"):
            choices[-1].append(_again(scanner, name))
        elif scanner.take("||"):
            choices.append([_again(scanner, name)])
        else:
            break
    return lambda value: any(all(test(value) for test in tests) for tests in choices)


def _again(scanner: Scanner, name: str) -> ValueTest:
    other = scanner.take_match(_FIELD_NAME)
    if other != name:
        raise InvalidPattern(f"Invalid filter pattern: expected field '{name}' at position {scanner.at}")
    return comparison(scanner, _FIELD_WORD)
