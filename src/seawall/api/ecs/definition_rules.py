"""What every task definition must obey, whatever it is going to run on.  Texts are AWS's.

Each rule takes the definition as an `Intended` and raises ApiError ClientException.
"""

import re
from collections import Counter
from typing import Literal

import msgspec

from seawall.api.ecs.dependency_rules import check_dependencies
from seawall.api.ecs.log_rules import check_log_options
from seawall.api.ecs.names import NAME, client_exception
from seawall.api.ecs.secret_rules import check_secrets
from seawall.api.ecs.supervision_rules import check_supervision
from seawall.api.ecs.volume_rules import check_volumes
from seawall.model.task_definition import (
    ContainerDefinition,
    NetworkMode,
    PortMapping,
    RuntimePlatform,
    Volume,
)

CONTAINERS_PER_DEFINITION = 10
PORT_RANGES_PER_CONTAINER = 100
IMAGE = re.compile(r"[\w\-:./#]{1,255}(?:@sha256:[0-9A-Fa-f]{64})?", re.ASCII)
ULIMITS = (
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
)
SYSCTLS = re.compile(
    r"net\..+|fs\.mqueue\..+|kernel\.(?:msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)"
)


class Intended(msgspec.Struct, frozen=True, kw_only=True):
    """A definition as it was asked for.  `cpu` in CPU units, `memory` in MiB."""

    family: str
    containers: tuple[ContainerDefinition, ...]
    network_mode: NetworkMode | None
    requires_compatibilities: tuple[str, ...]
    cpu: int | None
    memory: int | None
    task_role_arn: str | None
    execution_role_arn: str | None
    ephemeral_storage_gib: int | None
    runtime_platform: RuntimePlatform | None
    placement_constraints: tuple[dict[str, str], ...]
    volumes: tuple[Volume, ...] = ()
    pid_mode: Literal["host", "task"] | None = None
    ipc_mode: Literal["host", "task", "none"] | None = None
    enable_fault_injection: bool | None = None


def check_definition(intended: Intended) -> None:
    """Every rule, in the order in which ECS finds fault."""
    if len(intended.containers) > CONTAINERS_PER_DEFINITION:
        raise client_exception(f"containerDefinitions can have at most {CONTAINERS_PER_DEFINITION} items.")
    for container in intended.containers:
        if not NAME.fullmatch(container.name):
            raise client_exception("Container name contains invalid characters.")
        if not IMAGE.fullmatch(container.image):
            raise client_exception("Container.image contains invalid characters.")
    names = [container.name for container in intended.containers]
    if len(set(names)) < len(names):
        raise client_exception("Container names must be unique within a task definition.")
    if not any(container.essential for container in intended.containers):
        raise client_exception("Task definition doesn't have any essential container")
    for container in intended.containers:
        _check_memory(container, intended.memory)
        check_supervision(container)
        _check_kernel_settings(container)
        _check_network_members(container, intended.network_mode)
        check_log_options(container)
        check_secrets(container, intended.execution_role_arn)
    if intended.cpu is not None and sum(c.cpu for c in intended.containers) > intended.cpu:
        raise client_exception(
            "The sum of all container 'cpu' values cannot be greater than the task-level 'cpu' value"
        )
    _check_ports(intended)
    check_volumes(intended.volumes, intended.containers)
    check_dependencies(intended.containers)


def _check_memory(container: ContainerDefinition, task_memory: int | None) -> None:
    hard, soft = container.memory, container.memory_reservation
    if task_memory is None and hard is None and soft is None:
        raise client_exception(
            f"Invalid setting for container '{container.name}'. At least one of 'memory' or"
            " 'memoryReservation' must be specified."
        )
    if hard is not None and soft is not None and hard < soft:
        raise client_exception(
            f"Invalid setting for container '{container.name}'. 'memory' must be greater than or equal to"
            " 'memoryReservation'."
        )
    if any(value is not None and value <= 0 for value in (hard, soft)) or container.cpu < 0:
        raise client_exception(
            f"Invalid setting for container '{container.name}'. Sizes must be greater than zero."
        )
    if task_memory is not None:
        for member, value in (("memory", hard), ("memoryReservation", soft)):
            if value is not None and value > task_memory:
                raise client_exception(
                    f"The '{member}' setting for container '{container.name}' is greater than for the task"
                )


def _check_kernel_settings(container: ContainerDefinition) -> None:
    for control in container.system_controls:
        if not SYSCTLS.fullmatch(control.namespace):
            raise client_exception(
                f"Invalid 'systemControls' setting for container '{container.name}'. The namespace"
                f" '{control.namespace}' is not supported."
            )
    for limit in container.ulimits or ():
        if limit.name not in ULIMITS:
            raise client_exception(f"ulimit name should be one of [{','.join(ULIMITS)}]")
        if limit.soft_limit > limit.hard_limit >= 0:
            raise client_exception(
                f"Invalid 'ulimits' setting for container '{container.name}'. The soft limit of"
                f" '{limit.name}' is greater than its hard limit."
            )


def _check_network_members(container: ContainerDefinition, network_mode: str | None) -> None:
    if network_mode != "awsvpc":
        return
    if container.links:
        raise client_exception("Links are not supported when networkMode=awsvpc")
    refused = (
        ("DNS servers are", container.dns_servers),
        ("DNS search domains are", container.dns_search_domains),
        ("Disable Networking is", container.disable_networking),
        ("Extra hosts are", container.extra_hosts),
        ("hostname is", container.hostname),
    )
    for words, given in refused:
        if given:
            raise client_exception(f"{words} not supported on container when networkMode=awsvpc")


def _check_ports(intended: Intended) -> None:
    used: Counter[tuple[int, str]] = Counter()
    names: Counter[str] = Counter()
    for container in intended.containers:
        ranges = 0
        for mapping in container.port_mappings:
            first, last = _port_range(container.name, mapping)
            ranges += mapping.container_port_range is not None
            _check_host_port(mapping, intended.network_mode)
            used.update((port, mapping.protocol or "tcp") for port in range(first, last + 1))
            names.update([mapping.name] if mapping.name else [])
        if ranges > PORT_RANGES_PER_CONTAINER:
            raise client_exception(f"Invalid 'containerPortRange' setting for container '{container.name}'.")
    if intended.network_mode in ("awsvpc", "host"):
        for (port, protocol), count in used.items():
            if count > 1:
                raise client_exception(
                    f"Invalid 'containerPort' setting: {port}/{protocol}. The container port is used"
                    " multiple times in task"
                )
    if any(count > 1 for count in names.values()):
        raise client_exception("port mapping name is already used")


def _port_range(container: str, mapping: PortMapping) -> tuple[int, int]:
    """First and last port.  Raises ApiError."""
    if mapping.container_port_range is not None:
        if mapping.container_port is not None or mapping.host_port is not None:
            raise client_exception("cannot specify both single port and port range")
        found = re.fullmatch(r"(\d{1,5})-(\d{1,5})", mapping.container_port_range)
        first, last = (int(found[1]), int(found[2])) if found else (0, 0)
        if not 1 <= first < last <= 65_535:
            raise client_exception(f"Invalid 'containerPortRange' setting for container '{container}'.")
        return first, last
    port = mapping.container_port or 0
    if not 1 <= port <= 65_535:
        raise client_exception(f"Invalid 'containerPort' setting for container '{container}'.")
    return port, port


def _check_host_port(mapping: PortMapping, network_mode: str | None) -> None:
    if network_mode in ("awsvpc", "host") and mapping.host_port not in (None, mapping.container_port):
        raise client_exception(
            f"When networkMode={network_mode}, the host ports and container ports in port mappings must"
            " match."
        )
