"""What crun says of a command, as people know it from Fargate."""

import pytest

from seawall.host.runtime_words import runtime_failure, unmade

HEAD = "failed to create new container runtime task: failed to create shim task: OCI runtime create failed: "
RUNC = "runc create failed: unable to start container process: "


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (
            "executable file `serve` not found in $PATH: No such file or directory",
            f'{RUNC}exec: "serve": executable file not found in $PATH',
        ),
        (
            "executable file `/app/run.sh` not found in $PATH: No such file or directory",
            f'{RUNC}exec: "/app/run.sh": stat /app/run.sh: no such file or directory',
        ),
        ("open executable: Permission denied", f'{RUNC}exec: "/run": permission denied'),
        ("open executable: Operation not permitted", f'{RUNC}exec: "/run": permission denied'),
        ("chdir `/bin/start`: Not a directory", "chdir `/bin/start`: Not a directory"),
        (
            f'{RUNC}exec: "serve": executable file not found in $PATH',
            f'{RUNC}exec: "serve": executable file not found in $PATH',
        ),
    ],
)
def test_words_of_a_runtime(said: str, shown: str) -> None:
    assert runtime_failure(said, "/run") == f"{HEAD}{shown}: unknown"


def test_words_of_ours() -> None:
    assert unmade("no command specified") == "unable to create new container: no command specified"
