"""Addresses of tasks' link-local interfaces."""

from bisect import bisect_left
from collections.abc import Iterable
from datetime import datetime, timezone
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network

from seawall.compile.network.placement import Placed
from seawall.compile.network.shelving import shelf_of
from seawall.model.internet import LINK_LOCAL_NETWORK
from seawall.program.shelves import Shelves, differing, other_shelves, replaced

_NETWORK = IPv4Network(LINK_LOCAL_NETWORK)
_FIRST = int(_NETWORK[2])
MOST_TASKS = int(_NETWORK[-2]) - _FIRST + 1
_NEVER = datetime.max.replace(tzinfo=timezone.utc)


class LinkLocal:
    """An address for each task.  Those attached earlier choose first: none moves for a newcomer.

    While only the newest come and go, nobody else is looked at.
    """

    def __init__(self) -> None:
        self._answer: Shelves[tuple[Placed, str]] = Shelves()
        self._tasks: Shelves[Placed] = Shelves()
        self._order: list[str] = []  # their ages
        self._numbers: dict[str, int] = {}  # by age
        self._places: dict[str, int] = {}  # by interface: which of the addresses
        self._taken: set[int] = set()

    def addressed(self, tasks: Shelves[Placed]) -> Shelves[tuple[Placed, str]]:
        """Each with its address.  Raises ValueError when there are more tasks than addresses."""
        if len(tasks) > MOST_TASKS:
            raise ValueError(f"more than {MOST_TASKS} tasks for {LINK_LOCAL_NETWORK}")
        gone, come = differing(self._tasks, tasks)
        moved = self._choose({_age(p): p.number for p in gone}, {_age(p): p.number for p in come})
        answer = self._answer if self._answer.shelves else Shelves(((),) * len(tasks.shelves))
        others = {*other_shelves(self._tasks, tasks), *map(shelf_of, moved)}
        made = {
            index: tuple(
                (placed, _address(self._places[placed.interface.id])) for placed in tasks.shelves[index]
            )
            for index in others
        }
        self._tasks, self._answer = tasks, replaced(answer, made) if made else answer
        return self._answer

    def _choose(self, gone: dict[str, int], come: dict[str, int]) -> Iterable[str]:
        """The interfaces whose address is another now.  From the eldest change on all choose again."""
        others = {age for age in gone.keys() | come.keys() if gone.get(age) != come.get(age)}
        if not others:
            return ()
        first = bisect_left(self._order, min(others))
        later = self._order[first:]
        before = {_id(age): self._places.pop(_id(age)) for age in later}
        self._taken.difference_update(before.values())
        for age in gone:
            del self._numbers[age]
        self._numbers.update(come)
        self._order[first:] = sorted({*later, *(others & come.keys())} & self._numbers.keys())
        for age in self._order[first:]:
            self._places[_id(age)] = place = self._free(self._numbers[age] % MOST_TASKS)
            self._taken.add(place)
        return [id for id, place in before.items() if self._places.get(id, place) != place]

    def _free(self, place: int) -> int:
        while place in self._taken:
            place = (place + 1) % MOST_TASKS
        return place


def _age(placed: Placed) -> str:
    """Texts in this order are in the order of attachment; no two are alike."""
    attachment = placed.interface.attachment
    at = attachment.attach_time if attachment else _NEVER
    return f"{at.timestamp():020.6f} {placed.interface.id}"


def _id(age: str) -> str:
    return age.split(" ")[1]


@lru_cache(maxsize=1 << 10)
def _address(place: int) -> str:
    return str(IPv4Address(_FIRST + place))
