"""Which scheduled actions are due, what they make of a target, and when to look again.  Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from seawall.model.scaling import ScalableTarget, ScheduledAction
from seawall.model.schedule import read_schedule

# How far to look back for the latest occurrence: what happens often has one close by.
_LOOKING_BACK = (timedelta(hours=1), timedelta(days=1), timedelta(days=40), timedelta.max)
_INSTANT = timedelta(microseconds=1)


class Due(NamedTuple):
    moment: datetime
    action: ScheduledAction


def due_actions(actions: Iterable[ScheduledAction], now: datetime) -> list[Due]:
    """Each action's latest occurrence that has come and is not done, in their order."""
    found = [Due(moment, action) for action in actions if (moment := _latest(action, now)) is not None]
    return sorted(found, key=lambda due: (due.moment, due.action.id))


def _latest(action: ScheduledAction, now: datetime) -> datetime | None:
    for back in _LOOKING_BACK:
        passed = min(back, now - action.done_until)
        moment, latest = _next(action, now - passed), None
        while moment is not None and moment <= now:
            latest, moment = moment, _next(action, moment)
        if latest is not None or passed < back:
            return latest
    return None


def next_at(actions: Iterable[ScheduledAction], now: datetime) -> datetime | None:
    """When the next of them is due."""
    moments = (_next(action, max(action.done_until, now)) for action in actions)
    return min((moment for moment in moments if moment is not None), default=None)


def _next(action: ScheduledAction, after: datetime) -> datetime | None:
    zone: tzinfo = ZoneInfo(action.timezone) if action.timezone else timezone.utc
    schedule = read_schedule(action.schedule, zone, action.start_time or action.done_until)
    if action.start_time is not None:
        after = max(after, action.start_time - _INSTANT)
    moment = schedule.next_after(after)
    return None if moment is None or (action.end_time and moment > action.end_time) else moment


def with_limits(target: ScalableTarget, action: ScheduledAction) -> ScalableTarget | None:
    """The target with its new limits; None when they cannot be."""
    low = target.min_capacity if action.min_capacity is None else action.min_capacity
    high = target.max_capacity if action.max_capacity is None else action.max_capacity
    return replace(target, min_capacity=low, max_capacity=high) if low <= high else None


def limits_in_words(action: ScheduledAction) -> str:
    """As "min capacity to 2 and max capacity to 10"."""
    limits = (("min", action.min_capacity), ("max", action.max_capacity))
    return " and ".join(f"{side} capacity to {value}" for side, value in limits if value is not None)
