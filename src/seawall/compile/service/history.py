"""How a service deployment's record goes on: what ListServiceDeployments tells of a rollout.

Source: ServiceDeployment of the API reference: it is stopped by a newer one, or by a failure without
rollback.
"""

from datetime import datetime

from msgspec.structs import replace

from seawall.compile.service.deployment import threshold
from seawall.model.service import Service
from seawall.model.service_deployment import Rollback, ServiceDeployment

ROLLED_BACK = "Service deployment rolled back because the circuit breaker threshold was exceeded."
NO_CANDIDATE = "No rollback candidate was found to run the rollback."
OVER = ("SUCCESSFUL", "STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED")


def continued(record: ServiceDeployment, service: Service, now: datetime) -> ServiceDeployment:
    """The record after a look at its service; the same when nothing is new."""
    if record.status in OVER:
        return record
    after = _with_breaker(record, service)
    after = _rolling_back(after, service, now) if _fell(after, service) else _rolling_out(after, service, now)
    return record if after == record else replace(after, updated_at=now)


def _with_breaker(record: ServiceDeployment, service: Service) -> ServiceDeployment:
    breaker = service.deployment_configuration.circuit_breaker
    found = next((d for d in service.deployments if d.id == record.deployment), None)
    if breaker is None or found is None:
        return record
    limit = threshold(breaker, service.desired_count)
    return replace(record, breaker_failures=found.failed_tasks, breaker_threshold=limit)


def _fell(record: ServiceDeployment, service: Service) -> bool:
    """Whether the service goes, or went, back from it."""
    going = bool(service.deployments) and service.primary.rolled_back_from == record.deployment
    return going or record.status in ("ROLLBACK_IN_PROGRESS",)


def _rolling_out(record: ServiceDeployment, service: Service, now: datetime) -> ServiceDeployment:
    primary = service.deployments[0] if service.status == "ACTIVE" and service.deployments else None
    if primary is None or primary.id != record.deployment:
        return replace(record, status="STOPPED", stopped_at=now, finished_at=now)
    match primary.rollout_state:
        case "COMPLETED":
            return replace(record, status="SUCCESSFUL", finished_at=now)
        case "FAILED":
            breaker = service.deployment_configuration.circuit_breaker
            reason = NO_CANDIDATE if breaker is not None and breaker.rollback else None
            return replace(record, status="STOPPED", status_reason=reason, stopped_at=now, finished_at=now)
        case _:
            return replace(record, status="IN_PROGRESS", started_at=record.started_at or now)


def _rolling_back(record: ServiceDeployment, service: Service, now: datetime) -> ServiceDeployment:
    primary = service.primary
    if record.rollback is None:
        return replace(
            record,
            status="ROLLBACK_IN_PROGRESS",
            status_reason=ROLLED_BACK,
            rollback=Rollback(reason=ROLLED_BACK, started_at=now, revision=primary.revision),
        )
    if primary.rolled_back_from != record.deployment or primary.rollout_state == "FAILED":
        return replace(record, status="ROLLBACK_FAILED", finished_at=now)
    if primary.rollout_state == "COMPLETED":
        return replace(record, status="ROLLBACK_SUCCESSFUL", finished_at=now)
    return record
