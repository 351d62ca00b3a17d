"""Answers of pure functions, kept from one compilation to the next.

What did not change is not only equal but the same object, so that whoever comes after can skip it unseen.
"""

from collections.abc import Callable, Hashable
from typing import Any, NamedTuple, TypeVar

_T = TypeVar("_T")


class _Entry(NamedTuple):
    given: tuple[Any, ...]
    answer: Any
    used: tuple[Hashable, ...]  # what the function recalled in turn


class Memory:
    """One per place that compiles.  What one compilation had no use for is forgotten."""

    def __init__(self) -> None:
        self._before: dict[Hashable, _Entry] = {}
        self._now: dict[Hashable, _Entry] = {}
        self._using: list[Hashable] = []

    def turn(self) -> None:
        """A new compilation begins."""
        self._before, self._now, self._using = self._now, {}, []

    def recall(self, key: Hashable, function: Callable[..., _T], *args: Any) -> _T:
        """The function's answer, computed only if an argument differs from the last time under this key.

        Arguments are compared by value; for those that are the same objects that costs nothing.
        """
        entry: _Entry | None = self._now.get(key) or self._before.get(key)
        if entry is None or entry.given != args:
            entry = self._ask(entry, function, args)
            self._now[key] = entry
        else:
            self._keep(key)
        self._using.append(key)
        answer: _T = entry.answer
        return answer

    def same(self, key: Hashable, value: _T) -> _T:
        """The value, or rather the object handed out last time if that is equal."""
        kept: _T = self.recall(key, _itself, value)
        return kept

    def _ask(self, entry: _Entry | None, function: Callable[..., Any], args: tuple[Any, ...]) -> _Entry:
        outer, self._using = self._using, []
        answer = function(*args)
        used, self._using = tuple(self._using), outer
        if entry is not None and entry.answer == answer:
            answer = entry.answer
        return _Entry(args, answer, used)

    def _keep(self, key: Hashable) -> None:
        if key not in self._now and key in self._before:
            entry = self._before[key]
            self._now[key] = entry
            for used in entry.used:
                self._keep(used)


def _itself(value: _T) -> _T:
    return value
