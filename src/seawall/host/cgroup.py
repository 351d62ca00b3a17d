"""Control groups, v1 and v2: one subtree a world, one group a task in it, the containers' groups below.

The OCI runtime makes and limits the containers' groups; the task's own size is set here, on their parent.
Where no limit can hold (an ordinary user without delegation) that is said, never hidden.
"""

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
CONTROLLERS = ("cpu", "memory", "pids")
PERIOD_US = 100_000
REMOVE_TRIES, REMOVE_PAUSE_S = 400, 0.005


class Cgroups:
    """The subtree of one world.

    version   1, 2, or 0 where limits cannot be set; then `reason` says why and all else does nothing
    """

    def __init__(self, world: str) -> None:
        self.version, self.reason = 0, ""
        self._name = f"seawall-{world}"
        self._bases: dict[str, Path] = {}
        try:
            self._set_up()
        except OSError as error:
            self.version, self.reason = 0, f"control groups cannot be made here: {error}"

    def container_path(self, task: str, container: str) -> str | None:
        """cgroupsPath for the OCI runtime, relative to the root of each hierarchy; None: no limits."""
        if not self.version:
            return None
        base = next(iter(self._bases.values()))
        root = ROOT if self.version == 2 else ROOT / next(iter(self._bases))
        return f"/{(base / task / container).relative_to(root)}"

    def folder(self, controller: str, task: str, container: str) -> Path | None:
        """A container's group in the hierarchy of a controller; None where that has none here."""
        if self.version == 2:
            return self._bases["cpu"] / task / container
        base = next((base for names, base in self._bases.items() if controller in names.split(",")), None)
        return None if base is None else base / task / container

    def make_task(self, task: str, *, cpus: float, memory_bytes: int, pids: int) -> None:
        """Make a task's group with its size.  `cpus` in processors, e.g. 0.25."""
        quota = max(int(cpus * PERIOD_US), 1000)
        if self.version == 2:
            folder = self._bases["cpu"] / task
            folder.mkdir(exist_ok=True)
            _write(folder / "cpu.max", f"{quota} {PERIOD_US}")
            _write(folder / "memory.max", str(memory_bytes))
            _write(folder / "pids.max", str(pids))
            _write(folder / "cgroup.subtree_control", " ".join(f"+{c}" for c in CONTROLLERS))
        elif self.version == 1:
            for name, base in self._bases.items():
                (base / task).mkdir(exist_ok=True)
                _inherit_cpuset(base / task)
                for file, value in _sizes_v1(name, quota, memory_bytes, pids):
                    _write(base / task / file, value)

    def expect_moves(self) -> None:
        """Make the moves into groups that follow within some 20 ms quick.  Blocks for up to 15 ms.

        The first move after a pause waits for an RCU grace period, while the kernel turns to the mode in
        which moves are cheap.  Writing our own number to the group we are in starts that and changes nothing;
        done while a task's network is being made, it takes half of the time off its containers' creation.
        """
        with contextlib.suppress(OSError):
            (_own_group() / "cgroup.procs").write_text(str(os.getpid()))

    def out_of_memory(self, task: str, container: str) -> bool:
        """Whether the kernel has killed a process of this container for lack of memory."""
        if not self.version:
            return False
        folder = self._bases["memory"] / task / container
        file = folder / ("memory.events" if self.version == 2 else "memory.oom_control")
        with contextlib.suppress(OSError):
            for line in file.read_text().splitlines():
                name, _, count = line.partition(" ")
                if name == "oom_kill":
                    return int(count) > 0
        return False

    def remove_container(self, task: str, container: str) -> None:
        """Kill what is left of a container and remove its groups."""
        for base in {*self._bases.values(), *self._followed()}:
            _remove(base / task / container)

    def remove_task(self, task: str) -> None:
        """Kill what is left of a task and remove its groups."""
        for base in {*self._bases.values(), *self._followed()}:
            _remove(base / task)

    def _followed(self) -> Iterator[Path]:
        """v1 hierarchies without limits, in which runtimes make groups all the same."""
        if self.version == 1:
            yield from (ROOT / name / self._name for name in ("systemd", "unified"))

    def tasks(self) -> frozenset[str]:
        """The tasks that have a group."""
        return frozenset(
            path.name
            for base in self._bases.values()
            if base.is_dir()
            for path in base.iterdir()
            if path.is_dir()
        )

    def _set_up(self) -> None:
        if (ROOT / "cgroup.controllers").exists():
            self._set_up_v2()
        elif all((ROOT / name).is_dir() for name in CONTROLLERS):
            for name in _hierarchies_v1():
                base = ROOT / name / self._name
                base.mkdir(exist_ok=True)
                _inherit_cpuset(base)
                self._bases[name] = base
            self.version = 1
        else:
            self.reason = "no cgroup controllers are mounted"

    def _set_up_v2(self) -> None:
        own = ROOT / Path("/proc/self/cgroup").read_text().rpartition("::")[2].strip().lstrip("/")
        delegated = own.parent if own.name == "agent" else own
        parent = delegated if delegated.name == f"{self._name}.scope" else ROOT
        if parent is not ROOT:
            # A group with processes of its own cannot have limited children: the world's move into one.
            (parent / "agent").mkdir(exist_ok=True)
            for pid in (parent / "cgroup.procs").read_text().split():
                _write(parent / "agent/cgroup.procs", pid)
        wanted = " ".join(f"+{name}" for name in CONTROLLERS)
        _write(parent / "cgroup.subtree_control", wanted)
        base = parent / self._name
        base.mkdir(exist_ok=True)
        _write(base / "cgroup.subtree_control", wanted)
        self._bases = dict.fromkeys(CONTROLLERS, base)
        self.version = 2


def remove_world_cgroups(world: str) -> tuple[Path, ...]:
    """Remove every group of a world that has ended; returns those that something still holds."""
    folders = tuple(world_cgroups(world))
    for folder in folders:
        _remove(folder)
    return tuple(folder for folder in folders if folder.exists())


def world_cgroups(world: str) -> Iterator[Path]:
    """The groups with all others of a world in them, at any depth; those of others come and go meanwhile."""
    name = f"seawall-{world}"
    for folder, names, _ in os.walk(ROOT):
        if name in names:
            names.remove(name)
            yield Path(folder, name)


def _hierarchies_v1() -> Iterator[str]:
    """The mounted v1 hierarchies a runtime makes groups in; linked names (cpu,cpuacct) count once."""
    for path in sorted(ROOT.iterdir()):
        if path.is_dir() and not path.is_symlink() and path.name not in ("unified", "systemd"):
            yield path.name


def _sizes_v1(controller: str, quota: int, memory_bytes: int, pids: int) -> Iterator[tuple[str, str]]:
    names = controller.split(",")
    if "cpu" in names:
        yield "cpu.cfs_period_us", str(PERIOD_US)
        yield "cpu.cfs_quota_us", str(quota)
    if "memory" in names:
        yield "memory.limit_in_bytes", str(memory_bytes)
    if "pids" in names:
        yield "pids.max", str(pids)


def _inherit_cpuset(folder: Path) -> None:
    """A v1 cpuset takes no process before it has processors and memory nodes; give it its parent's."""
    for file in ("cpuset.cpus", "cpuset.mems"):
        if (folder / file).exists():
            _write(folder / file, (folder.parent / file).read_text().strip())


def _remove(folder: Path) -> None:
    """Remove a group and those below it, ending what still runs there."""
    if not folder.is_dir():
        return
    if not (ROOT / folder.relative_to(ROOT).parts[0] / "cgroup.procs").exists():
        # The world's cover of the unified hierarchy, in which a runtime leaves ordinary files.
        shutil.rmtree(folder)
        return
    for child in [path for path in folder.iterdir() if path.is_dir()]:
        _remove(child)
    for _ in range(REMOVE_TRIES):
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            for pid in _processes(folder):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(REMOVE_PAUSE_S)  # a killed process holds its group until it is gone
            continue
        return


def _own_group() -> Path:
    """The group this process is in: of v1's hierarchies the one that counts processes."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        number, controllers, path = line.split(":", 2)
        if controllers == "pids":
            return ROOT / controllers / path.lstrip("/")
        if number == "0" and (ROOT / "cgroup.controllers").exists():
            return ROOT / path.lstrip("/")
    return ROOT


def _processes(folder: Path) -> list[int]:
    """Those with a number here; one of another PID namespace reads as 0, which to kill(2) means ourselves."""
    with contextlib.suppress(OSError):
        return [int(pid) for pid in (folder / "cgroup.procs").read_text().split() if pid != "0"]
    return []


def _write(path: Path, text: str) -> None:
    path.write_text(text)
