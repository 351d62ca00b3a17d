"""conmon's log format and the events made of it."""

import pytest

from seawall.host.awslogs import MOST_BYTES, MOST_EVENTS, batches
from seawall.host.log_lines import LONGEST_LINE, LogEvent, LogLines, event_start, parse_time

T = "2026-11-21T02:53:34.123456789+00:00"
MS = 1795229614123


def line(text: str, stream: str = "stdout", flag: str = "F", time: str = T) -> bytes:
    return f"{time} {stream} {flag} {text}\n".encode()


def messages(*pieces: bytes, lines: LogLines | None = None) -> list[str]:
    lines = lines or LogLines(0)
    found = [event.message for piece in pieces for event in lines.feed(piece)]
    return found + [event.message for event in lines.end()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (T, MS),
        ("2026-11-21T02:53:34Z", 1795229614000),
        ("2026-11-21T02:53:34.5Z", 1795229614500),
        ("2026-11-21T04:53:34.123+02:00", MS),
    ],
)
def test_times(text: str, expected: int) -> None:
    assert parse_time(text) == expected


def test_lines_become_events_with_their_place_in_the_file() -> None:
    data = line("one") + line("two words", "stderr")
    first, second = LogLines(0).feed(data)
    assert first == LogEvent(MS, "one", len(line("one")))
    assert second == LogEvent(MS, "two words", len(data))


def test_a_line_read_in_two_pieces_is_one_event() -> None:
    data = line("one") + line("two")
    for cut in range(len(data)):
        assert messages(data[:cut], data[cut:]) == ["one", "two"]


def test_partial_lines_are_joined_by_stream() -> None:
    data = line("a", flag="P") + line("x", "stderr") + line("b", flag="P") + line("c")
    assert messages(data) == ["x", "abc"]


def test_an_event_beside_a_partial_line_does_not_move_past_it() -> None:
    before = line("done")
    data = before + line("a", flag="P") + line("x", "stderr")
    events = list(LogLines(0).feed(data))
    assert [event.end for event in events] == [len(before), len(before)]
    assert messages(data[events[-1].end :] + line("b")) == ["x", "ab"]


def test_a_line_is_cut_at_sixteen_kilobytes() -> None:
    half = "h" * (LONGEST_LINE // 2)
    found = messages(line(half, flag="P") + line(half, flag="P") + line("tail"))
    assert found == [half * 2, "tail"]


def test_a_last_line_without_end_is_sent_when_the_container_ends() -> None:
    assert messages(line("prompt> ", flag="P")) == ["prompt> "]


def test_empty_lines_and_foreign_ones_are_left_out_and_bad_bytes_replaced() -> None:
    assert messages(line("") + b"garbage\n" + T.encode() + b" stdout F \xff\n") == ["\ufffd"]


def test_lines_that_do_not_start_an_event_belong_to_the_one_before() -> None:
    lines = LogLines(0, event_start(None, r"^\["))
    data = line("[1] trace") + line("  at a") + line("") + line("[2] end")
    assert messages(data, lines=lines) == ["[1] trace\n  at a\n", "[2] end"]


def test_a_datetime_format_starts_events() -> None:
    lines = LogLines(0, event_start("[%b %d, %Y %H:%M:%S]", None))
    data = line("[May 01, 2017 19:00:01] A") + line("more") + line("[May 01, 2017 19:00:04] B")
    assert messages(data, lines=lines) == ["[May 01, 2017 19:00:01] A\nmore", "[May 01, 2017 19:00:04] B"]


def event(size: int, timestamp: int = 0) -> LogEvent:
    return LogEvent(timestamp, "x" * size, 0)


def test_batches_keep_the_limits_of_a_request() -> None:
    assert [len(batch) for batch in batches([event(1)] * (MOST_EVENTS + 1))] == [MOST_EVENTS, 1]
    fits = (MOST_BYTES - 4 * 26) // 4
    assert [len(batch) for batch in batches([event(fits)] * 5)] == [4, 1]
    day = 24 * 3600 * 1000
    assert [len(batch) for batch in batches([event(1, 5), event(1, 5 + day), event(1, 6 + day)])] == [2, 1]
    assert list(batches([])) == []
