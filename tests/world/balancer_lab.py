"""A real agent with a balancer's node, targets it can reach, and clients that never rest.

eni-lb  10.98.0.2 ---- 10.98.0.1  targets   (10.98.1.1 ... on its loopback; the clients are here too)
"""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.world.agent_lab import AgentLab, clear, prepare

from seawall.host.balancer.process import find_engines
from seawall.host.namespaces import Namespaces
from seawall.program.balancer import BalancerProgram, Check, Pool, PoolTarget
from seawall.program.host import HostProgram
from seawall.program.messages import BalancerChanged, Carried, Fact, State
from seawall.program.network import Link, LinkEnd, Namespace, Neighbour, NetworkProgram, Route
from seawall.program.report import BalancerReport, BalancerTraffic, TargetReport

NODE, NODE_ADDRESS, CLIENT_ADDRESS = "eni-lb", "10.98.0.2", "10.98.0.1"
_TARGETS_MAC, _NODE_MAC = "02:00:00:00:01:01", "02:00:00:00:01:02"
_TO_TARGETS = Route(destination="10.98.1.0/24", via=CLIENT_ADDRESS, device="eth0")
CHECK = Check(interval_s=0.1, timeout_s=0.5, user_agent="ELB-HealthChecker/2.0")
CONFIGURATION = """\
global
  tune.maxrewrite 4096
defaults
  mode http
  log global
  option idle-close-on-response
  option redispatch
  retries 3
  timeout connect 2s
  timeout client 30s
  timeout server 30s
frontend http
  bind 10.98.0.2:80
  log-format "%[src] %HM %HP %ST %s"
  default_backend tg
backend tg
  balance roundrobin
"""


def network(targets: int) -> NetworkProgram:
    return NetworkProgram(
        namespaces=(
            Namespace(name="targets", addresses=tuple(f"{address(n)}/32" for n in range(targets))),
            Namespace(name=NODE, routes=(_TO_TARGETS,)),
        ),
        links=(
            Link(
                origin="lab",
                mtu=1500,
                router=LinkEnd(
                    namespace="targets",
                    name="lb0",
                    ifindex=100_001,
                    mac=_TARGETS_MAC,
                    addresses=(f"{CLIENT_ADDRESS}/24",),
                    neighbours=(Neighbour(address=NODE_ADDRESS, mac=_NODE_MAC),),
                ),
                host=LinkEnd(
                    namespace=NODE,
                    name="eth0",
                    ifindex=100_002,
                    mac=_NODE_MAC,
                    addresses=(f"{NODE_ADDRESS}/24",),
                    neighbours=(Neighbour(address=CLIENT_ADDRESS, mac=_TARGETS_MAC),),
                ),
            ),
        ),
    )  # fmt: skip


def address(number: int) -> str:
    return f"10.98.1.{number + 1}"


def target(number: int, *, serving: bool = True) -> PoolTarget:
    """The name of its server does not tell its address."""
    return PoolTarget(
        id=f"{address(number)}:80", address=address(number), port=80, server=f"t{number}", serving=serving
    )


def node(
    *targets: PoolTarget, check: Check | None = CHECK, configuration: str = CONFIGURATION, log: bool = False
) -> BalancerProgram:
    pools = (Pool(name="tg", targets=targets, check=check),)
    return BalancerProgram(id=NODE, namespace=NODE, configuration=configuration, pools=pools, log=log)


@dataclass
class Server:
    """A target: answers with its address; what it does with checks is the test's to say."""

    address: str
    check_status: int | None = 200  # None: says nothing
    requests: int = 0
    checks: list[str] = field(default_factory=list)
    delay_s: float = 0.0
    server: asyncio.Server | None = None
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    async def begin(self, namespaces: Namespaces) -> None:
        listener = namespaces.socket_in("targets")
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((self.address, 80))
        self.server = await asyncio.start_server(self._serve, sock=listener, backlog=1024)

    async def end(self) -> None:
        if self.server is not None:
            self.server.close()
            for writer in tuple(self._open):
                writer.transport.abort()
            await self.server.wait_closed()
            self.server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                status = 200
                if "ELB-HealthChecker" in head:
                    self.checks.append(head)
                    if self.check_status is None:
                        await asyncio.Event().wait()
                    status = self.check_status or 0
                else:
                    self.requests += 1
                    if self.delay_s:
                        await asyncio.sleep(self.delay_s)
                body = self.address.encode()
                answer = f"HTTP/1.1 {status} Something\r\nContent-Length: {len(body)}\r\n\r\n".encode()
                writer.write(answer + body)
                if "connection: close" in head.lower():
                    return
        except (asyncio.IncompleteReadError, OSError, asyncio.CancelledError):
            pass
        finally:
            self._open.discard(writer)
            writer.transport.abort()


class Load:
    """Clients that ask again and again, some on a new connection each time; every failure is written down."""

    def __init__(self, lab: "BalancerLab", fresh: int = 4, kept: int = 4) -> None:
        self._lab = lab
        self._counts = (fresh, kept)
        self.answered: dict[str, int] = {}
        self.failures: list[str] = []
        self._ending = False
        self._clients: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "Load":
        fresh, kept = self._counts
        self._clients = [asyncio.create_task(self._client(n >= fresh)) for n in range(fresh + kept)]
        await self.some()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._ending = True
        await asyncio.gather(*self._clients)
        await asyncio.sleep(0)  # the streams' own last words

    async def some(self, count: int = 200) -> None:
        """Return after so many more answers."""
        wanted = sum(self.answered.values()) + len(self.failures) + count
        await self._lab.until(
            lambda: sum(self.answered.values()) + len(self.failures) >= wanted, f"{count} more answers"
        )

    async def _client(self, keeps: bool) -> None:
        stream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        while not self._ending:
            try:
                if stream is None:
                    stream = await self._lab.connect()
                status, body, ends = await ask(*stream, keeps=keeps)
                if status == 200:
                    self.answered[body] = self.answered.get(body, 0) + 1
                else:
                    self.failures.append(f"{status} {body[:60]}")
            except (OSError, asyncio.IncompleteReadError) as error:
                self.failures.append(repr(error))
                ends = True
            self._lab.noticed()
            if (ends or not keeps) and stream is not None:
                stream[1].transport.abort()
                stream = None
        if stream is not None:
            stream[1].transport.abort()


async def ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, keeps: bool = True, path: str = "/"
) -> tuple[int, str, bool]:
    """One request: status, body, and whether the connection ends with it."""
    close = "" if keeps else "Connection: close\r\n"
    writer.write(f"GET {path} HTTP/1.1\r\nHost: lb\r\n{close}\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = int(head.partition("content-length:")[2].split("\r\n")[0])
    body = (await reader.readexactly(length)).decode()
    return int(head.split()[1]), body, "connection: close" in head


class BalancerLab(AgentLab):
    def __init__(self, state_dir: Path, stage: Path, world: str) -> None:
        super().__init__(state_dir, world)
        self.stage = stage
        self.namespaces = Namespaces(state_dir / "run")
        self.nodes: dict[str, BalancerReport] = {}
        self.told: list[BalancerReport] = []
        self.traffic: list[BalancerTraffic] = []
        self.told_again: list[int] = []  # numbers of it
        self.servers: list[Server] = []
        self.network = network(0)

    def _hear(self, fact: Fact | State) -> None:
        match fact:
            case BalancerChanged():
                self.nodes[fact.report.id] = fact.report
                self.told.append(fact.report)
            case Carried():
                self._carry(fact.traffic)
            case State():
                self.nodes = {report.id: report for report in fact.balancers}
                self.applied = fact.applied_revision
        super()._hear(fact)  # type: ignore[arg-type]

    def _carry(self, traffic: BalancerTraffic) -> None:
        """Once, as the control plane does."""
        newest = self.traffic[-1].number if self.traffic else 0
        if traffic.number > newest:
            self.traffic.append(traffic)
        else:
            assert traffic in self.traffic, "another word by a number that was"
            self.told_again.append(traffic.number)

    def noticed(self) -> None:
        self._news.set()

    def give(self, *nodes: BalancerProgram) -> None:
        self._revision += 1
        self.link.apply(HostProgram(revision=self._revision, network=self.network, balancers=nodes))

    async def until_in_force(self, *nodes: BalancerProgram) -> None:
        """Give these and wait until all of it is in force."""
        self.give(*nodes)
        await self.until(lambda: self.node.revision == self._revision, "the node does as it was told")

    @property
    def revision(self) -> int:
        """Of what was given last."""
        return self._revision

    @property
    def node(self) -> BalancerReport:
        return self.nodes.get(NODE, BalancerReport(id=NODE, running=False))

    def state_of(self, number: int) -> TargetReport:
        id = f"{address(number)}:80"
        nothing = TargetReport(pool="", target="")
        return next((known for known in self.node.targets if known.target == id), nothing)

    async def until_states(self, *states: str) -> None:
        """One word for each target, in their order."""
        await self.until(
            lambda: (
                [known.state for known in self.node.targets] == list(states)
                and self.node.running
                and all(known.in_force for known in self.node.targets)
            ),
            f"{states}",
        )

    async def begin_servers(self, count: int) -> list[Server]:
        for number in range(len(self.servers), len(self.servers) + count):
            server = Server(address(number))
            await server.begin(self.namespaces)
            self.servers.append(server)
        return self.servers

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        made = self.namespaces.socket_in("targets", proto=socket.IPPROTO_TCP)
        try:
            made.setblocking(False)
            await asyncio.get_running_loop().sock_connect(made, (NODE_ADDRESS, 80))
        except BaseException:
            made.close()
            raise
        return await asyncio.open_connection(sock=made)

    async def get(self, path: str = "/") -> tuple[int, str]:
        reader, writer = await self.connect()
        try:
            return (await ask(reader, writer, keeps=False, path=path))[:2]
        finally:
            writer.transport.abort()


@contextlib.asynccontextmanager
async def balancer_lab(servers: int = 2) -> AsyncIterator[BalancerLab]:
    """An agent with the network of this module in force and its targets serving; nothing may be left."""
    prepared, stage = prepare()
    lab = BalancerLab(prepared.state_dir, stage, prepared.world)
    linking = asyncio.create_task(lab.link.serve())
    try:
        await lab.start_agent()
        lab.network = network(servers)
        lab.give()
        await lab.in_force()
        await lab.begin_servers(servers)
        yield lab
        lab.network = NetworkProgram()
        lab.give()
        await lab.in_force()
        assert list((stage / "balancers").glob("*")) == []
        assert list((lab.state_dir / "run/balancers").glob("*")) == []
        assert engines_of(stage) == []
    finally:
        for server in lab.servers:
            await server.end()
        await asyncio.sleep(0)  # the streams' own last words
        linking.cancel()
        await asyncio.gather(linking, return_exceptions=True)
        await lab.kill_agent()
        for pid in engines_of(stage):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        lab.namespaces.close()
        left = clear(lab, stage)
    assert left == [str(stage)], "mounts or held sockets are left"


def engines_of(stage: Path) -> list[int]:
    """The processes of engines whose files are below a stage."""
    return [pid for place, pids in find_engines().items() if place.startswith(str(stage)) for pid in pids]


def in_lab(test: Callable[[BalancerLab], Awaitable[None]], servers: int = 2) -> None:
    async def run() -> None:
        async with balancer_lab(servers) as lab:
            await test(lab)

    asyncio.run(run())
