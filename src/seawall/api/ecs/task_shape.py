"""A task as DescribeTasks shows it.

Member names and order of attachment details as recorded from Fargate 1.4.0.  Public addresses never appear.
"""

from typing import Any, Protocol

from seawall.model.task import Task, TaskContainer

ATTACHED = ("ATTACHED", "DETACHING", "DETACHED", "DELETED")
_TIMES = (
    ("connectivityAt", "connectivity_at"),
    ("pullStartedAt", "pull_started_at"),
    ("pullStoppedAt", "pull_stopped_at"),
    ("startedAt", "started_at"),
    ("stoppingAt", "stopping_at"),
    ("executionStoppedAt", "execution_stopped_at"),
    ("stoppedAt", "stopped_at"),
)
_TEXTS = (
    ("capacityProviderName", "capacity_provider_name"),
    ("connectivity", "connectivity"),
    ("startedBy", "started_by"),
    ("stopCode", "stop_code"),
    ("stoppedReason", "stopped_reason"),
)


class Arns(Protocol):
    """Makes ARNs of an account's ECS: a `Call` does."""

    def arn(self, resource: str, /) -> str: ...


def task_arn(arns: Arns, task: Task) -> str:
    return arns.arn(f"task/{task.cluster}/{task.id}")


def show_task(arns: Arns, task: Task, *, with_tags: bool = False) -> dict[str, Any]:
    """The task; `tags` are empty unless asked for."""
    arn = task_arn(arns, task)
    storage = {"sizeInGiB": task.ephemeral_storage_gib}
    shown: dict[str, Any] = {
        "attachments": [_attachment(task)],
        "attributes": [{"name": "ecs.cpu-architecture", "value": task.cpu_architecture}],
        "availabilityZone": task.availability_zone,
        "clusterArn": arns.arn(f"cluster/{task.cluster}"),
        "containers": [_container(arns, task, arn, container) for container in task.containers],
        "cpu": task.cpu,
        "createdAt": task.created_at,
        "desiredStatus": task.desired_status,
        "enableExecuteCommand": task.enable_execute_command,
        "group": task.group,
        "healthStatus": task.health,
        "lastStatus": task.last_status,
        "launchType": task.launch_type,
        "memory": task.memory,
        "overrides": task.overrides,
        "platformVersion": task.platform_version,
        "platformFamily": task.platform_family,
        "tags": [{"key": key, "value": value} for key, value in task.tags.items()] if with_tags else [],
        "taskArn": arn,
        "taskDefinitionArn": arns.arn(f"task-definition/{task.task_definition}"),
        "version": task.version,
        "ephemeralStorage": storage,
        "fargateEphemeralStorage": storage,
    }
    for member, attribute in (*_TEXTS, *_TIMES):
        value = getattr(task, attribute)
        if value is not None:
            shown[member] = value
    return shown


def _attachment(task: Task) -> dict[str, Any]:
    """Nothing but the subnet is known of an interface that is only foreseen."""
    details = [("subnetId", task.subnet_id)]
    if task.attachment_status != "PRECREATED":
        details += [
            (name, value)
            for name, value in (
                ("networkInterfaceId", task.network_interface_id),
                ("macAddress", task.mac_address),
                ("privateDnsName", task.private_dns_name),
                ("privateIPv4Address", task.private_ip_address),
                ("ipv6Address", task.ipv6_address),
            )
            if value is not None
        ]
    return {
        "id": task.attachment_id,
        "type": "ElasticNetworkInterface",
        "status": task.attachment_status,
        "details": [{"name": name, "value": value} for name, value in details],
    }


def _exec_agent(container: TaskContainer) -> dict[str, Any]:
    """The agent of ECS Exec runs whenever its container does."""
    shown: dict[str, Any] = {"name": "ExecuteCommandAgent", "lastStatus": container.last_status}
    if container.started_at is not None:
        shown["lastStartedAt"] = container.started_at
    return shown


def _container(arns: Arns, task: Task, arn: str, container: TaskContainer) -> dict[str, Any]:
    interfaces = []
    if task.attachment_status in ATTACHED and task.private_ip_address:
        addresses = {"privateIpv4Address": task.private_ip_address, "ipv6Address": task.ipv6_address}
        told = {member: address for member, address in addresses.items() if address is not None}
        interfaces = [{"attachmentId": task.attachment_id, **told}]
    shown: dict[str, Any] = {
        "containerArn": arns.arn(f"container/{task.cluster}/{task.id}/{container.id}"),
        "taskArn": arn,
        "name": container.name,
        "image": container.image,
        "lastStatus": container.last_status,
        "networkBindings": [],
        "networkInterfaces": interfaces,
        "healthStatus": container.health_status or "UNKNOWN",
        "cpu": container.cpu,
    }
    if task.enable_execute_command:
        shown["managedAgents"] = [_exec_agent(container)]
    optional = {
        "imageDigest": container.image_digest,
        "runtimeId": container.runtime_id if task.host is not None else None,
        "exitCode": container.exit_code,
        "reason": container.reason,
        "memory": container.memory,
        "memoryReservation": container.memory_reservation,
    }
    shown.update((name, value) for name, value in optional.items() if value is not None)
    return shown
