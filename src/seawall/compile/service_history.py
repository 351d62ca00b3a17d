"""What the history of a service says of a deployment, from what the service itself is.  Pure.

Sources: ServiceDeployment of the service model; "Service deployment rolled back because ..." as seen.
"""

from datetime import datetime

from msgspec.structs import replace

from seawall.compile.service.deployment import threshold
from seawall.model.service import CircuitBreaker, Deployment, Service
from seawall.model.service_deployment import Rollback, ServiceDeployment

BREAKER = "Service deployment rolled back because the circuit breaker threshold was exceeded."
NO_WAY_BACK = "Service deployment stopped because the circuit breaker threshold was exceeded."
ALARMED = "Service deployment rolled back because of alarms: {}."
NO_WAY_BACK_FROM_ALARMS = "Service deployment stopped because of alarms: {}."
REQUESTED = "Service deployment rolled back because of a StopServiceDeployment request."
REPLACED = "Service deployment stopped because a newer one was started."
DELETED = "Service deployment stopped because the service was deleted."
OVER = ("SUCCESSFUL", "STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED")


def told(record: ServiceDeployment, service: Service, now: datetime) -> ServiceDeployment:
    """The record as it is to be now; the same object when nothing is new."""
    if record.status in OVER:
        return record
    if service.status != "ACTIVE":
        return _stopped(record, DELETED, now)
    primary = service.primary
    own = next((d for d in service.deployments if d.id == record.deployment), None)
    if own is not None:
        record = _with_failures(record, own, service)
    if own is not None and own.triggered_alarms:
        record = replace(record, triggered_alarms=own.triggered_alarms)
    if own is not None and (own is primary or own.rollout_state == "COMPLETED"):
        return _of_own(record, own, now)
    if primary.rolled_back_from == record.deployment:
        return _of_rollback(record, primary, now)
    return _stopped(record, REPLACED, now)


def _with_failures(record: ServiceDeployment, own: Deployment, service: Service) -> ServiceDeployment:
    breaker = service.deployment_configuration.circuit_breaker or CircuitBreaker()
    failures, most = own.failed_tasks, threshold(breaker, service.desired_count)
    if (failures, most) == (record.breaker_failures, record.breaker_threshold):
        return record
    return replace(record, breaker_failures=failures, breaker_threshold=most)


def _of_own(record: ServiceDeployment, own: Deployment, now: datetime) -> ServiceDeployment:
    if own.rollout_state == "COMPLETED":
        at = own.finished_at or now
        return replace(record, status="SUCCESSFUL", finished_at=at, updated_at=now)
    if own.rollout_state == "FAILED":
        names = ", ".join(own.triggered_alarms)
        return _stopped(record, NO_WAY_BACK_FROM_ALARMS.format(names) if names else NO_WAY_BACK, now)
    if record.status == "PENDING":
        return replace(record, status="IN_PROGRESS", started_at=now, updated_at=now)
    return record


def _of_rollback(record: ServiceDeployment, primary: Deployment, now: datetime) -> ServiceDeployment:
    if primary.rollout_state == "COMPLETED":
        return replace(record, status="ROLLBACK_SUCCESSFUL", finished_at=now, updated_at=now)
    if primary.rollout_state == "FAILED":
        return replace(record, status="ROLLBACK_FAILED", finished_at=now, updated_at=now)
    if record.status == "ROLLBACK_IN_PROGRESS":
        return record
    reason = REQUESTED if record.status == "ROLLBACK_REQUESTED" else BREAKER
    if record.triggered_alarms:
        reason = ALARMED.format(", ".join(record.triggered_alarms))
    return replace(
        record,
        status="ROLLBACK_IN_PROGRESS",
        status_reason=reason,
        rollback=Rollback(reason=reason, started_at=now, revision=primary.revision),
        updated_at=now,
    )


def _stopped(record: ServiceDeployment, reason: str, now: datetime) -> ServiceDeployment:
    return replace(
        record, status="STOPPED", status_reason=reason, stopped_at=now, finished_at=now, updated_at=now
    )
