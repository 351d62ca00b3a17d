"""The Seawall that runs in a state directory: where it listens and how to get in.

`seawall up` writes control.json when everything is ready and removes it at the end; every other command finds
the running Seawall through it.  The file holds the administrator's key, so only its owner may read it.
"""

import os
import time
from pathlib import Path

import msgspec

FILE = "control.json"
PROCESS_FILE = "control.pid"  # from the first moment of a start on, not only when all is ready


class NotRunning(Exception):
    """No Seawall runs in that state directory, or it is not ready yet."""

    def __init__(self, state_dir: Path) -> None:
        text = f"No Seawall is running in {state_dir}. Start one with `seawall up`."
        if read_process(state_dir) is not None:
            text = f"The Seawall in {state_dir} is not ready yet. `seawall up` says when it is."
        super().__init__(text)
        self.state_dir = state_dir


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """What a client must know.  `started` is the process's start time in clock ticks since boot (0: unknown):
    together with `pid` it names one process for good, also after the number has been given away again."""

    pid: int
    started: int = 0
    url: str
    account: str
    region: str
    access_key_id: str
    secret_access_key: str
    auth: str = "enforce"
    control_token: str = ""  # opens /_seawall/reset where signatures are enforced

    @property
    def alive(self) -> bool:
        now = start_time(self.pid)
        return now is not None and self.started in (0, now)

    def environment(self) -> dict[str, str]:
        """The variables that point every AWS SDK, the aws CLI and Terraform here."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_REGION": self.region,
        }


def default_state_dir() -> Path:
    """$SEAWALL_STATE_DIR, else /var/lib/seawall for root and ~/.local/state/seawall for everybody else."""
    chosen = os.environ.get("SEAWALL_STATE_DIR")
    if chosen:
        return Path(chosen)
    if os.geteuid() == 0:
        return Path("/var/lib/seawall")
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "seawall"


def start_time(pid: int) -> int | None:
    """When a process started, in clock ticks since boot; None when it is gone or a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()  # the program's name may hold blanks and brackets
    return None if fields[0] in "ZX" else int(fields[19])


def read_running(state_dir: Path) -> Running:
    """The Seawall of a state directory.  Raises NotRunning; PermissionError when it is somebody else's."""
    try:
        running = msgspec.json.decode((state_dir / FILE).read_bytes(), type=Running)
    except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError):
        raise NotRunning(state_dir) from None
    if not running.alive:
        raise NotRunning(state_dir)
    return running


def write_running(state_dir: Path, running: Running) -> None:
    """Say that a Seawall is ready, in one step, so that a reader sees all of it or nothing."""
    draft = state_dir / f"{FILE}.{os.getpid()}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "wb") as file:
        file.write(msgspec.json.encode(running))
    draft.replace(state_dir / FILE)


def remove_running(state_dir: Path) -> None:
    for name in (FILE, PROCESS_FILE):
        (state_dir / name).unlink(missing_ok=True)


def write_process(state_dir: Path) -> None:
    """Say that this process is the control plane here, ready or not."""
    pid = os.getpid()
    (state_dir / PROCESS_FILE).write_text(f"{pid} {start_time(pid)}\n")


def read_process(state_dir: Path) -> tuple[int, int] | None:
    """The control plane's process, starting or running: its id and start time; None when there is none."""
    try:
        pid, started = (int(word) for word in (state_dir / PROCESS_FILE).read_text().split())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return (pid, started) if start_time(pid) == started else None


def await_exit(pid: int, started: int, timeout_s: float) -> bool:
    """Wait until a process is gone.  False when it is still there after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while start_time(pid) == started:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
