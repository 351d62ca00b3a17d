"""Running totals of what packet policies counted, whose own counters start again at a change."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from seawall.program.report import Counter


class Tally(NamedTuple):
    packets: int = 0
    bytes: int = 0

    def plus(self, other: "Tally") -> "Tally":
        return Tally(self.packets + other.packets, self.bytes + other.bytes)


class Counts:
    """Totals by namespace and origin, since this process first read them.

    since    when that was; None before
    older    the namespaces that stood before this process: what they had counted by then is left out
    totals   of each namespace, by origin as the program has it (ids separated by commas)

    What is counted between the last reading and the moment a counter starts again is lost; a counter that has
    meanwhile passed its old number is not seen to have started again.
    """

    def __init__(self) -> None:
        self.since: datetime | None = None
        self.older: frozenset[str] = frozenset()
        self.totals: dict[str, dict[str, Tally]] = {}
        self._last: dict[str, dict[tuple[str, str, str], Tally]] = {}

    def take(
        self, namespace: str, world: str, counters: Iterable[Counter], now: datetime
    ) -> dict[str, Tally]:
        """Add a reading; returns what came since the one before, by origin.  Another world counts anew."""
        if self.since is None:
            self.since = now
        leave_out = namespace not in self._last and namespace in self.older
        before = self._last.get(namespace, {})
        read: dict[tuple[str, str, str], Tally] = {}
        more: dict[str, Tally] = {}
        for counter in counters:
            key, shown = (world, counter.where, counter.what), Tally(counter.packets, counter.bytes)
            read[key] = shown
            came = Tally() if leave_out else _since(before.get(key, Tally()), shown)
            more[counter.origin] = more.get(counter.origin, Tally()).plus(came)
        self._last[namespace] = read
        totals = self.totals.setdefault(namespace, {})
        for origin, came in more.items():
            totals[origin] = totals.get(origin, Tally()).plus(came)
        return more

    def forget(self, namespace: str) -> None:
        self._last.pop(namespace, None)
        self.totals.pop(namespace, None)


def _since(before: Tally, shown: Tally) -> Tally:
    """A counter that went back has started again."""
    if shown.packets < before.packets or shown.bytes < before.bytes:
        return shown
    return Tally(shown.packets - before.packets, shown.bytes - before.bytes)
