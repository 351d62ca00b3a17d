"""The newest events of a service: what is told again and what is not.

Source: "Service event messages" of the developer guide: the newest 100; a problem that lasts is not told
again until it was solved or six hours have passed.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from seawall.model.service import ServiceEvent

MOST_EVENTS = 100
TOLD_AGAIN_AFTER = timedelta(hours=6)
LASTING = (
    " was unable to ",
    " is unable to ",
    " operations are being throttled.",
    " failed to launch a task ",
    " failed to register targets ",
)
STEADY = " has reached a steady state."


def with_events(
    events: tuple[ServiceEvent, ...], texts: Iterable[str], now: datetime, new_id: Callable[[], str]
) -> tuple[ServiceEvent, ...]:
    """The events, newest first, after `texts` were told in their order."""
    for text in texts:
        if not _was_told(events, text, now):
            events = (ServiceEvent(id=new_id(), created_at=now, message=text), *events)
    return events[:MOST_EVENTS]


def _was_told(events: tuple[ServiceEvent, ...], text: str, now: datetime) -> bool:
    if not any(words in text for words in LASTING):
        return False
    for event in events:
        if now - event.created_at >= TOLD_AGAIN_AFTER or event.message.endswith(STEADY):
            return False
        if event.message == text:
            return True
    return False


def troubles(events: tuple[ServiceEvent, ...]) -> tuple[datetime | None, tuple[str, ...]]:
    """When the service was last said to be steady, and the lasting problems told since, newest first."""
    steady = told_steady(events)
    since = [e.message for e in events if steady is None or e.created_at > steady]
    return steady, tuple(dict.fromkeys(text for text in since if any(words in text for words in LASTING)))


def told_steady(events: tuple[ServiceEvent, ...]) -> datetime | None:
    """When the service was last said to be steady."""
    return next((e.created_at for e in events if e.message.endswith(STEADY)), None)
