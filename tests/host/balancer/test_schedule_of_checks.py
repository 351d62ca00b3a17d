"""When targets are asked."""

from seawall.host.balancer.schedule import APART_S, Schedule


def turns(schedule: Schedule[str], until: float) -> list[tuple[float, str]]:
    found = []
    while schedule.next is not None and schedule.next <= until:
        now = schedule.next
        found += [(round(now, 6), key) for key in schedule.due(now)]
    return found


def test_each_is_asked_exactly_an_interval_apart() -> None:
    schedule: Schedule[str] = Schedule()
    schedule.keep({"a": 5, "b": 10}, 100)
    assert turns(schedule, 111) == [
        (100, "a"),
        (100 + APART_S, "b"),
        (105, "a"),
        (110, "a"),
        (110 + APART_S, "b"),
    ]


def test_those_that_stay_keep_their_turn() -> None:
    schedule: Schedule[str] = Schedule()
    schedule.keep({"a": 5}, 100)
    turns(schedule, 101)
    schedule.keep({"a": 5, "b": 5}, 103)
    assert turns(schedule, 106) == [(103, "b"), (105, "a")]
    schedule.keep({"b": 5}, 107)
    assert turns(schedule, 112) == [(108, "b")]


def test_a_shorter_interval_holds_at_once() -> None:
    schedule: Schedule[str] = Schedule()
    schedule.keep({"a": 300}, 100)
    turns(schedule, 101)
    schedule.keep({"a": 5}, 102)
    assert turns(schedule, 113) == [(107, "a"), (112, "a")]


def test_one_that_comes_back_is_new() -> None:
    schedule: Schedule[str] = Schedule()
    schedule.keep({"a": 5}, 100)
    turns(schedule, 101)
    schedule.keep({}, 102)
    schedule.keep({"a": 5}, 103)
    assert turns(schedule, 109) == [(103, "a"), (108, "a")]


def test_what_was_missed_is_not_made_up_for() -> None:
    schedule: Schedule[str] = Schedule()
    schedule.keep({"a": 5}, 100)
    turns(schedule, 101)
    assert schedule.due(122) == ["a"]
    assert turns(schedule, 128) == [(127, "a")]
