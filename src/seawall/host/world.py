"""A private world: user, mount, network, PID, IPC and UTS namespaces, with a small init as process 1.

Everything Seawall makes on a machine lives in one.  Inside it the agent is root; outside it is whoever
started Seawall.  Ending process 1 ends it all.  The world does not hang on the process that started it.

How one is born: `start_world` runs this module as a child, which leaves for new namespaces and waits; the
parent writes its id maps (from outside, as the kernel wants it); the child makes process 1, tells its number
and is gone.  Process 1 mounts what the world needs and becomes s6-svscan, which reaps, and starts the agent
again whenever that dies.
"""

import ctypes
import hashlib
import os
import pwd
import select
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import msgspec

from seawall.host.cgroup import remove_world_cgroups

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
ALL = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS
MS_REC, MS_PRIVATE, MS_NOSUID, MS_NODEV, MS_NOEXEC = 0x4000, 0x40000, 2, 4, 8
MS_BIND = 0x1000

IDS_PER_WORLD = 65537  # root and the 65,536 ids of a container
ROOTS_FIRST_ID = 1_000_000_000  # where the ids of root's worlds begin: beyond what distributions hand out
ROOTS_WORLDS = 16_384
STAGES = ("/mnt", "/media", "/srv", "/opt")
END_TIMEOUT_S = 20.0

_libc = ctypes.CDLL(None, use_errno=True)


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
    command = [sys.executable, "-m", "seawall.host.world", "birth", str(state_dir), id, *agent_command]
    with subprocess.Popen(
        [*_delegated_scope(id), *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        said = child.stdout.readline().split()
        if len(said) != 2 or said[0] != "outside":
            raise WorldError(_explain(child.stderr.read()))
        try:
            _write_maps(int(said[1]), state_dir)
        except OSError as error:
            child.kill()
            raise WorldError(f"the ids of the world could not be mapped: {error}") from error
        child.stdin.write("mapped\n")
        child.stdin.flush()
        born = child.stdout.readline().strip()
        if not born.isdigit():
            raise WorldError(_explain(child.stderr.read()))
    world = World(id=id, pid=int(born), started=_start_time(int(born)) or 0, state_dir=str(state_dir))
    draft = state_dir / "world.new"
    draft.write_text(f"{world.pid} {world.started} {world.id}\n")
    draft.replace(_pid_file(state_dir))
    return world


def find_world(state_dir: Path) -> World | None:
    """The world that runs in a state directory, or None.  A number that was given away again is not it."""
    try:
        pid, started, id = _pid_file(state_dir).read_text().split()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    world = World(id=id, pid=int(pid), started=int(started), state_dir=str(state_dir.resolve()))
    return world if world.alive else None


def end_world(state_dir: Path) -> None:
    """End a world and remove what it left outside of itself: control groups, its socket and pid file."""
    world = find_world(state_dir)
    if world is not None:
        descriptor = os.pidfd_open(world.pid)
        try:
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
            if not select.select([descriptor], [], [], END_TIMEOUT_S)[0]:
                raise WorldError(f"process {world.pid} did not end within {END_TIMEOUT_S:.0f} s")
        finally:
            os.close(descriptor)
    try:
        id = _pid_file(state_dir).read_text().split()[2]
    except (FileNotFoundError, IndexError):
        return
    remove_world_cgroups(id)
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
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        try:
            _go_inside(world, netns, resolv_conf)
            grandchild = os.fork()  # only a child of ours is in the world's PID namespace
        except OSError as error:
            os.write(write, f"{error.filename or 'world'}: {error.strerror}".encode())
            os._exit(1)
        if grandchild == 0:
            _become(argv, write)
        os.close(write)
        os._exit(_status(_wait_through_signals(grandchild)))
    os.close(write)
    with os.fdopen(read) as pipe:
        trouble = pipe.read()
    status = _status(_wait_through_signals(child))
    if trouble:
        raise WorldError(trouble)
    return status


def _go_inside(world: World, netns: str | None, resolv_conf: str | None) -> None:
    namespaces = [(kind, os.open(f"/proc/{world.pid}/ns/{kind}", os.O_RDONLY)) for kind in _JOIN_ORDER]
    root = os.open(f"/proc/{world.pid}/root", os.O_RDONLY)
    here = Path.cwd()
    for kind, descriptor in namespaces:
        _check(_libc.setns(descriptor, 0), f"/proc/{world.pid}/ns/{kind}")
    os.fchdir(root)
    os.chroot(".")
    _chdir_if_possible(here)
    os.setgid(0)
    os.setuid(0)
    if netns is not None:
        path = Path(world.state_dir) / "run/netns" / netns
        descriptor = os.open(path, os.O_RDONLY)
        _check(_libc.setns(descriptor, CLONE_NEWNET), str(path))
    if resolv_conf is not None:
        _own_resolv_conf(Path(world.state_dir), resolv_conf)


_JOIN_ORDER = ("user", "mnt", "net", "ipc", "uts", "pid")


def _chdir_if_possible(path: Path) -> None:
    try:
        os.chdir(path)
    except OSError:
        os.chdir("/")


def _own_resolv_conf(state_dir: Path, text: str) -> None:
    """A mount namespace of its own, in which /etc/resolv.conf is another file."""
    _check(_libc.unshare(CLONE_NEWNS), "unshare")
    file = state_dir / "run" / f"resolv-{hashlib.sha256(text.encode()).hexdigest()[:16]}.conf"
    file.write_text(text)
    target = Path("/etc/resolv.conf").resolve()
    if target.exists():
        _check(_libc.mount(bytes(file), bytes(target), None, MS_BIND, None), str(target))


def _become(argv: Sequence[str], trouble: int) -> NoReturn:
    os.set_inheritable(trouble, False)
    try:
        os.execvp(argv[0], list(argv))
    except OSError as error:
        print(f"seawall: {argv[0]}: {error.strerror}", file=sys.stderr)
        os._exit(127)


def _wait_through_signals(pid: int) -> int:
    """Wait for a child; signals that would end us are handed on to it instead."""

    def hand_on(number: int, frame: object) -> None:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return

    before = {number: signal.signal(number, hand_on) for number in (signal.SIGTERM, signal.SIGHUP)}
    before[signal.SIGINT] = signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # the terminal tells the child itself
    try:
        return os.waitpid(pid, 0)[1]
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _status(waited: int) -> int:
    code = os.waitstatus_to_exitcode(waited)
    return 128 - code if code < 0 else code


# --- birth: runs in the child that start_world makes ---


def _birth(state_dir: Path, id: str, agent_command: list[str]) -> int:
    if _libc.unshare(ALL) != 0:
        print(f"unshare: {os.strerror(ctypes.get_errno())}", file=sys.stderr)
        return 1
    print(f"outside {os.getpid()}", flush=True)
    if sys.stdin.readline() != "mapped\n":
        return 1
    os.setresgid(0, 0, 0)
    if os.access("/proc/self/setgroups", os.W_OK) and Path("/proc/self/setgroups").read_text() == "allow\n":
        os.setgroups([])
    os.setresuid(0, 0, 0)
    first = os.fork()
    if first == 0:
        _first_process(state_dir, id, agent_command)
    print(first, flush=True)
    return 0


def _first_process(state_dir: Path, id: str, agent_command: list[str]) -> NoReturn:
    run = state_dir / "run"
    _mount(None, Path("/"), None, MS_REC | MS_PRIVATE)
    _mount("proc", Path("/proc"), "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    _mount("tmpfs", run, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=256m")
    (run / "world-id").write_text(id)
    (run / "stage").symlink_to(_stage(state_dir))
    hybrid = Path("/sys/fs/cgroup/unified")
    if hybrid.is_dir():
        # crun refuses a v1 machine whose unplaced controllers lie in the unified hierarchy; without sight of
        # that it works, and starts containers in a third of runc's time.
        _mount("tmpfs", hybrid, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=4m")
    socket.sethostname("seawall")
    _loopback_up()
    service = run / "services/agent"
    service.mkdir(parents=True)
    log = shlex.quote(str(state_dir / "agent.log"))
    script = service / "run"
    script.write_text(f"#!/bin/sh\nexec {shlex.join(agent_command)} >>{log} 2>&1\n")
    script.chmod(0o755)
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    os.chdir("/")
    os.execvp("s6-svscan", ["s6-svscan", str(service.parent)])


def _stage(state_dir: Path) -> Path:
    """A folder of the world that everybody can walk into, for what containers' own ids must reach.

    The state directory is its owner's alone.  So a tmpfs covers one of the folders every Linux has and that
    nothing we need lies in.
    """
    needed = [
        state_dir,
        *(Path(p).resolve() for p in (sys.prefix, sys.base_prefix, sys.executable, __file__)),
    ]
    for name in STAGES:
        folder = Path(name)
        if folder.is_dir() and not folder.is_symlink() and not any(p.is_relative_to(folder) for p in needed):
            _mount("tmpfs", folder, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=256m")
            return folder
    raise OSError(0, "is needed, but Seawall itself lies in each", " or ".join(STAGES))


def _mount(source: str | None, target: Path, kind: str | None, flags: int, data: str | None = None) -> None:
    words = [None if word is None else word.encode() for word in (source, str(target), kind)]
    _check(_libc.mount(*words, flags, None if data is None else data.encode()), f"mount {target}")


def _loopback_up() -> None:
    SIOCSIFFLAGS, IFF_UP = 0x8914, 1
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


# --- ids ---


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


# --- small things ---


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


def _check(status: int, what: str) -> None:
    if status != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), what)


def _run(command: list[str]) -> int:
    """Start a world that lasts as long as one command, and run that in it."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="seawall-world-") as folder:
        state_dir = Path(folder)
        world = start_world(state_dir, ["sleep", "infinity"])
        try:
            return enter_world(world, command)
        finally:
            end_world(state_dir)


def main(argv: list[str]) -> int:
    match argv:
        case ["birth", state_dir, id, *agent_command]:
            return _birth(Path(state_dir), id, agent_command)
        case ["run", "--", *command] if command:
            return _run(command)
    print("usage: python -m seawall.host.world run -- COMMAND [ARG ...]", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
