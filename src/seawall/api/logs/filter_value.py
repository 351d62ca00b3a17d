"""The smallest parts of a filter pattern: scanning its text, and comparing one value with `= 4*` or `> 5`.

Source: CloudWatch Logs User Guide, "Filter pattern syntax".
"""

import re
from collections.abc import Callable
from typing import Union

Value = Union[str, int, float, bool, None]  # noqa: UP007 - evaluated at run time on Python 3.10
ValueTest = Callable[[Value], bool]
"""Says whether one value of an event satisfies a comparison."""

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")
_OPERATOR = re.compile(r"!=|<=|>=|=|<|>")
_REGEX_CHARACTERS = re.compile(r"(?:[A-Za-z0-9:_#=@/;,\- ^$?\[\]{}|*+.]|\\[ -~])*")
_UNBOUNDED = re.compile(r"(?<!\\)(?:[*+]|\{\d+,\})")
_MOST_UNBOUNDED = 6  # repeats in one expression: matching time grows with the message's length to this power


class InvalidPattern(ValueError):
    """The text is no filter pattern; the message says why, for the caller of the API."""


class Scanner:
    """A cursor over the pattern's text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def skip_spaces(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def peek(self) -> str:
        """The next character that is no space, or "" at the end."""
        self.skip_spaces()
        return self.text[self.at : self.at + 1]

    def take(self, literal: str) -> bool:
        """Step over `literal` if it comes next."""
        self.skip_spaces()
        if not self.text.startswith(literal, self.at):
            return False
        self.at += len(literal)
        return True

    def take_words(self, *words: str) -> bool:
        """Step over these words, whatever their case, if they come next."""
        found = re.compile(r"\s*" + r"\s+".join(words) + r"\b", re.IGNORECASE).match(self.text, self.at)
        if found:
            self.at = found.end()
        return found is not None

    def expect(self, literal: str) -> None:
        if not self.take(literal):
            raise InvalidPattern(f"Invalid filter pattern: expected '{literal}' at position {self.at}")

    def take_match(self, expression: re.Pattern[str]) -> str | None:
        self.skip_spaces()
        found = expression.match(self.text, self.at)
        if found is None:
            return None
        self.at = found.end()
        return found.group()

    def delimited(self, delimiter: str) -> str:
        """What stands between two delimiters; the cursor is on the first.  A backslash keeps the next."""
        start = self.at + 1
        end = start
        while end < len(self.text) and self.text[end] != delimiter:
            end += 2 if self.text[end] == "\\" else 1
        if end >= len(self.text):
            raise InvalidPattern(f"Invalid filter pattern: unbalanced {delimiter} at position {self.at}")
        self.at = end + 1
        return self.text[start:end]


def unquote(text: str) -> str:
    """The text between quotes without its backslashes."""
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def regex(text: str) -> re.Pattern[str]:
    """A compiled %regex%.  Only what the service's dialect has; Python reads the same in it."""
    if not _REGEX_CHARACTERS.fullmatch(text) or not text:
        raise InvalidPattern(f"Invalid filter pattern: unsupported character in regex '{text}'")
    if len(_UNBOUNDED.findall(text)) > _MOST_UNBOUNDED:
        raise InvalidPattern(f"Invalid filter pattern: too many repeats in regex '{text}'")
    try:
        return re.compile(text)
    except re.error as error:
        raise InvalidPattern(f"Invalid filter pattern: {error} in regex '{text}'") from error


def comparison(scanner: Scanner, word: re.Pattern[str]) -> ValueTest:
    """Parse an operator and its operand.

    word   what an operand without quotes may look like where the comparison stands
    """
    operator = scanner.take_match(_OPERATOR)
    if operator is None:
        raise InvalidPattern(f"Invalid filter pattern: expected an operator at position {scanner.at}")
    if operator in ("=", "!="):
        equal = _equality(scanner, word)
        return equal if operator == "=" else lambda value: not equal(value)
    bound = scanner.take_match(_NUMBER)
    if bound is None:
        raise InvalidPattern(f"Invalid filter pattern: '{operator}' needs a number at position {scanner.at}")
    return _ordering(operator, float(bound))


def _equality(scanner: Scanner, word: re.Pattern[str]) -> ValueTest:
    following = scanner.peek()
    if following == "%":
        expression = regex(scanner.delimited("%"))
        return lambda value: value is not None and bool(expression.search(as_text(value)))
    if following == '"':
        return _wildcard(unquote(scanner.delimited('"')))
    operand = scanner.take_match(word)
    if not operand:
        raise InvalidPattern(f"Invalid filter pattern: expected a value at position {scanner.at}")
    if _NUMBER.fullmatch(operand):
        wanted = float(operand)
        return lambda value: as_number(value) == wanted
    return _wildcard(operand)


def _wildcard(text: str) -> ValueTest:
    """Equality where each * stands for any text.  Linear in the value, however many there are."""
    head, *others = text.split("*")
    if not others:
        return lambda value: value is not None and as_text(value) == text
    *middle, tail = others

    def test(value: Value) -> bool:
        if value is None:
            return False
        given = as_text(value)
        end = len(given) - len(tail)
        if not given.startswith(head) or not given.endswith(tail) or end < len(head):
            return False
        at = len(head)
        for part in middle:
            at = given.find(part, at, end)
            if at < 0:
                return False
            at += len(part)
        return True

    return test


def _ordering(operator: str, bound: float) -> ValueTest:
    def test(value: Value) -> bool:
        number = as_number(value)
        if number is None:
            return False
        if operator == "<":
            return number < bound
        if operator == "<=":
            return number <= bound
        return number > bound if operator == ">" else number >= bound

    return test


def as_text(value: Value) -> str:
    """A value as it stands in the event."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else str(value)


def as_number(value: Value) -> float | None:
    """A number, also one written as text; None for anything else."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, str):
        return float(value) if _is_number(value) else None
    return float(value)


def _is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None
