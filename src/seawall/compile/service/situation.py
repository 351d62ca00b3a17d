"""What the scheduler of one service knows when it looks, and the words for what tasks are to it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from seawall.model.alarm import MetricAlarm
from seawall.model.service import Deployment, Service, ServiceRevision
from seawall.model.target_group import Target
from seawall.model.task import Task

HEALTHY_AFTER = timedelta(seconds=40)
GONE = ("STOPPING", "DEPROVISIONING", "STOPPED")  # such tasks hold nothing up
ENDED_BY_ITSELF = ("TaskFailedToStart", "EssentialContainerExited")


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How patient and how fast the scheduler is.

    healthy_after       a task without any check counts as healthy so long after it runs (AWS: 40 s)
    launches_per_minute of one service at most (AWS on Fargate: about 500); None: as fast as the host
    batch               tasks started in one look at most
    """

    healthy_after: timedelta = HEALTHY_AFTER
    launches_per_minute: int | None = None
    batch: int = 20


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """revisions  of the deployments, by id
    tasks      all of the service's that are stored
    targets    what was registered for tasks, by task id, also what is draining
    zones      the availability zone of each subnet of the revisions
    told_steady   when the event "has reached a steady state" was told last
    alarms     those there are of the alarms that watch over its deployments, by name
    """

    service: Service
    revisions: Mapping[str, ServiceRevision]
    tasks: Sequence[Task]
    targets: Mapping[str, Sequence[Target]]
    zones: Mapping[str, str]
    now: datetime
    pace: Pace = Pace()
    told_steady: datetime | None = None
    alarms: Mapping[str, MetricAlarm] = {}

    def revision_of(self, deployment_id: str | None) -> ServiceRevision | None:
        found = (d.revision for d in self.service.deployments if d.id == deployment_id)
        return self.revisions.get(next(found, ""))


def is_alive(task: Task) -> bool:
    return task.desired_status == "RUNNING"


def is_protected(task: Task, now: datetime) -> bool:
    return task.protected_until is not None and task.protected_until > now


def lower_limit(service: Service) -> int:
    """How many tasks have to stay healthy."""
    return -(-service.desired_count * service.deployment_configuration.minimum_healthy_percent // 100)


def upper_limit(service: Service) -> int:
    """How many tasks there may be."""
    return service.desired_count * service.deployment_configuration.maximum_percent // 100


def is_settled(deployment: Deployment) -> bool:
    """Whether it is the version that served before, and is kept up until another is healthy."""
    return deployment.rollout_state == "COMPLETED"
