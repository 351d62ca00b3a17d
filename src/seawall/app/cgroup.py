"""Whether this user's Seawall can limit memory, CPU and processes on this machine.

On cgroups v1 only root can.  On v2 root can, and an ordinary user in a subtree that systemd delegated.
"""

import os
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


def limits_here(root: Path = ROOT, user: int | None = None, own: str | None = None) -> Enforcement:
    """What holds for `user` (default: who asks).

    own   the text of /proc/self/cgroup, which says where in the tree we are
    """
    user = os.geteuid() if user is None else user
    if (root / "cgroup.controllers").exists():
        return _version_2(root, user, own if own is not None else Path("/proc/self/cgroup").read_text())
    mounted = tuple(name for name in WANTED if (root / name).is_dir())
    if not mounted:
        return Enforcement(0, (), "no cgroup controllers are mounted")
    if user != 0:
        return Enforcement(1, (), "cgroups v1 lets only root set limits")
    missing = ", ".join(name for name in WANTED if name not in mounted)
    return Enforcement(1, mounted, f"this machine has no {missing} controller" if missing else "")


def _version_2(root: Path, user: int, own: str) -> Enforcement:
    path = root / own.strip().rpartition("::")[2].lstrip("/")
    if user == 0:
        available = (root / "cgroup.controllers").read_text().split()
        held = tuple(name for name in WANTED if name in available)
        return Enforcement(2, held, "" if held == WANTED else "the kernel was started without them")
    # systemd delegates everything below user@UID.service, and nothing above it.
    for directory in (path, *path.parents):
        if directory.name == f"user@{user}.service":
            available = (directory / "cgroup.controllers").read_text().split()
            held = tuple(name for name in WANTED if name in available)
            text = (
                "" if held == WANTED else f"systemd delegates only {' '.join(available) or 'nothing'} to you"
            )
            return Enforcement(2, held, text)
    return Enforcement(2, (), f"{path} is not below user@{user}.service, which systemd delegates")
