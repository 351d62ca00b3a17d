"""What a platform version lacks of what a task asks for.

Source: "Fargate platform version change log" and the notes on platform versions in the service model.
"""

from collections.abc import Iterator

from seawall.api.ecs.launch import PLATFORM_VERSION
from seawall.api.ecs.task_overrides import Overrides
from seawall.model.arn import parse_arn
from seawall.model.task_definition import ContainerDefinition, TaskDefinition
from seawall.wire.errors import ApiError

MOST_FORMER_CPU = 4096  # CPU units; 8 and 16 vCPU came with 1.4.0
SECRET_PARTS = 2  # secret:NAME; more of them name a member, a stage or a version


def check_platform(
    version: str, definition: TaskDefinition, overrides: Overrides, *, executable: bool
) -> None:
    """Raises ApiError PlatformTaskDefinitionIncompatibilityException."""
    if version == PLATFORM_VERSION:
        return
    if executable or any(_needs_newest(definition, overrides)):
        raise ApiError(
            "PlatformTaskDefinitionIncompatibilityException",
            "One or more of the requested capabilities are not supported.",
        )


def _needs_newest(definition: TaskDefinition, overrides: Overrides) -> Iterator[bool]:
    """For each thing that only 1.4.0 has, whether it is asked for."""
    platform = definition.runtime_platform
    yield int(overrides.cpu) > MOST_FORMER_CPU
    yield definition.ephemeral_storage_gib is not None or "ephemeralStorage" in overrides.shown
    yield definition.pid_mode is not None
    yield bool(definition.enable_fault_injection)
    yield platform is not None and platform.cpu_architecture == "ARM64"
    yield any("environmentFiles" in override for override in overrides.containers.values())
    for container in definition.container_definitions:
        yield from _container_needs_newest(container)


def _container_needs_newest(container: ContainerDefinition) -> Iterator[bool]:
    linux = container.linux_parameters
    yield bool(linux and linux.capabilities and linux.capabilities.add)
    yield bool(container.environment_files)
    yield container.restart_policy is not None
    yield bool(container.system_controls)
    for secret in container.secrets or ():
        arn = parse_arn(secret.value_from)
        parts = arn.resource.split(":") if arn and arn.service == "secretsmanager" else []
        yield any(parts[SECRET_PARTS:])
