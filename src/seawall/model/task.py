"""An ECS task on Fargate: what was asked for and what became of it."""

from datetime import datetime
from typing import Any, Literal

import msgspec

from seawall.model.finding import Finding, Phase, TaskFailure
from seawall.model.resource import Ref, Resource, Tags, kind

TaskStatus = Literal[
    "PROVISIONING",
    "PENDING",
    "ACTIVATING",
    "RUNNING",
    "DEACTIVATING",
    "STOPPING",
    "DEPROVISIONING",
    "STOPPED",
]
AttachmentStatus = Literal[
    "PRECREATED", "CREATED", "ATTACHING", "ATTACHED", "DETACHING", "DETACHED", "DELETED", "FAILED"
]


HealthStatus = Literal["HEALTHY", "UNHEALTHY", "UNKNOWN"]


class TaskContainer(msgspec.Struct, frozen=True, kw_only=True):
    """One container of a task, as DescribeTasks shows it.

    health_status   what its health check says; None: it has none
    """

    name: str
    id: str  # hyphenated UUID, the last part of the container ARN
    image: str
    runtime_id: str
    essential: bool = True
    cpu: str = "0"
    memory: str | None = None
    memory_reservation: str | None = None
    image_digest: str | None = None
    last_status: Literal["PENDING", "RUNNING", "STOPPED"] = "PENDING"
    exit_code: int | None = None
    reason: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    health_status: HealthStatus | None = None


@kind("task")
class Task(Resource, frozen=True, kw_only=True):
    """`id` is 32 lower-case hex digits.  `version` counts the changes that emit an event."""

    cluster: str
    task_definition: str  # family:revision
    group: str
    started_by: str | None = None
    launch_type: str = "FARGATE"
    capacity_provider_name: str | None = None
    platform_version: str = "1.4.0"
    platform_family: str = "Linux"
    cpu: str
    memory: str
    ephemeral_storage_gib: int = 20
    cpu_architecture: str = "x86_64"
    enable_execute_command: bool = False
    overrides: dict[str, Any] = {}
    tags: Tags = {}

    # awsvpcConfiguration
    subnet_id: str
    security_group_ids: tuple[str, ...]
    assign_public_ip: bool = False
    availability_zone: str
    attachment_id: str  # hyphenated UUID
    attachment_status: AttachmentStatus = "PRECREATED"
    network_interface_id: str | None = None
    # What the interface was, kept for DescribeTasks after it is gone.
    private_ip_address: str | None = None
    ipv6_address: str | None = None
    mac_address: str | None = None
    private_dns_name: str | None = None

    task_role_arn: str | None = None
    execution_role_arn: str | None = None
    execution_session_id: str | None = None  # the role session the host acts as for this task
    role_session_id: str | None = None  # the session of its own role, newest
    credentials_id: str | None = None  # a UUID: where its containers ask for that session's credentials

    last_status: TaskStatus = "PROVISIONING"
    desired_status: Literal["RUNNING", "STOPPED"] = "RUNNING"
    containers: tuple[TaskContainer, ...]
    connectivity: Literal["CONNECTED", "DISCONNECTED"] | None = None
    stop_code: str | None = None
    stopped_reason: str | None = None
    host: str | None = None  # the world that runs it; None until placed
    created_at: datetime
    connectivity_at: datetime | None = None
    pull_started_at: datetime | None = None
    pull_stopped_at: datetime | None = None
    started_at: datetime | None = None
    stopping_at: datetime | None = None
    execution_stopped_at: datetime | None = None
    stopped_at: datetime | None = None
    phases: tuple[Phase, ...] = ()  # what the host told of its containers' way, for `seawall why`
    failure: TaskFailure | None = None
    finding: Finding | None = None
    version: int = 1

    # Of a service's tasks
    service: str | None = None  # the service's id
    deployment_id: str | None = None  # ecs-svc/DIGITS
    protected_until: datetime | None = None  # from scale-in and deployments
    healthy_at: datetime | None = None  # when it first counted as healthy in its deployment
    counted_as_failed: bool = False  # its failure is in its deployment's count

    @property
    def health(self) -> HealthStatus:
        """What the health checks of its essential containers say together."""
        found = {c.health_status for c in self.containers if c.essential and c.health_status is not None}
        if "UNHEALTHY" in found:
            return "UNHEALTHY"
        return "HEALTHY" if found == {"HEALTHY"} else "UNKNOWN"

    def edition(self) -> int:
        return self.version

    def refs(self) -> tuple[Ref, ...]:
        refs = [Ref("cluster", self.cluster), Ref("task_definition", self.task_definition)]
        if self.last_status != "STOPPED":
            refs.append(Ref("subnet", self.subnet_id))
        if self.network_interface_id:
            refs.append(Ref("network_interface", self.network_interface_id))
        if self.service:
            refs.append(Ref("service", self.service))
        return tuple(refs)
