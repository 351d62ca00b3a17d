"""The file of log events by itself: what survives, what a crash leaves, what reading costs."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from seawall.store.log_events import LogEvents

EVERYTHING = {"limit": 10_000, "limit_bytes": 1 << 30}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "logs.db"


@pytest.fixture
def events(path: Path) -> Iterator[LogEvents]:
    opened = LogEvents(path)
    yield opened
    opened.close()


def messages(events: LogEvents, *keys: str) -> list[str]:
    return [event.message for event in events.read(keys, **EVERYTHING)]


def test_an_appended_batch_survives_a_killed_process(path: Path) -> None:
    script = (
        "import os, pathlib, signal, sys\n"
        "from seawall.store.log_events import LogEvents\n"
        "events = LogEvents(pathlib.Path(sys.argv[1]))\n"
        "events.append('a', 1, [(1, 'one'), (2, 'two')])\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run([sys.executable, "-c", script, path], check=False, env=dict(os.environ))
    assert ended.returncode == -signal.SIGKILL
    again = LogEvents(path)
    assert messages(again, "a") == ["one", "two"]
    again.close()


def test_streams_merge_by_time_then_by_arrival(events: LogEvents) -> None:
    events.append("a", 0, [(1, "a1"), (3, "a3")])
    events.append("b", 0, [(1, "b1"), (2, "b2")])
    assert messages(events, "a", "b") == ["a1", "b1", "b2", "a3"]
    newest = events.read(["a", "b"], newest_first=True, limit=2, limit_bytes=1 << 20)
    assert [event.message for event in newest] == ["a3", "b2"]


def test_reading_stops_at_its_limits(events: LogEvents) -> None:
    events.append("a", 0, [(n, "x" * 74) for n in range(10)])  # 100 bytes each, as they are counted
    assert len(events.read(["a"], limit=3, limit_bytes=1 << 20)) == 3
    assert len(events.read(["a"], limit=10, limit_bytes=250)) == 3


def test_expiry_removes_and_recounts(events: LogEvents) -> None:
    events.append("a", 7, [(1, "old"), (5, "new"), (6, "é")])
    assert events.expire(["a", "never seen"], before=5) == 1
    facts = events.facts(["a"])["a"]
    assert facts == (5, 6, 7, len("new") + 2 + 2 * 26)
    assert events.expire(["a"], before=5) == 0


def test_streams_that_a_crash_left_behind_are_forgotten(events: LogEvents) -> None:
    for key in ("a", "b"):
        events.append(key, 0, [(1, key)])
    events.keep_only(["b"])
    assert messages(events, "a", "b") == ["b"]
    events.clear()
    assert events.facts(["a", "b"]) == {}


def test_more_streams_than_one_statement_takes(events: LogEvents) -> None:
    keys = [f"k{n}" for n in range(1200)]
    for key in keys[::100]:
        events.append(key, 0, [(1, key)])
    assert messages(events, *keys) == keys[::100]
    assert len(events.facts(keys)) == 12
