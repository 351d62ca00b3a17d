"""A private world: user, mount, network, PID, IPC and UTS namespaces, with a small init as process 1.

Everything Seawall makes on a machine lives in one.  Inside it the agent is root; outside it is whoever
started Seawall.  Ending process 1 ends it all.  The world does not hang on the process that started it.

Its life from outside: started, found again, entered, ended.  How it comes to be is in host.birth.
"""

import hashlib
import os
import pwd
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import msgspec

from seawall.host.birth import INIT
from seawall.host.cgroup import remove_world_cgroups
from seawall.host.entrance import NoEntrance, enter

IDS_PER_WORLD = 65537  # root and the 65,536 ids of a container
ROOTS_FIRST_ID = 1_000_000_000  # where the ids of root's worlds begin: beyond what distributions hand out
ROOTS_WORLDS = 16_384
END_TIMEOUT_S = 20.0
ID_VARIABLE = "SEAWALL_WORLD"  # of process 1: tells a world whose files are gone


class WorldError(Exception):
    """No world can be made or entered; the text says why and what to do."""


class World(msgspec.Struct, frozen=True, kw_only=True):
    """A running world.  `pid` is its process 1 as seen from outside, `started` when that began (ticks)."""

    id: str
    pid: int
    started: int
    state_dir: str

    @property
    def alive(self) -> bool:
        return _start_time(self.pid) == self.started


def start_world(state_dir: Path, agent_command: Sequence[str]) -> World:
    """Make a world whose init keeps `agent_command` running.  Raises WorldError.  About 0.2 s."""
    id = uuid.uuid4().hex[:12]
    state_dir = state_dir.resolve()
    (state_dir / "run").mkdir(mode=0o700, parents=True, exist_ok=True)
    command = [sys.executable, "-m", "seawall.host.birth", str(state_dir), id, *agent_command]
    with subprocess.Popen(
        [*_delegated_scope(id), *command],
        env=os.environ | {ID_VARIABLE: id},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as child:
        try:
            pid = _attend_birth(child, state_dir)
            world = World(id=id, pid=pid, started=_start_time(pid) or 0, state_dir=str(state_dir))
            draft = state_dir / "world.new"
            draft.write_text(f"{world.pid} {world.started} {world.id}\n")
            draft.replace(_pid_file(state_dir))
            _tell(child, "noted")
        except BaseException:  # process 1 ends as well, for it hears no `noted`
            child.kill()
            raise
    return world


def _attend_birth(child: "subprocess.Popen[str]", state_dir: Path) -> int:
    """The conversation that host.birth describes; returns the number of process 1.  Raises WorldError."""
    assert child.stdout is not None
    assert child.stderr is not None
    outside = _said(child.stdout, "outside")
    if outside is None:
        raise WorldError(_explain(child.stderr.read()))
    try:
        _write_maps(outside, state_dir)
    except OSError as error:
        raise WorldError(f"the ids of the world could not be mapped: {error}") from error
    _tell(child, "mapped")
    # Two processes say these, in whatever order.
    lines = (child.stdout.readline(), child.stdout.readline())
    words: dict[str, str] = dict(line.strip().partition(" ")[::2] for line in lines)
    if "ready" not in words or not words.get("first", "").isdigit():
        raise WorldError(_explain(child.stderr.read()))
    return int(words["first"])


def _tell(child: "subprocess.Popen[str]", word: str) -> None:
    assert child.stdin is not None
    child.stdin.write(f"{word}\n")
    child.stdin.flush()


def _said(pipe: IO[str], word: str) -> int | None:
    """The number that a line `WORD NUMBER` holds."""
    match pipe.readline().split():
        case [said, number] if said == word and number.isdigit():
            return int(number)
    return None


def find_world(state_dir: Path) -> World | None:
    """The world that runs in a state directory, or None.  A number that was given away again is not it."""
    try:
        pid, started, id = _pid_file(state_dir).read_text().split()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    world = World(id=id, pid=int(pid), started=int(started), state_dir=str(state_dir.resolve()))
    return world if world.alive else None


def lost_worlds() -> Iterator[World]:
    """Of those that this user may end, the worlds that no file tells of: the state directory was removed."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
            if words[0] != INIT or len(words) < 2 or not _is_first(folder):
                continue
            said = (folder / "environ").read_bytes().decode(errors="replace").split("\0")
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        ids = [word.partition("=")[2] for word in said if word.startswith(f"{ID_VARIABLE}=")]
        started = _start_time(int(folder.name))
        state_dir = Path(words[1]).parent.parent
        if ids and started is not None and find_world(state_dir) is None:
            yield World(id=ids[0], pid=int(folder.name), started=started, state_dir=str(state_dir))


def _is_first(folder: Path) -> bool:
    """Whether a process of /proc is number 1 of a PID namespace made in ours."""
    lines = (folder / "status").read_text().splitlines()
    return any(line.split()[0] == "NSpid:" and line.split()[2:] == ["1"] for line in lines if line)


def end_world(state_dir: Path) -> None:
    """End a world and remove what it left outside of itself: control groups, its socket and pid file.

    One that ended by itself, or is not there at all, leaves nothing either.  Raises WorldError.
    """
    world = find_world(state_dir)
    if world is None:
        place = str(state_dir.resolve())
        world = next((lost for lost in lost_worlds() if lost.state_dir == place), None)
    if world is not None:
        descriptor = os.pidfd_open(world.pid)
        try:
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
            if not select.select([descriptor], [], [], END_TIMEOUT_S)[0]:
                raise WorldError(f"process {world.pid} did not end within {END_TIMEOUT_S:.0f} s")
        finally:
            os.close(descriptor)
    try:
        id = world.id if world is not None else _pid_file(state_dir).read_text().split()[2]
    except (FileNotFoundError, IndexError):
        return
    held = remove_world_cgroups(id)
    if held:  # the pid file stays, so that the next try finds them
        raise WorldError(f"processes of the world have not ended yet: {', '.join(map(str, held))}")
    (state_dir / "agent.sock").unlink(missing_ok=True)
    _pid_file(state_dir).unlink(missing_ok=True)


def enter_world(
    world: World, argv: Sequence[str], netns: str | None = None, resolv_conf: str | None = None
) -> int:
    """Run a program inside a world with this terminal; returns its exit status, 128 + n for signal n.

    netns        a named namespace of the world; None: the world's own
    resolv_conf  the text of /etc/resolv.conf for the program alone
    Raises WorldError when the world or the namespace is gone.
    """
    try:
        return enter(world.pid, Path(world.state_dir), argv, netns, resolv_conf)
    except NoEntrance as error:
        raise WorldError(str(error)) from error


def _write_maps(pid: int, state_dir: Path) -> None:
    """The starter's id is the world's root; sub-ids fill the rest."""
    if os.geteuid() == 0:
        first = ROOTS_FIRST_ID + _place(state_dir) * IDS_PER_WORLD
        text = f"0 0 1\n1 {first} {IDS_PER_WORLD - 1}\n"
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{pid}/{name}").write_text(text)
        return
    for program, table, own in (
        ("newuidmap", Path("/etc/subuid"), os.geteuid()),
        ("newgidmap", Path("/etc/subgid"), os.getegid()),
    ):
        first, count = _sub_ids(table)
        words = [program, str(pid), "0", str(own), "1", "1", str(first), str(count)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise WorldError(f"{program}: {done.stderr.strip()}; see `seawall doctor`")


def _place(state_dir: Path) -> int:
    """A number of its own for each state directory, so that two worlds of root share no ids."""
    return int.from_bytes(hashlib.sha256(bytes(state_dir)).digest()[:4], "big") % ROOTS_WORLDS


def _sub_ids(table: Path) -> tuple[int, int]:
    """The first range given to this user: (first id, how many).  Raises WorldError."""
    user = pwd.getpwuid(os.geteuid()).pw_name
    for line in table.read_text().splitlines() if table.exists() else ():
        name, _, rest = line.partition(":")
        if name in (user, str(os.geteuid())):
            first, _, count = rest.partition(":")
            return int(first), min(int(count), IDS_PER_WORLD - 1)
    raise WorldError(f"{table} gives {user} no sub-ids: usermod --add-subuids 100000-165535 {user}")


def _delegated_scope(id: str) -> list[str]:
    """For an ordinary user on cgroups v2: ask systemd for a subtree in which limits can be set."""
    unified = Path("/sys/fs/cgroup/cgroup.controllers").exists()
    if os.geteuid() == 0 or not unified or not shutil.which("systemd-run"):
        return []
    if not Path(os.environ.get("XDG_RUNTIME_DIR", "/nonexistent"), "systemd/private").exists():
        return []
    unit = f"--unit=seawall-{id}.scope"
    return ["systemd-run", "--user", "--scope", "--quiet", "--collect", "-p", "Delegate=yes", unit, "--"]


def _pid_file(state_dir: Path) -> Path:
    return state_dir / "world.pid"


def _start_time(pid: int) -> int | None:
    """When a process began, in clock ticks after boot; None when it is gone or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def _explain(stderr: str) -> str:
    text = stderr.strip() or "the first process of the world ended at once"
    return f"no private world could be made: {text}. `seawall doctor` says what is missing."


def _run(command: list[str]) -> int:
    """Start a world that lasts as long as one command, and run that in it."""
    with tempfile.TemporaryDirectory(prefix="seawall-world-") as folder:
        state_dir = Path(folder)
        world = start_world(state_dir, ["sleep", "infinity"])
        try:
            return enter_world(world, command)
        finally:
            end_world(state_dir)


def main(argv: list[str]) -> int:
    match argv:
        case ["run", "--", *command] if command:
            return _run(command)
    print("usage: python -m seawall.host.world run -- COMMAND [ARG ...]", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
