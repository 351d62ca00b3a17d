"""The events that `seawall events` shows: those that are kept, and then each new one."""

from typing import Any

from seawall.api.ecs.service_event import service_event
from seawall.api.ecs.task_event import Whose, task_event
from seawall.app.line_stream import Portion
from seawall.model.service_notice import ServiceNotice
from seawall.model.task import Task
from seawall.store.store import Store

AT_ONCE = 500


class EventFeed:
    """Reads the events of tasks and services in the order in which they happened, each once.

    last     begin with so many of the kept ones; None: with the oldest
    follow   go on with those to come
    """

    def __init__(self, store: Store, whose: Whose, *, last: int | None, follow: bool) -> None:
        self._store = store
        self._whose = whose
        self._follow = follow
        self._after = 0 if last is None else max(store.newest_edition() - last, 0)

    def read(self) -> Portion:
        tasks = self._store.history(Task, self._after, AT_ONCE)
        notices = self._store.history(ServiceNotice, self._after, AT_ONCE)
        events: list[tuple[int, dict[str, Any]]] = [
            *((edition.number, task_event(edition, self._whose)) for edition in tasks),
            *((edition.number, service_event(edition, self._whose)) for edition in notices),
        ]
        # What was read in part is read on from there: nothing may overtake it.
        full = [some[-1].number for some in (tasks, notices) if len(some) == AT_ONCE]
        events = sorted((e for e in events if not full or e[0] <= min(full)), key=lambda e: e[0])
        if events:
            self._after = events[-1][0]
        return Portion([event for _, event in events], more=bool(full), over=not self._follow)
