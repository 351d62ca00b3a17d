"""What shall run: a task is a network namespace and the containers that share it."""

from typing import Literal

import msgspec


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """Temporary AWS credentials the host uses on behalf of a task (its execution role)."""

    access_key_id: str
    secret_access_key: str
    session_token: str


class EcrLogin(msgspec.Struct, frozen=True, kw_only=True):
    """Ask ECR for a registry token, over the task's own interface, before pulling."""

    endpoint: str  # host name, e.g. "api.ecr.us-east-1.amazonaws.com"
    region: str
    credentials: Credentials


class ImageSource(msgspec.Struct, frozen=True, kw_only=True):
    """`reference` is normalised: registry/repository:tag or registry/repository@digest."""

    reference: str
    login: EcrLogin | None = None
    architecture: str = "amd64"


class AwsLogs(msgspec.Struct, frozen=True, kw_only=True):
    """Send a container's output to CloudWatch Logs over the task's own interface.

    There is no mode and no buffer size: the disk is the buffer, so nothing waits and nothing is dropped.
    """

    endpoint: str  # host name, e.g. "logs.us-east-1.amazonaws.com"
    region: str
    group: str
    stream: str
    create_group: bool = False
    datetime_format: str | None = None
    multiline_pattern: str | None = None
    credentials: Credentials | None = None


class Ulimit(msgspec.Struct, frozen=True, kw_only=True):
    name: str  # "nofile"
    soft: int
    hard: int


class ContainerLimits(msgspec.Struct, frozen=True, kw_only=True):
    """None: no limit of its own; the task's limit holds."""

    cpu_shares: int | None = None
    memory_bytes: int | None = None
    memory_reservation_bytes: int | None = None


class ContainerProgram(msgspec.Struct, frozen=True, kw_only=True):
    """One container.  None for a process member means: as the image says.

    starts_after   names of containers of the task that must have started first (and are stopped after it)
    desired    "running": pull, create, start once (never restarted here); "stopped": stop it if it runs
    """

    name: str
    runtime_id: str  # unique on the host, [a-z0-9-]
    image: ImageSource
    entry_point: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    environment: tuple[tuple[str, str], ...] = ()  # on top of the image's own
    user: str | None = None
    working_directory: str | None = None
    stop_signal: str | None = None
    stop_timeout_s: int = 30
    add_capabilities: tuple[str, ...] = ()
    drop_capabilities: tuple[str, ...] = ()
    ulimits: tuple[Ulimit, ...] = ()
    sysctls: tuple[tuple[str, str], ...] = ()
    read_only_root: bool = False
    init: bool = False
    interactive: bool = False
    tty: bool = False
    limits: ContainerLimits = ContainerLimits()
    logs: AwsLogs | None = None
    starts_after: tuple[str, ...] = ()
    desired: Literal["running", "stopped"] = "running"


class TaskProgram(msgspec.Struct, frozen=True, kw_only=True):
    """`namespace` is made by the network program under that name; nothing here starts before it stands.

    hosts, resolv_conf   the whole text of /etc/hosts and /etc/resolv.conf in every container
    memory_bytes, cpu_quota   the task's size; cpu_quota in CPUs (0.25)
    """

    id: str
    namespace: str
    hostname: str
    hosts: str
    resolv_conf: str
    cpu_quota: float
    memory_bytes: int
    pids_limit: int = 4096
    containers: tuple[ContainerProgram, ...]
