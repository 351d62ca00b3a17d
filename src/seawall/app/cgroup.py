"""Whether this user's Seawall can limit memory, CPU and processes on this machine.

On cgroups v1 only root can.  On v2 root can, and an ordinary user in a subtree that systemd delegated.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
WANTED = ("cpu", "memory", "pids")


@dataclass(frozen=True)
class Enforcement:
    """version    1 or 2; 0 where no cgroups are mounted
    enforced   the limits that hold, of WANTED
    reason     why the others do not; empty when all hold
    """

    version: int
    enforced: tuple[str, ...]
    reason: str = ""

    @property
    def complete(self) -> bool:
        return self.enforced == WANTED

    def sentence(self) -> str:
        if self.complete:
            return f"limits on {', '.join(WANTED)} are enforced (cgroups v{self.version})."
        lacking = ", ".join(name for name in WANTED if name not in self.enforced)
        held = f"limits on {', '.join(self.enforced)} are enforced; " if self.enforced else ""
        return f"{held}limits on {lacking} are NOT enforced: {self.reason}."


def limits_here(root: Path = ROOT, user: int | None = None, session: bool | None = None) -> Enforcement:
    """What holds for `user` (default: who asks).

    session  whether systemd runs a session for that user, in which it can be asked for a delegated subtree
    """
    user = os.geteuid() if user is None else user
    if (root / "cgroup.controllers").exists():
        return _version_2(root, user, _has_session() if session is None else session)
    mounted = tuple(name for name in WANTED if (root / name).is_dir())
    if not mounted:
        return Enforcement(0, (), "no cgroup controllers are mounted")
    if user != 0:
        return Enforcement(1, (), "cgroups v1 lets only root set limits")
    missing = ", ".join(name for name in WANTED if name not in mounted)
    return Enforcement(1, mounted, f"this machine has no {missing} controller" if missing else "")


def _has_session() -> bool:
    """The same question that the world asks before it wants a scope of its own from systemd."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return bool(runtime and (Path(runtime) / "systemd/private").exists() and shutil.which("systemd-run"))


def _version_2(root: Path, user: int, session: bool) -> Enforcement:
    if user == 0:
        held = _controllers(root)
        return Enforcement(2, held, "" if held == WANTED else "the kernel was started without them")
    if not session:
        return Enforcement(2, (), "systemd runs no session for you, from which a subtree could come")
    # systemd delegates what is below user@UID.service, and nothing above it.
    held = _controllers(root / f"user.slice/user-{user}.slice/user@{user}.service")
    return Enforcement(2, held, "" if held == WANTED else "systemd does not delegate them to you")


def _controllers(directory: Path) -> tuple[str, ...]:
    file = directory / "cgroup.controllers"
    available = file.read_text().split() if file.exists() else []
    return tuple(name for name in WANTED if name in available)
