"""control.json: who may read it, and when it is believed."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from seawall.app.running import (
    NotRunning,
    Running,
    default_state_dir,
    read_process,
    read_running,
    remove_running,
    start_time,
    write_process,
    write_running,
)


def running(pid: int, started: int = 0) -> Running:
    return Running(
        pid=pid,
        started=started,
        url="http://127.0.0.1:4566",
        account="123456789012",
        region="eu-west-1",
        access_key_id="key",
        secret_access_key="secret",
    )


def test_what_was_written_is_read_and_only_its_owner_may(tmp_path: Path) -> None:
    mine = running(os.getpid(), start_time(os.getpid()) or 0)
    write_running(tmp_path, mine)
    assert read_running(tmp_path) == mine
    assert [path.name for path in tmp_path.iterdir()] == ["control.json"]
    assert (tmp_path / "control.json").stat().st_mode & 0o777 == 0o600
    remove_running(tmp_path)
    with pytest.raises(NotRunning):
        read_running(tmp_path)


def test_a_process_number_that_was_given_away_again_is_not_believed(tmp_path: Path) -> None:
    write_running(tmp_path, running(os.getpid(), started=1))
    with pytest.raises(NotRunning):
        read_running(tmp_path)


def test_a_zombie_is_not_running(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    assert child.stdout
    child.stdout.read()  # ends when the child has ended, before anybody waited for it
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert start_time(child.pid) is None
    write_running(tmp_path, running(child.pid))
    with pytest.raises(NotRunning):
        read_running(tmp_path)
    child.wait()
    child.stdout.close()


def test_members_of_a_newer_seawall_do_no_harm(tmp_path: Path) -> None:
    document = msgspec.to_builtins(running(os.getpid())) | {"newer": 1}
    (tmp_path / "control.json").write_bytes(msgspec.json.encode(document))
    assert read_running(tmp_path).region == "eu-west-1"


def test_the_environment_points_at_it() -> None:
    variables = running(1).environment()
    assert variables["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"
    assert variables["AWS_DEFAULT_REGION"] == variables["AWS_REGION"] == "eu-west-1"


def test_state_directory_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEAWALL_STATE_DIR", "/somewhere/else")
    assert default_state_dir() == Path("/somewhere/else")


def test_the_process_is_known_before_it_is_ready_and_by_more_than_its_number(tmp_path: Path) -> None:
    assert read_process(tmp_path) is None
    write_process(tmp_path)
    assert read_process(tmp_path) == (os.getpid(), start_time(os.getpid()))
    (tmp_path / "control.pid").write_text(f"{os.getpid()} 1\n")
    assert read_process(tmp_path) is None
