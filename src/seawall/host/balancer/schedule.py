"""When which target is asked: exactly one interval after it was asked before.  Pure.

New targets are asked at once, a few milliseconds apart; so those that came together stay spread for good.
"""

import heapq
from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

APART_S = 0.005  # between the first checks of targets that came together


class Schedule(Generic[K]):
    """Keys and the moment (of any clock that never goes back) at which each is due."""

    def __init__(self) -> None:
        self._due: dict[K, float] = {}
        self._intervals: dict[K, float] = {}
        self._heap: list[tuple[float, int, K]] = []
        self._count = 0

    def keep(self, wanted: dict[K, float], now: float) -> None:
        """Know these keys and their intervals, and no others.  Those that stay keep their turn, but for a
        new interval, which begins now.
        """
        for key in self._due.keys() - wanted.keys():
            del self._due[key], self._intervals[key]
        new = 0
        for key, interval in wanted.items():
            known = self._intervals.get(key)
            if known is None:
                self._put(key, now + new * APART_S)
                new += 1
            elif known != interval:
                self._put(key, min(self._due[key], now + interval))
            self._intervals[key] = interval

    def restart(self, keys: Iterable[K], now: float) -> None:
        """These are as if they were new."""
        for index, key in enumerate(keys):
            self._put(key, now + index * APART_S)

    def due(self, now: float) -> list[K]:
        """Those whose turn it is; their next one is an interval later."""
        found = []
        while self._heap and self._heap[0][0] <= now:
            at, _, key = heapq.heappop(self._heap)
            if self._due.get(key) != at:
                continue  # forgotten, or put elsewhere
            found.append(key)
            late = now - at > self._intervals[key]
            self._put(key, (now if late else at) + self._intervals[key])
        return found

    @property
    def next(self) -> float | None:
        """When something is due; it may turn out to be nothing."""
        return self._heap[0][0] if self._heap else None

    def _put(self, key: K, at: float) -> None:
        self._due[key] = at
        self._count += 1
        heapq.heappush(self._heap, (at, self._count, key))
