"""What a program that was begun has, and has not."""

import os
import signal
from pathlib import Path

import pytest

from seawall.host.spawn import KEPT, Streams, spawn


def said(tmp_path: Path, script: str, *, new_session: bool = False, kept: tuple[int, ...] = ()) -> list[str]:
    """The lines that a script writes."""
    with (tmp_path / "said").open("w+") as output:
        child = spawn(
            ["any name", "-c", script],
            Streams(output=output.fileno(), kept=kept),
            program="/bin/sh",
            folder=tmp_path,
            variables={"COLOUR": "blue"},
            new_session=new_session,
        )
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        output.seek(0)
        return output.read().split("\n")[:-1]


def test_where_it_works_and_what_it_knows(tmp_path: Path) -> None:
    assert said(tmp_path, "pwd; echo $COLOUR $HOME; read line || echo no input") == [
        str(tmp_path),
        f"blue {os.environ['HOME']}",
        "no input",
    ]


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_no_other_descriptor_is_open(tmp_path: Path, kept: int) -> None:
    read, write = os.pipe()
    os.set_inheritable(read, True)
    try:
        script = "for f in 0 1 2 3 4 5 6 7 8 9 10 20 $READ; do [ -e /proc/$$/fd/$f ] && echo $f; done; true"
        found = said(tmp_path, f"READ={read}; {script}", kept=(write, read)[:kept])
        assert found == ["0", "1", "2", *(str(KEPT + place) for place in range(kept))]
    finally:
        os.close(read)
        os.close(write)


@pytest.mark.parametrize("new_session", [False, True])
def test_a_session_of_its_own(tmp_path: Path, new_session: bool) -> None:
    (line,) = said(tmp_path, "cat /proc/$$/stat", new_session=new_session)
    pid, session = line.split()[0], line.rpartition(")")[2].split()[3]
    assert session == (pid if new_session else str(os.getsid(0)))


def test_signals_that_python_ignores_are_not_ignored(tmp_path: Path) -> None:
    (line,) = said(tmp_path, "grep SigIgn /proc/$$/status")
    ignored = int(line.split()[1], 16)
    assert not any(ignored >> (number - 1) & 1 for number in (signal.SIGPIPE, signal.SIGXFSZ))


def test_what_cannot_be_begun() -> None:
    with pytest.raises(FileNotFoundError):
        spawn(["/nonexistent"], Streams())
