"""What loops run on in tests: a clock that stands still, a host that only writes down what it is given."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from seawall.controllers.host_view import HostView
from seawall.controllers.loop import After, Context, Done, Loops, Reconcile, Reconciler
from seawall.model.resource import Resource
from seawall.program.host import HostProgram
from seawall.program.messages import Applied, Carried, State, TaskChanged
from seawall.program.network import NetworkProgram
from seawall.program.report import Counter, TaskReport, TaskUsage
from seawall.program.task import TaskProgram
from seawall.store.store import Store


@dataclass
class Timer:
    due: datetime
    callback: Callable[[], None]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


@dataclass
class MovedClock:
    """Time stands still until the test moves it."""

    time: datetime = datetime(2026, 1, 1, tzinfo=timezone.utc)
    timers: list[Timer] = field(default_factory=list)

    def now(self) -> datetime:
        return self.time

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        timer = Timer(self.time + timedelta(seconds=seconds), callback)
        self.timers.append(timer)
        return timer

    def move(self, seconds: float = 0) -> None:
        end = self.time + timedelta(seconds=seconds)
        while due := [t for t in self.timers if t.due <= end]:
            first = min(due, key=lambda t: t.due)
            self.timers.remove(first)
            self.time = max(self.time, first.due)
            if not first.cancelled:
                first.callback()
        self.time = end


@dataclass
class RecordingHost:
    """The host's port, as a list of what was handed over."""

    programs: list[HostProgram] = field(default_factory=list)
    listeners: list[Callable[[Applied | Carried | TaskChanged | State], None]] = field(default_factory=list)
    counters: dict[str, tuple[Counter, ...]] = field(default_factory=dict)
    connections: dict[str, int] = field(default_factory=dict)
    usages: tuple[TaskUsage, ...] | None = None
    announced: list[tuple[str, int]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)  # the namespaces whose counters were read

    def apply(self, program: HostProgram) -> None:
        self.programs.append(program)

    def announce(self, task: TaskProgram, revision: int) -> None:
        self.announced.append((task.id, revision))

    def read_counters(self, namespace: str, then: Callable[[tuple[Counter, ...] | None], None]) -> None:
        self.asked.append(namespace)
        then(self.counters.get(namespace))

    def count_connections(self, namespace: str, then: Callable[[int | None], None]) -> None:
        then(self.connections.get(namespace))

    def read_usage(self, then: Callable[[tuple[TaskUsage, ...] | None], None]) -> None:
        then(self.usages)

    def on_event(self, listener: Callable[[Applied | Carried | TaskChanged | State], None]) -> None:
        self.listeners.append(listener)

    def tell(self, fact: Applied | Carried | TaskChanged | State) -> None:
        for listener in self.listeners:
            listener(fact)


def make(store: Store, reconcilers: Iterable[Reconciler]) -> tuple[Loops, MovedClock, RecordingHost, Context]:
    clock, port = MovedClock(), RecordingHost()
    context = Context(
        store=store, host=HostView(port), clock=clock, account="123456789012", region="us-east-1", services={}
    )
    return Loops(context, reconcilers), clock, port, context


class Bench:
    """One loop's reconciler at a time, on a store, with a host that has applied what `settle` says."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.loops, self.clock, self.port, self.context = make(store, [])
        self.loops.start()
        self.clock.move()

    def put(self, *resources: Resource) -> None:
        with self.store.write() as txn:
            for resource in resources:
                txn.put(resource)
        self.clock.move()

    def meet(self, world: str = "w1") -> None:
        """The host is heard for the first time."""
        self.port.tell(State(world=world, applied_revision=0, tasks=()))

    def settle(self) -> None:
        """Everything the store holds is in force."""
        revision = self.store.revision()
        self.context.host.give(HostProgram(revision=revision, network=NetworkProgram()))
        self.port.tell(Applied(revision=revision))

    def report(self, report: TaskReport) -> None:
        self.port.tell(TaskChanged(report=report))

    def look(self, reconcile: Reconcile, key: str) -> Done | After:
        """One step; what it wrote is noted, as the loops would."""
        step = reconcile(key, self.context)
        self.clock.move()
        return step
