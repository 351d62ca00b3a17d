"""What a container waits for, how its health is looked after, when it is started again, what it mounts."""

from collections.abc import Iterator

from seawall.model.task_definition import ContainerDefinition, TaskDefinition
from seawall.program.task import Dependency, HealthCheck, Mount, RestartPolicy

RESTART_AFTER_S = 300  # a container that ran for less is not started again


def dependencies(definition: ContainerDefinition) -> tuple[Dependency, ...]:
    return tuple(
        Dependency(container=d.container_name, condition=d.condition) for d in definition.depends_on or ()
    )


def health_check(definition: ContainerDefinition) -> HealthCheck | None:
    check = definition.health_check
    if check is None:
        return None
    return HealthCheck(
        command=check.command,
        interval_s=check.interval,
        timeout_s=check.timeout,
        retries=check.retries,
        start_period_s=check.start_period or 0,
    )


def restart_policy(definition: ContainerDefinition) -> RestartPolicy | None:
    policy = definition.restart_policy
    if policy is None or not policy.enabled:
        return None
    return RestartPolicy(
        ignored_exit_codes=policy.ignored_exit_codes or (),
        attempt_period_s=policy.restart_attempt_period or RESTART_AFTER_S,
    )


def mounts(container: ContainerDefinition, definition: TaskDefinition) -> tuple[Mount, ...]:
    """Its own mount points, and those of the containers whose volumes it takes over, each path once."""
    found: dict[str, Mount] = {}
    for mount in (*_taken_over(container, definition), *_own(container)):
        found[mount.path] = mount
    return tuple(found.values())


def _own(container: ContainerDefinition, *, read_only: bool = False) -> Iterator[Mount]:
    for point in container.mount_points:
        if point.source_volume and point.container_path:
            kept = read_only or bool(point.read_only)
            yield Mount(volume=point.source_volume, path=point.container_path, read_only=kept)


def _taken_over(container: ContainerDefinition, definition: TaskDefinition) -> Iterator[Mount]:
    for source in container.volumes_from:
        if source.source_container:
            yield from _own(definition.container(source.source_container), read_only=bool(source.read_only))
