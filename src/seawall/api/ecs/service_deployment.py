"""Service deployments and revisions: the history of services, described, listed, and stopped.

Source: "View service history using Amazon ECS service deployments" of the developer guide.
"""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from seawall.api.ecs.deployment_configuration import show_configuration
from seawall.api.ecs.names import check_choice, check_count, invalid_parameter, page_of
from seawall.api.ecs.service_names import (
    get_service,
    id_in_arn,
    revision_arn,
    service_arn,
    service_deployment_arn,
)
from seawall.api.ecs.service_shape import count, show_revision, tasks_by_deployment
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.service import Service, ServiceRevision
from seawall.model.service_deployment import ServiceDeployment, SourceRevision
from seawall.wire.errors import ApiError

MOST_DESCRIBED = 20
STATUSES = (
    "PENDING",
    "SUCCESSFUL",
    "STOPPED",
    "STOP_REQUESTED",
    "IN_PROGRESS",
    "ROLLBACK_REQUESTED",
    "ROLLBACK_IN_PROGRESS",
    "ROLLBACK_SUCCESSFUL",
    "ROLLBACK_FAILED",
)


@operation("ecs", "DescribeServiceDeployments")
def describe_service_deployments(call: Call, params: Params) -> dict[str, Any]:
    asked = params["serviceDeploymentArns"]
    _check_asked(asked, "serviceDeploymentArns")
    found, failures = [], []
    for text in dict.fromkeys(asked):
        known = call.store.find(ServiceDeployment, id_in_arn(call, text, "service-deployment"))
        if known is None:
            failures.append({"arn": text, "reason": "MISSING"})
        else:
            found.append(_show(call, known))
    return {"serviceDeployments": found, "failures": failures}


@operation("ecs", "ListServiceDeployments")
def list_service_deployments(call: Call, params: Params) -> dict[str, Any]:
    service = get_service(call, call.store, params.get("cluster"), params["service"])
    wanted, created = params.get("status") or STATUSES, params.get("createdAt")
    for status in wanted:
        check_choice(status, STATUSES, "status")
    before, after = (created.get("before"), created.get("after")) if created else (None, None)

    def chosen(one: ServiceDeployment) -> bool:
        if one.status not in wanted:
            return False
        return (before is None or one.created_at < before) and (after is None or one.created_at > after)

    newest_first = sorted(
        filter(chosen, call.store.referrers(ServiceDeployment, service.ref)), key=_age, reverse=False
    )
    page, rest = page_of(newest_first, params.get("maxResults"), params.get("nextToken"), _age)
    return {"serviceDeployments": [_show_briefly(call, one) for one in page], **rest}


def _age(one: ServiceDeployment) -> str:
    """Sorts the newest first."""
    return f"{10**12 - one.created_at.timestamp():020.6f}{one.id}"


@operation("ecs", "DescribeServiceRevisions")
def describe_service_revisions(call: Call, params: Params) -> dict[str, Any]:
    asked = params["serviceRevisionArns"]
    _check_asked(asked, "serviceRevisionArns")
    found, failures = [], []
    for text in dict.fromkeys(asked):
        known = call.store.find(ServiceRevision, id_in_arn(call, text, "service-revision"))
        if known is None:
            failures.append({"arn": text, "reason": "MISSING"})
        else:
            found.append(show_revision(call, known))
    return {"serviceRevisions": found, "failures": failures}


@operation("ecs", "StopServiceDeployment", refused={"stopType": "ABORT: AWS takes ROLLBACK only"})
def stop_service_deployment(call: Call, params: Params) -> dict[str, Any]:
    text, kind = params["serviceDeploymentArn"], params.get("stopType", "ROLLBACK")
    check_choice(kind, ("ROLLBACK",), "stopType")
    with call.write() as txn:
        known = txn.find(ServiceDeployment, id_in_arn(call, text, "service-deployment"))
        if known is None:
            raise ApiError("ServiceDeploymentNotFoundException", "Service deployment not found.")
        service = txn.get(Service, f"{known.cluster}/{known.service}")
        primary = service.primary
        if known.status not in ("PENDING", "IN_PROGRESS") or primary.id != known.deployment:
            raise ApiError(
                "ConflictException", f"The service deployment cannot be stopped in the status {known.status}."
            )
        if service.completed is None:
            raise ApiError(
                "ConflictException", "There is no completed deployment that the service could go back to."
            )
        asked = replace(primary, rollback_requested=True, updated_at=call.now)
        txn.put(replace(service, deployments=(asked, *service.deployments[1:])))
        txn.put(replace(known, status="ROLLBACK_REQUESTED", updated_at=call.now))
    return {"serviceDeploymentArn": text}


def _check_asked(asked: Sequence[str], name: str) -> None:
    if not asked:
        raise invalid_parameter(f"{name} can not be empty.")
    check_count(asked, MOST_DESCRIBED, name)


def _show_briefly(call: Call, one: ServiceDeployment) -> dict[str, Any]:
    shown = {
        "serviceDeploymentArn": service_deployment_arn(call, one.id),
        "serviceArn": service_arn(call, f"{one.cluster}/{one.service}"),
        "clusterArn": call.arn(f"cluster/{one.cluster}"),
        "createdAt": one.created_at,
        "startedAt": one.started_at,
        "finishedAt": one.finished_at,
        "targetServiceRevisionArn": revision_arn(call, one.target),
        "status": one.status,
        "statusReason": one.status_reason,
    }
    return {name: value for name, value in shown.items() if value is not None}


def _show(call: Call, one: ServiceDeployment) -> dict[str, Any]:
    shown = _show_briefly(call, one)
    del shown["targetServiceRevisionArn"]
    if one.stopped_at is not None:
        shown["stoppedAt"] = one.stopped_at
    if one.rollback is not None:
        shown["rollback"] = {
            "reason": one.rollback.reason,
            "startedAt": one.rollback.started_at,
            "serviceRevisionArn": revision_arn(call, one.rollback.revision),
        }
    return {
        **shown,
        "updatedAt": one.updated_at,
        "sourceServiceRevisions": [_show_source(call, source) for source in one.sources],
        "targetServiceRevision": _show_source(call, _target(call, one)),
        "deploymentConfiguration": show_configuration(one.configuration),
        "deploymentCircuitBreaker": _show_breaker(one),
        "alarms": _show_alarms(one),
    }


def _target(call: Call, one: ServiceDeployment) -> SourceRevision:
    """The tasks of the revision that is deployed, counted now."""
    service = call.store.find(Service, f"{one.cluster}/{one.service}")
    known = {d.id: d for d in service.deployments} if service else {}
    if service is None or one.deployment not in known:
        return SourceRevision(revision=one.target, requested=one.requested)
    counted = count(tasks_by_deployment(call.store, service)[one.deployment])
    requested = known[one.deployment].desired_count
    return SourceRevision(
        revision=one.target, requested=requested, running=counted.running, pending=counted.pending
    )


def _show_source(call: Call, source: SourceRevision) -> dict[str, Any]:
    return {
        "arn": revision_arn(call, source.revision),
        "requestedTaskCount": source.requested,
        "runningTaskCount": source.running,
        "pendingTaskCount": source.pending,
    }


def _show_breaker(one: ServiceDeployment) -> dict[str, Any]:
    breaker = one.configuration.circuit_breaker
    shown = {"failureCount": one.breaker_failures, "threshold": one.breaker_threshold}
    if breaker is None or not breaker.enable:
        return {"status": "DISABLED", **shown}
    if one.status in ("PENDING", "IN_PROGRESS"):
        return {"status": "MONITORING", **shown}
    tripped = one.breaker_failures >= one.breaker_threshold > 0
    return {"status": "TRIGGERED" if tripped else "MONITORING_COMPLETE", **shown}


def _show_alarms(one: ServiceDeployment) -> dict[str, Any]:
    alarms = one.configuration.alarms
    if alarms is None or not alarms["enable"]:
        return {"status": "DISABLED"}
    shown = {"status": "MONITORING_COMPLETE", "alarmNames": alarms["alarmNames"]}
    if one.triggered_alarms:
        return shown | {"status": "TRIGGERED", "triggeredAlarmNames": list(one.triggered_alarms)}
    return shown | ({"status": "MONITORING"} if one.status in ("PENDING", "IN_PROGRESS") else {})
