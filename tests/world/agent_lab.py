"""A real agent on a network of one task and one registry; the control plane's own link drives it.

task-t  10.99.0.2 ---- 10.99.0.1  registry   (name server on 53, HTTPS registry on 443)
"""

import asyncio
import contextlib
import http.server
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

from seawall.app.agent_link import AgentLink
from seawall.app.certificates import Certificates
from seawall.app.demo.images import api_image
from seawall.host.cgroup import remove_world_cgroups
from seawall.host.mounts import unmount
from seawall.host.namespaces import Namespaces
from seawall.host.socket_holder import END
from seawall.program.host import HostProgram
from seawall.program.messages import Applied, State, TaskChanged
from seawall.program.network import (
    Link,
    LinkEnd,
    NameRecord,
    Namespace,
    NameZone,
    Neighbour,
    NetworkProgram,
    Resolver,
)
from seawall.program.report import ContainerReport, TaskReport
from seawall.program.task import ContainerProgram, ImageSource, TaskProgram

ACCOUNT, REGION = "123456789012", "us-east-1"
REGISTRY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
IMAGE = f"{REGISTRY}/api:latest"
SECRET = "hush"
PATIENCE_S = 40
FOREVER = "trap 'exit 0' TERM; echo up; while :; do sleep 1 & wait $!; done"
DYING_AGENT = Path(__file__).with_name("dying_agent.py")
_REGISTRY_MAC, _TASK_MAC = "02:00:00:00:00:01", "02:00:00:00:00:02"

NETWORK = NetworkProgram(
    namespaces=(
        Namespace(name="registry"),
        Namespace(
            name="task-t", owned=True, addresses=(), sysctls=(("ipv4/ip_unprivileged_port_start", "0"),)
        ),
    ),
    links=(
        Link(
            origin="lab",
            mtu=1500,
            router=LinkEnd(
                namespace="registry",
                name="lab0",
                ifindex=100_001,
                mac=_REGISTRY_MAC,
                addresses=("10.99.0.1/24",),
                neighbours=(Neighbour(address="10.99.0.2", mac=_TASK_MAC),),
            ),
            host=LinkEnd(
                namespace="task-t",
                name="eth1",
                ifindex=100_002,
                mac=_TASK_MAC,
                addresses=("10.99.0.2/24",),
                neighbours=(Neighbour(address="10.99.0.1", mac=_REGISTRY_MAC),),
            ),
        ),
    ),
    zones=(
        NameZone(
            id="registry",
            name=REGISTRY,
            soa="ns. admin. 1 7200 900 1209600 60",
            records=(NameRecord(name=REGISTRY, values=("10.99.0.1",)),),
        ),
    ),
    resolvers=(Resolver(namespace="registry", addresses=("10.99.0.1",), zones=(("registry",),)),),
)


def container(name: str, script: str, **members: Any) -> ContainerProgram:
    """A busybox container that runs a shell script."""
    return ContainerProgram(
        name=name,
        runtime_id=f"t-{name}",
        image=ImageSource(reference=IMAGE),
        entry_point=("/bin/sh", "-c", script),
        **members,
    )


def task(*containers: ContainerProgram, memory_bytes: int = 256 << 20) -> TaskProgram:
    return TaskProgram(
        id="t",
        namespace="task-t",
        hostname="ip-10-99-0-2.ec2.internal",
        hosts="127.0.0.1 localhost\n10.99.0.2 ip-10-99-0-2.ec2.internal\n",
        resolv_conf="nameserver 10.99.0.1\n",
        cpu_quota=1.0,
        memory_bytes=memory_bytes,
        pids_limit=64,
        containers=containers,
    )


class Logs:
    """A service that takes what is logged, unless it is away."""

    def __init__(self) -> None:
        self.away = threading.Event()
        self.messages: list[str] = []

    def take(self, body: bytes) -> int:
        """The status of the answer."""
        if self.away.is_set():
            return 503
        self.messages += [event["message"] for event in json.loads(body)["logEvents"]]
        return 200


class AgentLab:
    def __init__(self, state_dir: Path, world: str = "") -> None:
        self.state_dir = state_dir
        self.world = world or f"test-{uuid.uuid4().hex[:8]}"
        self.link = AgentLink(state_dir / "agent.sock")
        self.reports: dict[str, TaskReport] = {}
        self.applied = 0
        self.limits = ""  # "enforced", or why they are not
        self.logs = Logs()
        self._revision = 0
        self._news = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None
        self.link.on_event(self._hear)

    def _hear(self, fact: Applied | TaskChanged | State) -> None:
        match fact:
            case TaskChanged():
                self.reports[fact.report.id] = fact.report
            case State():
                self.reports = {report.id: report for report in fact.tasks}
                self.limits = fact.limits
                self.applied = fact.applied_revision
            case Applied():
                assert fact.problems == ()
                self.applied = fact.revision
        self._news.set()

    async def start_agent(self, dying_at: str | None = None) -> None:
        """With `dying_at` (see dying_agent.py) one that will not live to the end of what it is asked."""
        program = [str(DYING_AGENT), dying_at] if dying_at else ["-m", "seawall.host.agent"]
        command = [sys.executable, *program, "--state-dir", str(self.state_dir)]
        runtime = os.environ.get("SEAWALL_TEST_RUNTIME")
        command += ["--runtime", runtime] if runtime else []
        with (self.state_dir / "agent.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)

    async def agent_died(self) -> None:
        """Return when the agent has ended by itself, killed."""
        assert self._process is not None
        assert await asyncio.wait_for(self._process.wait(), PATIENCE_S) == -signal.SIGKILL, self.agent_log()
        await self._heard_out()

    async def kill_agent(self) -> None:
        assert self._process is not None
        self._process.kill()
        await self._process.wait()
        await self._heard_out()

    async def _heard_out(self) -> None:
        """Return when the last that an agent said was heard, so that it is not taken for the next one's."""
        await eventually(lambda: self.link._socket is None, "its end is heard")

    def apply(self, *tasks: TaskProgram, network: NetworkProgram = NETWORK) -> None:
        self._revision += 1
        self.link.apply(HostProgram(revision=self._revision, network=network, tasks=tasks))

    def announce(self, task: TaskProgram, ahead: int = 1) -> None:
        """Of the program that will be applied next, or as many later."""
        self.link.announce(task, self._revision + ahead)

    async def in_force(self) -> None:
        await self.until(lambda: self.applied >= self._revision, "the network is in force")

    async def until(self, fact: Callable[[], bool], what: str) -> None:
        """Wait for facts, never for time."""

        async def heard() -> None:
            while not fact():
                self._news.clear()
                await self._news.wait()

        try:
            await asyncio.wait_for(heard(), PATIENCE_S)
        except asyncio.TimeoutError:
            raise AssertionError(f"never: {what}\n{self.reports}\n{self.agent_log()}") from None

    async def until_state(self, name: str, *states: str) -> ContainerReport:
        await self.until(lambda: self.now(name).state in (*states, "failed"), f"{name} {states}")
        found = self.now(name)
        assert found.state in states, f"{found.failure}\n{self.agent_log()}"
        return found

    def now(self, name: str) -> ContainerReport:
        report = self.reports.get("t")
        nothing = ContainerReport(name=name, runtime_id="")
        return next((c for c in report.containers if c.name == name), nothing) if report else nothing

    def output(self, name: str) -> list[str]:
        """What a container has said so far: the last field of each line of conmon's log."""
        file = self.state_dir / "tasks/t" / name / "output.log"
        *lines, _ = file.read_text().split("\n")  # the last may be half-written
        return [line.split(" ", 3)[3] for line in lines]

    def agent_log(self) -> str:
        return (self.state_dir / "agent.log").read_text()[-4000:]


@contextlib.asynccontextmanager
async def agent_lab() -> AsyncIterator[AgentLab]:
    """An agent with the network of this module in force and its registry serving."""
    lab, stage = prepare()
    linking = asyncio.create_task(lab.link.serve())
    try:
        await lab.start_agent()
        lab.apply()
        await lab.in_force()
        # What the real control plane does first; an agent takes network failures for final only after that.
        with registry(lab.state_dir, lab.logs), await lab.link.listen("registry", "10.99.0.1", 8443):
            yield lab
        lab.apply(network=NetworkProgram())
        await lab.until(lambda: lab.applied == lab._revision, "everything is removed")
        await eventually(lambda: not (lab.state_dir / "tasks/t").exists(), "the task is gone")
        left = _staged(stage)
        assert left == [], f"{left} are left"
    finally:
        linking.cancel()
        await asyncio.gather(linking, return_exceptions=True)
        if lab._process is not None and lab._process.returncode is None:
            await lab.kill_agent()
        left = clear(lab, stage)
    assert left == [str(stage)], "mounts of containers or held sockets are left"


def _staged(stage: Path) -> list[Path]:
    """What lies there of single tasks and containers: sockets, exit codes, runtime's state, mount points."""
    kinds = ("attach", "exits", "files", "rootfs", "runtime", "volumes")
    return [left for kind in kinds for left in (stage / kind).glob("*")]


async def eventually(fact: Callable[[], bool], what: str) -> None:
    """For what has no event of its own: a file written by conmon, a folder removed."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_S
    while not fact():
        assert asyncio.get_running_loop().time() < deadline, f"never: {what}"
        await asyncio.sleep(0.01)


def prepare() -> tuple[AgentLab, Path]:
    """What a world's first process makes before the agent starts."""
    state_dir = Path(tempfile.mkdtemp(prefix="seawall-lab-"))
    stage = Path(tempfile.mkdtemp(prefix="seawall-stage-"))
    run = state_dir / "run"
    run.mkdir()
    for place in (run, stage):
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0755", "lab", place], check=True)
    lab = AgentLab(state_dir)
    (run / "world-id").write_text(lab.world)
    (run / "stage").symlink_to(stage)
    Certificates(state_dir / "tls", account=ACCOUNT, region=REGION).ensure()
    return lab, stage


def clear(lab: AgentLab, stage: Path) -> list[str]:
    """Remove all that `prepare` made; returns what was still mounted below the stage, and sockets still held.

    The agent must have ended.
    """
    left = mounts_below(stage)
    for holder in holders(lab):
        left += held_sockets(lab)
        os.kill(holder, signal.SIGKILL)
    subprocess.run(["umount", "--lazy", "--recursive", lab.state_dir / "run"], check=True)
    unmount(stage)
    remove_world_cgroups(lab.world)
    shutil.rmtree(lab.state_dir)
    stage.rmdir()
    return left


@contextlib.contextmanager
def registry(state_dir: Path, logs: Logs | None = None) -> Iterator[None]:
    """The read half of the distribution API, for the layout of one image, in the namespace `registry`; and
    whatever else is asked by POST."""
    blobs = api_image(state_dir) / "blobs/sha256"
    (entry,) = json.loads((blobs.parent.parent / "index.json").read_text())["manifests"]

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            kind, name = self.path.rpartition("/")[0].rpartition("/")[2], self.path.rpartition("/")[2]
            wanted = entry["digest"] if name == "latest" else name
            file = blobs / wanted.removeprefix("sha256:")
            of_image = self.path == f"/v2/api/{kind}/{name}" and kind in ("manifests", "blobs")
            found = self.path == "/v2/" or (of_image and file.is_file())
            body = file.read_bytes() if found and of_image else b"{}"
            self.send_response(200 if found else 404)
            self.send_header("Content-Length", str(len(body)))
            if kind == "manifests":
                self.send_header("Content-Type", entry["mediaType"])
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET

        def do_POST(self) -> None:
            """Every secret there is, every log stream."""
            asked = self.rfile.read(int(self.headers["Content-Length"]))
            of_logs = logs is not None and str(self.headers["X-Amz-Target"]).endswith(".PutLogEvents")
            body = json.dumps({"Name": "s", "SecretString": SECRET}).encode()
            self.send_response(logs.take(asked) if logs is not None and of_logs else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    certificates = Certificates(state_dir / "tls", account=ACCOUNT, region=REGION)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificates.server, certificates.server_key)
    namespaces = Namespaces(state_dir / "run")
    server = http.server.ThreadingHTTPServer(("10.99.0.1", 443), Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = namespaces.socket_in("registry")
    server.daemon_threads = True
    server.allow_reuse_address = True
    server.server_bind()
    server.server_activate()
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        namespaces.close()


def holders(lab: AgentLab) -> list[int]:
    """The processes that hold sockets for the agent, which outlive it."""
    place, found = str(lab.state_dir / "run/held.sock"), []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if place in (entry / "cmdline").read_bytes().decode(errors="replace").split("\0"):
                    found.append(int(entry.name))
    return found


def held_sockets(lab: AgentLab) -> list[str]:
    """The names of what is held while no agent runs."""
    names = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as agent:
        agent.settimeout(PATIENCE_S)
        agent.connect(str(lab.state_dir / "run/held.sock"))
        while (frame := agent.recv(1024)) != END:
            names.append(frame[1:].decode())
    return names


def mounts_below(folder: Path) -> list[str]:
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [path for line in lines if (path := line.split()[4]).startswith(str(folder))]


def commands_of(word: str, *, first: bool = False) -> list[list[str]]:
    """The command lines of this world's processes with that word in them.

    first   only those that are process 1 of their PID namespace; a shell's forks look like itself at first
    """
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                command = (entry / "cmdline").read_text().split("\0")
                numbers = (entry / "status").read_text().partition("NSpid:")[2].partition("\n")[0].split()
            except (OSError, ValueError):
                continue
            if any(word in part for part in command) and (not first or numbers[-1] == "1"):
                found.append(command)
    return found
