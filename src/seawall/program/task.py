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


class SecretSource(msgspec.Struct, frozen=True, kw_only=True):
    """One value to be fetched over the network when a task starts.

    service   "secretsmanager" (GetSecretValue of `id`) or "ssm" (GetParameters of `id`, decrypted)
    id        the secret's ARN or name, or the parameter's name or ARN
    json_key  the member of the secret's JSON; None: the whole text
    """

    service: Literal["secretsmanager", "ssm"]
    endpoint: str  # host name, e.g. "secretsmanager.us-east-1.amazonaws.com"
    region: str
    id: str
    json_key: str | None = None
    version_stage: str | None = None
    version_id: str | None = None
    credentials: Credentials | None = None


class ImageSource(msgspec.Struct, frozen=True, kw_only=True):
    """`reference` is normalised: registry/repository:tag or registry/repository@digest.

    password   of a registry that is not ECR: a secret {"username": .., "password": ..}
    """

    reference: str
    login: EcrLogin | None = None
    password: SecretSource | None = None
    architecture: str = "amd64"


class ObjectSource(msgspec.Struct, frozen=True, kw_only=True):
    """An object in S3 (GetObject)."""

    endpoint: str  # host name, e.g. "s3.us-east-1.amazonaws.com"
    region: str
    bucket: str
    key: str
    credentials: Credentials | None = None


class HealthCheck(msgspec.Struct, frozen=True, kw_only=True):
    """`command` is run in the container; failures within the start period do not count."""

    command: tuple[str, ...]
    interval_s: int = 30
    timeout_s: int = 5
    retries: int = 3
    start_period_s: int = 0


class RestartPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Start a container again in its place when it has run for `attempt_period_s` and its exit code is not
    among those ignored."""

    ignored_exit_codes: tuple[int, ...] = ()
    attempt_period_s: int = 300


class Dependency(msgspec.Struct, frozen=True, kw_only=True):
    """`container` must have started, ended, ended with 0, or be healthy first."""

    container: str
    condition: Literal["START", "COMPLETE", "SUCCESS", "HEALTHY"] = "START"


class Mount(msgspec.Struct, frozen=True, kw_only=True):
    """A volume of the task at an absolute path in a container."""

    volume: str
    path: str
    read_only: bool = False


class RoleCredentials(msgspec.Struct, frozen=True, kw_only=True):
    """What the credentials endpoint inside a task gives out: those of its task role.

    id           last part of the path: /v2/credentials/ID
    expiration   ISO 8601, UTC
    """

    id: str
    role_arn: str
    credentials: Credentials
    expiration: str


class AwsLogs(msgspec.Struct, frozen=True, kw_only=True):
    """Send a container's output to CloudWatch Logs over the task's own interface.

    mode           None: the disk is the buffer, nothing waits and nothing is lost
    buffer_bytes   of the mode non-blocking; None: the driver's default
    """

    endpoint: str  # host name, e.g. "logs.us-east-1.amazonaws.com"
    region: str
    group: str
    stream: str
    create_group: bool = False
    datetime_format: str | None = None
    multiline_pattern: str | None = None
    mode: Literal["blocking", "non-blocking"] | None = None
    buffer_bytes: int | None = None
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

    depends_on   what must be so before it starts; it is stopped before those
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
    secrets: tuple[tuple[str, SecretSource], ...] = ()  # variable name and where its value is
    environment_files: tuple[ObjectSource, ...] = ()  # of lines NAME=VALUE; `environment` wins over them
    health_check: HealthCheck | None = None
    restart_policy: RestartPolicy | None = None
    mounts: tuple[Mount, ...] = ()
    depends_on: tuple[Dependency, ...] = ()
    start_timeout_s: int | None = None  # how long a container that depends on this one waits for it
    desired: Literal["running", "stopped"] = "running"


class TaskEndpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where a task asks for its metadata and its role's credentials.

    namespace   where the far end of the task's link to it lies; it is heard through that link alone
    counted     the device of the task whose traffic its statistics show
    """

    namespace: str
    address: str
    port: int = 80
    counted: str = "eth1"


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
    shared_pids: bool = False  # one process namespace for all containers
    volumes: tuple[str, ...] = ()  # names of the task's empty volumes
    storage_bytes: int = 0  # for image layers' changes and volumes together; 0: no limit
    login_namespace: str | None = None  # where registry login and secrets travel; None: the task's own
    login_nameservers: tuple[str, ...] = ()  # asked there
    role: RoleCredentials | None = None
    endpoint: TaskEndpoint | None = None
    metadata: bytes = b""  # JSON: what the control plane knows of the task, for its metadata endpoint
    containers: tuple[ContainerProgram, ...]
