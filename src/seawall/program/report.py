"""Facts a host reports about what it runs.  Never commands, always the whole state of one thing."""

from typing import Literal

import msgspec

FailureStep = Literal[
    "registry_auth",
    "secrets",
    "environment_files",
    "pull",
    "logs",
    "volumes",
    "dependency",
    "create",
    "start",
]
HealthStatus = Literal["UNKNOWN", "HEALTHY", "UNHEALTHY"]


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Why a container never ran.

    step      what was being done
    url       what was being asked for over the network, if anything, e.g. "https://api.ecr.../"
    cause     "timeout", "refused", "unreachable", "dns", "tls", "denied", "not_found", "other"
    address   the ip:port that did not answer, where it is known
    text      the tool's own words
    attempts  how often it was tried
    """

    step: FailureStep
    cause: str
    text: str
    url: str | None = None
    address: str | None = None
    attempts: int = 1


ContainerState = Literal["waiting", "pulling", "pulled", "created", "running", "exited", "failed"]


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """What a container's health check says; `since` is seconds since the epoch."""

    status: HealthStatus = "UNKNOWN"
    since: float = 0.0
    exit_code: int | None = None
    output: str = ""


class Phase(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a container's way, in seconds since the epoch; `ended` is None while it lasts.

    name   "registry login", "secrets", "environment files", "log stream", "image", "bundle", "create",
           "dependencies", "start"
    text   how far it has come, e.g. "2 of 5 layers, 12.3 of 40.1 MB"
    """

    name: str
    began: float
    ended: float | None = None
    text: str = ""


class ContainerReport(msgspec.Struct, frozen=True, kw_only=True):
    """Times are seconds since the epoch.

    out_of_storage   it was killed since its task had used up its ephemeral storage
    output_pending   it has ended, its last output is still being sent
    notes            what this host could not give as it was asked for, in words
    """

    name: str
    runtime_id: str
    state: ContainerState = "waiting"
    image_digest: str | None = None
    pull_started_at: float | None = None
    pull_stopped_at: float | None = None
    started_at: float | None = None
    finished_at: float | None = None
    exit_code: int | None = None
    out_of_memory: bool = False
    out_of_storage: bool = False
    output_pending: bool = False
    health: Health | None = None  # None: it has no check
    restarts: int = 0
    notes: tuple[str, ...] = ()
    phases: tuple[Phase, ...] = ()  # of its newest launch, in the order they began
    failure: Failure | None = None


class TaskReport(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    containers: tuple[ContainerReport, ...]


class TaskUsage(msgspec.Struct, frozen=True, kw_only=True):
    """What a task's containers together have used: nanoseconds of processors since they began, and memory
    now."""

    id: str
    cpu_ns: int
    memory_bytes: int


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Something of the program that the host could not make so; it keeps trying."""

    subject: str  # namespace, link or task id
    text: str


class Counter(msgspec.Struct, frozen=True, kw_only=True):
    """What an element of a packet policy, or a rule, has matched since it was made.

    where    the set or chain
    what     the element's key, or the rule's text
    origin   as in the program: ids separated by commas
    """

    where: str
    what: str
    origin: str
    packets: int
    bytes: int


class TargetReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a node thinks of one target of one pool.

    state     "initial" until the first checks have an answer
    cause     of "unhealthy": "timeout", "refused", "mismatch" (with `code`), "failed"
    in_force  the engine knows it as the program has it
    checked_at   seconds since the epoch; None: never yet
    connections  those it has now
    """

    pool: str
    target: str
    state: Literal["initial", "healthy", "unhealthy"] = "initial"
    cause: str = ""
    code: int | None = None
    text: str = ""
    checked_at: float | None = None
    in_force: bool = False
    connections: int = 0


class BalancerReport(msgspec.Struct, frozen=True, kw_only=True):
    """A node as it is.

    id         as in its program
    running    its engine serves the configuration of the program (true where it needs no engine)
    revision   of the newest host program that changed this node and is in force there, servers included
    problem    why not, in the engine's own words
    """

    id: str
    running: bool
    revision: int = 0
    problem: str = ""
    targets: tuple[TargetReport, ...] = ()


class BalancerTraffic(msgspec.Struct, frozen=True, kw_only=True):
    """What went through a node since the last word of it: the engine's log lines and counters.

    number     greater than those of the node's words before; one that is told again has the same
    lines      one for each request or connection, as the configuration's log format writes them
    counters   (proxy, server or "FRONTEND" or "BACKEND", field) -> how much it has grown; fields are those of
               HAProxy's `show stat`.  ("log", "", "dropped"): lines there was no room for
    """

    id: str
    number: int
    lines: tuple[str, ...] = ()
    counters: tuple[tuple[str, str, str, int], ...] = ()
