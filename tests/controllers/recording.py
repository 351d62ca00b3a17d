"""What loops run on in tests: a clock that stands still, a host that only writes down what it is given."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from seawall.controllers.host_view import HostView
from seawall.controllers.loop import Context, Loops, Reconciler
from seawall.program.host import HostProgram
from seawall.program.messages import Applied, State, TaskChanged
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
    listeners: list[Callable[[Applied | TaskChanged | State], None]] = field(default_factory=list)

    def apply(self, program: HostProgram) -> None:
        self.programs.append(program)

    def on_event(self, listener: Callable[[Applied | TaskChanged | State], None]) -> None:
        self.listeners.append(listener)

    def tell(self, fact: Applied | TaskChanged | State) -> None:
        for listener in self.listeners:
            listener(fact)


def make(store: Store, reconcilers: Iterable[Reconciler]) -> tuple[Loops, MovedClock, RecordingHost, Context]:
    clock, port = MovedClock(), RecordingHost()
    context = Context(
        store=store, host=HostView(port), clock=clock, account="123456789012", region="us-east-1", services={}
    )
    return Loops(context, reconcilers), clock, port, context
