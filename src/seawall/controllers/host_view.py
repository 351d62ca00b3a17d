"""What is known of the host: the program it was given, what of it is in force, and what it reported."""

import logging
from collections.abc import Callable

from msgspec.structs import replace

from seawall.controllers.host_port import HostPort
from seawall.program.host import HostProgram
from seawall.program.messages import Applied, BalancerChanged, Carried, Fact, State, TaskChanged
from seawall.program.report import BalancerReport, BalancerTraffic, Counter, Problem, TaskReport, TaskUsage
from seawall.program.task import TaskProgram

log = logging.getLogger("seawall.controllers")


class HostView:
    """One host, seen from above.

    in_force   the newest store revision whose network the host has applied.  A program that is equal to
               the one before is not sent again; then the revision it covers grows without a message.
    about      the task or balancer node that the host's newest word is about; None: it may concern any
    balancers  what each node said last, by its interface
    """

    def __init__(self, port: HostPort) -> None:
        self._port = port
        self.world: str | None = None
        self.in_force = 0
        self.about: str | None = None
        self.reports: dict[str, TaskReport] = {}
        self.balancers: dict[str, BalancerReport] = {}
        self.problems: tuple[Problem, ...] = ()
        self.limits = ""  # the host's own words; empty before it was heard
        self._sent: HostProgram | None = None
        self._given: frozenset[str] = frozenset()  # the tasks that it names
        self._announced: set[str] = set()  # those told ahead of the next one
        self._covers = 0
        self._applied = 0
        self._listeners: list[Callable[[], None]] = []
        self._carried: dict[str, int] = {}  # by node: the number of its newest word of traffic
        self._traffic_listeners: list[Callable[[BalancerTraffic], None]] = []
        port.on_event(self._hear)

    def on_change(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` after every word of the host; returns what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def on_traffic(self, listener: Callable[[BalancerTraffic], None]) -> None:
        """Call `listener` with what went through the nodes of balancers, some seconds' worth at a time."""
        self._traffic_listeners.append(listener)

    def troubled(self, *subjects: str) -> bool:
        """Whether the host could not make so one of these (namespaces, interfaces, gateways), or anything."""
        return any(problem.subject in (*subjects, "host") for problem in self.problems)

    @property
    def sent(self) -> HostProgram | None:
        """The program it was given last."""
        return self._sent

    @property
    def covers(self) -> int:
        """The newest store revision the given program stands for."""
        return self._covers

    @property
    def needs_program(self) -> bool:
        """The host is there and this process has not told it anything yet."""
        return self.world is not None and self._sent is None

    def was_given(self, task: str) -> bool:
        """Whether the program it was given last names this task."""
        return task in self._given

    def was_announced(self, task: str) -> bool:
        """Whether it was told ahead of the next program."""
        return task in self._announced

    def announce(self, task: TaskProgram, revision: int) -> None:
        """Tell ahead of a task that the next program, of this revision or a later one, will name."""
        self._announced.add(task.id)
        self._port.announce(task, revision)

    def give(self, program: HostProgram) -> None:
        """Make this the desired state, unless it is already; what was announced and is not in it ends."""
        self._covers = program.revision
        sent = self._sent
        same = sent is not None and replace(sent, revision=program.revision) == program
        if same and not self._announced:
            self._update_in_force()
            return
        self._given = frozenset(task.id for task in program.tasks)
        self._announced.clear()
        self._sent = program
        self._port.apply(program)

    def cover(self, revision: int) -> None:
        """The given program stands for this revision, too: nothing in it has changed since."""
        self._covers = revision
        self._update_in_force()

    def read_counters(self, namespace: str, then: Callable[[tuple[Counter, ...] | None], None]) -> None:
        """Call `then` with what a namespace's packet policy has counted, or None if it cannot be read."""
        self._port.read_counters(namespace, then)

    def count_connections(self, namespace: str, then: Callable[[int | None], None]) -> None:
        """Call `then` with the number of TCP connections through a namespace, or None if it is unknown."""
        self._port.count_connections(namespace, then)

    def read_usage(self, then: Callable[[tuple[TaskUsage, ...] | None], None]) -> None:
        """Call `then` with what every task uses, or None if it cannot be read."""
        self._port.read_usage(then)

    def _hear(self, fact: Fact | State) -> None:
        match fact:
            case Applied():
                self._applied = max(self._applied, fact.revision)
                self.problems = fact.problems
                self._update_in_force()
            case TaskChanged():
                self.reports[fact.report.id] = fact.report
            case BalancerChanged():
                self.balancers[fact.report.id] = fact.report
            case Carried():
                self._carry(fact.traffic)
                return
            case State():
                self._meet(fact)
        self._tell(fact.report.id if isinstance(fact, (TaskChanged, BalancerChanged)) else None)

    def _carry(self, traffic: BalancerTraffic) -> None:
        """Unless an agent that was killed has told it before."""
        if traffic.number <= self._carried.get(traffic.id, 0):
            return
        self._carried[traffic.id] = traffic.number
        for listener in self._traffic_listeners:
            try:
                listener(traffic)
            except Exception:  # what somebody makes of traffic must not end the conversation with the host
                log.exception("traffic.failed", extra={"balancer": traffic.id})

    def _tell(self, about: str | None) -> None:
        self.about = about
        for listener in tuple(self._listeners):
            listener()

    def _meet(self, state: State) -> None:
        """A connection was made, or made again: whatever was believed before is replaced."""
        if state.world != self.world:
            self.in_force = 0
            self._sent = None
            self._given = frozenset()
            self._announced.clear()
            self._carried.clear()
        self.world = state.world
        self.reports = {report.id: report for report in state.tasks}
        self.balancers = {report.id: report for report in state.balancers}
        self.problems = state.problems
        self.limits = state.limits
        self._applied = 0
        if self._sent is not None:
            self._port.apply(self._sent)

    def _update_in_force(self) -> None:
        if self._sent is not None and self._applied >= self._sent.revision and self._covers > self.in_force:
            self.in_force = self._covers
            self._tell(None)
