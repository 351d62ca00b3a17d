"""What control plane and host say to each other over the world's Unix socket.

Frames are a four-byte big-endian length and a msgpack body.  The control plane sends `Request`s, each
answered by one `Reply` with the same number; the host sends `Event`s whenever a fact changes.  A file
descriptor travels as SCM_RIGHTS with the frame of its reply.
"""

import msgspec

from seawall.program.change import HostChange
from seawall.program.host import HostProgram
from seawall.program.report import BalancerReport, BalancerTraffic, Counter, Problem, TaskReport, TaskUsage
from seawall.program.task import TaskProgram


class Apply(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Make the host equal to the program.  Answered at once; `Applied` follows when the network stands."""

    program: HostProgram


class Revise(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """The same for what differs from the last program; refused where that was another one."""

    change: HostChange


class Announce(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """A task that the program of `revision` or a later one will name, or end by leaving it out: what needs
    no network can be made ready.  Answered at once, also where that program is there already.
    """

    task: TaskProgram
    revision: int


class Observe(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Report everything: answered by `State`.

    serving   the world in which the services that tasks need listen already: the sockets of a control plane
              live on when the agent that made them is killed
    """

    serving: str | None = None


class ReadCounters(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Read what the packet policy of a namespace has counted: answered by `Counters`, refused where no policy
    is in force.
    """

    namespace: str


class CountConnections(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Count the TCP connections that go through a namespace: answered by `Connections`, refused where there
    is no such namespace.
    """

    namespace: str


class ReadUsage(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Read what each task uses: answered by `Usages`."""


class Listen(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """A listening TCP socket (or a bound UDP one) in a namespace; the reply carries the descriptor.

    more   others follow without which the services that tasks need are not all there
    """

    namespace: str
    address: str
    port: int
    udp: bool = False
    more: bool = False


class Connect(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """A TCP connection from inside a namespace; the reply carries the descriptor."""

    namespace: str
    address: str
    port: int
    timeout_s: float = 5.0


class Request(msgspec.Struct, frozen=True, kw_only=True):
    number: int
    body: Apply | Revise | Announce | Observe | ReadCounters | CountConnections | ReadUsage | Listen | Connect


class Done(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """It was done; `descriptor` tells whether one travels with this frame."""

    descriptor: bool = False


class Refused(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    text: str


class State(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """What the host runs now.  `applied_revision` is 0 for a world that was just born."""

    world: str
    applied_revision: int
    tasks: tuple[TaskReport, ...]
    balancers: tuple[BalancerReport, ...] = ()
    problems: tuple[Problem, ...] = ()
    limits: str = "enforced"  # or why memory, CPU and process limits cannot hold here


class Counters(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    counters: tuple[Counter, ...]


class Connections(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """`open`: established ones, and those that one side has not closed yet."""

    open: int


class Usages(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Only of tasks whose use can be told: that needs control groups."""

    usages: tuple[TaskUsage, ...]


class Reply(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    number: int
    body: Done | Refused | State | Counters | Connections | Usages


class Applied(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """The network of the program with this revision (and all before) is in force, but for the problems."""

    revision: int
    problems: tuple[Problem, ...] = ()


class TaskChanged(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    report: TaskReport


class BalancerChanged(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    report: BalancerReport


class Carried(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    traffic: BalancerTraffic


Fact = Applied | TaskChanged | BalancerChanged | Carried


class Event(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    body: Fact
