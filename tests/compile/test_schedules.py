"""When at, rate and cron expressions happen, and which texts are none."""

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from seawall.compile.scheduled_scaling import due_actions, next_at
from seawall.model.scaling import ScheduledAction
from seawall.model.schedule import BadSchedule, read_schedule

NOW = datetime(2026, 3, 4, 10, 30, tzinfo=timezone.utc)  # a Wednesday


def times(text: str, count: int, zone: str = "UTC", now: datetime = NOW) -> list[str]:
    schedule = read_schedule(text, ZoneInfo(zone), NOW)
    found: list[str] = []
    moment: datetime | None = now
    while moment is not None and len(found) < count:
        moment = schedule.next_after(moment)
        if moment is not None:
            found.append(f"{moment:%Y-%m-%dT%H:%M}")
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("at(2026-03-05T08:00:00)", ["2026-03-05T08:00"]),
        ("at(2026-03-04T10:30:00)", []),
        ("rate(5 minutes)", ["2026-03-04T10:35", "2026-03-04T10:40"]),
        ("rate(1 day)", ["2026-03-05T10:30", "2026-03-06T10:30"]),
        ("cron(0/15 10 * * ? *)", ["2026-03-04T10:45", "2026-03-05T10:00"]),
        ("cron(30 10,18 * * ? *)", ["2026-03-04T18:30", "2026-03-05T10:30"]),
        ("cron(0 9 ? * MON-FRI *)", ["2026-03-05T09:00", "2026-03-06T09:00", "2026-03-09T09:00"]),
        ("cron(0 9 ? * 2-6 *)", ["2026-03-05T09:00", "2026-03-06T09:00", "2026-03-09T09:00"]),
        ("cron(0 9 1 * ? *)", ["2026-04-01T09:00", "2026-05-01T09:00"]),
        ("cron(0 9 L * ? *)", ["2026-03-31T09:00", "2026-04-30T09:00"]),
        ("cron(0 9 15W * ? *)", ["2026-03-16T09:00", "2026-04-15T09:00", "2026-05-15T09:00"]),
        ("cron(0 9 1W 8 ? *)", ["2026-08-03T09:00"]),
        ("cron(0 9 31W 5 ? *)", ["2026-05-29T09:00"]),
        ("cron(0 9 ? * 6L *)", ["2026-03-27T09:00", "2026-04-24T09:00"]),
        ("cron(0 9 ? * 6#3 *)", ["2026-03-20T09:00", "2026-04-17T09:00"]),
        ("cron(0 9 ? JAN,FEB SUN 2027-2028)", ["2027-01-03T09:00", "2027-01-10T09:00"]),
        ("cron(0 0 29 2 ? *)", ["2028-02-29T00:00", "2032-02-29T00:00"]),
        ("cron(0 0 30 2 ? *)", []),
        ("cron(0 9 * * ? 2020)", []),
    ],
)
def test_it_happens(text: str, expected: list[str]) -> None:
    assert times(text, max(len(expected), 1)) == expected


def test_times_are_those_of_a_zone_and_clocks_may_skip_one() -> None:
    assert times("cron(0 9 * * ? *)", 1, "Asia/Tokyo") == ["2026-03-05T00:00"]
    assert times("at(2026-07-01T09:00:00)", 1, "Europe/Berlin") == ["2026-07-01T07:00"]
    before = datetime(2026, 3, 28, 12, tzinfo=timezone.utc)
    assert times("cron(30 2 * * ? *)", 2, "Europe/Berlin", before) == ["2026-03-30T00:30", "2026-03-31T00:30"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0 9 * * ? *", "Invalid schedule expression. Schedule expressions must have the following syntax:"),
        ("rate(5 weeks)", "Invalid schedule expression"),
        ("rate(0 minutes)", "Invalid schedule frequency"),
        ("at(2026-03-05)", "Invalid schedule at DateTime expression"),
        ("at(2026-03-05T08:00:00Z)", "Invalid schedule at DateTime expression"),
        ("at(2026-02-30T08:00:00)", "Invalid schedule at DateTime expression"),
        ("cron(0 9 * * * *)", "Invalid CRON expression"),
        ("cron(0 9 ? * ? *)", "Invalid CRON expression"),
        ("cron(0 9 * * ?)", "Invalid CRON expression"),
        ("cron(60 9 * * ? *)", "Invalid CRON expression"),
        ("cron(0 9 ? * FOO *)", "Invalid CRON expression"),
        ("cron(0 9 32 * ? *)", "Invalid CRON expression"),
        ("cron(*/0 9 * * ? *)", "Invalid CRON expression"),
        ("cron(0 9 ? * 6#6 *)", "Invalid CRON expression"),
    ],
)
def test_it_is_no_schedule(text: str, words: str) -> None:
    with pytest.raises(BadSchedule, match=words.replace("(", "\\(")):
        read_schedule(text, timezone.utc, NOW)


def action(name: str, schedule: str, **more: object) -> ScheduledAction:
    given = {"creation_time": NOW, "done_until": NOW, "min_capacity": 1, **more}
    return ScheduledAction(
        id=f"service/default/web/{name}",
        name=name,
        target_id="service/default/web",
        arn=name,
        schedule=schedule,
        **given,  # type: ignore[arg-type]  # values of its members
    )


def due(*actions: ScheduledAction, after: timedelta) -> list[tuple[str, str]]:
    return [(f"{one.moment:%d %H:%M}", one.action.name) for one in due_actions(actions, NOW + after)]


def test_of_what_was_missed_the_latest_of_each_is_due_in_order() -> None:
    evening, morning = action("evening", "cron(0 20 * * ? *)"), action("morning", "cron(0 8 * * ? *)")
    assert due(evening, morning, after=timedelta(hours=1)) == []
    assert due(evening, morning, after=timedelta(hours=10)) == [("04 20:00", "evening")]
    assert due(evening, morning, after=timedelta(days=400, hours=1)) == [
        ("07 20:00", "evening"),
        ("08 08:00", "morning"),
    ]
    assert due(action("often", "rate(1 minute)"), after=timedelta(days=400)) == [("08 10:30", "often")]
    assert due(action("once", "at(2026-03-05T00:00:00)"), after=timedelta(days=400)) == [("05 00:00", "once")]


def test_it_stays_between_its_start_and_its_end() -> None:
    start, end = NOW + timedelta(days=2), NOW + timedelta(days=4)
    inside = action("inside", "cron(30 10 * * ? *)", start_time=start, end_time=end)
    assert next_at([inside], NOW) == start
    assert next_at([inside], end) is None
    assert due(inside, after=timedelta(days=1)) == []
    assert due(inside, after=timedelta(days=30)) == [("08 10:30", "inside")]
    counted = action("counted", "rate(7 hours)", start_time=start)
    assert next_at([counted], NOW) == start
    assert next_at([counted], start) == start + timedelta(hours=7)
