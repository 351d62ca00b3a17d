"""How a world comes to be, seen from inside: `python -m seawall.host.birth STATE_DIR ID AGENT [ARG ...]`.

Run by host.world.start_world, with which it talks over its standard input and output: it leaves for new
namespaces and says `outside PID`; it is told `mapped` once that process has ids; it makes the world's process
1 and says `first PID`; that process mounts what the world needs, says `ready`, is told `noted` once its
number is written down (so that no world lives that nobody would find again), and becomes s6-svscan, which
reaps, and starts the agent again whenever that dies.  What goes wrong is said on standard error.
"""

import fcntl
import os
import shlex
import shutil
import socket
import struct
import sys
from pathlib import Path
from typing import NoReturn

from seawall.host.kernel import (
    CLONE_NEWIPC,
    CLONE_NEWNET,
    CLONE_NEWNS,
    CLONE_NEWPID,
    CLONE_NEWUSER,
    CLONE_NEWUTS,
    MS_BIND,
    MS_MOVE,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_PRIVATE,
    MS_REC,
    mount,
    unmount,
    unshare,
)

ALL = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS
QUIET = MS_NOSUID | MS_NODEV
STAGES = ("/mnt", "/media", "/srv", "/opt")
INIT = "s6-svscan"
# s6 waits for a second before it starts a service again.  One that was killed (status 256) need not wait, and
# s6 can be told so once it has seen the end of this script.
AT_ONCE = """\
[ "$1" = 256 ] || exit 0
{ while kill -0 $$; do :; done; s6-svc -u .; } 2>/dev/null &
"""


def give_birth(state_dir: Path, id: str, agent_command: list[str]) -> int:
    try:
        unshare(ALL)
    except OSError as error:
        print(f"unshare: {error.strerror}", file=sys.stderr)
        return 1
    _say(f"outside {os.getpid()}")
    if sys.stdin.readline() != "mapped\n":
        return 1
    os.setresgid(0, 0, 0)
    if os.access("/proc/self/setgroups", os.W_OK) and Path("/proc/self/setgroups").read_text() == "allow\n":
        os.setgroups([])
    os.setresuid(0, 0, 0)
    first = os.fork()
    if first == 0:
        try:
            _become_first(state_dir, id, agent_command)
        except OSError as error:
            print(f"{error.filename or 'world'}: {error.strerror}", file=sys.stderr, flush=True)
            os._exit(1)
    _say(f"first {first}")
    return 0


def _say(line: str) -> None:
    """In one piece: two processes speak here, and `print` may write the end of a line by itself."""
    os.write(sys.stdout.fileno(), f"{line}\n".encode())


def _become_first(state_dir: Path, id: str, agent_command: list[str]) -> NoReturn:
    run = state_dir / "run"
    mount(None, Path("/"), None, MS_REC | MS_PRIVATE)
    mount("proc", Path("/proc"), "proc", QUIET | MS_NOEXEC)
    mount("tmpfs", run, "tmpfs", QUIET, "mode=0755,size=256m")
    (run / "world-id").write_text(id)
    (run / "stage").symlink_to(_stage(state_dir))
    _own_sys(run / "cgroup")
    hybrid = Path("/sys/fs/cgroup/unified")
    if hybrid.is_dir():
        # crun refuses a v1 machine whose unplaced controllers lie in the unified hierarchy; without sight of
        # that it works, and starts containers in a third of runc's time.
        mount("tmpfs", hybrid, "tmpfs", QUIET, "mode=0755,size=4m")
    socket.sethostname("seawall")
    _loopback_up()
    service = run / "services/agent"
    service.mkdir(parents=True)
    log = shlex.quote(str(state_dir / "agent.log"))
    for name, text in (("run", f"exec {shlex.join(agent_command)} >>{log} 2>&1\n"), ("finish", AT_ONCE)):
        script = service / name
        script.write_text(f"#!/bin/sh\n{text}")
        script.chmod(0o755)
    init = shutil.which(INIT)
    if init is None:
        raise OSError(0, "not installed", INIT)
    _say("ready")
    if sys.stdin.readline() != "noted\n":
        os._exit(1)
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    os.chdir("/")
    os.execv(init, [INIT, str(service.parent)])


def _own_sys(aside: Path) -> None:
    """Show the world's own links in /sys/class/net, not the machine's; the control groups stay in sight.

    aside   where they are kept meanwhile
    """
    groups = Path("/sys/fs/cgroup")
    aside.mkdir()
    mount(str(groups), aside, None, MS_BIND | MS_REC)
    try:
        mount("sysfs", Path("/sys"), "sysfs", QUIET | MS_NOEXEC)
    except PermissionError:  # parts of the machine's are hidden, as in some containers: it stays as it is
        unmount(aside)
    else:
        mount(str(aside), groups, None, MS_MOVE)
    aside.rmdir()


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
            mount("tmpfs", folder, "tmpfs", QUIET, "mode=0755,size=256m")
            return folder
    raise OSError(0, "is needed, but Seawall itself lies in each", " or ".join(STAGES))


def _loopback_up() -> None:
    SIOCSIFFLAGS, IFF_UP = 0x8914, 1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


if __name__ == "__main__":
    sys.exit(give_birth(Path(sys.argv[1]), sys.argv[2], sys.argv[3:]))
