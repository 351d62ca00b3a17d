"""The uplink: off, the world's internet ends at its edge; on, hosts of the real one answer and no others.

The "real internet" is a network namespace that the test makes; nothing leaves it.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.e2e.harness import BIN

STAGE = Path(__file__).with_name("uplink_stage.sh")

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make the machine this test needs")


def said(tmp_path: Path, option: str, retries: int) -> dict[str, str]:
    web = tmp_path / "web"
    web.mkdir()
    (web / "file").write_text("a page of the real internet\n")
    state_dir = tmp_path / "state"
    done = subprocess.run(
        ["unshare", "-n", "sh", STAGE, BIN / "seawall", state_dir, web, sys.executable, option, str(retries)],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    shutil.rmtree(state_dir, ignore_errors=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(line.split(": ", 1) for line in done.stdout.splitlines() if ": " in line)


def test_with_the_uplink_public_hosts_answer_and_the_machines_neighbours_do_not(tmp_path: Path) -> None:
    answers = said(tmp_path, "--uplink", 20)
    assert answers == {"public": "a page of the real internet", "neighbour": "nothing"}


def test_without_it_nothing_beyond_the_world_answers(tmp_path: Path) -> None:
    answers = said(tmp_path, "--auth=enforce", 0)
    assert answers == {"public": "nothing", "neighbour": "nothing"}
