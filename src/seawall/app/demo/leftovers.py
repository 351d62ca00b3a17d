"""What a Seawall could leave on a machine, looked at before and after.

Its world is private, so nothing of it may ever show outside; what is compared here is the machine's own view.
Other programs come and go on it meanwhile, so a difference must stay for a while to count.
"""

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
    """What lived in a world: processes as (number, start time), and the namespaces they were in."""

    world: str = ""
    processes: set[tuple[int, str]] = field(default_factory=set)
    namespaces: set[str] = field(default_factory=set)
    ended: float = 0.0  # in clock ticks since boot

    def end(self) -> None:
        """Say that it is over: the kernel may give the numbers of its namespaces to others from now on."""
        self.ended = time.clock_gettime(time.CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK")

    def note_all_of(self, world: str, pid: int) -> None:
        """Add a world: process `pid`, all that descend from it, and their namespaces but our own."""
        self.world = world
        children: dict[int, list[int]] = {}
        for child, parent in _parents():
            children.setdefault(parent, []).append(child)
        ours = set(_namespaces(os.getpid()))
        open_ends = [pid]
        while open_ends:
            current = open_ends.pop()
            open_ends += children.get(current, [])
            started = _start_time(current)
            if started:
                self.processes.add((current, started))
                self.namespaces |= set(_namespaces(current)) - ours


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
            if kind != "cgroup" or life.world in name:
                yield f"{kind} {name}"
    for pid, began in sorted(life.processes):
        if _start_time(pid) == began:
            yield f"process {pid}"
    for pid, words in _command_lines():
        if str(state_dir) in words and pid != os.getpid() and pid != os.getppid():
            yield f"process {pid}: {words[:80]}"
    for pid, _ in _parents():
        started = _start_time(pid)
        if started is None or int(started) > life.ended:
            continue
        for name in life.namespaces.intersection(_namespaces(pid)):
            yield f"namespace {name}, held by process {pid}"


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


def _namespaces(pid: int) -> Iterator[str]:
    """Nothing for a process that is gone or that is another user's."""
    for kind in ("user", "net", "mnt", "pid", "ipc", "uts"):
        try:
            yield str(Path(f"/proc/{pid}/ns/{kind}").readlink())
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            return


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
