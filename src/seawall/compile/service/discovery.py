"""Which instances of Cloud Map a service's tasks are.

Source: "Service discovery" of the developer guide: the instance's id is the task's; an address, and a port
where one is named; where health is custom, ECS says what it knows of the task's.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from msgspec.structs import replace

from seawall.compile.service.health import health_of
from seawall.compile.service.situation import Situation, is_alive
from seawall.model.service import ServiceRegistry
from seawall.model.service_discovery import IPV4, IPV6, PORT, DiscoveryInstance, DiscoveryService
from seawall.model.task import Task


class Instances(NamedTuple):
    """Instances to write, and the ids of those that go."""

    put: tuple[DiscoveryInstance, ...]
    gone: tuple[str, ...]


def service_id(registry: ServiceRegistry) -> str:
    """srv-..., the end of the registry's ARN."""
    return registry.registry_arn.rpartition("/")[2]


def instances(
    situation: Situation,
    services: Mapping[str, DiscoveryService],
    held: Collection[DiscoveryInstance],
    region: str,
) -> Instances:
    """services   those of Cloud Map that exist, by id
    held       the instances that the service's tasks are now
    """
    known = {instance.id: instance for instance in held}
    wanted = {instance.id: instance for instance in _wanted(situation, services, region)}
    put = []
    for id, instance in wanted.items():
        before = known.get(id)
        if before is not None:
            instance = replace(instance, registered_at=before.registered_at)
        if instance != before:
            put.append(instance)
    return Instances(tuple(put), tuple(id for id in known if id not in wanted))


def _wanted(
    situation: Situation, services: Mapping[str, DiscoveryService], region: str
) -> Iterator[DiscoveryInstance]:
    for task in situation.tasks:
        revision = situation.revision_of(task.deployment_id)
        if revision is None or not is_alive(task) or task.last_status not in ("ACTIVATING", "RUNNING"):
            continue
        for registry in revision.service_registries:
            service = services.get(service_id(registry))
            if service is not None:
                unhealthy = service.custom_health and health_of(task, situation).state == "unhealthy"
                yield DiscoveryInstance(
                    id=f"{service.id}/{task.id}",
                    service_id=service.id,
                    instance_id=task.id,
                    attributes=_attributes(task, registry, situation, region),
                    healthy=not unhealthy,
                    registered_at=situation.now,
                )


def _attributes(task: Task, registry: ServiceRegistry, situation: Situation, region: str) -> dict[str, str]:
    port = registry.port or registry.container_port
    given = {
        IPV4: task.private_ip_address,
        IPV6: task.ipv6_address,
        PORT: None if port is None else str(port),
        "AVAILABILITY_ZONE": task.availability_zone,
        "REGION": region,
        "ECS_SERVICE_NAME": situation.service.name,
        "ECS_CLUSTER_NAME": situation.service.cluster,
        "ECS_TASK_DEFINITION_FAMILY": task.task_definition.rpartition(":")[0],
    }
    return {name: value for name, value in given.items() if value is not None}
