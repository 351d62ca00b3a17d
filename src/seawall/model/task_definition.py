"""Task definitions: families of numbered revisions that say what a task is made of.

The nested structs carry the API's own member names (`rename="camel"`): `msgspec.convert` reads what
RegisterTaskDefinition was given, `msgspec.to_builtins` gives what DescribeTaskDefinition shows.  Members with
a plain default are left out while they have it; those made by `_shown` always appear, as on AWS.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Literal, TypeVar

import msgspec

from seawall.model.resource import Resource, Tags, kind

T = TypeVar("T")
NetworkMode = Literal["bridge", "host", "awsvpc", "none"]


def _shown(default: Callable[[], T]) -> T:
    """A default that is written out all the same (msgspec omits only plain defaults)."""
    return msgspec.field(default_factory=lambda: default())


class _Shape(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A structure of the ECS API."""


class KeyValuePair(_Shape, frozen=True, kw_only=True):
    name: str | None = None
    value: str | None = None


class PortMapping(_Shape, frozen=True, kw_only=True):
    """`name` and `app_protocol` are Service Connect's; they change nothing for a task by itself."""

    container_port: int | None = None
    container_port_range: str | None = None
    host_port: int | None = None
    protocol: Literal["tcp", "udp"] | None = None
    name: str | None = None
    app_protocol: str | None = None


class KernelCapabilities(_Shape, frozen=True, kw_only=True):
    add: tuple[str, ...] | None = None
    drop: tuple[str, ...] | None = None


class LinuxParameters(_Shape, frozen=True, kw_only=True):
    capabilities: KernelCapabilities | None = None
    init_process_enabled: bool | None = None


class ContainerDependency(_Shape, frozen=True, kw_only=True):
    container_name: str
    condition: Literal["START", "COMPLETE", "SUCCESS", "HEALTHY"]


class HealthCheck(_Shape, frozen=True, kw_only=True):
    """Times are seconds.  `command` begins with CMD or CMD-SHELL."""

    command: tuple[str, ...]
    interval: int = _shown(lambda: 30)
    timeout: int = _shown(lambda: 5)
    retries: int = _shown(lambda: 3)
    start_period: int | None = None


class ContainerRestartPolicy(_Shape, frozen=True, kw_only=True):
    """`restart_attempt_period`: seconds a container must have run before it is restarted again."""

    enabled: bool = _shown(bool)
    ignored_exit_codes: tuple[int, ...] | None = None
    restart_attempt_period: int | None = None


class EnvironmentFile(_Shape, frozen=True, kw_only=True):
    """`value` is the ARN of an object in S3."""

    value: str
    type: Literal["s3"]


class MountPoint(_Shape, frozen=True, kw_only=True):
    source_volume: str | None = None
    container_path: str | None = None
    read_only: bool | None = None


class VolumeFrom(_Shape, frozen=True, kw_only=True):
    source_container: str | None = None
    read_only: bool | None = None


class RepositoryCredentials(_Shape, frozen=True, kw_only=True):
    """A registry's user name and password, in a secret of Secrets Manager."""

    credentials_parameter: str


class Ulimit(_Shape, frozen=True, kw_only=True):
    name: str
    soft_limit: int
    hard_limit: int


class Secret(_Shape, frozen=True, kw_only=True):
    """An environment variable out of Secrets Manager or Parameter Store."""

    name: str
    value_from: str


class LogConfiguration(_Shape, frozen=True, kw_only=True):
    log_driver: str
    options: dict[str, str] | None = None
    secret_options: tuple[Secret, ...] | None = None


class SystemControl(_Shape, frozen=True, kw_only=True):
    namespace: str
    value: str


class HostEntry(_Shape, frozen=True, kw_only=True):
    hostname: str
    ip_address: str


class RuntimePlatform(_Shape, frozen=True, kw_only=True):
    cpu_architecture: Literal["X86_64", "ARM64"] | None = None
    operating_system_family: str | None = None


class ContainerDefinition(_Shape, frozen=True, kw_only=True):
    """One container of a definition.  Sizes are CPU units (1024 to a vCPU) and MiB, times are seconds.

    `links` to `docker_security_options` exist for the EC2 launch type, which Seawall records and never runs.
    """

    name: str
    image: str
    cpu: int = _shown(int)
    memory: int | None = None
    memory_reservation: int | None = None
    port_mappings: tuple[PortMapping, ...] = _shown(tuple)
    essential: bool = _shown(lambda: True)
    entry_point: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    environment: tuple[KeyValuePair, ...] = _shown(tuple)
    mount_points: tuple[MountPoint, ...] = _shown(tuple)
    volumes_from: tuple[VolumeFrom, ...] = _shown(tuple)
    secrets: tuple[Secret, ...] | None = None
    environment_files: tuple[EnvironmentFile, ...] | None = None
    health_check: HealthCheck | None = None
    restart_policy: ContainerRestartPolicy | None = None
    repository_credentials: RepositoryCredentials | None = None
    linux_parameters: LinuxParameters | None = None
    depends_on: tuple[ContainerDependency, ...] | None = None
    start_timeout: int | None = None
    stop_timeout: int | None = None
    version_consistency: Literal["enabled", "disabled"] | None = None
    user: str | None = None
    working_directory: str | None = None
    readonly_root_filesystem: bool | None = None
    interactive: bool | None = None
    pseudo_terminal: bool | None = None
    docker_labels: dict[str, str] | None = None
    ulimits: tuple[Ulimit, ...] | None = None
    log_configuration: LogConfiguration | None = None
    system_controls: tuple[SystemControl, ...] = _shown(tuple)

    links: tuple[str, ...] | None = None
    hostname: str | None = None
    disable_networking: bool | None = None
    privileged: bool | None = None
    dns_servers: tuple[str, ...] | None = None
    dns_search_domains: tuple[str, ...] | None = None
    extra_hosts: tuple[HostEntry, ...] | None = None
    docker_security_options: tuple[str, ...] | None = None


class Volume(_Shape, frozen=True, kw_only=True):
    """A volume of the task: empty at first, shared by its containers, gone with the task.

    host   {"sourcePath": ...} for the EC2 launch type only, {} otherwise
    """

    name: str
    host: dict[str, str] = _shown(dict)


@kind("task_definition")
class TaskDefinition(Resource, frozen=True, kw_only=True):
    """`id` is family:revision.  `cpu` and `memory` are CPU units and MiB as decimal text."""

    family: str
    revision: int
    status: Literal["ACTIVE", "INACTIVE", "DELETE_IN_PROGRESS"] = "ACTIVE"
    container_definitions: tuple[ContainerDefinition, ...]
    task_role_arn: str | None = None
    execution_role_arn: str | None = None
    network_mode: NetworkMode | None = None
    requires_compatibilities: tuple[str, ...] = ()
    compatibilities: tuple[str, ...] = ()  # computed: what the definition would be valid for
    requires_attributes: tuple[str, ...] = ()  # names of container instance attributes
    cpu: str | None = None
    memory: str | None = None
    runtime_platform: RuntimePlatform | None = None
    ephemeral_storage_gib: int | None = None  # None: not given; tasks then have 20
    volumes: tuple[Volume, ...] = ()
    pid_mode: Literal["host", "task"] | None = None
    ipc_mode: Literal["host", "task", "none"] | None = None
    enable_fault_injection: bool | None = None
    placement_constraints: tuple[dict[str, str], ...] = ()
    registered_at: datetime
    registered_by: str
    deregistered_at: datetime | None = None
    delete_requested_at: datetime | None = None
    tags: Tags = {}

    def container(self, name: str) -> ContainerDefinition:
        """The container of that name.  Raises KeyError."""
        for container in self.container_definitions:
            if container.name == name:
                return container
        raise KeyError(name)


@kind("task_definition_family")
class TaskDefinitionFamily(Resource, frozen=True, kw_only=True):
    """`id` is the family's name.  Revision numbers are never used twice, even after all were deleted."""

    last_revision: int


def task_definition_id(family: str, revision: int) -> str:
    return f"{family}:{revision}"
