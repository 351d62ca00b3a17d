"""The master process of an engine: started in its namespace, found again, ended.

It is the first of a session of its own, so that it outlives the agent.  Nothing is written down about it: an
agent finds it by its command line, which names a socket that no other has; so there is no moment at which
an agent that dies leaves one that nobody would find.
"""

import asyncio
import contextlib
import os
import socket
import subprocess
from pathlib import Path

from seawall.host.balancer.places import Places
from seawall.host.balancer.ports import RESERVED, places_of, reserved, taken
from seawall.host.conmon import Monitor, ended, is_alive, start_time
from seawall.host.exec_process import end_all_of
from seawall.host.namespaces import Namespaces

PROGRAM = "haproxy"
MOST_THREADS = 4
# Freed memory goes to what threads share, not back to libc: 16 rather than 19 us of processor for a request.
_MEMORY = "-dMglobal"
_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
_UNPRIVILEGED = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
# A connection that nobody answers fails after 3 seconds, and every client is told.  When the engine's own
# time for it is over, only the first request of a client's connection is answered (HAProxy 2.6,
# http_return_srv_error: TX_NOT_FIRST).
_SYN_RETRIES = Path("/proc/sys/net/ipv4/tcp_syn_retries")


class EngineProcess:
    """One node's.  Methods raise OSError when the namespace is gone."""

    def __init__(self, namespaces: Namespaces, namespace: str, places: Places, id: int) -> None:
        self._namespaces = namespaces
        self._namespace = namespace
        self._places = places
        self._id = id
        self._as = _as(id)
        self._child: subprocess.Popen[bytes] | None = None
        self.master: Monitor | None = None

    def start(self) -> None:
        """Run it with the current generation.  It serves, or ends with its words in `output`."""
        places = self._places
        places.console.unlink(missing_ok=True)
        places_given = ("-S", str(places.console), "-f", str(places.configuration))
        command = [*self._as, PROGRAM, _MEMORY, "-W", *places_given]
        with places.output.open("wb") as emptied:
            os.fchmod(emptied.fileno(), 0o600)
        with places.output.open("ab") as output, self._namespaces.inside(self._namespace):
            self._child = subprocess.Popen(
                command,
                env={"PATH": _PATH},
                cwd=places.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        pid = self._child.pid
        self.master = Monitor(pid=pid, started=start_time(pid) or 0)

    def cannot_listen(self, configuration: str) -> str | None:
        """Why it could not take the places of a configuration; from now on nobody else takes them."""
        places = places_of(configuration)
        with self._namespaces.inside(self._namespace):
            # Its ports may be low ones, and it has no capability.
            _UNPRIVILEGED.write_text("0")
            _SYN_RETRIES.write_text("1")
            RESERVED.write_text(reserved(places))
        return taken(
            places,
            self._id,
            lambda family: self._namespaces.socket_in(self._namespace, family, socket.SOCK_STREAM),
        )

    async def check(self, generation: Path) -> str | None:
        """The engine's words when it would refuse to load a generation."""
        command = [*self._as, PROGRAM, "-c", "-f", str(generation / "haproxy.cfg")]
        process = await asyncio.create_subprocess_exec(
            *command,
            env={"PATH": _PATH},
            cwd=self._places.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        return None if process.returncode == 0 else words(said.decode(errors="replace"))

    def adopt(self, found: dict[str, list[int]]) -> bool:
        """Take over the master that an agent before this one started.  False: there is none of use, and
        what was left of one is ended.

        found   as `find_engines` says
        """
        pids = found.get(str(self._places.console), [])
        masters = [pid for pid in pids if _parent(pid) not in pids]
        if len(masters) == 1 and self._in_namespace(masters[0]):
            started = start_time(masters[0])
            if started is not None:
                self.master = Monitor(pid=masters[0], started=started)
                return True
        for pid in pids:
            end_all_of(pid)
        return False

    @property
    def alive(self) -> bool:
        return self.master is not None and is_alive(self.master)

    @property
    def in_its_namespace(self) -> bool:
        """False when the namespace was made anew since it was started."""
        return self.master is not None and self._in_namespace(self.master.pid)

    async def ended(self) -> None:
        """Return when the master is gone."""
        if self.master is not None:
            await ended(self.master)
        self._reap()

    async def end(self) -> None:
        """End it and all its workers; their connections break."""
        if self.master is None:
            return
        end_all_of(self.master.pid)
        await ended(self.master)
        self._reap()
        self.master = None

    def said(self) -> str:
        """What matters of its output since the last start or reload."""
        try:
            return words(self._places.output.read_text(errors="replace"))
        except FileNotFoundError:
            return ""

    def hush(self, most: int = 0) -> None:
        """Forget its output so far, if that is more than so many bytes."""
        with contextlib.suppress(FileNotFoundError):
            if self._places.output.stat().st_size > most:
                os.truncate(self._places.output, 0)

    def _in_namespace(self, pid: int) -> bool:
        try:
            return os.path.samestat(
                Path(f"/proc/{pid}/ns/net").stat(), self._namespaces.path(self._namespace).stat()
            )
        except OSError:
            return False

    def _reap(self) -> None:
        if self._child is not None:
            self._child.wait()
            self._child = None


def find_engines() -> dict[str, list[int]]:
    """All engine processes here, by the socket of their master."""
    found: dict[str, list[int]] = {}
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        try:
            command = Path(entry.path, "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if PROGRAM in (Path(word).name for word in command) and "-S" in command:
            socket = command[command.index("-S") + 1]
            if start_time(int(entry.name)) is not None:
                found.setdefault(socket, []).append(int(entry.name))
    return found


def words(output: str) -> str:
    """The lines that say what is wrong, without their process numbers; all of it where none does."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    alerts = [line.partition(" : ")[2] or line for line in lines if line.startswith("[ALERT]")]
    return "; ".join(alerts or lines)[:2000]


def _as(id: int) -> tuple[str, ...]:
    """Run the rest of a command line as nobody else, who can become nobody else either."""
    rights = ("--no-new-privs", "--inh-caps=-all", "--bounding-set=-all")
    return ("setpriv", f"--reuid={id}", f"--regid={id}", "--keep-groups", *rights, "--")


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return 0
