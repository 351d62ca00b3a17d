"""Letting a created container go by its pipe, which this test reads in the way of crun's container."""

import os
import select
from collections.abc import Iterator
from pathlib import Path

import pytest

from seawall.host import start_gate


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[int]:
    """Where a container waits: it holds the pipe open, as crun's does since before it was made."""
    os.mkfifo(tmp_path / "exec.fifo", 0o600)
    descriptor = os.open(tmp_path / "exec.fifo", os.O_RDONLY | os.O_NONBLOCK)
    yield descriptor
    os.close(descriptor)


def begun(folder: Path) -> None:
    """As a killed agent leaves it between the two steps."""
    (folder / "exec.fifo").rename(folder / "exec.going")


def test_the_container_gets_one_byte_and_the_pipe_loses_its_name(tmp_path: Path, waiting: int) -> None:
    assert start_gate.let_go(tmp_path)
    assert os.read(waiting, 8) == b"\0"
    assert list(tmp_path.iterdir()) == []


def test_where_none_waits_in_this_way_nothing_is_done(tmp_path: Path) -> None:
    assert not start_gate.let_go(tmp_path)
    os.mkfifo(tmp_path / "exec.fifo")  # runc's container writes to its pipe; a dead one has let go of it
    assert not start_gate.let_go(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["exec.fifo"]


def test_a_start_that_was_begun_is_completed(tmp_path: Path, waiting: int) -> None:
    begun(tmp_path)
    start_gate.complete(tmp_path)
    assert os.read(waiting, 8) == b"\0"
    assert list(tmp_path.iterdir()) == []


def test_a_container_that_was_let_go_already_is_left_alone(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "exec.going")  # it has read its byte, so nobody has this pipe open
    start_gate.complete(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_container_nobody_began_to_start_goes_on_waiting(tmp_path: Path, waiting: int) -> None:
    start_gate.complete(tmp_path)
    assert select.select([waiting], [], [], 0) == ([], [], [])
    assert [path.name for path in tmp_path.iterdir()] == ["exec.fifo"]
