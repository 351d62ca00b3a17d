"""What a scaling policy makes of a service's desired count.

Sources: Application Auto Scaling user guide, "Target tracking scaling policies", "How target tracking scaling
works", "Step scaling policies", "Cooldown period".
"""

import math
from datetime import datetime, timedelta

from seawall.model.scaling import ScalableTarget, ScalingPolicy, StepScaling, TargetTracking


def tracked_count(tracking: TargetTracking, value: float, current: int, *, high: bool) -> int:
    """The count with which the metric would be at its target; `high` is which of the two alarms rings.

    Out: at least one more.  In: rounded up, so that the target is not crossed again.
    """
    if tracking.target_value <= 0:
        return current
    wanted = math.ceil(current * value / tracking.target_value - 1e-9)
    return max(wanted, current + 1) if high else min(wanted, current)


def stepped_count(step: StepScaling, excess: float, current: int) -> int:
    """excess   how far the metric is from the alarm's threshold, with its sign"""
    for adjustment in step.steps:
        if _holds(adjustment.lower, adjustment.upper, excess):
            return _adjusted(step, adjustment.adjustment, current)
    return current


def _holds(lower: float | None, upper: float | None, excess: float) -> bool:
    """Above the threshold the lower bound belongs to a step, below it the upper one."""
    if excess >= 0:
        return (lower is None or excess >= lower) and (upper is None or excess < upper)
    return (lower is None or excess > lower) and (upper is None or excess <= upper)


def _adjusted(step: StepScaling, adjustment: int, current: int) -> int:
    if step.adjustment_type == "ExactCapacity":
        return adjustment
    if step.adjustment_type == "ChangeInCapacity":
        return current + adjustment
    change = current * adjustment / 100
    if abs(change) < 1:
        rounded = math.copysign(1, change) if change else 0
    else:
        rounded = math.floor(change) if change > 0 else math.ceil(change)
    least = step.min_magnitude or 0
    if adjustment and abs(rounded) < least:
        rounded = math.copysign(least, adjustment)
    return current + int(rounded)


def allowed(target: ScalableTarget, wanted: int, current: int) -> int:
    """Within the target's limits, and unchanged where that direction is suspended."""
    count = min(max(wanted, target.min_capacity), target.max_capacity)
    if (count > current and target.out_suspended) or (count < current and target.in_suspended):
        return current
    return count


def cooling_until(policy: ScalingPolicy, *, out: bool) -> datetime | None:
    """Until when the policy may not act in this direction again.

    In step scaling and tracking alike, scaling out waits for earlier scaling out only; scaling in waits for
    both.
    """
    if policy.acted_at is None or (out and policy.acted == "in"):
        return None
    if policy.step is not None:
        seconds = policy.step.cooldown
    elif policy.tracking is not None:
        tracking = policy.tracking
        seconds = tracking.scale_out_cooldown if policy.acted == "out" else tracking.scale_in_cooldown
    else:
        return None
    return policy.acted_at + timedelta(seconds=seconds)
