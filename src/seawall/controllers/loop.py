"""The loops that bring the world to what the store says.

A reconciler gets a key, never an event: it reads the state, does one step and says `Done()` or `After(s)`.
An exception means again, later and later.  `Terminal` does not exist as a return value: what is final is
recorded on the object itself, and the next look finds nothing to do.

One key is in the queue at most once and run by nobody else at the same time: reconcilers are plain
functions run one after the other in the event loop, and the only thing they may do besides writing to the
store is to hand a program to the host's port, which never blocks.
"""

import importlib
import logging
import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from seawall.compile.service.situation import Pace
from seawall.compile.why.network import Resolve
from seawall.controllers.counts import Counts
from seawall.controllers.host_view import HostView
from seawall.controllers.service_launcher import ServiceLauncher
from seawall.model.resource import Ref
from seawall.store.metrics import Metrics
from seawall.store.store import Change, Store

log = logging.getLogger("seawall.controllers")

SLICE = 64  # keys worked on before the event loop gets a turn


@dataclass(frozen=True)
class Done:
    """Nothing left to do until something changes."""


@dataclass(frozen=True)
class After:
    """Look again in so many seconds, or earlier when something changes."""

    seconds: float


class Timer(Protocol):
    def cancel(self) -> None: ...


class Clock(Protocol):
    """Where loops get their time from.  Tests hand in one they move themselves."""

    def now(self) -> datetime: ...

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Timer: ...


@dataclass
class Context:
    """All that a reconciler may touch."""

    store: Store
    host: HostView
    clock: Clock
    account: str
    region: str
    services: dict[str, str]  # AWS service host names and the addresses they have on the internet
    uplink: bool = False
    interface_release: timedelta = timedelta(0)  # how long the interface of a stopped task stays
    changed_at: dict[Ref, int] = field(default_factory=dict)
    wanted: int = 0  # the newest revision that a gathering loop has to look at
    counts: Counts = field(default_factory=Counts)
    metrics: Metrics | None = None  # where controllers publish metrics
    resolve: Resolve = (
        lambda snapshot, vpc_id, name: ()
    )  # the addresses of a name in a VPC, where it is known
    started_at: int = 0  # the store's revision when this process began to follow it
    launch: ServiceLauncher | None = None  # None: no services are run
    pace: Pace = field(default_factory=Pace)  # of services
    rested_at: dict[str, datetime] = field(default_factory=dict)  # when a service may be looked at again

    def revision_of(self, ref: Ref) -> int:
        """The revision of the newest change of a resource; what is older than this process counts as new."""
        return self.changed_at.get(ref, self.started_at)

    def in_force(self, ref: Ref) -> bool:
        """Whether the host has applied a program that knows the newest change of this resource."""
        return self.host.in_force >= self.revision_of(ref)


Reconcile = Callable[[str, Context], Done | After]


@dataclass(frozen=True)
class Reconciler:
    """One loop.

    kinds     the kinds of resources whose changes concern it
    keys      maps a changed resource to the keys to look at
    all_keys  the keys of a fresh start
    on_host   the keys to look at when the host reported something
    gathers   run only when no other key waits, so that many changes end in one look
    """

    name: str
    run: Reconcile
    kinds: frozenset[str]
    keys: Callable[[Context, Ref], Iterable[str]]
    all_keys: Callable[[Context], Iterable[str]]
    on_host: Callable[[Context], Iterable[str]]
    gathers: bool = False


_reconcilers: dict[str, Reconciler] = {}


def reconciler(known: Reconciler) -> None:
    """Register a loop.  Raises ValueError when a name is taken."""
    if known.name in _reconcilers:
        raise ValueError(f"two loops are named {known.name}")
    _reconcilers[known.name] = known


def load_reconcilers() -> tuple[Reconciler, ...]:
    """Import every module of this package and return all loops."""
    import seawall.controllers as package

    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
    return tuple(_reconcilers.values())


Key = tuple[str, str]


class Loops:
    """Runs all reconcilers on one store and one host."""

    def __init__(self, context: Context, reconcilers: Iterable[Reconciler] | None = None) -> None:
        self._context = context
        self._loops = {r.name: r for r in (reconcilers if reconcilers is not None else load_reconcilers())}
        self._position = 0
        self._queue: dict[Key, None] = {}  # a dict keeps order and holds each key once
        self._gathering: dict[Key, None] = {}
        self._timers: dict[Key, Timer] = {}
        self._failures: dict[Key, int] = {}
        self._wake: Timer | None = None
        self._stopped = False

    def start(self) -> None:
        """Look at everything once, then follow the feed and the host."""
        self._position = self._context.started_at = self._context.store.revision()
        self._context.wanted = self._position
        for loop in self._loops.values():
            for key in loop.all_keys(self._context):
                self._enqueue((loop.name, key))
        self._context.store.on_commit(self.wake)
        self._context.host.on_change(self._host_changed)
        self.wake()

    def stop(self) -> None:
        self._stopped = True
        for timer in self._timers.values():
            timer.cancel()

    def wake(self) -> None:
        if self._wake is None and not self._stopped:
            self._wake = self._context.clock.call_later(0, self._turn)

    def _turn(self) -> None:
        self._wake = None
        if self._stopped:
            return
        self._read_feed()
        if self._queue:
            for _ in range(SLICE):
                if self._queue:
                    self._run_first(self._queue)
        elif self._gathering:
            self._run_first(self._gathering)
        if self._queue or self._gathering:
            self.wake()  # whoever asks meanwhile is answered first

    def _run_first(self, queue: dict[Key, None]) -> None:
        key = next(iter(queue))
        del queue[key]
        self._run(key)
        self._read_feed()

    def _read_feed(self) -> None:
        while changes := self._context.store.changes(self._position):
            for change in changes:
                self._note(change)
            self._position = changes[-1].revision

    def _note(self, change: Change) -> None:
        if change.generation:
            self._context.changed_at[change.ref] = change.revision
        else:
            self._context.changed_at.pop(change.ref, None)
        for loop in self._loops.values():
            if change.ref.kind in loop.kinds:
                if loop.gathers:
                    self._context.wanted = change.revision
                for key in loop.keys(self._context, change.ref):
                    self._enqueue((loop.name, key))

    def _host_changed(self) -> None:
        for loop in self._loops.values():
            for key in loop.on_host(self._context):
                self._enqueue((loop.name, key))
        self.wake()

    def _enqueue(self, key: Key) -> None:
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()
        queue = self._gathering if self._loops[key[0]].gathers else self._queue
        queue[key] = None

    def _run(self, key: Key) -> None:
        name, resource = key
        try:
            step = self._loops[name].run(resource, self._context)
        except Exception:  # one of the two places for this: a bug in one key must not stop the others
            failures = self._failures[key] = self._failures.get(key, 0) + 1
            log.exception("loop.failed", extra={"loop": name, "key": resource, "failures": failures})
            step = After(min(0.1 * 2**failures, 60.0))
        else:
            self._failures.pop(key, None)
        if isinstance(step, After):
            self._timers[key] = self._context.clock.call_later(step.seconds, lambda: self._again(key))

    def _again(self, key: Key) -> None:
        self._enqueue(key)
        self.wake()
