"""The host agent: makes this host equal to the program it is given, and reports facts.

Runs inside the world, kept alive by its init.  Started again after a kill it takes the last program from the
world's memory and goes on, with or without a control plane: names are answered, output is sent, exits are
noticed.  Nothing it started ends with it.
"""

import argparse
import asyncio
import errno
import gc
import logging
import resource
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import uvloop

from seawall.host.balancer.balancers import Balancers
from seawall.host.balancer.traffic import Ear
from seawall.host.cgroup import Cgroups
from seawall.host.conmon import Conmon
from seawall.host.deadline import within
from seawall.host.exec_server import ExecServer
from seawall.host.flow_count import open_connections
from seawall.host.ground import Ground
from seawall.host.held_sockets import HeldSockets
from seawall.host.host import Host
from seawall.host.images import Images
from seawall.host.log_format import JsonLines, PlainLines
from seawall.host.metadata.endpoints import Endpoints
from seawall.host.metadata.readings import Readings
from seawall.host.namespace_http import NamespaceHttp
from seawall.host.namespaces import Namespaces
from seawall.host.network.engine import NetworkEngine
from seawall.host.resolver import Resolvers
from seawall.host.runtime import NoRuntime, ready_runtime
from seawall.host.saved_program import SavedProgram
from seawall.host.seccomp import read_profile
from seawall.host.server import Server
from seawall.host.spare_memory import SpareMemory
from seawall.host.task import Task, remove_leftovers
from seawall.host.upstream import Upstream
from seawall.program.change import HostChange, changed_host
from seawall.program.exec import SOCKET
from seawall.program.host import HostProgram
from seawall.program.messages import (
    Announce,
    Applied,
    Apply,
    BalancerChanged,
    Carried,
    Connect,
    Connections,
    CountConnections,
    Counters,
    Done,
    Listen,
    Observe,
    ReadCounters,
    ReadUsage,
    Reply,
    Request,
    Revise,
    State,
    TaskChanged,
    Usages,
)
from seawall.program.report import Problem, TaskReport, TaskUsage
from seawall.program.task import TaskProgram

log = logging.getLogger("seawall.agent")

INITS = ("catatonit", "tini-static", "docker-init")
_TCP, _UDP = (socket.SOCK_STREAM, socket.IPPROTO_TCP), (socket.SOCK_DGRAM, socket.IPPROTO_UDP)
SWITCH_S = 0.0001  # the network is made in a thread, beside which launches go on; Python's own is 0.005
RETRY_S = 1.0  # after a program that could not be applied whole


class Agent:
    """One host.  `program` is the newest asked for; `applied` the revision whose network stands."""

    def __init__(self, state_dir: Path, runtime: str | None) -> None:
        run = state_dir / "run"
        stage = (run / "stage").resolve()
        self.world = (run / "world-id").read_text()
        self._tasks_dir = state_dir / "tasks"
        self._saved = SavedProgram(run / "program.msgpack")
        namespaces = Namespaces(run)
        ca_file = state_dir / "tls/ca.pem"
        http = NamespaceHttp(namespaces, ca_file)
        self._host = Host(
            namespaces=namespaces,
            http=http,
            images=Images(state_dir / "images", namespaces, http, ca_file),
            conmon=Conmon(ready_runtime(runtime, run), stage),
            cgroups=Cgroups(self.world),
            seccomp_profile=read_profile(),
            stage=stage,
            upstream=Upstream(),
            filters={},
            init=next((Path(found) for name in INITS if (found := shutil.which(name))), None),
            authority=ca_file.read_bytes(),
        )
        self._held = HeldSockets(run / "held.sock")
        self._spare = SpareMemory()
        self._readings = Readings(self._host.cgroups, namespaces)
        self._endpoints = Endpoints(
            namespaces,
            self._readings,
            self._tasks_dir,
            lambda id: self._tasks[id].report if id in self._tasks else TaskReport(id=id, containers=()),
            http,
            self._held,
        )
        self._engine = NetworkEngine(run)
        self._resolvers = Resolvers(run, self._held)
        self._server = Server(state_dir / "agent.sock", self._answer, gone=self._host.upstream.lost)
        self._balancers = Balancers(
            namespaces,
            stage,
            run,
            lambda report: self._server.tell(BalancerChanged(report=report)),
            Ear(lambda: self._server.connected, lambda traffic: self._server.hand(Carried(traffic=traffic))),
            self._held,
        )
        self._execs = ExecServer(self._host, self._tasks_dir, state_dir / SOCKET, run, self._find)
        self._program: HostProgram | None = None
        self._wake = asyncio.Event()
        self._tasks: dict[str, Task] = {}
        self._announced: dict[str, int] = {}  # tasks that no program has named yet: the revision that may
        self._removals: dict[str, asyncio.Task[None]] = {}
        self._applied = 0
        self._problems: tuple[Problem, ...] = ()

    async def run(self) -> None:
        """Serve until cancelled."""
        self._forget_other_worlds()
        self._held.connect()
        self._program = self._saved.load()
        if self._program is not None:
            await self._resolvers.apply(self._program.network, early=True)  # somebody waits
            self._wake.set()
        await self._finish_removals()
        self._engine.prepare()
        log.info("agent.started", extra={"world": self.world, "runtime": str(self._host.conmon.runtime)})
        await asyncio.gather(self._server.serve(), self._execs.serve(), self._follow())

    async def _follow(self) -> None:
        """Apply the newest program whenever there is one; again soon where something did not work."""
        while True:
            if self._problems:
                try:
                    await within(RETRY_S, self._wake.wait())
                except asyncio.TimeoutError:
                    self._engine.distrust()
            else:
                await self._wake.wait()
            self._wake.clear()
            if self._program is not None:
                await self._make_so(self._program)

    async def _make_so(self, program: HostProgram) -> None:
        """The network first, so that no container runs before its policy.  New tasks prepare meanwhile."""
        began = time.monotonic()
        self._spare.stir()
        self._remove_unnamed(program)
        await self._balancers.remove_unnamed(program.balancers)
        known = frozenset(self._tasks)
        self._begin_tasks(program)
        if not self._applied:
            await self._endpoints.follow(program, early=True)
        problems = await self._engine.apply(program.network, self._namespace_made)
        problems += await self._resolvers.apply(program.network)
        problems += await self._endpoints.follow(program)
        broken = frozenset(problem.subject for problem in problems)
        for wanted in program.tasks:
            task = self._tasks.get(wanted.id)
            if task is not None and broken.isdisjoint((wanted.namespace, "host")):
                task.ground.put_in_force()
            if task is not None and wanted.id in known:
                task.update(wanted)
        await asyncio.sleep(0)  # who has waited for the network goes on first
        for problem in problems:
            log.error("apply.problem", extra={"subject": problem.subject, "text": problem.text})
        self._problems = problems
        self._applied = program.revision  # what did not work is in `problems` and holds up nothing else
        self._server.tell(Applied(revision=self._applied, problems=problems))
        elapsed_ms = round((time.monotonic() - began) * 1000, 1)
        log.info("network.applied", extra={"revision": self._applied, "ms": elapsed_ms})
        self._balancers.apply(program.balancers, program.revision, broken)

    def _begin_tasks(self, program: HostProgram) -> None:
        for wanted in program.tasks:
            self._begin_task(wanted)

    def _begin_task(self, wanted: TaskProgram) -> None:
        if wanted.id not in self._tasks and wanted.id not in self._removals:
            folder = self._tasks_dir / wanted.id
            self._tasks[wanted.id] = Task(self._host, wanted, folder, self._task_changed, Ground())

    def _namespace_made(self, name: str) -> None:
        for task in self._tasks.values():
            if task.namespace == name:
                task.ground.made.set()

    def _remove_unnamed(self, program: HostProgram) -> None:
        self._announced = {id: until for id, until in self._announced.items() if until > program.revision}
        named = {*(task.id for task in program.tasks), *self._announced}
        for id in [id for id in self._tasks if id not in named]:
            self._removals[id] = asyncio.create_task(self._remove(id, self._tasks.pop(id)))

    async def _remove(self, id: str, task: Task) -> None:
        await task.remove()
        del self._removals[id]

    def _forget_other_worlds(self) -> None:
        """What a world that is gone left on disk has no process, mount or namespace any more."""
        mark = self._tasks_dir / "world-id"
        if mark.exists() and mark.read_text() == self.world:
            return
        shutil.rmtree(self._tasks_dir, ignore_errors=True)
        self._tasks_dir.mkdir(parents=True)
        mark.write_text(self.world)

    async def _finish_removals(self) -> None:
        """Remove what an agent before this one was killed over removing."""
        named = {task.id for task in self._program.tasks} if self._program else set()
        for folder in [path for path in self._tasks_dir.iterdir() if path.is_dir()]:
            if folder.name not in named:
                await remove_leftovers(self._host, folder)

    def _find(self, id: str) -> tuple[TaskProgram, TaskReport] | None:
        task = self._tasks.get(id)
        program = next((t for t in self._program.tasks if t.id == id), None) if self._program else None
        return (program, task.report) if task and program else None

    def _task_changed(self, report: TaskReport) -> None:
        self._server.tell(TaskChanged(report=report))
        self._spare.stir()
        # Behind what is told: it reads what the task has used.
        asyncio.get_running_loop().call_soon(self._endpoints.heard, report)

    async def _answer(self, request: Request) -> tuple[Reply, socket.socket | None]:
        carried: socket.socket | None = None
        body: Done | State | Counters | Connections | Usages = Done()
        match request.body:
            case Apply(program=program):
                self._accept(program)
            case Revise(change=change):
                self._accept_change(change)
            case Announce():
                self._announce(request.body)
            case Observe(serving=serving):
                if serving == self.world:
                    self._host.upstream.found()
                body = self._state()
            case ReadCounters(namespace=namespace):
                body = Counters(counters=await self._engine.counters(namespace))
            case CountConnections(namespace=namespace):
                counting = asyncio.to_thread(open_connections, self._host.namespaces, namespace)
                body = Connections(open=await counting)
            case ReadUsage():
                body = Usages(usages=tuple(self._usages()))
            case Listen(more=more):
                carried = self._listen(request.body)
                if not more:
                    self._host.upstream.found()
            case Connect():
                carried = await self._connect(request.body)
        if carried is not None:
            body = Done(descriptor=True)
        return Reply(number=request.number, body=body), carried

    def _usages(self) -> Iterator[TaskUsage]:
        for id, task in self._tasks.items():
            running = [c.name for c in task.report.containers if c.state == "running"]
            usage = self._readings.usage(id, running)
            if usage is not None:
                yield usage

    def _accept(self, program: HostProgram) -> None:
        self._program = program
        self._saved.save(program)
        self._wake.set()

    def _accept_change(self, change: HostChange) -> None:
        """Raises LookupError when it does not fit; the control plane then sends all."""
        if self._program is None:
            raise LookupError("there is no program to change")
        self._program = changed_host(self._program, change)
        self._saved.append(self._program, change)
        self._wake.set()

    def _announce(self, ahead: Announce) -> None:
        """Its program may have overtaken it; without any program, the first one is what counts."""
        if self._program is not None and ahead.revision > self._program.revision:
            self._announced[ahead.task.id] = ahead.revision
            self._begin_task(ahead.task)

    def _state(self) -> State:
        return State(
            world=self.world,
            applied_revision=self._applied,
            tasks=tuple(task.report for task in self._tasks.values()),
            balancers=self._balancers.reports,
            problems=self._problems,
            limits=self._host.cgroups.reason or "enforced",
        )

    def _listen(self, wanted: Listen) -> socket.socket:
        # Named, because asyncio turns Nagle's algorithm off only where it reads TCP in the socket's protocol.
        kind, protocol = _UDP if wanted.udp else _TCP
        made = self._host.namespaces.socket_in(wanted.namespace, socket.AF_INET, kind, protocol)
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind((wanted.address, wanted.port))
            if not wanted.udp:
                made.listen(1024)
        except OSError:
            made.close()
            raise
        return made

    async def _connect(self, wanted: Connect) -> socket.socket:
        family = socket.AF_INET6 if ":" in wanted.address else socket.AF_INET
        made = self._host.namespaces.socket_in(wanted.namespace, family, proto=socket.IPPROTO_TCP)
        try:
            made.setblocking(False)
            address = (wanted.address, wanted.port)
            await within(wanted.timeout_s, asyncio.get_running_loop().sock_connect(made, address))
        except asyncio.TimeoutError:
            made.close()
            raise OSError(errno.ETIMEDOUT, f"no answer from {wanted.address}:{wanted.port}") from None
        except OSError:
            made.close()
            raise
        return made


def main() -> int:
    parser = argparse.ArgumentParser(prog="seawall.host.agent")
    parser.add_argument("--state-dir", type=Path, required=True)
    parser.add_argument("--runtime")
    parser.add_argument("--json-logs", action="store_true")
    args = parser.parse_args()
    to_stderr = logging.StreamHandler()
    to_stderr.setFormatter(JsonLines() if args.json_logs else PlainLines())
    logging.basicConfig(level=logging.INFO, handlers=[to_stderr])
    _raise_open_files()
    sys.setswitchinterval(SWITCH_S)
    try:
        agent = Agent(args.state_dir, args.runtime)
    except NoRuntime as error:
        log.error("no OCI runtime works here: %s", error)
        return 1
    gc.freeze()  # what is here by now stays, and need not be looked through again in the middle of a launch
    uvloop.run(agent.run())
    return 0


def _raise_open_files() -> None:
    """Use all the descriptors this process may have; each namespace and monitor takes some."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    sys.exit(main())
