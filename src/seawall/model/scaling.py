"""Application Auto Scaling: what may be scaled, by which policy, and what was done."""

from datetime import datetime
from typing import Any, Literal

import msgspec

from seawall.model.resource import Ref, Resource, Tags, kind

SERVICE_DIMENSION = "ecs:service:DesiredCount"


@kind("scalable_target")
class ScalableTarget(Resource, frozen=True, kw_only=True):
    """An ECS service.  `id` is its resource id: service/CLUSTER/NAME."""

    arn_id: str  # the end of its ARN
    min_capacity: int
    max_capacity: int
    role_arn: str
    in_suspended: bool = False
    out_suspended: bool = False
    scheduled_suspended: bool = False
    creation_time: datetime
    tags: Tags = {}

    @property
    def service_id(self) -> str:
        return self.id.removeprefix("service/")


class StepAdjustment(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds are distances from the alarm's threshold; None: without end."""

    adjustment: int
    lower: float | None = None
    upper: float | None = None


class StepScaling(msgspec.Struct, frozen=True, kw_only=True):
    adjustment_type: Literal["ChangeInCapacity", "PercentChangeInCapacity", "ExactCapacity"]
    steps: tuple[StepAdjustment, ...]
    min_magnitude: int | None = None
    cooldown: int = 300  # seconds
    aggregation: str = "Average"


class TargetTracking(msgspec.Struct, frozen=True, kw_only=True):
    """`given` is the configuration as it came; cooldowns are in seconds."""

    target_value: float
    scale_out_cooldown: int = 300
    scale_in_cooldown: int = 300
    disable_scale_in: bool = False
    given: dict[str, Any] = {}


@kind("scaling_policy")
class ScalingPolicy(Resource, frozen=True, kw_only=True):
    """`id` is RESOURCE_ID/NAME.  Exactly one of `step` and `tracking` is set.

    alarms      of target tracking: the names of its own two
    acted_at    when it changed the capacity last, and in which direction
    """

    name: str
    target_id: str
    arn: str
    step: StepScaling | None = None
    tracking: TargetTracking | None = None
    alarms: tuple[str, ...] = ()
    acted_at: datetime | None = None
    acted: Literal["out", "in"] | None = None
    creation_time: datetime

    def refs(self) -> tuple[Ref, ...]:
        return (Ref("scalable_target", self.target_id), *(Ref("metric_alarm", name) for name in self.alarms))


@kind("scaling_activity")
class ScalingActivity(Resource, frozen=True, kw_only=True):
    """`id` is a UUID."""

    target_id: str
    description: str
    cause: str
    start_time: datetime
    end_time: datetime
    status: Literal["Successful", "Failed", "Unfulfilled"] = "Successful"
    message: str


@kind("scheduled_action")
class ScheduledAction(Resource, frozen=True, kw_only=True):
    """`id` is RESOURCE_ID/NAME.

    start_time, end_time   it does not run before, and not after
    min_capacity, max_capacity   the target's new limits; None: as they are
    done_until   what was to happen up to then has happened, or was left out
    """

    name: str
    target_id: str
    arn: str
    schedule: str
    timezone: str | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    min_capacity: int | None = None
    max_capacity: int | None = None
    creation_time: datetime
    done_until: datetime

    def refs(self) -> tuple[Ref, ...]:
        return (Ref("scalable_target", self.target_id),)
