"""The output of a task's containers as it arrives, out of the log store."""

import msgspec

from seawall.app.line_stream import Portion
from seawall.model.log_stream import LogStream, log_stream_id
from seawall.model.task import Task
from seawall.store.log_events import LogEvents
from seawall.store.store import Store

AT_ONCE = 1000


class LogPlace(msgspec.Struct, frozen=True, kw_only=True):
    """Where a container's output goes."""

    container: str
    group: str
    stream: str


class LogsAsked(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asks for: a task's id, and where its containers write."""

    task: str
    places: list[LogPlace]
    last: int | None = None


class LogFeed:
    """Reads events in the order in which they arrived, each once; streams may come later.

    It begins with the `last` ones of those that are there (None: with the first), and is over when the task
    has stopped: by then all its output has arrived.
    """

    def __init__(self, store: Store, events: LogEvents, asked: LogsAsked) -> None:
        self._store = store
        self._events = events
        self._asked = asked
        self._after = 0
        if asked.last is not None:
            self._after = events.place_before(list(self._containers()), asked.last)

    def read(self) -> Portion:
        task = self._store.find(Task, self._asked.task)
        over = task is None or task.last_status == "STOPPED"  # looked at first: what comes later is complete
        containers = self._containers()
        newest = self._events.newest()
        found = self._events.arrived(list(containers), self._after, AT_ONCE)
        more = len(found) == AT_ONCE
        # Without more, whatever else there is by now is of others and need not be looked at again.
        self._after = found[-1].id if more else max(self._after, newest)
        lines = [
            {
                "container": containers[event.stream_key],
                "timestamp": event.timestamp,
                "message": event.message,
            }
            for event in found
        ]
        return Portion(lines, more=more, over=over)

    def _containers(self) -> dict[str, str]:
        """Container by stream key, of the streams that there are."""
        found = {}
        for place in self._asked.places:
            stream = self._store.find(LogStream, log_stream_id(place.group, place.stream))
            if stream is not None:
                found[stream.key] = place.container
        return found
