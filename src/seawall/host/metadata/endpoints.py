"""A listening socket for each task, bound to the far end of the task's own link.

Who asks is told by the interface a connection comes in through, which nobody inside of a task can choose:
addresses can be forged there, links cannot.  The kernel gives a connection to the socket of its interface
only, and answers leave through the same.
"""

import asyncio
import socket
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from seawall.host.held_sockets import HeldSockets, is_in
from seawall.host.metadata.answers import Answers
from seawall.host.metadata.conversation import Conversations
from seawall.host.metadata.readings import Readings
from seawall.host.namespace_http import NamespaceHttp
from seawall.host.namespaces import Namespaces
from seawall.program.host import HostProgram
from seawall.program.network import NetworkProgram
from seawall.program.report import Problem, TaskReport
from seawall.program.task import TaskEndpoint, TaskProgram

BACKLOG = 64
HELD_AS = "endpoint"  # as a kind of held sockets


class Endpoints:
    """Those of a host.

    report   the newest facts of a task, by its id
    http     by which what a task asks for is asked of AWS in its name
    tasks_dir   where tasks keep what they write, a folder each
    """

    def __init__(
        self,
        namespaces: Namespaces,
        readings: Readings,
        tasks_dir: Path,
        report: Callable[[str], TaskReport],
        http: NamespaceHttp,
        held: HeldSockets,
    ) -> None:
        self._namespaces = namespaces
        self._held = held
        self._readings = readings
        self._tasks_dir = tasks_dir
        self._report = report
        self._http = http
        self._open: dict[str, _Endpoint] = {}

    async def follow(self, program: HostProgram, *, early: bool = False) -> tuple[Problem, ...]:
        """Serve the tasks of a program whose network stands, with what it says of them, and no others.

        early   the network does not stand yet: only where an agent before this one has left the socket
        """
        wanted = {task.id: task for task in program.tasks if task.endpoint is not None}
        for id in [id for id in self._open if id not in wanted]:
            self._close(id)
        new = [task for id, task in wanted.items() if id not in self._open]
        devices = _far_ends(program.network, new) if new else {}
        problems = []
        for id, task in wanted.items():
            known = self._open.get(id)
            if known is not None:
                known.answers.program = task
                continue
            if early and not self._held.has(_name(id)):
                continue
            try:
                self._open[id] = await self._begin(task, devices)
            except OSError as error:
                problems.append(Problem(subject=task.namespace, text=f"its endpoint: {error}"))
        if not early:
            self._held.let_go_of_unasked(HELD_AS)
        return tuple(problems)

    def heard(self, report: TaskReport) -> None:
        """A fact about a task has changed."""
        known = self._open.get(report.id)
        if known is not None:
            known.answers.compare_from_now(report)

    def close(self) -> None:
        for id in tuple(self._open):
            self._close(id)

    def _close(self, id: str) -> None:
        self._open.pop(id).close()
        self._held.let_go(_name(id))

    async def _begin(self, task: TaskProgram, devices: Mapping[str, str]) -> "_Endpoint":
        assert task.endpoint is not None
        device = devices.get(task.namespace)
        if device is None:
            raise OSError("there is no link to it")
        folder = self._tasks_dir / task.id
        answers = Answers(task, lambda: self._report(task.id), self._readings, folder, self._http)
        conversations = Conversations(answers.answer)
        listener = self._held.obtain(
            _name(task.id),
            partial(self._listen, task.endpoint, device),
            partial(self._fits, task.endpoint, device),
        )
        server = await asyncio.get_running_loop().create_server(conversations, sock=listener, backlog=BACKLOG)
        return _Endpoint(answers, conversations, server)

    def _listen(self, endpoint: TaskEndpoint, device: str) -> socket.socket:
        made = self._namespaces.socket_in(endpoint.namespace, proto=socket.IPPROTO_TCP)
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
            made.bind((endpoint.address, endpoint.port))
        except OSError:
            made.close()
            raise
        return made

    def _fits(self, endpoint: TaskEndpoint, device: str, held: socket.socket) -> bool:
        """Also the number of the link must be its own still, by which the kernel knows it."""
        try:
            bound = held.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16).rstrip(b"\0").decode()
        except OSError:
            return False
        there = (endpoint.address, endpoint.port) == held.getsockname()
        return there and bound == device and is_in(self._namespaces, endpoint.namespace, held)


class _Endpoint:
    def __init__(self, answers: Answers, conversations: Conversations, server: asyncio.Server) -> None:
        self.answers = answers
        self._conversations = conversations
        self._server = server

    def close(self) -> None:
        self._server.close()
        self._conversations.close()


def _name(task: str) -> str:
    return f"{HELD_AS}/{task}"


def _far_ends(network: NetworkProgram, tasks: list[TaskProgram]) -> dict[str, str]:
    """The device at the other end of each task's link to its endpoint, by the task's namespace."""
    homes = {task.namespace: task.endpoint.namespace for task in tasks if task.endpoint}
    return {
        link.host.namespace: link.router.name
        for link in network.links
        if homes.get(link.host.namespace) == link.router.namespace
    }
