"""Keeping the events file to what the store says: no expired events, none of streams that are gone."""

from datetime import datetime

from seawall.api.logs.names import expiry
from seawall.model.log_group import LogGroup
from seawall.model.log_stream import LogStream
from seawall.store.log_events import LogEvents
from seawall.store.store import Reader


def tidy_events(reader: Reader, events: LogEvents, now: datetime) -> int:
    """Remove what must not be kept; returns how many events had expired.

    For the start (a crash may have come between a stream's document and its events) and now and then: streams
    that nobody writes to any more lose their old events only here.  Reading never shows expired ones anyway.
    """
    events.keep_only([stream.key for stream in reader.all(LogStream)])
    removed = 0
    for group in reader.all(LogGroup):
        if group.retention_in_days is not None:
            keys = [stream.key for stream in reader.referrers(LogStream, group.ref)]
            removed += events.expire(keys, expiry(group, now))
    return removed
