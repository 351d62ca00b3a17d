"""A world's life from outside: born, entered, kept alive, found again, ended without a trace."""

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from seawall.host import cgroup
from seawall.host import world as world_module
from seawall.host.world import (
    World,
    WorldError,
    end_world,
    enter_world,
    find_world,
    lost_worlds,
    start_world,
)

pytestmark = pytest.mark.e2e  # starts worlds, so it cannot run inside of one

KINDS = ("user", "mnt", "net", "pid", "ipc", "uts")
FOREVER = ["sleep", "infinity"]
PATIENCE_S = 40


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with running(tmp_path, FOREVER) as made:
        yield made


@contextlib.contextmanager
def running(state_dir: Path, agent: list[str]) -> Iterator[World]:
    made = start_world(state_dir, agent)
    try:
        yield made
    finally:
        end_world(state_dir)


class Roll:
    """A pipe on which each life of an agent writes its process id, as seen inside the world."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "roll"
        os.mkfifo(self.path)
        self._end = os.open(self.path, os.O_RDWR)  # both ends, so that no writer ever waits for us
        self.agent = ["sh", "-c", f"echo $$ > {self.path}; exec sleep infinity"]

    def next(self) -> int:
        assert select.select([self._end], [], [], PATIENCE_S)[0], "the agent was not started"
        return int(os.read(self._end, 100))

    def close(self) -> None:
        os.close(self._end)


def said_inside(world: World, tmp_path: Path, command: str, **where: str) -> str:
    file = tmp_path / "said"
    assert enter_world(world, ["sh", "-c", f"{{ {command}; }} > {file}"], **where) == 0
    return file.read_text().strip()


def mounts() -> list[str]:
    return [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]


def test_nothing_but_the_kernel_is_shared(world: World) -> None:
    for kind in KINDS:
        theirs = (Path("/proc") / str(world.pid) / "ns" / kind).readlink()
        assert theirs != Path(f"/proc/self/ns/{kind}").readlink(), kind


def test_inside_one_is_root_and_sees_only_the_world(world: World, tmp_path: Path) -> None:
    assert said_inside(world, tmp_path, "id -u; hostname") == "0\nseawall"
    assert said_inside(world, tmp_path, "cat /proc/1/comm") == "s6-svscan"
    links = said_inside(world, tmp_path, "ip -o link | cut -d: -f2")
    assert links.split() == ["lo"]


def test_the_machines_links_are_out_of_sight(world: World, tmp_path: Path) -> None:
    assert said_inside(world, tmp_path, "ls /sys/class/net") == "lo"
    groups = {line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()}
    if "/sys/fs/cgroup" in groups:
        inside = said_inside(world, tmp_path, "ls -A /sys/fs/cgroup").split()
        outside = (path.name for path in Path("/sys/fs/cgroup").iterdir())
        assert lasting(inside) == lasting(outside)


def lasting(names: Iterable[str]) -> set[str]:
    """But for the groups of worlds, which others begin and end meanwhile."""
    return {name for name in names if not name.startswith("seawall-")}


def test_the_mounts_of_a_world_are_not_seen_outside(world: World, tmp_path: Path) -> None:
    assert (tmp_path / "run").is_dir()
    assert "run/world-id" not in {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*")}
    assert said_inside(world, tmp_path, f"cat {tmp_path}/run/world-id") == world.id
    assert not [mount for mount in mounts() if mount.startswith(str(tmp_path))]


@pytest.mark.parametrize(
    ("command", "status"),
    [
        (["true"], 0),
        (["sh", "-c", "exit 7"], 7),
        (["sh", "-c", "kill -TERM $$"], 128 + signal.SIGTERM),
        (["/nonexistent/program"], 127),
    ],
)
def test_a_program_inside_ends_with_its_own_status(world: World, command: list[str], status: int) -> None:
    assert enter_world(world, command) == status


def test_an_absent_namespace_is_said_to_be(world: World) -> None:
    with pytest.raises(WorldError, match="task-gone: No such file or directory"):
        enter_world(world, ["true"], netns="task-gone")


def test_a_private_resolver_is_for_that_program_alone(world: World, tmp_path: Path) -> None:
    text = "nameserver 10.0.0.2\n"
    assert said_inside(world, tmp_path, "cat /etc/resolv.conf", resolv_conf=text) == text.strip()
    assert text.strip() not in said_inside(world, tmp_path, "cat /etc/resolv.conf")


def test_a_killed_agent_is_started_again(tmp_path: Path) -> None:
    roll = Roll(tmp_path)
    with running(tmp_path, roll.agent) as world:
        first = roll.next()
        assert enter_world(world, ["kill", "-9", str(first)]) == 0
        assert roll.next() != first
    roll.close()


def test_a_world_outlives_who_started_it_and_is_found_again(tmp_path: Path) -> None:
    program = "import sys; from pathlib import Path; from seawall.host.world import start_world;"
    program += "print(start_world(Path(sys.argv[1]), ['sleep', 'infinity']).pid)"
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True
    )
    try:
        found = find_world(tmp_path)
        assert found is not None
        assert found.pid == int(done.stdout)
        assert found.alive
        assert enter_world(found, ["true"]) == 0
    finally:
        end_world(tmp_path)


def test_a_world_whose_folder_was_removed_is_found_and_ended(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    roll = Roll(tmp_path)
    world = start_world(folder, roll.agent)
    try:
        roll.next()
        assert world not in list(lost_worlds())
        shutil.rmtree(folder)
        assert find_world(folder) is None
        assert world in list(lost_worlds())
        end_world(tmp_path / "other")  # another's folder: nothing of ours ends
        assert world.alive
    finally:
        end_world(folder)
        roll.close()
    assert not world.alive
    assert not list(cgroup.world_cgroups(world.id))
    assert not folder.exists()


def test_a_start_that_is_interrupted_leaves_no_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Process 1 stands, nobody has told it yet that its number is written down."""
    tell, first = world_module._tell, []

    def interrupted(child: "subprocess.Popen[str]", word: str) -> None:
        if word == "noted":
            first.append(os.pidfd_open(int((tmp_path / "world.pid").read_text().split()[0])))
            raise KeyboardInterrupt
        tell(child, word)

    monkeypatch.setattr(world_module, "_tell", interrupted)
    with pytest.raises(KeyboardInterrupt):
        start_world(tmp_path, FOREVER)
    assert select.select(first, [], [], PATIENCE_S)[0], "process 1 lives on"
    os.close(first[0])
    assert find_world(tmp_path) is None


def test_another_process_with_the_same_number_is_not_the_world(tmp_path: Path) -> None:
    (tmp_path / "world.pid").write_text(f"{os.getpid()} 12345 0123456789ab\n")
    assert find_world(tmp_path) is None
    end_world(tmp_path)  # we live on
    assert not (tmp_path / "world.pid").exists()


def test_where_no_world_was_there_is_none(tmp_path: Path) -> None:
    assert find_world(tmp_path) is None
    assert find_world(tmp_path / "absent") is None
    end_world(tmp_path)


def test_the_end_takes_everything_along(tmp_path: Path) -> None:
    roll = Roll(tmp_path)
    world = start_world(tmp_path, roll.agent)
    inside = roll.next()
    agent = next(pid for pid in descendants(world.pid) if namespaced_id(pid) == inside)
    descriptor = os.pidfd_open(agent)
    before = mounts()
    end_world(tmp_path)
    assert select.select([descriptor], [], [], PATIENCE_S)[0], "the agent lives on"
    os.close(descriptor)
    roll.close()
    assert not world.alive
    assert find_world(tmp_path) is None
    assert mounts() == before
    assert not list(cgroup.world_cgroups(world.id))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["agent.log", "roll", "run"]
    assert not list((tmp_path / "run").iterdir())


def test_what_a_killed_world_left_goes_at_the_end_called_twice(tmp_path: Path) -> None:
    world = start_world(tmp_path, FOREVER)
    group = group_of(world)
    with subprocess.Popen(FOREVER) as straggler:  # as a container's process that is slow to die
        try:
            if group is not None:
                (group / "task").mkdir(parents=True)
                (group / "task/cgroup.procs").write_text(str(straggler.pid))
            kill_world(world)
            assert find_world(tmp_path) is None
            end_world(tmp_path)
            assert group is None or straggler.wait(PATIENCE_S) == -signal.SIGKILL
        finally:
            straggler.kill()
    assert not list(cgroup.world_cgroups(world.id))
    end_world(tmp_path)


def test_a_group_that_cannot_be_removed_is_said_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = start_world(tmp_path, FOREVER)
    group = group_of(world)
    try:
        if group is None:
            pytest.skip("no groups can be made here")
        group.mkdir()
        monkeypatch.setattr(cgroup, "_processes", lambda folder: [])  # one that no signal ends
        monkeypatch.setattr(cgroup, "REMOVE_TRIES", 3)
        with subprocess.Popen(FOREVER) as stuck:
            (group / "cgroup.procs").write_text(str(stuck.pid))
            try:
                with pytest.raises(WorldError, match=str(group)):
                    end_world(tmp_path)
            finally:
                stuck.kill()
        assert not world.alive
    finally:
        end_world(tmp_path)
    assert not list(cgroup.world_cgroups(world.id))


def group_of(world: World) -> Path | None:
    """Where this world's groups of processes would lie; None where nobody may make any."""
    for parent in (Path("/sys/fs/cgroup/pids"), Path("/sys/fs/cgroup")):
        if (parent / "cgroup.procs").exists() and os.access(parent, os.W_OK):
            return parent / f"seawall-{world.id}"
    return None


def kill_world(world: World) -> None:
    descriptor = os.pidfd_open(world.pid)
    signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    assert select.select([descriptor], [], [], PATIENCE_S)[0]
    os.close(descriptor)


def test_why_no_world_can_be_made_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # where no init lies
    with pytest.raises(WorldError, match=r"s6-svscan: not installed.*seawall doctor"):
        start_world(tmp_path, FOREVER)
    assert find_world(tmp_path) is None


def test_two_worlds_do_not_meet(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with running(tmp_path / "a", FOREVER) as one, running(tmp_path / "b", FOREVER) as other:
        assert one.id != other.id
        assert mapped_ids(one).isdisjoint(mapped_ids(other)) or os.geteuid() != 0
        for kind in KINDS:
            ours, theirs = (Path(f"/proc/{w.pid}/ns/{kind}").readlink() for w in (one, other))
            assert ours != theirs
        end_world(tmp_path / "a")
        assert other.alive


def test_a_throw_away_world_lasts_as_long_as_its_command(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "seawall.host.world",
        "run",
        "--",
        "sh",
        "-c",
        "cat /proc/1/comm; exit 5",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S * 2, check=False)
    assert (done.returncode, done.stdout) == (5, "s6-svscan\n"), done.stderr


def descendants(pid: int) -> Iterator[int]:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # one that has just ended
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield int(child)
                yield from descendants(int(child))


def namespaced_id(pid: int) -> int | None:
    """None of one that has just ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    (line,) = [x for x in status.splitlines() if x.startswith("NSpid:")]
    return int(line.split()[-1])


def mapped_ids(world: World) -> set[int]:
    """The ids outside that are the world's, but for the starter's own."""
    found: set[int] = set()
    for line in Path(f"/proc/{world.pid}/uid_map").read_text().splitlines():
        inside, outside, count = (int(field) for field in line.split())
        if inside:
            found.update(range(outside, outside + count))
    return found
