"""The one door through which controllers reach a host.  `app` puts the real agent behind it."""

from collections.abc import Callable
from typing import Protocol

from seawall.program.host import HostProgram
from seawall.program.messages import Fact, State
from seawall.program.report import Counter, TaskUsage
from seawall.program.task import TaskProgram


class HostPort(Protocol):
    """A connection to one host's agent; survives the agent's restarts."""

    def apply(self, program: HostProgram) -> None:
        """Hand over the whole desired state; only the newest not yet sent is kept.  Never blocks."""

    def announce(self, task: TaskProgram, revision: int) -> None:
        """Tell of a task that the program of this revision, or a later one, will name or leave out.  Lost
        where the host is away.  Never blocks.
        """

    def on_event(self, listener: Callable[[Fact | State], None]) -> None:
        """Call `listener` for each fact; a `State` arrives after every (re)connection."""

    def read_counters(self, namespace: str, then: Callable[[tuple[Counter, ...] | None], None]) -> None:
        """Ask what a namespace's packet policy has counted; None: it could not be read.  Never blocks."""

    def count_connections(self, namespace: str, then: Callable[[int | None], None]) -> None:
        """Ask how many TCP connections go through a namespace; None: it could not be told.  Never blocks."""

    def read_usage(self, then: Callable[[tuple[TaskUsage, ...] | None], None]) -> None:
        """Ask what every task uses; None: it could not be read.  Never blocks."""
