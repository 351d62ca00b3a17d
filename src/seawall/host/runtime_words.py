"""Why a container could not be made, in the words that a task on Fargate 1.4.0 shows.  Pure.

There containerd says them and runc behind it.  What crun says of a command is put into runc's words, since
people search for those; of everything else it keeps its own, behind the same beginning.
Source: reasons of stopped tasks as people quote them ("exec: \\"x\\": executable file not found in $PATH").
"""

import re

_RUNTIME = (
    "failed to create new container runtime task: failed to create shim task: OCI runtime create failed: "
)
_RUNC = "runc create failed: unable to start container process: "
_NOT_FOUND = re.compile(r"executable file `(?P<name>.*)` not found in \$PATH(?:: .*)?", re.DOTALL)
_NOT_EXECUTABLE = re.compile(r"open executable: (?:Permission denied|Operation not permitted)")


def runtime_failure(text: str, command: str) -> str:
    """text      what the OCI runtime said
    command   the first word of what the container was to run
    """
    return f"{_RUNTIME}{_of_command(text, command) or text}: unknown"


def unmade(text: str) -> str:
    """The same where no runtime was asked: `text` is ours."""
    return f"unable to create new container: {text}"


def _of_command(text: str, command: str) -> str | None:
    """None where it says nothing of the command, or says it as runc does."""
    missing = _NOT_FOUND.fullmatch(text)
    if missing is not None and "/" in missing["name"]:
        return f'{_RUNC}exec: "{missing["name"]}": stat {missing["name"]}: no such file or directory'
    if missing is not None:
        return f'{_RUNC}exec: "{missing["name"]}": executable file not found in $PATH'
    if _NOT_EXECUTABLE.fullmatch(text):
        return f'{_RUNC}exec: "{command}": permission denied'
    return None
