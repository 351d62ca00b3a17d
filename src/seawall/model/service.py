"""An ECS service: so many tasks of a definition, kept running, replaced, and put behind load balancers."""

from datetime import datetime
from typing import Any, Literal

import msgspec

from seawall.model.resource import Ref, Resource, Tags, kind

ServiceStatus = Literal["ACTIVE", "DRAINING", "INACTIVE"]
RolloutState = Literal["IN_PROGRESS", "COMPLETED", "FAILED"]
Propagation = Literal["SERVICE", "TASK_DEFINITION", "NONE"]
Rebalancing = Literal["ENABLED", "DISABLED"]
DeploymentStatus = Literal["PRIMARY", "ACTIVE", "INACTIVE"]


class ServiceLoadBalancer(msgspec.Struct, frozen=True, kw_only=True):
    """Tasks' addresses are registered with this target group, at the container's port."""

    target_group_id: str
    container_name: str
    container_port: int


class ServiceRegistry(msgspec.Struct, frozen=True, kw_only=True):
    """A Cloud Map service (its ARN) that tasks are registered with as instances."""

    registry_arn: str
    port: int | None = None
    container_name: str | None = None
    container_port: int | None = None


class CapacityProviderStrategyItem(msgspec.Struct, frozen=True, kw_only=True):
    capacity_provider: str
    weight: int = 0
    base: int = 0


class ServiceNetwork(msgspec.Struct, frozen=True, kw_only=True):
    """awsvpcConfiguration."""

    subnet_ids: tuple[str, ...]
    security_group_ids: tuple[str, ...] = ()
    assign_public_ip: bool = False


class CircuitBreaker(msgspec.Struct, frozen=True, kw_only=True):
    """`threshold_type` and `threshold_value` say how many failures end a deployment."""

    enable: bool = False
    rollback: bool = False
    threshold_type: Literal["COUNT", "BOUNDED_PERCENT", "UNBOUNDED_PERCENT"] = "BOUNDED_PERCENT"
    threshold_value: int = 50
    reset_on_healthy_task: bool = True


class DeploymentConfiguration(msgspec.Struct, frozen=True, kw_only=True):
    """Percents of the desired count."""

    minimum_healthy_percent: int = 100
    maximum_percent: int = 200
    circuit_breaker: CircuitBreaker | None = None
    alarms: dict[str, Any] | None = None


@kind("service_revision")
class ServiceRevision(Resource, frozen=True, kw_only=True):
    """What the tasks of one deployment are made from.  `id` is CLUSTER/SERVICE/NUMBER, never changed.

    It does not hold its task definition: it is history.  A service that goes by it does.
    """

    cluster: str
    service: str  # its name
    number: str  # as in its ARN: digits
    task_definition: str  # family:revision
    launch_type: str | None = None
    capacity_provider_strategy: tuple[CapacityProviderStrategyItem, ...] = ()
    platform_version: str = "1.4.0"
    network: ServiceNetwork
    load_balancers: tuple[ServiceLoadBalancer, ...] = ()
    service_registries: tuple[ServiceRegistry, ...] = ()
    created_at: datetime

    def refs(self) -> tuple[Ref, ...]:
        return (Ref("service", f"{self.cluster}/{self.service}"),)


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """One rollout of a revision, as DescribeServices shows it; counts of tasks are counted when asked.

    id                    ecs-svc/DIGITS
    failed_tasks          that ended without becoming healthy, as the circuit breaker counts them
    consecutive_failures  launches in a row that never ran, for the back-off
    consecutive_crashes   tasks in a row that ran and ended before they were healthy
    retry_at              no launch before this
    rolled_back_from      the deployment this one undoes
    announced             that it began is told
    rollback_requested    somebody wants it undone
    ignored_alarms        were in ALARM when it began and do not count
    triggered_alarms      went off and ended it
    baking_since          when its tasks stood, and its alarms were watched on
    """

    id: str
    revision: str  # ServiceRevision.id
    task_definition: str = ""  # the revision's
    status: DeploymentStatus = "PRIMARY"
    desired_count: int = 0
    failed_tasks: int = 0
    consecutive_failures: int = 0
    consecutive_crashes: int = 0
    retry_at: datetime | None = None
    rollout_state: RolloutState = "IN_PROGRESS"
    rollout_state_reason: str = ""
    rolled_back_from: str | None = None
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None = None
    announced: bool = False
    rollback_requested: bool = False
    ignored_alarms: tuple[str, ...] = ()
    triggered_alarms: tuple[str, ...] = ()
    baking_since: datetime | None = None


class ServiceEvent(msgspec.Struct, frozen=True, kw_only=True):
    id: str  # hyphenated UUID
    created_at: datetime
    message: str


@kind("service_events")
class ServiceEvents(Resource, frozen=True, kw_only=True):
    """The newest 100 events of a service, newest first.  `id` is the service's."""

    events: tuple[ServiceEvent, ...] = ()

    def refs(self) -> tuple[Ref, ...]:
        return (Ref("service", self.id),)


@kind("service")
class Service(Resource, frozen=True, kw_only=True):
    """`id` is CLUSTER/NAME.  The newest deployment (PRIMARY) comes first.

    incarnation   tells it from an earlier service of the same name; its tasks carry it
    steady        the event "has reached a steady state" was told for what is now
    completed     the newest deployment that completed and may be rolled back to, though its tasks are gone
    rebalancing   its tasks are being spread anew over the zones
    platform_version   as it was asked for: "LATEST" or a number
    """

    cluster: str
    name: str
    incarnation: str
    status: ServiceStatus = "ACTIVE"
    scheduling_strategy: Literal["REPLICA", "DAEMON"] = "REPLICA"
    desired_count: int = 0
    deployments: tuple[Deployment, ...] = ()
    deployment_configuration: DeploymentConfiguration = DeploymentConfiguration()
    deployment_controller: str = "ECS"
    health_check_grace_period_seconds: int | None = None
    availability_zone_rebalancing: Rebalancing = "DISABLED"
    enable_ecs_managed_tags: bool = False
    propagate_tags: Propagation = "NONE"
    enable_execute_command: bool = False
    platform_version: str = "LATEST"
    role_arn: str | None = None
    created_by: str | None = None
    created_at: datetime
    inactive_at: datetime | None = None
    steady: bool = False
    completed: Deployment | None = None
    rebalancing: bool = False
    tags: Tags = {}

    @property
    def primary(self) -> Deployment:
        return self.deployments[0]

    def refs(self) -> tuple[Ref, ...]:
        if self.status == "INACTIVE":
            return (Ref("cluster", self.cluster),)
        kept = (*self.deployments, *((self.completed,) if self.completed else ()))
        revisions = dict.fromkeys(Ref("service_revision", deployment.revision) for deployment in kept)
        definitions = dict.fromkeys(
            Ref("task_definition", d.task_definition) for d in kept if d.task_definition
        )
        return (Ref("cluster", self.cluster), *revisions, *definitions)
