"""A real engine on loopback with the text of a node, and the words to make its load balancer with."""

import http.client
import json
import queue
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple

from seawall.compile.balancer.facts import BalancerFacts
from seawall.compile.balancer.log_line import Request, Unfinished, parse
from seawall.compile.balancer.nodes import balancer_programs
from seawall.host.balancer.configuration import whole
from seawall.host.balancer.servers import server_of
from seawall.model.listener import (
    Action,
    Certificate,
    FixedResponse,
    Listener,
    ListenerRule,
    Redirect,
    RuleCondition,
    WeightedGroup,
)
from seawall.model.load_balancer import LoadBalancer, LoadBalancerNode
from seawall.model.network_interface import NetworkInterface
from seawall.model.target_group import Target, TargetGroup, target_id
from seawall.program.balancer import BalancerProgram

HAPROXY = shutil.which("haproxy", path="/usr/sbin:/usr/bin:/usr/local/sbin")
NOW = datetime(2026, 11, 21, tzinfo=timezone.utc)
NODE = "eni-00000000000000001"
APPLICATION = "app/web/0123456789abcdef"
NETWORK = "net/web/0123456789abcdef"


def group_id(name: str) -> str:
    return f"{name}/{sum(name.encode()):016x}"


def forward(*names: str, **weights: int) -> Action:
    """To target groups of weight 1, or to some with weights."""
    groups = {**dict.fromkeys(names, 1), **weights}
    return Action(
        type="forward",
        target_groups=tuple(WeightedGroup(target_group_id=group_id(n), weight=w) for n, w in groups.items()),
    )


def fixed(status: int, body: str | None = None, content_type: str | None = None) -> Action:
    response = FixedResponse(status_code=str(status), message_body=body, content_type=content_type)
    return Action(type="fixed-response", fixed_response=response)


def redirect(**parts: str) -> Action:
    return Action(type="redirect", redirect=Redirect(**parts))  # type: ignore[arg-type]


def when(field: str, *values: str, **more: object) -> RuleCondition:
    return RuleCondition(field=field, values=values, **more)  # type: ignore[arg-type]


@dataclass
class Setup:
    """A load balancer of one node whose address is 127.0.0.1."""

    balancer: str = APPLICATION
    attributes: dict[str, str] = field(default_factory=dict)
    listeners: list[Listener] = field(default_factory=list)
    rules: list[ListenerRule] = field(default_factory=list)
    groups: list[TargetGroup] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    certificates: list[Certificate] = field(default_factory=list)

    def listen(self, action: Action, protocol: str = "HTTP", **more: object) -> int:
        """A listener; its port is the answer."""
        port = free_port()
        listener = f"{self.balancer}/{port:016x}"
        self.listeners.append(
            Listener(
                id=listener,
                load_balancer_id=self.balancer,
                protocol=protocol,  # type: ignore[arg-type]
                port=port,
                default_actions=(action,),
                default_rule_id=f"{listener}/0000000000000000",
                **more,  # type: ignore[arg-type]
            )
        )
        return port

    def rule(self, priority: int, action: Action, *conditions: RuleCondition) -> None:
        """Of the last listener."""
        listener = self.listeners[-1].id
        self.rules.append(
            ListenerRule(
                id=f"{listener}/{priority:016x}",
                listener_id=listener,
                priority=priority,
                conditions=conditions,
                actions=(action,),
            )
        )

    def group(
        self,
        name: str,
        *ports: int,
        attributes: Mapping[str, str] | None = None,
        protocol: str | None = None,
        version: str | None = "HTTP1",
    ) -> None:
        """A target group with targets on loopback."""
        application = self.balancer.startswith("app/")
        group = TargetGroup(
            id=group_id(name),
            name=name,
            protocol=protocol or ("HTTP" if application else "TCP"),  # type: ignore[arg-type]
            protocol_version=version if application else None,  # type: ignore[arg-type]
            port=80,
            vpc_id="vpc-1",
            attributes=dict(attributes or {}),
            created_time=NOW,
        )
        self.groups.append(group)
        for port in ports:
            self.targets.append(target(group.id, "127.0.0.1", port))

    def facts(self) -> BalancerFacts:
        node = LoadBalancerNode(
            availability_zone="us-east-1a", subnet_id="subnet-1", network_interface_id=NODE
        )
        balancer = LoadBalancer(
            id=self.balancer,
            name="web",
            type="application" if self.balancer.startswith("app/") else "network",
            scheme="internal",
            vpc_id="vpc-1",
            nodes=(node,),
            dns_name="internal-web-1.us-east-1.elb.amazonaws.com",
            canonical_hosted_zone_id="Z1",
            attributes=self.attributes,
            created_time=NOW,
        )
        return BalancerFacts(
            load_balancers=(balancer,),
            listeners=tuple(self.listeners),
            listener_rules=tuple(self.rules),
            target_groups=tuple(self.groups),
            targets=tuple(self.targets),
            certificates=tuple(self.certificates),
            network_interfaces=(interface(NODE, "127.0.0.1"),),
        )

    def program(self) -> BalancerProgram:
        (program,) = balancer_programs(self.facts())
        return program


def target(group: str, address: str, port: int, zone: str = "us-east-1a", **more: object) -> Target:
    return Target(
        id=target_id(group, address, port),
        target_group_id=group,
        target=address,
        port=port,
        availability_zone=zone,
        registered_at=NOW,
        **more,  # type: ignore[arg-type]
    )


def interface(id: str, address: str, zone: str = "us-east-1a") -> NetworkInterface:
    return NetworkInterface(
        id=id,
        vpc_id="vpc-1",
        subnet_id="subnet-1",
        availability_zone=zone,
        private_ip_address=address,
        mac_address="02:00:00:00:00:01",
        description="",
        group_ids=(),
    )


class Answer(NamedTuple):
    """`headers` in the order they came, names in lower case."""

    status: int
    headers: list[tuple[str, str]]
    text: str

    def header(self, name: str) -> str | None:
        return next((value for known, value in self.headers if known == name), None)

    @property
    def told(self) -> Any:
        """What a backend says it was asked."""
        return json.loads(self.text)

    @property
    def by(self) -> str:
        """The backend that answered, or the load balancer's own text."""
        own = self.header("server") == "awselb/2.0"
        return self.text if own else self.told["name"]


def ask(
    port: int,
    path: str = "/",
    headers: Mapping[str, str] | Sequence[tuple[str, str]] = (),
    *,
    method: str = "GET",
    body: bytes = b"",
) -> Answer:
    """One request on a connection of its own, sent as it is given."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    pairs = list(headers.items()) if isinstance(headers, Mapping) else list(headers)
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    names = {name.lower() for name, _ in pairs}
    if "host" not in names:
        pairs.insert(0, ("Host", f"127.0.0.1:{port}"))
    if body:
        pairs.append(("Content-Length", str(len(body))))
    for name, value in pairs:
        connection.putheader(name, value)
    connection.endheaders(body)
    with connection.getresponse() as response:
        told = [(name.lower(), value) for name, value in response.getheaders()]
        answer = Answer(response.status, told, response.read().decode("latin-1"))
    connection.close()
    return answer


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Running:
    """An engine at work."""

    def __init__(self, process: subprocess.Popen[bytes], log: socket.socket) -> None:
        self.process = process
        self._lines: queue.Queue[bytes] = queue.Queue()
        threading.Thread(target=self._read, args=(log,), daemon=True).start()

    def _read(self, log: socket.socket) -> None:
        """Until somebody sends nothing."""
        with log:
            while line := log.recv(65536):
                self._lines.put(line)

    def next_line(self) -> Request | Unfinished:
        """Waits for what it logs next."""
        return parse(self._lines.get(timeout=10).decode())

    def requests(self, count: int) -> list[Request]:
        """The next ones; connections without a request are passed over."""
        found: list[Request] = []
        while len(found) < count:
            line = self.next_line()
            if isinstance(line, Request):
                found.append(line)
        return found


def text(program: BalancerProgram) -> str:
    """As the host loads it, all servers in use."""
    servers = {
        (pool.name, t.server): server_of(t, pool.server_options, 100, t.serving)
        for pool in program.pools
        if pool.engine
        for t in pool.targets
    }
    return whole(program, servers, Path("/nowhere"), 1).replace("log ring@traffic", "log unix@log")


@contextmanager
def running(
    program: BalancerProgram, folder: Path, change: Callable[[str], str] = lambda text: text
) -> Iterator[Running]:
    """`change`: of the text, for what a test cannot wait for."""
    (folder / "files").mkdir()
    for file in program.files:
        (folder / "files" / file.name).write_text(file.content, newline="")
    written = change(text(program)).replace("unix@log", f"unix@{folder}/log")
    config = folder / "haproxy.cfg"
    config.write_text(without_ring(written))
    assert HAPROXY is not None
    checked = subprocess.run([HAPROXY, "-c", "-f", str(config)], capture_output=True, text=True)
    assert checked.returncode == 0 and "WARNING" not in checked.stderr, checked.stderr
    log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    log.bind(str(folder / "log"))
    with subprocess.Popen([HAPROXY, "-db", "-f", str(config)], stderr=subprocess.PIPE) as process:
        try:
            for listener in _binds(written):
                _until_listening(listener, process)
            yield Running(process, log)
        finally:
            process.terminate()
            process.wait()
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
                last.sendto(b"", str(folder / "log"))


def without_ring(written: str) -> str:
    """The log goes to a socket here, not through a ring."""
    bare = re.sub(r"ring traffic\n.*?  server agent [^\n]*\n", "", written, flags=re.DOTALL)
    return bare.replace("local0 info", "format raw local0")


def _binds(written: str) -> Sequence[int]:
    words = [line.split() for line in written.splitlines()]
    return [int(w[1].rpartition(":")[2]) for w in words if w[:1] == ["bind"]]


def _until_listening(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
    raise AssertionError(process.stderr.read() if process.stderr else "")
