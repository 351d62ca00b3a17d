"""dependsOn: who may wait for whom and for what.  Texts are AWS's.

Source: ContainerDependency of the service model; texts as seen from RegisterTaskDefinition.  The words about
a cycle are those of AWS's own check of links, which is older.
"""

from collections.abc import Iterable

from seawall.api.ecs.names import client_exception
from seawall.model.task_definition import ContainerDefinition, ContainerDependency


def check_dependencies(containers: Iterable[ContainerDefinition]) -> None:
    """Raises ApiError ClientException."""
    by_name = {container.name: container for container in containers}
    for container in by_name.values():
        for dependency in container.depends_on or ():
            _check_condition(dependency, by_name.get(dependency.container_name))
    _refuse_cycles({c.name: {d.container_name for d in c.depends_on or ()} for c in by_name.values()})


def _check_condition(dependency: ContainerDependency, target: ContainerDefinition | None) -> None:
    if target is None:
        raise client_exception(
            f"Cannot depend on container + '{dependency.container_name}' because it does not exist"
        )
    if dependency.condition in ("COMPLETE", "SUCCESS") and target.essential:
        raise client_exception(
            "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container"
        )
    if dependency.condition == "HEALTHY" and target.health_check is None:
        raise client_exception(
            "A dependency container with HEALTHY condition must have health check configured"
        )


def _refuse_cycles(waits_for: dict[str, set[str]]) -> None:
    settled: set[str] = set()
    while len(settled) < len(waits_for):
        ready = {name for name, targets in waits_for.items() if targets <= settled} - settled
        if not ready:
            raise client_exception("Container dependencies should not have a cycle")
        settled |= ready
