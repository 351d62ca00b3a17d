from typing import Any

import pytest
from botocore.exceptions import ClientError

from seawall.api.logs.retention import tidy_events

HOUR = 3_600_000
DAY = 24 * HOUR


def refused(call: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


class Stream:
    """One stream of group g, and the time now in milliseconds."""

    def __init__(self, logs: Any, clock: Any, name: str = "s") -> None:
        self.logs, self.clock, self.name = logs, clock, name
        logs.create_log_stream(logGroupName="g", logStreamName=name)

    @property
    def now(self) -> int:
        return int(self.clock.now.timestamp() * 1000)

    def put(self, *events: tuple[int, str]) -> Any:
        return self.logs.put_log_events(
            logGroupName="g",
            logStreamName=self.name,
            logEvents=[{"timestamp": self.now + offset, "message": text} for offset, text in events],
        )

    def get(self, **params: Any) -> Any:
        return self.logs.get_log_events(logGroupName="g", logStreamName=self.name, **params)

    def messages(self, **params: Any) -> list[str]:
        return [event["message"] for event in self.get(**params)["events"]]


@pytest.fixture
def stream(logs: Any, clock: Any) -> Stream:
    logs.create_log_group(logGroupName="g")
    return Stream(logs, clock)


def filtered(stream: Stream, **params: Any) -> list[str]:
    """The messages of all pages."""
    pages = stream.logs.get_paginator("filter_log_events").paginate(logGroupName="g", **params)
    return [event["message"] for page in pages for event in page["events"]]


def test_events_come_back_in_order_of_time_with_the_time_they_came_in(stream: Stream) -> None:
    answer = stream.put((-2, "a"), (-1, "b"))
    assert answer["nextSequenceToken"] and "rejectedLogEventsInfo" not in answer
    stream.put((-3, "earlier, though later put"))
    events = stream.get()["events"]
    assert [event["message"] for event in events] == ["earlier, though later put", "a", "b"]
    assert {event["ingestionTime"] for event in events} == {stream.now}


def test_without_a_token_the_newest_come_and_the_tokens_lead_both_ways(stream: Stream) -> None:
    stream.put(*((n, str(n)) for n in range(10)))
    page = stream.get(limit=4)
    assert [event["message"] for event in page["events"]] == ["6", "7", "8", "9"]
    back = stream.get(limit=4, nextToken=page["nextBackwardToken"])
    assert [event["message"] for event in back["events"]] == ["2", "3", "4", "5"]
    assert stream.messages(limit=4, nextToken=back["nextForwardToken"]) == ["6", "7", "8", "9"]
    assert stream.messages(limit=3, startFromHead=True) == ["0", "1", "2"]


def test_at_the_end_the_token_stays_the_same_until_more_comes(stream: Stream) -> None:
    stream.put((0, "a"))
    first = stream.get(startFromHead=True)
    again = stream.get(startFromHead=True, nextToken=first["nextForwardToken"])
    assert again["events"] == []
    assert again["nextForwardToken"] == first["nextForwardToken"]
    stream.put((1, "b"))
    assert stream.messages(startFromHead=True, nextToken=again["nextForwardToken"]) == ["b"]
    assert stream.messages(nextToken=again["nextBackwardToken"]) == ["a"]


def test_an_empty_stream_can_be_followed(stream: Stream) -> None:
    token = stream.get()["nextForwardToken"]
    stream.put((0, "a"))
    assert stream.messages(nextToken=token) == ["a"]


def test_start_is_included_and_end_is_not(stream: Stream) -> None:
    stream.put((0, "a"), (1, "b"), (2, "c"))
    now = stream.now
    assert stream.messages(startTime=now + 1, endTime=now + 2) == ["b"]
    assert filtered(stream, startTime=now + 1, endTime=now + 2) == ["b", "c"]


@pytest.mark.parametrize("token", ["x", "f/12/s", "f/" + "9" * 56 + "/s", "b/" + "0" * 55 + "x/s"])
def test_a_token_of_nobodys_is_refused(stream: Stream, token: str) -> None:
    wanted = ("InvalidParameterException", "The specified nextToken is invalid.")
    assert refused(stream.get, nextToken=token) == wanted
    assert refused(stream.logs.filter_log_events, logGroupName="g", nextToken=token) == wanted


def test_one_answer_holds_a_mebibyte(stream: Stream) -> None:
    for n in range(3):
        stream.put((n, str(n) * 500_000))
    page = stream.get(startFromHead=True)
    assert [event["message"][0] for event in page["events"]] == ["0", "1"]
    assert [text[0] for text in stream.messages(nextToken=page["nextForwardToken"])] == ["2"]


def test_events_out_of_time_are_left_out_and_named(stream: Stream) -> None:
    answer = stream.put((-15 * DAY, "old"), (-14 * DAY, "just"), (-14 * DAY + 1, "ok"))
    assert answer["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1}
    answer = stream.put((0, "now"), (2 * HOUR, "soon"), (2 * HOUR + 1, "too soon"))
    assert answer["rejectedLogEventsInfo"] == {"tooNewLogEventStartIndex": 2}
    assert stream.messages() == ["just", "ok", "now", "soon"]


def test_retention_hides_refuses_and_removes(stream: Stream, log_events: Any) -> None:
    stream.put((-2 * DAY, "old"))
    stream.put((0, "new"))
    stream.logs.put_retention_policy(logGroupName="g", retentionInDays=1)
    assert stream.messages() == ["new"]
    answer = stream.put((-DAY - 1, "expired"), (-1, "kept"))
    assert answer["rejectedLogEventsInfo"] == {"expiredLogEventEndIndex": 1}
    stream.clock.advance(86_400)
    assert stream.messages() == ["new"]
    stream.clock.advance(1)
    assert stream.messages() == filtered(stream) == []
    stream.put((0, "newest"))
    stream.logs.delete_retention_policy(logGroupName="g")
    assert stream.messages() == ["newest"]


@pytest.mark.parametrize(
    ("events", "text"),
    [
        ([(1, "b"), (0, "a")], "in chronological order"),
        ([(-25 * HOUR, "a"), (0, "b")], "cannot span more than 24 hours"),
        (
            [(0, "x" * 600_000), (0, "x" * 600_000)],
            "Upload too large: 1200052 bytes exceeds limit of 1048576",
        ),
        ([(0, "é" * 524_288)], "Log event too large: 1048602 bytes exceeds limit of 1048576"),
    ],
)
def test_a_wrong_batch_is_refused_whole(stream: Stream, events: Any, text: str) -> None:
    code, message = _refused_put(stream, events)
    assert code == "InvalidParameterException"
    assert text in message
    assert stream.messages() == []


def _refused_put(stream: Stream, events: list[tuple[int, str]]) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        stream.put(*events)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def test_missing_group_and_stream_are_told_apart(stream: Stream) -> None:
    event = {"timestamp": stream.now, "message": "a"}
    put = stream.logs.put_log_events
    assert refused(put, logGroupName="x", logStreamName="s", logEvents=[event]) == (
        "ResourceNotFoundException",
        "The specified log group does not exist.",
    )
    assert refused(put, logGroupName="g", logStreamName="x", logEvents=[event]) == (
        "ResourceNotFoundException",
        "The specified log stream does not exist.",
    )


def test_a_stream_made_anew_has_none_of_the_old_events(stream: Stream) -> None:
    stream.put((0, "old"))
    stream.logs.delete_log_stream(logGroupName="g", logStreamName="s")
    stream.logs.create_log_stream(logGroupName="g", logStreamName="s")
    assert stream.messages() == []
    stream.put((0, "new"))
    stream.logs.delete_log_group(logGroupName="g")
    stream.logs.create_log_group(logGroupName="g")
    assert stream.logs.describe_log_streams(logGroupName="g")["logStreams"] == []


def test_filter_merges_streams_by_time_over_pages(stream: Stream, logs: Any) -> None:
    other = Stream(logs, stream.clock, "t")
    stream.put((0, "s0"), (2, "s2 ERROR"), (4, "s4"))
    other.put((1, "t1 ERROR"), (3, "t3"))
    assert filtered(stream) == ["s0", "t1 ERROR", "s2 ERROR", "t3", "s4"]
    assert filtered(stream, PaginationConfig={"PageSize": 2}) == ["s0", "t1 ERROR", "s2 ERROR", "t3", "s4"]
    assert filtered(stream, filterPattern="ERROR") == ["t1 ERROR", "s2 ERROR"]
    assert filtered(stream, logStreamNames=["t"]) == ["t1 ERROR", "t3"]
    assert filtered(stream, logStreamNamePrefix="s") == ["s0", "s2 ERROR", "s4"]
    newest = logs.filter_log_events(logGroupName="g", startFromHead=False, limit=2)
    assert [event["message"] for event in newest["events"]] == ["s4", "t3"]
    rest = logs.filter_log_events(logGroupName="g", nextToken=newest["nextToken"])
    assert [event["message"] for event in rest["events"]] == ["s2 ERROR", "t1 ERROR", "s0"]


def test_event_ids_are_distinct_and_last(stream: Stream) -> None:
    stream.put((0, "same"), (0, "same"))
    first = stream.logs.filter_log_events(logGroupName="g")["events"]
    assert len({event["eventId"] for event in first}) == 2
    stream.put((0, "same"))
    assert stream.logs.filter_log_events(logGroupName="g")["events"][:2] == first


def test_a_rare_match_is_found_behind_more_events_than_one_call_looks_at(
    stream: Stream, log_events: Any
) -> None:
    stream.put((0, "first"))
    (key,) = (s for (s,) in log_events._db.execute("SELECT key FROM stream"))
    log_events.append(key, stream.now, [(stream.now, f"line {n}") for n in range(25_000)])
    stream.put((1, "needle"))
    page = stream.logs.filter_log_events(logGroupName="g", filterPattern="needle")
    assert page["events"] == [] and page["nextToken"]
    assert filtered(stream, filterPattern="needle") == ["needle"]


def test_a_wrong_pattern_is_refused(stream: Stream) -> None:
    wrong = refused(stream.logs.filter_log_events, logGroupName="g", filterPattern="a-b/c")
    assert wrong == ("InvalidParameterException", "Invalid character(s) in term 'a-b/c'")


def test_streams_are_described_by_name_or_by_last_event(stream: Stream, logs: Any) -> None:
    other, empty = Stream(logs, stream.clock, "a"), Stream(logs, stream.clock, "z")
    stream.put((0, "one"), (5, "two"))
    other.put((1, "three"))

    def names(**params: Any) -> list[str]:
        pages = logs.get_paginator("describe_log_streams").paginate(
            logGroupName="g", PaginationConfig={"PageSize": 2}, **params
        )
        return [found["logStreamName"] for page in pages for found in page["logStreams"]]

    assert names() == ["a", "s", "z"]
    assert names(descending=True) == ["z", "s", "a"]
    assert names(orderBy="LastEventTime", descending=True) == ["s", "a", empty.name]
    assert names(logStreamNamePrefix="s") == ["s"]
    wrong = refused(
        logs.describe_log_streams, logGroupName="g", orderBy="LastEventTime", logStreamNamePrefix="s"
    )
    assert wrong[0] == "InvalidParameterException"
    described = logs.describe_log_streams(logGroupName="g", logStreamNamePrefix="s")["logStreams"][0]
    assert described["firstEventTimestamp"] == stream.now
    assert described["lastEventTimestamp"] == stream.now + 5
    assert described["arn"].endswith(":log-group:g:log-stream:s")
    assert (
        "lastEventTimestamp"
        not in logs.describe_log_streams(logGroupName="g", logStreamNamePrefix="z")["logStreams"][0]
    )


def test_a_group_may_be_named_by_arn(stream: Stream) -> None:
    stream.put((0, "a"))
    arn = stream.logs.describe_log_groups()["logGroups"][0]["logGroupArn"]
    found = stream.logs.get_log_events(logGroupIdentifier=arn, logStreamName="s")
    assert [event["message"] for event in found["events"]] == ["a"]
    assert refused(stream.logs.get_log_events, logStreamName="s")[0] == "InvalidParameterException"


def test_stored_bytes_count_text_and_overhead(stream: Stream) -> None:
    stream.put((0, "é"), (0, "ab"))
    assert stream.logs.describe_log_groups()["logGroups"][0]["storedBytes"] == 2 * (2 + 26)


def test_tidying_removes_what_expired_and_what_has_no_stream(
    stream: Stream, store: Any, log_events: Any
) -> None:
    stream.logs.put_retention_policy(logGroupName="g", retentionInDays=1)
    stream.put((0, "a"), (1000, "b"))
    log_events.append("left by a crash", 0, [(0, "x")])
    assert tidy_events(store, log_events, stream.clock.now) == 0
    assert log_events.facts(["left by a crash"]) == {}
    stream.clock.advance(86_400.5)
    assert tidy_events(store, log_events, stream.clock.now) == 1
    assert stream.messages() == ["b"]
