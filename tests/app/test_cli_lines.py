"""Reading the command line, and what each failure ends with."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from seawall.app import cli
from seawall.app.commands import up
from seawall.app.failure import CommandFailed
from seawall.app.running import write_process
from seawall.app.target import parse_forward


def test_every_command_has_help_and_the_four_parts() -> None:
    for name, module in cli.load_commands().items():
        assert module.__doc__, name
        assert callable(module.configure), name
        assert callable(module.run), name


@pytest.mark.parametrize(
    ("argv", "words", "tail"),
    [
        (["ps"], ["ps"], []),
        (["internet", "--", "curl", "--", "x"], ["internet"], ["curl", "--", "x"]),
        (
            ["aws", "ecs", "list-tasks", "--output", "json"],
            ["aws"],
            ["ecs", "list-tasks", "--output", "json"],
        ),
        (["--state-dir", "aws", "ps"], ["--state-dir", "aws", "ps"], []),
        (["--output", "json", "aws", "--version"], ["--output", "json", "aws"], ["--version"]),
    ],
)
def test_what_belongs_to_another_program_is_left_to_it(
    argv: list[str], words: list[str], tail: list[str]
) -> None:
    assert cli.split_tail(argv, cli.load_commands()) == (words, tail)


def test_global_options_are_understood_before_and_behind_the_command(tmp_path: Path) -> None:
    parser = cli.build_parser(cli.load_commands())
    for argv in (["--state-dir", str(tmp_path), "ps"], ["ps", "--state-dir", str(tmp_path)]):
        assert parser.parse_args(argv).state_dir == tmp_path


@pytest.mark.parametrize("command", [["ps"], ["env"], ["aws", "sts"], ["forward", "1:198.18.0.1:2"]])
def test_without_a_running_seawall_the_status_is_3(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["--state-dir", str(tmp_path), *command]) == 3
    assert "seawall up" in capsys.readouterr().err


def test_failures_are_json_for_scripts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--state-dir", str(tmp_path), "--output", "json", "env"]) == 3
    assert json.loads(capsys.readouterr().err)["status"] == 3


def test_a_program_behind_a_command_that_takes_none_is_refused() -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["ps", "--", "ls"])
    assert ended.value.code == 2


def test_settings_of_up(tmp_path: Path) -> None:
    parser = cli.build_parser(cli.load_commands())
    args = parser.parse_args(["--state-dir", str(tmp_path), "up", "--listen", "[::1]:0", "--auth", "open"])
    settings = up.settings_of(args)
    assert (settings.listen_host, settings.listen_port, settings.auth) == ("::1", 0, "open")
    assert (settings.throttle_launches, settings.fargate_vcpus) == (False, None)
    assert (settings.service_healthy_after_s, settings.service_launches_per_minute) == (40.0, None)
    paced = parser.parse_args(["up", "--service-healthy-after", "1.5", "--service-launch-rate", "500"])
    settings = up.settings_of(paced)
    assert (settings.service_healthy_after_s, settings.service_launches_per_minute) == (1.5, 500)
    args = parser.parse_args(["up", "--throttle-launches", "--fargate-vcpus", "6"])
    args.state_dir = tmp_path
    assert (up.settings_of(args).throttle_launches, up.settings_of(args).fargate_vcpus) == (True, 6.0)


@pytest.mark.parametrize(
    "words",
    [
        ["--listen", "4566"],
        ["--listen", "a:99999"],
        ["--account", "12345678901"],
        ["--account", "x" * 12],
        ["--region", "moon"],
        ["--state-dir", "/proc"],
        ["--state-dir", "/dev/null/x"],
        ["--interface-release", "-1"],
        ["--fargate-vcpus", "0"],
    ],
)
def test_settings_that_make_no_sense_end_with_2(words: list[str], tmp_path: Path) -> None:
    assert cli.main(["--state-dir", str(tmp_path), "up", *words]) == 2


def test_a_program_without_its_dashes_is_told_where_they_go(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["internet", "curl"]) == 2
    assert "seawall internet -- curl" in capsys.readouterr().err


def test_a_seawall_that_is_starting_is_not_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_process(tmp_path)
    assert cli.main(["--state-dir", str(tmp_path), "env"]) == 3
    assert "is not ready yet" in capsys.readouterr().err
    (tmp_path / "state.db").touch()
    assert cli.main(["--state-dir", str(tmp_path), "reset", "--yes"]) == 1
    assert (tmp_path / "state.db").exists()


def test_a_runtime_that_is_not_there_is_missed_before_anything_starts(tmp_path: Path) -> None:
    assert cli.main(["--state-dir", str(tmp_path / "state"), "up", "--runtime", "nosuch"]) == 4
    assert not (tmp_path / "state").exists()


def test_what_is_damaged_is_told(tmp_path: Path) -> None:
    (tmp_path / "control.json").write_text("nonsense")
    assert cli.main(["--state-dir", str(tmp_path), "env"]) == 3
    (tmp_path / "state.db").write_text("nonsense, and a page of it" * 100)
    # In a process of its own, for `up` takes over the process's logging.
    command = [sys.executable, "-m", "seawall.app.cli", "--state-dir", str(tmp_path), "up"]
    done = subprocess.run([*command, "--listen", "127.0.0.1:0"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "file is not a database. `seawall reset --yes`" in done.stderr


def test_forward_targets_may_hold_colons() -> None:
    arn = "arn:aws:ecs:us-east-1:123456789012:task/demo/" + "0" * 32
    wanted = parse_forward(f"8080:{arn}:80")
    assert (wanted.local_port, wanted.target, wanted.port) == (8080, arn, 80)


@pytest.mark.parametrize(
    "text", ["8080", "8080:80", "x:198.18.0.1:80", "1:t:0", "1:t:65536", "1::80", "-1:t:80"]
)
def test_forwards_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(CommandFailed) as refused:
        parse_forward(text)
    assert refused.value.status == 2


def test_reset_of_a_seawall_that_is_down_asks_and_keeps_foreign_files(tmp_path: Path) -> None:
    (tmp_path / "state.db").touch()
    (tmp_path / "registry").mkdir()
    (tmp_path / "s3").mkdir()
    for mine in ("mine.txt", "runner", "s3-notes"):
        (tmp_path / mine).touch()
    assert cli.main(["--state-dir", str(tmp_path), "reset"]) == 2
    assert (tmp_path / "state.db").exists()
    assert cli.main(["--state-dir", str(tmp_path), "reset", "--yes"]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.txt", "runner", "s3-notes"]


def test_another_s3_needs_a_key_that_is_no_argument(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = ["--state-dir", str(tmp_path), "up", "--external-s3", "http://127.0.0.1:9000"]
    with pytest.raises(CommandFailed, match="SEAWALL_S3_ACCESS_KEY_ID"):
        up.settings_of(cli.build_parser(cli.load_commands()).parse_args(line))
    monkeypatch.setenv("SEAWALL_S3_ACCESS_KEY_ID", "them")
    monkeypatch.setenv("SEAWALL_S3_SECRET_ACCESS_KEY", "hush")
    external = up.settings_of(cli.build_parser(cli.load_commands()).parse_args(line)).external_s3
    assert external is not None and external.url == "http://127.0.0.1:9000"
    assert "hush" not in repr(external)
