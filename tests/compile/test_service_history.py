"""How the history of a service tells what became of a deployment."""

from datetime import datetime, timedelta, timezone

import pytest
from msgspec.structs import replace

from seawall.compile.service_history import (
    ALARMED,
    BREAKER,
    DELETED,
    NO_WAY_BACK,
    NO_WAY_BACK_FROM_ALARMS,
    REPLACED,
    REQUESTED,
    told,
)
from seawall.model.service import CircuitBreaker, Deployment, DeploymentConfiguration, RolloutState, Service
from seawall.model.service_deployment import ServiceDeployment

BEGAN = datetime(2026, 1, 1, tzinfo=timezone.utc)
NOW = BEGAN + timedelta(minutes=1)


def deployment(number: int, state: RolloutState = "IN_PROGRESS", **changes: object) -> Deployment:
    made = Deployment(
        id=f"ecs-svc/{number}",
        revision=f"default/web/{number}",
        rollout_state=state,
        created_at=BEGAN,
        updated_at=BEGAN,
    )
    return replace(made, **changes)


def service(*deployments: Deployment, **changes: object) -> Service:
    breaker = CircuitBreaker(enable=True, rollback=True)
    made = Service(
        id="default/web",
        cluster="default",
        name="web",
        incarnation="1",
        desired_count=10,
        deployments=deployments,
        deployment_configuration=DeploymentConfiguration(circuit_breaker=breaker),
        created_at=BEGAN,
    )
    return replace(made, **changes)


def record(number: int, **changes: object) -> ServiceDeployment:
    made = ServiceDeployment(
        id=f"default/web/{number}",
        cluster="default",
        service="web",
        deployment=f"ecs-svc/{number}",
        target=f"default/web/{number}",
        created_at=BEGAN,
        updated_at=BEGAN,
    )
    return replace(made, **changes)


def test_it_begins_and_succeeds() -> None:
    begun = told(record(1), service(deployment(1)), NOW)
    assert (begun.status, begun.started_at) == ("IN_PROGRESS", NOW)
    assert told(begun, service(deployment(1)), NOW) is begun
    ended = told(begun, service(deployment(1, "COMPLETED", finished_at=NOW)), NOW + timedelta(hours=1))
    assert (ended.status, ended.finished_at) == ("SUCCESSFUL", NOW)


def test_one_that_completed_between_two_looks_succeeded() -> None:
    both = service(deployment(2), deployment(1, "COMPLETED", status="ACTIVE"))
    assert told(record(1), both, NOW).status == "SUCCESSFUL"


def test_failures_are_counted_against_the_threshold() -> None:
    found = told(record(1), service(deployment(1, failed_tasks=2)), NOW)
    assert (found.breaker_failures, found.breaker_threshold) == (2, 5)


def test_without_a_way_back_it_stops() -> None:
    found = told(record(1), service(deployment(1, "FAILED", failed_tasks=5)), NOW)
    assert (found.status, found.status_reason, found.stopped_at) == ("STOPPED", NO_WAY_BACK, NOW)


@pytest.mark.parametrize(("status", "reason"), [("IN_PROGRESS", BREAKER), ("ROLLBACK_REQUESTED", REQUESTED)])
@pytest.mark.parametrize(
    ("state", "end"), [("COMPLETED", "ROLLBACK_SUCCESSFUL"), ("FAILED", "ROLLBACK_FAILED")]
)
def test_it_is_rolled_back(status: str, reason: str, state: RolloutState, end: str) -> None:
    failed = deployment(2, "FAILED", status="ACTIVE")
    back = deployment(1, rolled_back_from="ecs-svc/2")
    going = told(record(2, status=status), service(back, failed), NOW)
    assert (going.status, going.status_reason) == ("ROLLBACK_IN_PROGRESS", reason)
    assert going.rollback is not None
    assert (going.rollback.revision, going.rollback.started_at) == ("default/web/1", NOW)
    ended = told(going, service(replace(back, rollout_state=state)), NOW)
    assert (ended.status, ended.status_reason, ended.finished_at) == (end, reason, NOW)


def test_alarms_that_ended_it_are_named() -> None:
    failed = deployment(2, "FAILED", status="ACTIVE", triggered_alarms=("errors",))
    going = told(record(2), service(deployment(1, rolled_back_from="ecs-svc/2"), failed), NOW)
    assert (going.status, going.status_reason) == ("ROLLBACK_IN_PROGRESS", ALARMED.format("errors"))
    assert going.triggered_alarms == ("errors",)
    alone = told(record(2), service(failed), NOW)
    assert (alone.status, alone.status_reason) == ("STOPPED", NO_WAY_BACK_FROM_ALARMS.format("errors"))


def test_what_is_gone_back_to_stays_a_success() -> None:
    before = record(1, status="SUCCESSFUL")
    back = deployment(1, rolled_back_from="ecs-svc/2")
    assert told(before, service(back), NOW) is before


def test_a_newer_one_stops_it() -> None:
    found = told(record(1), service(deployment(2), deployment(1, status="ACTIVE")), NOW)
    assert (found.status, found.status_reason) == ("STOPPED", REPLACED)


def test_so_does_the_end_of_the_service() -> None:
    found = told(record(1), service(deployment(1), status="DRAINING"), NOW)
    assert (found.status, found.status_reason) == ("STOPPED", DELETED)
