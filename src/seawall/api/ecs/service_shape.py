"""A service as DescribeServices shows it; its tasks are counted when asked.

The `services-stable` waiter goes by it: exactly one deployment, and as many tasks running as desired.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from msgspec.structs import replace

from seawall.api.ecs.deployment_configuration import show_configuration
from seawall.api.ecs.moment import Arns
from seawall.api.ecs.service_names import revision_arn, service_arn, service_deployment_arn
from seawall.model.service import (
    CapacityProviderStrategyItem,
    Deployment,
    Service,
    ServiceEvents,
    ServiceLoadBalancer,
    ServiceNetwork,
    ServiceRegistry,
    ServiceRevision,
)
from seawall.model.service_deployment import ServiceDeployment
from seawall.model.task import Task
from seawall.store.store import Reader

STARTING = ("PROVISIONING", "PENDING", "ACTIVATING")


class Counts(NamedTuple):
    pending: int
    running: int


def count(tasks: Iterable[Task]) -> Counts:
    """A task that is to stop counts as running until its containers are told to."""
    pending = running = 0
    for task in tasks:
        pending += task.last_status in STARTING and task.desired_status == "RUNNING"
        running += task.last_status == "RUNNING"
    return Counts(pending, running)


def tasks_by_deployment(reader: Reader, service: Service) -> dict[str, list[Task]]:
    """The tasks of each deployment that is still shown; those of an earlier service of the name are none."""
    found: dict[str, list[Task]] = {deployment.id: [] for deployment in service.deployments}
    for task in reader.referrers(Task, service.ref):
        if task.deployment_id in found:
            found[task.deployment_id].append(task)
    return found


def show_service(arns: Arns, reader: Reader, service: Service, *, with_tags: bool) -> dict[str, Any]:
    """The service; `tags` are left out unless asked for."""
    if service.status == "INACTIVE":
        service = replace(service, deployments=(), completed=service.deployments[0])
    tasks = tasks_by_deployment(reader, service)
    total = count(task for some in tasks.values() for task in some)
    newest = service.deployments[0] if service.deployments else service.completed
    revision = reader.find(ServiceRevision, newest.revision) if newest else None
    events = reader.find(ServiceEvents, service.id)
    shown: dict[str, Any] = {
        "serviceArn": service_arn(arns, service.id),
        "serviceName": service.name,
        "clusterArn": arns.arn(f"cluster/{service.cluster}"),
        "status": service.status,
        "desiredCount": service.desired_count,
        "runningCount": total.running,
        "pendingCount": total.pending,
        "deploymentConfiguration": show_configuration(service.deployment_configuration),
        "deployments": [
            show_deployment(arns, reader, deployment, tasks[deployment.id])
            for deployment in service.deployments
        ],
        "events": [
            {"id": event.id, "createdAt": event.created_at, "message": event.message}
            for event in (events.events if events else ())
        ],
        "createdAt": service.created_at,
        "placementConstraints": [],
        "placementStrategy": [],
        "schedulingStrategy": service.scheduling_strategy,
        "deploymentController": {"type": service.deployment_controller},
        "enableECSManagedTags": service.enable_ecs_managed_tags,
        "propagateTags": service.propagate_tags,
        "enableExecuteCommand": service.enable_execute_command,
        "availabilityZoneRebalancing": service.availability_zone_rebalancing,
        "resourceManagementType": "CUSTOMER",
        "loadBalancers": [],
        "serviceRegistries": [],
        **_optional(service),
    }
    if revision is not None:
        shown |= _workload(arns, revision) | {"platformVersion": service.platform_version}
    if service.status != "INACTIVE":
        shown |= _current(arns, reader, service, tasks)
    if with_tags:
        shown["tags"] = [{"key": key, "value": value} for key, value in service.tags.items()]
    return shown


def _optional(service: Service) -> dict[str, Any]:
    given = {
        "healthCheckGracePeriodSeconds": service.health_check_grace_period_seconds,
        "roleArn": service.role_arn,
        "createdBy": service.created_by,
    }
    return {name: value for name, value in given.items() if value is not None}


def _current(arns: Arns, reader: Reader, service: Service, tasks: dict[str, list[Task]]) -> dict[str, Any]:
    """The newest service deployment, while it goes on, and the revisions that tasks are made from."""
    revisions: dict[str, dict[str, Any]] = {}
    for deployment in service.deployments:
        counted = count(tasks[deployment.id])
        revisions[deployment.revision] = {
            "arn": revision_arn(arns, deployment.revision),
            "requestedTaskCount": deployment.desired_count,
            "runningTaskCount": counted.running,
            "pendingTaskCount": counted.pending,
        }
    shown: dict[str, Any] = {"currentServiceRevisions": list(revisions.values())}
    current = current_service_deployment(reader, service)
    if current is not None:
        shown["currentServiceDeployment"] = service_deployment_arn(arns, current.id)
    return shown


def current_service_deployment(reader: Reader, service: Service) -> ServiceDeployment | None:
    """The one that goes on or was last; going back belongs to the one that failed."""
    current = service.primary.rolled_back_from or service.primary.id
    known = reader.referrers(ServiceDeployment, service.ref)
    return next((one for one in known if one.deployment == current), None)


def show_deployment(
    arns: Arns, reader: Reader, deployment: Deployment, tasks: Sequence[Task]
) -> dict[str, Any]:
    counted = count(tasks)
    revision = reader.get(ServiceRevision, deployment.revision)
    workload = _workload(arns, revision)
    del workload["loadBalancers"], workload["serviceRegistries"]
    return {
        "id": deployment.id,
        "status": deployment.status,
        "desiredCount": deployment.desired_count,
        "pendingCount": counted.pending,
        "runningCount": counted.running,
        "failedTasks": deployment.failed_tasks,
        "createdAt": deployment.created_at,
        "updatedAt": deployment.updated_at,
        "rolloutState": deployment.rollout_state,
        "rolloutStateReason": deployment.rollout_state_reason,
        **workload,
    }


def show_revision(arns: Arns, revision: ServiceRevision) -> dict[str, Any]:
    return {
        "serviceRevisionArn": revision_arn(arns, revision.id),
        "serviceArn": service_arn(arns, f"{revision.cluster}/{revision.service}"),
        "clusterArn": arns.arn(f"cluster/{revision.cluster}"),
        "guardDutyEnabled": False,
        "createdAt": revision.created_at,
        **_workload(arns, revision),
    }


def _workload(arns: Arns, revision: ServiceRevision) -> dict[str, Any]:
    """What a service, a deployment and a revision say alike of what their tasks are made of."""
    shown: dict[str, Any] = {
        "taskDefinition": arns.arn(f"task-definition/{revision.task_definition}"),
        "platformVersion": revision.platform_version,
        "platformFamily": "Linux",
        "networkConfiguration": {"awsvpcConfiguration": _show_network(revision.network)},
        "loadBalancers": [_show_balancer(arns, balancer) for balancer in revision.load_balancers],
        "serviceRegistries": [_show_registry(registry) for registry in revision.service_registries],
    }
    if revision.capacity_provider_strategy:
        shown["capacityProviderStrategy"] = show_strategy(revision.capacity_provider_strategy)
    else:
        shown["launchType"] = revision.launch_type
    return shown


def show_strategy(strategy: Iterable[CapacityProviderStrategyItem]) -> list[dict[str, Any]]:
    return [
        {"capacityProvider": item.capacity_provider, "weight": item.weight, "base": item.base}
        for item in strategy
    ]


def _show_network(network: ServiceNetwork) -> dict[str, Any]:
    return {
        "subnets": list(network.subnet_ids),
        "securityGroups": list(network.security_group_ids),
        "assignPublicIp": "ENABLED" if network.assign_public_ip else "DISABLED",
    }


def _show_balancer(arns: Arns, balancer: ServiceLoadBalancer) -> dict[str, Any]:
    return {
        "targetGroupArn": arns.arn(f"targetgroup/{balancer.target_group_id}", service="elasticloadbalancing"),
        "containerName": balancer.container_name,
        "containerPort": balancer.container_port,
    }


def _show_registry(registry: ServiceRegistry) -> dict[str, Any]:
    given = {
        "registryArn": registry.registry_arn,
        "port": registry.port,
        "containerName": registry.container_name,
        "containerPort": registry.container_port,
    }
    return {name: value for name, value in given.items() if value is not None}
