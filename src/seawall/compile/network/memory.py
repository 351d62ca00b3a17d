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
    stride: int = -1  # of an answer for each of many: how much each contributed, if all the same
    parts: tuple[tuple[Any, ...], ...] = ()  # else what each did

    def part(self, index: int) -> tuple[Any, ...]:
        if self.stride < 0:
            return self.parts[index]
        found: tuple[Any, ...] = self.answer[index * self.stride : (index + 1) * self.stride]
        return found

    def places(self, first: int, after: int) -> tuple[int, int]:
        """Where in the answer the contributions of the items from `first` to just before `after` are."""
        if self.stride >= 0:
            return first * self.stride, after * self.stride
        between = sum(map(len, self.parts[first:after]))
        if first < len(self.parts) - after:
            begin = sum(map(len, self.parts[:first]))
        else:
            begin = len(self.answer) - between - sum(map(len, self.parts[after:]))
        return begin, begin + between


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
            entry = self._make(entry, function, items, facts)
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

    def _make(
        self,
        elder: _Entry | None,
        function: Callable[..., tuple[Any, ...]],
        items: tuple[Any, ...],
        facts: tuple[Any, ...],
    ) -> _Entry:
        """Ask about all items; an answer that is as before stays the object it was."""
        parts = tuple(function(item, *facts) for item in items)
        if elder is not None and elder.given[0] == items:
            known = map(elder.part, range(len(items)))
            parts = tuple(old if old == new else new for old, new in zip(known, parts, strict=True))
        answer = tuple(chain.from_iterable(parts))
        strides = set(map(len, parts))
        if len(strides) == 1:
            return _Entry((items, *facts), answer, stride=strides.pop())
        return _Entry((items, *facts), answer, parts=parts)

    def _mend(
        self, entry: _Entry, function: Callable[..., tuple[Any, ...]], items: tuple[Any, ...]
    ) -> _Entry:
        """Ask about what lies between the common beginning and end, and put the answers in between."""
        old, facts = entry.given[0], entry.given[1:]
        first, last = self._common(old, items)
        elders = {id(old[index]): entry.part(index) for index in range(first, len(old) - last)}
        middle = []
        for index, item in enumerate(items[first : len(items) - last], first):
            part = elders.get(id(item))
            if part is None:
                part = function(item, *facts)
                if index < len(old) - last and entry.part(index) == part:
                    part = entry.part(index)
            middle.append(part)
        stride = entry.stride if all(len(part) == entry.stride for part in middle) else -1
        parts: tuple[tuple[Any, ...], ...] = ()
        if stride < 0:
            known = entry.parts if entry.stride < 0 else tuple(map(entry.part, range(len(old))))
            parts = known[:first] + tuple(middle) + known[len(old) - last :]
        begin, end = entry.places(first, len(old) - last)
        come = tuple(chain.from_iterable(middle))
        answer = entry.answer
        if come != answer[begin:end]:
            answer = answer[:begin] + come + answer[end:]
        return _Entry((items, *facts), answer, stride=stride, parts=parts)

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
