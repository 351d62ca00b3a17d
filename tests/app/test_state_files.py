"""Removing what a Seawall keeps."""

from pathlib import Path

import pytest

from seawall.app import doctor
from seawall.app.cli import main
from seawall.app.failure import UNPREPARED, USAGE
from seawall.app.state_files import remove


def test_files_folders_and_links_go_and_what_a_link_leads_to_stays(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    folder = tmp_path / "images"
    (folder / "layers").mkdir(parents=True)
    (folder / "layers" / "file").write_text("x")
    link = tmp_path / "link"
    link.symlink_to(kept)
    remove([folder, link, tmp_path / "absent"])
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_reset_of_one_that_is_down_leaves_the_files_of_others(tmp_path: Path) -> None:
    for name in ("state.db", "state.db-wal", "control.log", "mine.txt"):
        (tmp_path / name).write_text("x")
    assert main(["--state-dir", str(tmp_path), "reset"]) == USAGE
    assert main(["--state-dir", str(tmp_path), "reset", "--yes"]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_reset_takes_an_empty_folder_along(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    (state / "state.db").write_text("x")
    assert main(["--state-dir", str(state), "reset", "--yes"]) == 0
    assert not state.exists()


def test_up_says_where_no_state_folder_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert main(["--state-dir", str(tmp_path / "file"), "up"]) == USAGE
    assert main(["--state-dir", str(tmp_path / "file" / "below"), "up"]) == USAGE


def test_up_names_the_package_of_a_program_that_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "PATH", str(tmp_path))
    assert main(["--state-dir", str(tmp_path / "state"), "up"]) == UNPREPARED
    assert (
        "nft: not found; it holds the rules of every VPC. Run: apt-get install nftables"
        in capsys.readouterr().err
    )
