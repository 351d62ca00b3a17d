"""The history of an ECS service: what was released when, and how that ended."""

from datetime import datetime
from typing import Literal

import msgspec

from seawall.model.resource import Ref, Resource, kind
from seawall.model.service import DeploymentConfiguration

ServiceDeploymentStatus = Literal[
    "PENDING",
    "SUCCESSFUL",
    "STOPPED",
    "STOP_REQUESTED",
    "IN_PROGRESS",
    "ROLLBACK_REQUESTED",
    "ROLLBACK_IN_PROGRESS",
    "ROLLBACK_SUCCESSFUL",
    "ROLLBACK_FAILED",
]


class Rollback(msgspec.Struct, frozen=True, kw_only=True):
    """`revision` is the ServiceRevision's id that the service goes back to."""

    reason: str
    started_at: datetime
    revision: str


class SourceRevision(msgspec.Struct, frozen=True, kw_only=True):
    """What was deployed before, with the tasks it had when the deployment began."""

    revision: str
    requested: int = 0
    running: int = 0
    pending: int = 0


@kind("service_deployment")
class ServiceDeployment(Resource, frozen=True, kw_only=True):
    """`id` is CLUSTER/SERVICE/ID, the end of its ARN.

    deployment      the ecs-svc/DIGITS it stands for
    breaker_failures, breaker_threshold   of the circuit breaker, at its newest
    triggered_alarms   those that ended it
    """

    cluster: str
    service: str  # its name
    deployment: str
    target: str  # ServiceRevision.id
    requested: int = 0
    sources: tuple[SourceRevision, ...] = ()
    configuration: DeploymentConfiguration = DeploymentConfiguration()
    status: ServiceDeploymentStatus = "PENDING"
    status_reason: str | None = None
    rollback: Rollback | None = None
    breaker_failures: int = 0
    breaker_threshold: int = 0
    triggered_alarms: tuple[str, ...] = ()
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    stopped_at: datetime | None = None
    updated_at: datetime

    def refs(self) -> tuple[Ref, ...]:
        return (Ref("service", f"{self.cluster}/{self.service}"),)
