"""Answers of pure functions, kept from one compilation to the next.

What did not change is not only equal but the same object, so that whoever comes after can skip it unseen.
"""

from collections.abc import Callable, Hashable, Sequence
from itertools import chain
from typing import Any, NamedTuple, TypeVar

from seawall.compile.network.shelving import shelved
from seawall.model.resource import Resource
from seawall.program.alike import common_ends
from seawall.program.shelves import Shelves, other_shelves, replaced

_T = TypeVar("_T")
_A = TypeVar("_A")
_R = TypeVar("_R", bound=Resource)


class _Entry(NamedTuple):
    given: tuple[Any, ...]
    answer: Any
    used: tuple[Hashable, ...] = ()  # what the function recalled in turn
    shelves: tuple["_Shelf", ...] = ()  # of an answer for each of many


class _Shelf(NamedTuple):
    """What a function made of each of some items."""

    answer: tuple[Any, ...]
    stride: int = -1  # how much each contributed, if all the same
    parts: tuple[tuple[Any, ...], ...] = ()  # else what each did

    def part(self, index: int) -> tuple[Any, ...]:
        if self.stride < 0:
            return self.parts[index]
        return self.answer[index * self.stride : (index + 1) * self.stride]


class _Place(NamedTuple):
    """A shelf that is another: how many items it begins and ends with as before."""

    shelf: int
    first: int
    last: int


class Memory:
    """One per place that compiles.  What one compilation had no use for is forgotten."""

    def __init__(self) -> None:
        self._before: dict[Hashable, _Entry] = {}
        self._now: dict[Hashable, _Entry] = {}
        self._using: list[Hashable] = []
        self._others: dict[tuple[int, int], tuple[Shelves[Any], Shelves[Any], list[_Place]]] = {}

    def turn(self) -> None:
        """A new compilation begins."""
        self._before, self._now, self._using = self._now, {}, []
        self._others.clear()

    def recall(self, key: Hashable, function: Callable[..., _T], *args: Any) -> _T:
        """The function's answer, computed only if an argument differs from the last time under this key.

        Arguments are compared by value; for those that are the same objects that costs nothing.
        """
        entry = self._known(key)
        if entry is None or entry.given != args:
            entry = self._ask(entry, function, args)
            self._now[key] = entry
        else:
            self._keep(key)
        self._using.append(key)
        answer: _T = entry.answer
        return answer

    def each(
        self, key: Hashable, function: Callable[..., tuple[_T, ...]], items: Shelves[_A], *facts: Any
    ) -> Shelves[_T]:
        """What the function makes of each item (and the facts, the same for all), on as many shelves.

        Only items that are others than last time are asked about, as long as the facts are equal.
        """
        entry = self._known(key)
        if entry is None or entry.given[1:] != facts or len(entry.shelves) != len(items.shelves):
            entry = _made(entry, function, items, facts)
            self._now[key] = entry
        elif entry.given[0] is not items and entry.given[0] != items:
            entry = _mended(entry, function, items, self._places(entry.given[0], items))
            self._now[key] = entry
        else:
            self._keep(key)
        self._using.append(key)
        return entry.answer  # type: ignore[no-any-return]

    def shelved(self, key: Hashable, resources: tuple[_R, ...]) -> Shelves[_R]:
        """The resources on shelves, by their ids."""
        entry = self._known(key) or _Entry(((),), Shelves())
        if entry.given[0] != resources or not entry.answer.shelves:
            entry = _Entry((resources,), shelved(entry.given[0], entry.answer, resources))
        self._now[key] = entry
        self._using.append(key)
        return entry.answer  # type: ignore[no-any-return]

    def own(self, key: Hashable, make: Callable[[], _T]) -> _T:
        """A thing that remembers by itself: what it was asked last must not show in what it answers."""
        entry = self._known(key) or _Entry((), make())
        self._now[key] = entry
        self._using.append(key)
        thing: _T = entry.answer
        return thing

    def same(self, key: Hashable, value: _T) -> _T:
        """The value, or rather the object handed out last time if that is equal."""
        kept: _T = self.recall(key, _itself, value)
        return kept

    def _known(self, key: Hashable) -> _Entry | None:
        return self._now.get(key) or self._before.get(key)

    def _ask(self, entry: _Entry | None, function: Callable[..., Any], args: tuple[Any, ...]) -> _Entry:
        outer, self._using = self._using, []
        answer = function(*args)
        used, self._using = tuple(self._using), outer
        if entry is not None and entry.answer == answer:
            answer = entry.answer
        return _Entry(args, answer, used)

    def _places(self, old: Shelves[Any], new: Shelves[Any]) -> list[_Place]:
        """Asked for every function of the same items."""
        key = id(old), id(new)
        if key not in self._others:
            found = [
                _Place(index, *common_ends(old.shelves[index], new.shelves[index]))
                for index in other_shelves(old, new)
            ]
            self._others[key] = old, new, found  # held, so that ids stay theirs
        return self._others[key][2]

    def _keep(self, key: Hashable) -> None:
        if key not in self._now and key in self._before:
            entry = self._before[key]
            self._now[key] = entry
            for used in entry.used:
                self._keep(used)


def _made(
    elder: _Entry | None,
    function: Callable[..., tuple[Any, ...]],
    items: Shelves[Any],
    facts: tuple[Any, ...],
) -> _Entry:
    """Ask about all items; an answer that is as before stays the object it was."""
    shelves = []
    alike = elder is not None and elder.given[0] == items
    for index, shelf in enumerate(items.shelves):
        parts = tuple(function(item, *facts) for item in shelf)
        if elder is not None and alike:
            known = map(elder.shelves[index].part, range(len(shelf)))
            parts = tuple(old if old == new else new for old, new in zip(known, parts, strict=True))
        shelves.append(_shelf_of(parts))
    answer = Shelves(tuple(shelf.answer for shelf in shelves))
    if elder is not None and answer == elder.answer:
        answer = elder.answer
    return _Entry((items, *facts), answer, shelves=tuple(shelves))


def _shelf_of(parts: tuple[tuple[Any, ...], ...]) -> _Shelf:
    answer = tuple(chain.from_iterable(parts))
    strides = set(map(len, parts))
    return _Shelf(answer, stride=strides.pop()) if len(strides) == 1 else _Shelf(answer, parts=parts)


def _mended(
    entry: _Entry, function: Callable[..., tuple[Any, ...]], items: Shelves[Any], places: Sequence[_Place]
) -> _Entry:
    old, facts = entry.given[0], entry.given[1:]
    shelves, answers = list(entry.shelves), {}
    for place in places:
        index, elder = place.shelf, shelves[place.shelf]
        shelf = _mended_shelf(
            elder, old.shelves[index], items.shelves[index], place, lambda item: function(item, *facts)
        )
        if shelf.answer == elder.answer:
            shelf = shelf._replace(answer=elder.answer)
        else:
            answers[index] = shelf.answer
        shelves[index] = shelf
    answer = replaced(entry.answer, answers) if answers else entry.answer
    return _Entry((items, *facts), answer, shelves=tuple(shelves))


def _mended_shelf(
    elder: _Shelf,
    old: tuple[Any, ...],
    new: tuple[Any, ...],
    place: _Place,
    ask: Callable[[Any], tuple[Any, ...]],
) -> _Shelf:
    """Ask about what lies between the common beginning and end, and put the answers in between."""
    first, after = place.first, len(old) - place.last
    elders = {id(old[n]): elder.part(n) for n in range(first, after)}
    middle = []
    for n in range(first, len(new) - place.last):
        part = elders.get(id(new[n]))
        if part is None:
            part = ask(new[n])
            if n < after and elder.part(n) == part:
                part = elder.part(n)
        middle.append(part)
    stride = elder.stride
    if stride < 0 or any(len(part) != stride for part in middle):
        parts = tuple(map(elder.part, range(len(old))))
        return _shelf_of((*parts[:first], *middle, *parts[after:]))
    come = chain.from_iterable(middle)
    return _Shelf((*elder.answer[: first * stride], *come, *elder.answer[after * stride :]), stride)


def _itself(value: _T) -> _T:
    return value
