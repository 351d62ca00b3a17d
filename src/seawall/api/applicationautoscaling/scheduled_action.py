"""Scheduled actions: the limits of a target change at times known beforehand.

Sources: PutScheduledAction of the API reference; texts as seen from it.
"""

from datetime import datetime, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec.structs import replace

from seawall.api.applicationautoscaling.names import (
    find_target,
    invalid,
    named,
    page_of,
    resource_id,
    scaled,
    wanted,
)
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.scaling import SERVICE_DIMENSION, ScheduledAction
from seawall.model.schedule import BadSchedule, read_schedule
from seawall.wire.errors import ApiError


@operation(
    "application-autoscaling",
    "PutScheduledAction",
    note="A rate is counted from StartTime, else from when the action was put. What was to happen while"
    " Seawall was down happens when it is back, each action once. Cron expressions have the six fields of the"
    " guide.",
)
def put_scheduled_action(call: Call, params: Params) -> dict[str, Any]:
    id, name = resource_id(params), params["ScheduledActionName"]
    with call.write() as txn:
        target = find_target(txn, id)
        known = txn.find(ScheduledAction, f"{id}/{name}")
        action = known or ScheduledAction(
            id=f"{id}/{name}",
            name=name,
            target_id=target.id,
            arn=call.arn(
                f"scheduledAction:{target.arn_id}:resource/ecs/{id}:scheduledActionName/{name}",
                service="autoscaling",
            ),
            schedule="",
            creation_time=call.now,
            done_until=call.now,
        )
        txn.put(_changed(call, params, action))
    return {}


def _changed(call: Call, params: Params, action: ScheduledAction) -> ScheduledAction:
    """With what a request says of it; times that it does not say are deleted.  Raises ApiError."""
    given = params.get("ScalableTargetAction")
    low, high = action.min_capacity, action.max_capacity
    if given is not None:
        low, high = given.get("MinCapacity"), given.get("MaxCapacity")
    elif low is None and high is None:
        raise invalid("ScalableTargetAction must be set")
    if low is None and high is None:
        raise invalid("At least one of minimum capacity and maximum capacity should be provided")
    if low is not None and high is not None and low > high:
        raise invalid("Maximum capacity cannot be less than minimum capacity")
    start, end = params.get("StartTime"), params.get("EndTime")
    if start is not None and end is not None and start >= end:
        raise invalid("StartTime must be before EndTime")
    action = replace(
        action,
        schedule=params.get("Schedule") or action.schedule,
        timezone=params.get("Timezone") or action.timezone,
        start_time=start,
        end_time=end,
        min_capacity=low,
        max_capacity=high,
        done_until=call.now,
    )
    _check_schedule(action, call.now)
    return action


def _check_schedule(action: ScheduledAction, now: datetime) -> None:
    try:
        read_schedule(action.schedule, _zone(action.timezone), now)
    except BadSchedule as error:
        raise invalid(str(error)) from None


def _zone(name: str | None) -> tzinfo:
    try:
        return ZoneInfo(name) if name else timezone.utc
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise invalid(f"Invalid schedule timezone: {name}") from None


@operation("application-autoscaling", "DeleteScheduledAction")
def delete_scheduled_action(call: Call, params: Params) -> dict[str, Any]:
    id, name = resource_id(params), params["ScheduledActionName"]
    with call.write() as txn:
        if txn.find(ScheduledAction, f"{id}/{name}") is None:
            raise ApiError(
                "ObjectNotFoundException",
                f"No scheduled action found for service namespace: ecs, resource ID: {id}, scalable"
                f" dimension: {SERVICE_DIMENSION}, scheduled action name: {name}",
            )
        txn.delete(ScheduledAction, f"{id}/{name}")
    return {}


@operation("application-autoscaling", "DescribeScheduledActions")
def describe_scheduled_actions(call: Call, params: Params) -> dict[str, Any]:
    found = named(call.store.all(ScheduledAction), wanted(params), params.get("ScheduledActionNames"))
    return page_of(params, found, "ScheduledActions", _shown)


def _shown(action: ScheduledAction) -> dict[str, Any]:
    limits = {"MinCapacity": action.min_capacity, "MaxCapacity": action.max_capacity}
    times = {"StartTime": action.start_time, "EndTime": action.end_time, "Timezone": action.timezone}
    return scaled(action.target_id) | {
        "ScheduledActionName": action.name,
        "ScheduledActionARN": action.arn,
        "Schedule": action.schedule,
        "ScalableTargetAction": {name: value for name, value in limits.items() if value is not None},
        "CreationTime": action.creation_time,
        **{name: value for name, value in times.items() if value is not None},
    }
