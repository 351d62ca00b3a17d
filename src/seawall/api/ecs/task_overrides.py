"""What RunTask may change of a definition for one task.

Source: TaskOverride and ContainerOverride of the service model.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from seawall.api.ecs.fargate_rules import check_storage
from seawall.api.ecs.names import invalid_parameter
from seawall.api.ecs.run_members import CONTAINER_OVERRIDE, TASK_OVERRIDE
from seawall.api.ecs.secret_rules import check_environment_files
from seawall.api.ecs.served import read_served
from seawall.api.ecs.task_size import check_fargate_size, read_cpu, read_memory
from seawall.api.params import Params
from seawall.model.task_definition import EnvironmentFile, TaskDefinition
from seawall.wire.errors import ApiError

LONGEST_OVERRIDES = 8192
DEFAULT_STORAGE_GIB = 20


class Overrides(msgspec.Struct, frozen=True, kw_only=True):
    """The task's size and roles after overriding, and the overrides as tasks show them.

    `containers` holds what was given for each container by name.
    """

    cpu: str
    memory: str
    task_role_arn: str | None
    execution_role_arn: str | None
    ephemeral_storage_gib: int
    containers: dict[str, dict[str, Any]]
    shown: dict[str, Any]


def read_overrides(params: Params | None, definition: TaskDefinition) -> Overrides:
    """Raises ApiError InvalidParameterException."""
    if params:
        _refuse_accelerators(params.copy_unread())
    given = read_served(params, TASK_OVERRIDE, {"containerOverrides": CONTAINER_OVERRIDE}) if params else {}
    containers = _containers(given.get("containerOverrides", []), definition)
    if len(msgspec.json.encode(given)) > LONGEST_OVERRIDES:
        raise invalid_parameter(f"Container Overrides length must be at most {LONGEST_OVERRIDES}.")
    cpu, memory = _size(given, definition)
    _check_container_sizes(containers, definition, cpu, memory)
    shown = {name: value for name, value in given.items() if name != "containerOverrides"}
    return Overrides(
        cpu=str(cpu),
        memory=str(memory),
        task_role_arn=given.get("taskRoleArn") or definition.task_role_arn,
        execution_role_arn=given.get("executionRoleArn") or definition.execution_role_arn,
        ephemeral_storage_gib=_storage(given.get("ephemeralStorage"), definition),
        containers=containers,
        shown={
            "containerOverrides": [
                {"name": c.name, **containers.get(c.name, {})} for c in definition.container_definitions
            ],
            "inferenceAcceleratorOverrides": [],
            **shown,
        },
    )


def _refuse_accelerators(given: dict[str, Any]) -> None:
    if given.get("inferenceAcceleratorOverrides"):
        raise invalid_parameter("Unsupported field 'inferenceAcceleratorOverrides'")
    for override in given.get("containerOverrides") or ():
        if override.get("resourceRequirements"):
            raise invalid_parameter(
                "Tasks using the Fargate launch type do not support GPU resource requirements"
            )


def _containers(given: list[dict[str, Any]], definition: TaskDefinition) -> dict[str, dict[str, Any]]:
    names = {container.name for container in definition.container_definitions}
    found: dict[str, dict[str, Any]] = {}
    for override in given:
        if not override:
            continue
        name = override.get("name")
        if name not in names:
            raise invalid_parameter(
                f"Override for container named {name} is not a container in the TaskDefinition."
            )
        _check_files(override.get("environmentFiles", ()))
        found[name] = override
    return found


def _check_files(given: Iterable[dict[str, str]]) -> None:
    try:
        check_environment_files([msgspec.convert(file, EnvironmentFile) for file in given])
    except msgspec.ValidationError:
        raise invalid_parameter("environmentFiles type should be one of [s3]") from None
    except ApiError as error:
        raise invalid_parameter(error.message) from None


def _size(given: dict[str, Any], definition: TaskDefinition) -> tuple[int, int]:
    try:
        cpu = read_cpu(given.get("cpu") or definition.cpu or "0")
        memory = read_memory(given.get("memory") or definition.memory or "0")
        check_fargate_size(cpu, memory)
    except ApiError as error:
        raise invalid_parameter(error.message) from None
    return cpu, memory


def _check_container_sizes(
    containers: dict[str, dict[str, Any]], definition: TaskDefinition, cpu: int, memory: int
) -> None:
    total = 0
    for container in definition.container_definitions:
        override = containers.get(container.name, {})
        total += override.get("cpu", container.cpu)
        hard = override.get("memory", container.memory)
        soft = override.get("memoryReservation", container.memory_reservation)
        for member, size in (("memory", hard), ("memoryReservation", soft)):
            if size is not None and not 0 < size <= memory:
                raise invalid_parameter(
                    f"The '{member}' setting for container '{container.name}' is greater than for the task"
                )
        if hard is not None and soft is not None and hard < soft:
            raise invalid_parameter(
                f"Invalid setting for container '{container.name}'. 'memory' must be greater than or equal to"
                " 'memoryReservation'."
            )
    if total > cpu:
        raise invalid_parameter(
            "The sum of all container 'cpu' values cannot be greater than the task-level 'cpu' value"
        )


def _storage(given: dict[str, int] | None, definition: TaskDefinition) -> int:
    if not given:
        return definition.ephemeral_storage_gib or DEFAULT_STORAGE_GIB
    size = given["sizeInGiB"]
    try:
        check_storage(size)
    except ApiError as error:
        raise invalid_parameter(error.message) from None
    return size
