"""`seawall exec` as people use it: in a terminal, in a pipe, and when it makes no sense."""

import fcntl
import os
import pty
import struct
import subprocess
import termios
from collections.abc import Iterator

import pytest
from tests.e2e.harness import BIN, Network, Seawall, run_task, wait_for


@pytest.fixture(scope="module")
def task(seawall: Seawall, account: None, network: Network) -> Iterator[str]:
    """The id of a task with two containers."""
    arn = run_task(seawall, network.private, network.group)
    wait_for(seawall, "tasks_running", arn)
    yield arn.rpartition("/")[2]
    seawall.client("ecs").stop_task(task=arn)
    wait_for(seawall, "tasks_stopped", arn)


def line(seawall: Seawall, *words: str) -> list[str]:
    return [str(BIN / "seawall"), "--state-dir", str(seawall.state_dir), "exec", *words]


def test_a_terminal(seawall: Seawall, task: str) -> None:
    ours, theirs = pty.openpty()
    set_size(ours, 33, 99)
    command = ["setsid", "--ctty", *line(seawall, task[:8], "web", "-it", "--", "/bin/sh")]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        until(ours, b"# ")
        os.write(ours, b"stty size; echo $TERM\r")
        until(ours, b"33 99\r\n")
        set_size(ours, 44, 111)
        while b"44 111\r\n" not in until(ours, b"# "):  # the change is on its way
            os.write(ours, b"stty size\r")
        os.write(ours, b"exit 5\r")
        assert process.wait(20) == 5
    os.close(ours)


def test_a_pipe_and_a_file(seawall: Seawall, task: str) -> None:
    count = line(seawall, task, "web", "-i", "--", "/bin/sh", "-c", "busybox wc -c; echo err >&2; exit 4")
    piped = subprocess.run(count, input=b"x" * 300_000, capture_output=True, timeout=30, check=False)
    assert (piped.returncode, piped.stdout.strip(), piped.stderr) == (4, b"300000", b"err\n")
    with (BIN / "python").open("rb") as file:
        filed = subprocess.run(count, stdin=file, capture_output=True, timeout=30, check=False)
    assert int(filed.stdout) == (BIN / "python").stat().st_size


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ((), 2, "say what to run"),
        (("--", "/bin/true"), 2, "the task has"),
        (("nobody", "--", "/bin/true"), 2, "nobody: the task has"),
        (("web", "-t", "--", "/bin/true"), 2, "the input is not a terminal"),
    ],
)
def test_what_makes_no_sense(
    seawall: Seawall, task: str, words: tuple[str, ...], status: int, said: str
) -> None:
    done = subprocess.run(
        line(seawall, task, *words),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, said in done.stderr) == (status, True), done.stderr


def set_size(terminal: int, rows: int, columns: int) -> None:
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def until(terminal: int, mark: bytes) -> bytes:
    said = b""
    while mark not in said:
        said += os.read(terminal, 4096)
    return said
