"""What a Seawall could leave on a machine, looked at before and after.

Its world is private, so nothing of it may ever show outside; what is compared here is the machine's own view.
Other programs come and go on it meanwhile, so a difference must stay for a while to count.
"""

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from seawall.app.doctor import PATH

PATIENCE_S = 10.0


@dataclass(frozen=True)
class Census:
    """Each a set of names that mean one thing only: a process is number and start time, a mount its line."""

    links: frozenset[str]
    nft_tables: frozenset[str]
    mounts: frozenset[str]
    cgroups: frozenset[str]

    def new_since(self, before: "Census") -> dict[str, frozenset[str]]:
        differences = {
            "link": self.links - before.links,
            "nft table": self.nft_tables - before.nft_tables,
            "mount": self.mounts - before.mounts,
            "cgroup": self.cgroups - before.cgroups,
        }
        return {kind: names for kind, names in differences.items() if names}


def take_census() -> Census:
    return Census(
        links=frozenset(path.name for path in Path("/sys/class/net").iterdir()),
        nft_tables=frozenset(_nft_tables()),
        mounts=frozenset(line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()),
        cgroups=frozenset(_cgroups(Path("/sys/fs/cgroup"))),
    )


@dataclass
class Life:
    """What lived in a world: processes as (number, start time), and the user namespaces they were in.

    Everything of a world is in its user namespace or in one below it.  Each is held open, so that the kernel
    gives its number to no other world before `forget`.
    """

    world: str = ""
    processes: set[tuple[int, str]] = field(default_factory=set)
    namespaces: dict[str, int] = field(default_factory=dict)  # name -> descriptor

    def forget(self) -> None:
        for descriptor in self.namespaces.values():
            os.close(descriptor)
        self.namespaces.clear()

    def note_all_of(self, world: str, pid: int) -> None:
        """Add a world: process `pid`, all that descend from it, and their namespaces but our own."""
        self.world = world
        children: dict[int, list[int]] = {}
        for child, parent in _parents():
            children.setdefault(parent, []).append(child)
        ours = _user_namespace(os.getpid())
        open_ends = [pid]
        while open_ends:
            current = open_ends.pop()
            open_ends += children.get(current, [])
            started = _start_time(current)
            if started:
                self.processes.add((current, started))
                self._hold(current, ours)

    def _hold(self, pid: int, ours: str | None) -> None:
        name = _user_namespace(pid)
        if name is not None and name != ours and name not in self.namespaces:
            with contextlib.suppress(OSError):  # it may just have ended
                self.namespaces[name] = os.open(f"/proc/{pid}/ns/user", os.O_RDONLY)


def still_there(before: Census, life: Life, state_dir: Path) -> list[str]:
    """What is left of a world that ended, in words; waits up to PATIENCE_S for it to become nothing."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        left = list(_left(before, life, state_dir))
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.1)


def _left(before: Census, life: Life, state_dir: Path) -> Iterator[str]:
    for kind, names in take_census().new_since(before).items():
        for name in sorted(names):
            # Other Seawalls make groups meanwhile; ours bear the world's name.
            if kind != "cgroup" or (life.world and life.world in name):
                yield f"{kind} {name}"
    for pid, began in sorted(life.processes):
        if _start_time(pid) == began:
            yield f"process {pid}"
    for pid, words in _command_lines():
        if str(state_dir) in words and pid != os.getpid() and pid != os.getppid():
            yield f"process {pid}: {words[:80]}"
    for pid, _ in _parents():
        namespace = _user_namespace(pid)
        if namespace in life.namespaces:
            yield f"namespace {namespace}, held by process {pid}"


def _parents() -> Iterator[tuple[int, int]]:
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        yield int(path.parent.name), int(fields[1])


def _start_time(pid: int) -> str | None:
    """None for a process that is gone, and for a zombie, which holds nothing any more."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else fields[19]


def _command_lines() -> Iterator[tuple[int, str]]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield int(path.parent.name), path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue


def _user_namespace(pid: int) -> str | None:
    """None for a process that is gone, or that is another user's."""
    try:
        return str(Path(f"/proc/{pid}/ns/user").readlink())
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None


def _nft_tables() -> list[str]:
    """Only root may look; nobody else could have made one."""
    nft = shutil.which("nft", path=PATH)
    if os.geteuid() != 0 or nft is None:
        return []
    done = subprocess.run([nft, "list", "tables"], capture_output=True, text=True, check=False)
    return done.stdout.splitlines()


def _cgroups(root: Path) -> Iterator[str]:
    """Paths of all cgroups but those of systemd's own services and sessions, which are not ours to judge."""
    for directory, names, _ in os.walk(root):
        names[:] = [name for name in names if not name.endswith((".service", ".scope", ".mount", ".socket"))]
        yield from (f"{directory}/{name}" for name in names)
