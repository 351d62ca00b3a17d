"""Scalable targets: an ECS service and the limits of its desired count."""

import secrets
from typing import Any

from msgspec.structs import replace

from seawall.api.applicationautoscaling.names import (
    check_namespace,
    find_target,
    invalid,
    page_of,
    resource_id,
    scaled,
    target_arn,
)
from seawall.api.iam.service_linked_role import ensure_linked_role
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.iam.trust import SCALING_SERVICE
from seawall.model.alarm import MetricAlarm
from seawall.model.scaling import SERVICE_DIMENSION, ScalableTarget, ScalingPolicy, ScheduledAction
from seawall.model.service import Service
from seawall.store.store import Reader, Transaction
from seawall.wire.errors import ApiError

ROLE = f"aws-service-role/{SCALING_SERVICE}/AWSServiceRoleForApplicationAutoScaling_ECSService"
MOST_TAGS = 50


@operation(
    "application-autoscaling",
    "RegisterScalableTarget",
    stored={"RoleARN": "ECS services are scaled under the service-linked role, as on AWS"},
)
def register_scalable_target(call: Call, params: Params) -> dict[str, Any]:
    id = resource_id(params)
    with call.write() as txn:
        _check_service(txn, id)
        known = txn.find(ScalableTarget, id)
        low, high = params.get("MinCapacity"), params.get("MaxCapacity")
        if known is None and (low is None or high is None):
            raise invalid("The minimum and the maximum capacity are required for a new scalable target.")
        target = known or ScalableTarget(
            id=id,
            arn_id=secrets.token_hex(10),
            min_capacity=0,
            max_capacity=0,
            role_arn=call.arn(f"role/{ROLE}", service="iam", region=""),
            creation_time=call.now,
            tags=_tags(params.get("Tags")),
        )
        target = replace(
            target,
            min_capacity=target.min_capacity if low is None else low,
            max_capacity=target.max_capacity if high is None else high,
        )
        if not 0 <= target.min_capacity <= target.max_capacity:
            raise invalid("Maximum capacity cannot be less than minimum capacity")
        txn.put(_suspended(target, params.get("SuspendedState")))
        ensure_linked_role(txn, SCALING_SERVICE, call.now)
    return {"ScalableTargetARN": target_arn(call, target)}


def _check_service(reader: Reader, id: str) -> None:
    service = reader.find(Service, id.removeprefix("service/"))
    if service is None or service.status == "INACTIVE":
        raise invalid(f"ECS service doesn't exist: {id}")


def _tags(given: Any) -> dict[str, str]:
    tags = dict(given.items()) if given else {}
    if len(tags) > MOST_TAGS:
        raise ApiError("TooManyTagsException", f"A resource can have no more than {MOST_TAGS} tags.")
    return tags


def _suspended(target: ScalableTarget, state: Params | None) -> ScalableTarget:
    if state is None:
        return target
    return replace(
        target,
        in_suspended=state.get("DynamicScalingInSuspended", False),
        out_suspended=state.get("DynamicScalingOutSuspended", False),
        scheduled_suspended=state.get("ScheduledScalingSuspended", False),
    )


@operation("application-autoscaling", "DeregisterScalableTarget")
def deregister_scalable_target(call: Call, params: Params) -> dict[str, Any]:
    """Its policies, with their alarms, and its scheduled actions go with it."""
    id = resource_id(params)
    with call.write() as txn:
        target = find_target(txn, id)
        for policy in txn.referrers(ScalingPolicy, target.ref):
            remove_policy(txn, policy)
        for action in txn.referrers(ScheduledAction, target.ref):
            txn.delete(ScheduledAction, action.id)
        txn.delete(ScalableTarget, target.id)
    return {}


def remove_policy(txn: Transaction, policy: ScalingPolicy) -> None:
    for name in policy.alarms:
        if txn.find(MetricAlarm, name) is not None:
            txn.delete(MetricAlarm, name)
    txn.delete(ScalingPolicy, policy.id)


@operation("application-autoscaling", "DescribeScalableTargets")
def describe_scalable_targets(call: Call, params: Params) -> dict[str, Any]:
    check_namespace(params)
    ids, dimension = params.get("ResourceIds"), params.get("ScalableDimension")
    if dimension is not None and not ids:
        raise invalid("If you specify a scalable dimension, you must also specify a resource ID.")
    found = [
        target
        for target in call.store.all(ScalableTarget)
        if (not ids or target.id in ids) and dimension in (None, SERVICE_DIMENSION)
    ]
    return page_of(params, found, "ScalableTargets", lambda one: _shown(call, one))


def _shown(call: Call, target: ScalableTarget) -> dict[str, Any]:
    return scaled(target.id) | {
        "MinCapacity": target.min_capacity,
        "MaxCapacity": target.max_capacity,
        "RoleARN": target.role_arn,
        "CreationTime": target.creation_time,
        "ScalableTargetARN": target_arn(call, target),
        "SuspendedState": {
            "DynamicScalingInSuspended": target.in_suspended,
            "DynamicScalingOutSuspended": target.out_suspended,
            "ScheduledScalingSuspended": target.scheduled_suspended,
        },
    }


@operation("application-autoscaling", "TagResource")
def tag_resource(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        target = _by_arn(call, txn, params["ResourceARN"])
        txn.put(replace(target, tags=_tags({**target.tags, **dict(params["Tags"].items())})))
    return {}


@operation("application-autoscaling", "UntagResource")
def untag_resource(call: Call, params: Params) -> dict[str, Any]:
    gone = set(params["TagKeys"])
    with call.write() as txn:
        target = _by_arn(call, txn, params["ResourceARN"])
        txn.put(replace(target, tags={k: v for k, v in target.tags.items() if k not in gone}))
    return {}


@operation("application-autoscaling", "ListTagsForResource")
def list_tags_for_resource(call: Call, params: Params) -> dict[str, Any]:
    return {"Tags": _by_arn(call, call.store, params["ResourceARN"]).tags}


def _by_arn(call: Call, reader: Reader, arn: str) -> ScalableTarget:
    for target in reader.all(ScalableTarget):
        if target_arn(call, target) == arn:
            return target
    raise ApiError(
        "ResourceNotFoundException",
        f"The specified resource was not found: {arn}",
        members={"ResourceName": arn},
    )
