"""Answers of pure functions, kept from one compilation to the next.

What did not change is not only equal but the same object, so that whoever comes after can skip it unseen.
"""

from collections.abc import Callable, Hashable, Sequence
from itertools import chain
from typing import Any, NamedTuple, TypeVar

from seawall.program.alike import common_ends

_T = TypeVar("_T")
_A = TypeVar("_A")


class _Entry(NamedTuple):
    given: tuple[Any, ...]
    answer: Any
    used: tuple[Hashable, ...] = ()  # what the function recalled in turn
    parts: tuple[tuple[Any, ...], ...] = ()  # of an answer for each of many: what each contributed


class Memory:
    """One per place that compiles.  What one compilation had no use for is forgotten."""

    def __init__(self) -> None:
        self._before: dict[Hashable, _Entry] = {}
        self._now: dict[Hashable, _Entry] = {}
        self._using: list[Hashable] = []
        self._alike: dict[tuple[int, int], tuple[tuple[Any, ...], tuple[Any, ...], int, int]] = {}

    def turn(self) -> None:
        """A new compilation begins."""
        self._before, self._now, self._using = self._now, {}, []
        self._alike.clear()

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

    def each(
        self, key: Hashable, function: Callable[..., tuple[_T, ...]], items: Sequence[_A], *facts: Any
    ) -> tuple[_T, ...]:
        """What the function makes of each item (and the facts, the same for all), one after the other.

        Only items that are others than last time are asked about, as long as the facts are equal.
        """
        items = tuple(items)
        entry: _Entry | None = self._now.get(key) or self._before.get(key)
        if entry is None or entry.given[1:] != facts:
            parts = tuple(function(item, *facts) for item in items)
            entry = _Entry((items, *facts), tuple(chain.from_iterable(parts)), (), parts)
            self._now[key] = entry
        elif entry.given[0] != items:
            entry = self._mend(entry, function, items)
            self._now[key] = entry
        else:
            self._keep(key)
        self._using.append(key)
        return entry.answer  # type: ignore[no-any-return]

    def resume(
        self, key: Hashable, function: Callable[[Sequence[_A], Sequence[_T]], list[_T]], items: Sequence[_A]
    ) -> Sequence[_T]:
        """The function's answers, one for each item, where each depends on no later item than its own.

        It is given all items, and the answers for those that they begin with as last time.
        """
        items = tuple(items)
        entry: _Entry | None = self._now.get(key) or self._before.get(key)
        if entry is None:
            entry = _Entry((items,), function(items, ()))
        elif entry.given[0] != items:
            first, _ = self._common(entry.given[0], items)
            entry = _Entry((items,), function(items, entry.answer[:first]))
        self._now[key] = entry
        self._using.append(key)
        answers: Sequence[_T] = entry.answer
        return answers

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

    def _mend(
        self, entry: _Entry, function: Callable[..., tuple[Any, ...]], items: tuple[Any, ...]
    ) -> _Entry:
        """Ask about what lies between the common beginning and end, and put the answers in between."""
        old, facts = entry.given[0], entry.given[1:]
        first, last = self._common(old, items)
        elders = dict(zip(map(id, old[first : len(old) - last]), entry.parts[first:], strict=False))
        middle = []
        for index, item in enumerate(items[first : len(items) - last], first):
            part = elders.get(id(item))
            if part is None:
                part = function(item, *facts)
                if index < len(old) and entry.parts[index] == part:
                    part = entry.parts[index]
            middle.append(part)
        replaced = sum(map(len, entry.parts[first : len(old) - last]))
        if first < last:
            beginning = sum(map(len, entry.parts[:first]))
        else:
            beginning = len(entry.answer) - replaced - sum(map(len, entry.parts[len(old) - last :]))
        end = len(entry.answer) - beginning - replaced
        gone = entry.answer[beginning : beginning + replaced]
        come = tuple(chain.from_iterable(middle))
        answer = entry.answer
        if come != gone:
            answer = answer[:beginning] + come + answer[len(answer) - end :]
        parts = (*entry.parts[:first], *middle, *entry.parts[len(old) - last :])
        return _Entry((items, *facts), answer, (), parts)

    def _common(self, old: tuple[Any, ...], new: tuple[Any, ...]) -> tuple[int, int]:
        """How many items the two begin and end with alike."""
        key = id(old), id(new)
        if key not in self._alike:
            self._alike[key] = old, new, *common_ends(old, new)  # held, so that ids stay theirs
        return self._alike[key][2:]

    def _keep(self, key: Hashable) -> None:
        if key not in self._now and key in self._before:
            entry = self._before[key]
            self._now[key] = entry
            for used in entry.used:
                self._keep(used)


def _itself(value: _T) -> _T:
    return value
