"""When something that is scheduled happens: at(...), rate(...), cron(...).

Source: Application Auto Scaling user guide, "Schedule recurring scaling actions using cron expressions" and
"Schedule recurring scaling actions using rate expressions"; what is refused, as seen of PutScheduledAction.
"""

import calendar
import re
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta, timezone, tzinfo
from typing import NamedTuple, Protocol

FIELDS = 6  # minutes, hours, day of month, month, day of week, year
YEARS = range(1970, 2199 + 1)
_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
_DAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), 1)}
_UNITS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
SYNTAX = (
    "Schedule expressions must have the following syntax: rate(<number>\\s?(minutes?|hours?|days?)),"
    " cron(<cron_expression>) or at(yyyy-MM-dd'T'HH:mm:ss)"
)


class BadSchedule(Exception):
    """A schedule that is none; its text says why."""


class Schedule(Protocol):
    def next_after(self, moment: datetime) -> datetime | None:
        """When it happens next, later than `moment`; None: never again."""
        ...


class At(NamedTuple):
    moment: datetime

    def next_after(self, moment: datetime) -> datetime | None:
        return self.moment if self.moment > moment else None


class Rate(NamedTuple):
    """Every so often, counted from `begin`."""

    begin: datetime
    interval: timedelta

    def next_after(self, moment: datetime) -> datetime | None:
        passed = (moment - self.begin) // self.interval + 1
        return self.begin + max(passed, 0) * self.interval


class Cron(NamedTuple):
    """Numbers are in their order."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    is_day: Callable[[date], bool]
    months: tuple[int, ...]
    years: tuple[int, ...]
    zone: tzinfo

    def next_after(self, moment: datetime) -> datetime | None:
        local = moment.astimezone(self.zone)
        for day in self._days(local.date()):
            first_hour = local.hour if day == local.date() else 0
            for wall in self._times(day, first_hour):
                found = wall.astimezone(timezone.utc)
                if found > moment and found.astimezone(self.zone).hour == wall.hour:  # clocks may skip it
                    return found
        return None

    def _days(self, first: date) -> Iterator[date]:
        for year in (y for y in self.years if y >= first.year):
            for month in self.months:
                for number in range(1, calendar.monthrange(year, month)[1] + 1):
                    day = date(year, month, number)
                    if day >= first and self.is_day(day):
                        yield day

    def _times(self, day: date, first_hour: int) -> Iterator[datetime]:
        for hour in (h for h in self.hours if h >= first_hour):
            for minute in self.minutes:
                yield datetime(day.year, day.month, day.day, hour, minute, tzinfo=self.zone)


def read_schedule(text: str, zone: tzinfo, begin: datetime) -> Schedule:
    """begin   from which a rate is counted.  Raises BadSchedule."""
    found = re.fullmatch(r"(at|rate|cron)\((.*)\)", text.strip())
    if found is None:
        raise BadSchedule(f"Invalid schedule expression. {SYNTAX}")
    kind, body = found[1], found[2].strip()
    if kind == "at":
        return At(_moment(body, zone))
    return Rate(begin, _interval(body)) if kind == "rate" else _cron(body, zone)


def _moment(body: str, zone: tzinfo) -> datetime:
    try:
        if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?", body):
            raise ValueError(body)
        return datetime.fromisoformat(body).replace(tzinfo=zone).astimezone(timezone.utc)
    except ValueError:
        raise BadSchedule(f"Invalid schedule at DateTime expression: {body}") from None


def _interval(body: str) -> timedelta:
    found = re.fullmatch(r"(\d{1,6})\s*(minute|hour|day)s?", body)
    if found is None:
        raise BadSchedule(f"Invalid schedule expression. {SYNTAX}")
    if int(found[1]) < 1:
        raise BadSchedule("Invalid schedule frequency")
    return int(found[1]) * _UNITS[found[2]]


def _cron(body: str, zone: tzinfo) -> Cron:
    fields = body.upper().split()
    if len(fields) != FIELDS or (fields[2] == "?") == (fields[4] == "?"):
        raise BadSchedule("Invalid CRON expression")
    minutes, hours, month_day, months, week_day, years = fields
    return Cron(
        minutes=_numbers(minutes, range(60)),
        hours=_numbers(hours, range(24)),
        is_day=_week_day(week_day) if month_day == "?" else _month_day(month_day),
        months=_numbers(months, range(1, 13), _MONTHS),
        years=_numbers(years, YEARS),
        zone=zone,
    )


def _numbers(field: str, within: range, names: dict[str, int] | None = None) -> tuple[int, ...]:
    """Those that a field means: a list of numbers, ranges and * with or without steps."""
    found: set[int] = set()
    for part in field.split(","):
        span, slash, step = part.partition("/")
        first, dash, last = span.partition("-")
        if slash and not (step.isdigit() and int(step) > 0):
            raise BadSchedule("Invalid CRON expression")
        low = within[0] if span == "*" else _number(first, within, names)
        high = within[-1] if span == "*" or (slash and not dash) else low
        if dash:
            high = _number(last, within, names)
        found.update(range(low, high + 1, int(step) if slash else 1))
    return tuple(sorted(found))


def _number(text: str, within: range, names: dict[str, int] | None) -> int:
    number = (names or {}).get(text, int(text) if text.isascii() and text.isdigit() else -1)
    if number not in within:
        raise BadSchedule("Invalid CRON expression")
    return number


def _month_day(field: str) -> Callable[[date], bool]:
    """L is the last day of a month, 15W the weekday nearest to the 15th in it."""
    if field == "L":
        return lambda day: day.day == calendar.monthrange(day.year, day.month)[1]
    if field.endswith("W"):
        number = _number(field[:-1], range(1, 32), None)
        return lambda day: day.day == _nearest_weekday(day, number)
    numbers = _numbers(field, range(1, 32))
    return lambda day: day.day in numbers


def _nearest_weekday(day: date, number: int) -> int:
    length = calendar.monthrange(day.year, day.month)[1]
    number = min(number, length)
    weekday = date(day.year, day.month, number).weekday()
    if weekday == calendar.SATURDAY:
        return number - 1 if number > 1 else number + 2
    if weekday == calendar.SUNDAY:
        return number + 1 if number < length else number - 2
    return number


def _week_day(field: str) -> Callable[[date], bool]:
    """1 or SUN to 7 or SAT; 6L is the last Friday of a month, 6#3 the third one."""
    week = range(1, 8)
    named, hash, ordinal = field.partition("#")
    if hash:
        number, place = _number(named, week, _DAYS), _number(ordinal, range(1, 6), None)
        return lambda day: _of_week(day) == number and (day.day - 1) // 7 + 1 == place
    if field.endswith("L"):
        number = _number(field[:-1], week, _DAYS) if field != "L" else week[-1]
        return lambda day: _of_week(day) == number and (day + timedelta(days=7)).month != day.month
    numbers = _numbers(field, week, _DAYS)
    return lambda day: _of_week(day) in numbers


def _of_week(day: date) -> int:
    return day.isoweekday() % 7 + 1
