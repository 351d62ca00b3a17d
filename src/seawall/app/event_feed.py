"""The events that `seawall events` shows: those that are kept, and then each new one."""

from seawall.api.ecs.task_event import Whose, task_event
from seawall.app.line_stream import Portion
from seawall.model.task import Task
from seawall.store.store import Store

AT_ONCE = 500


class EventFeed:
    """Reads events in order, each once.

    last     begin with so many of the kept ones; None: with the oldest
    follow   go on with those to come
    """

    def __init__(self, store: Store, whose: Whose, *, last: int | None, follow: bool) -> None:
        self._store = store
        self._whose = whose
        self._follow = follow
        self._after = 0 if last is None else max(store.newest_edition() - last, 0)

    def read(self) -> Portion:
        editions = self._store.history(Task, self._after, AT_ONCE)
        if editions:
            self._after = editions[-1].number
        events = [task_event(edition, self._whose) for edition in editions]
        return Portion(events, more=len(editions) == AT_ONCE, over=not self._follow)
