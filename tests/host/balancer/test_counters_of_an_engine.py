"""What an engine has counted since somebody was told."""

import pytest

from seawall.host.balancer.counters import FIELDS, Meter, read_sample, summed

NAMES = ["pxname", "svname", "scur", "type", *FIELDS]


def table(*rows: dict[str, object]) -> str:
    lines = [",".join(str(row.get(name, "")) for name in NAMES) for row in rows]
    return "\n".join([f"# {','.join(NAMES)}", *lines, "", ""])


def test_a_table_is_read() -> None:
    sample = read_sample(
        table(
            {"pxname": "http", "svname": "FRONTEND", "type": 0, "req_tot": 7, "bin": 0, "scur": 3},
            {"pxname": "tg", "svname": "t0", "type": 2, "lbtot": 6, "scur": 2},
        )
    )
    assert sample.counts == {"http FRONTEND req_tot": 7, "tg t0 lbtot": 6}
    assert sample.connections == {("tg", "t0"): 2}
    assert summed([sample, sample]) == {("tg", "t0"): 4}
    with pytest.raises(ValueError, match="not a table"):
        read_sample("Can't find the target PID")


def test_growth_is_told_once() -> None:
    meter = Meter({})
    meter.note({1: {"http FRONTEND bin": 5}})
    assert meter.take({1}) == (("http", "FRONTEND", "bin", 5),)
    assert meter.take({1}) == ()
    meter.note({1: {"http FRONTEND bin": 8}})
    assert meter.take({1}) == (("http", "FRONTEND", "bin", 3),)


def test_workers_add_up_and_one_that_is_gone_counts_to_its_last() -> None:
    meter = Meter({})
    meter.note({1: {"a b c": 5}, 2: {"a b c": 1}})
    meter.note({2: {"a b c": 2}})
    assert meter.take({2}) == (("a", "b", "c", 7),)
    meter.note({2: {"a b c": 4}})
    assert meter.take({2}) == (("a", "b", "c", 2),)


def test_the_next_agent_goes_on_where_this_one_was() -> None:
    meter = Meter({})
    meter.note({1: {"a b c": 5}})
    meter.take({1})
    meter.note({1: {"a b c": 6}})
    after = Meter(meter.told)
    after.note({1: {"a b c": 9}})
    assert after.take({1}) == (("a", "b", "c", 4),)


def test_a_number_that_was_given_to_another_process_starts_anew() -> None:
    meter = Meter({1: {"a b c": 100}})
    meter.note({1: {"a b c": 3}})
    assert meter.take({1}) == (("a", "b", "c", 3),)
