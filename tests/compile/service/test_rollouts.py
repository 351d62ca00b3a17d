"""One service after another through its life: what is started, stopped and said."""

from collections import Counter
from datetime import timedelta

import pytest
from msgspec.structs import replace
from tests.compile.service.imagined import GROUP, GROUPS, Imagined

from seawall.compile.service.deployment import threshold
from seawall.compile.service.event_log import troubles
from seawall.compile.service.progress import LONGEST_BACK_OFF, back_off
from seawall.model.service import (
    CapacityProviderStrategyItem,
    CircuitBreaker,
    DeploymentConfiguration,
    ServiceRegistry,
)

BREAKER = DeploymentConfiguration(circuit_breaker=CircuitBreaker(enable=True, rollback=True))


def limits(minimum: int, maximum: int) -> DeploymentConfiguration:
    return DeploymentConfiguration(minimum_healthy_percent=minimum, maximum_percent=maximum)


def rollout(web: Imagined) -> list[tuple[str, str]]:
    return [(d.id, d.rollout_state) for d in web.service.deployments]


def test_a_new_service_starts_its_tasks_over_all_zones_and_completes() -> None:
    web = Imagined(4)
    web.look()
    assert Counter(t.availability_zone for t in web.alive()) == {
        "us-east-1a": 2,
        "us-east-1b": 1,
        "us-east-1c": 1,
    }
    web.run()
    web.wait(39)
    web.look_until_still()
    assert rollout(web) == [("ecs-svc/1", "IN_PROGRESS")]
    assert web.look().again_at == web.now + timedelta(seconds=1)
    web.wait(1)
    web.look_until_still()
    assert rollout(web) == [("ecs-svc/1", "COMPLETED")]
    assert web.service.primary.rollout_state_reason == "ECS deployment ecs-svc/1 completed."
    ids = " ".join(f"(task {number:032x})" for number in range(1, 5))
    assert web.said() == [
        f"has started 4 tasks: {ids}.",
        "(deployment ecs-svc/1) deployment completed.",
        "has reached a steady state.",
    ]
    assert web.notices == [
        "SERVICE_DEPLOYMENT_IN_PROGRESS",
        "SERVICE_DEPLOYMENT_COMPLETED",
        "SERVICE_STEADY_STATE",
    ]


def test_troubles_are_those_since_it_was_steady() -> None:
    web = Imagined(1)
    web.look_until_still()
    for _ in range(4):
        web.crash(web.alive()[0], started=False)
        web.look_until_still()
        web.wait(3600)
        web.look_until_still()
    steady, told = troubles(web.events)
    assert steady is None
    assert told == (
        "(service web) is unable to consistently start tasks successfully.",
        "(service web) was unable to place a task. Reason: CannotPullContainerError: x.",
    )
    web.run()
    web.wait(60)
    web.look_until_still()
    assert troubles(web.events) == (web.now, ())


def test_steadiness_is_told_again_after_six_hours() -> None:
    web = Imagined(1)
    web.bring_up()
    assert web.look().again_at == web.now + timedelta(hours=6)
    web.wait(6 * 3600)
    assert web.look().texts == ["(service web) has reached a steady state."]


def test_a_rolling_update_starts_all_first_and_stops_the_old_as_the_new_are_healthy() -> None:
    web = Imagined(4, balanced=True)
    web.bring_up()
    web.deploy(2)
    web.look_until_still()
    assert (len(web.alive(1)), len(web.alive(2))) == (4, 4)
    web.run()
    first = web.alive(2)[0]
    web.heal(first)
    web.look_until_still()
    assert (len(web.alive(1)), len(web.alive(2))) == (3, 4)
    web.heal()
    web.look_until_still()
    assert (len(web.alive(1)), len(web.alive(2))) == (0, 4)
    assert set(web.stopped_because()) == {"Scaling activity initiated by (deployment ecs-svc/1)"}
    assert rollout(web) == [("ecs-svc/2", "IN_PROGRESS"), ("ecs-svc/1", "COMPLETED")]
    web.end_stopping()
    web.look_until_still()
    assert rollout(web) == [("ecs-svc/2", "COMPLETED")]


@pytest.mark.parametrize(
    ("minimum", "maximum", "most", "least"),
    [(100, 150, 6, 4), (50, 100, 4, 2), (0, 100, 4, 0), (75, 125, 5, 3), (100, 200, 8, 4)],
)
def test_limits_are_kept_on_the_way_and_the_update_ends(
    minimum: int, maximum: int, most: int, least: int
) -> None:
    web = Imagined(4, limits(minimum, maximum), balanced=True)
    web.bring_up()
    web.deploy(2)
    for _ in range(20):
        web.look()
        assert len(web.alive()) <= most
        healthy = [t for t in web.running() if web.targets[t.id][0].state == "healthy"]
        assert len(healthy) >= least
        if rollout(web) == [("ecs-svc/2", "COMPLETED")]:
            return
        web.run()
        web.heal()
        web.end_stopping()
    raise AssertionError(rollout(web))


def test_a_version_that_cannot_be_started_any_more_leaves_its_room_to_the_next() -> None:
    web = Imagined(2, limits(0, 100))
    web.bring_up()
    web.deploy(2)
    for task in web.alive():
        web.crash(task)
    assert [(s.deployment, s.number) for s in web.look().starts] == [("ecs-svc/2", 2)]


def test_limits_that_leave_no_room_are_told() -> None:
    web = Imagined(1, limits(100, 150))
    web.bring_up()
    web.deploy(2)
    web.look_until_still()
    assert web.said()[-1].startswith("was unable to stop or start tasks during a deployment because")
    assert len(web.alive(1)) == 1


def test_an_unhealthy_task_is_stopped_when_another_is_healthy_in_its_place() -> None:
    web = Imagined(2, balanced=True)
    web.bring_up()
    sick = web.alive()[0]
    web.sicken(sick)
    web.look_until_still()
    assert len(web.alive()) == 3
    port = "(port 80) is unhealthy in"
    assert web.said()[-2:] == [
        f"(task {sick.id}) {port} (target-group {GROUPS}{GROUP}) due to (reason Request timed out).",
        f"has started 1 tasks: (task {3:032x}). Amazon ECS replaced 1 tasks due to an unhealthy status.",
    ]
    web.run()
    web.heal(web.tasks[f"{3:032x}"])
    web.look_until_still()
    assert sick.id not in {t.id for t in web.alive()}
    assert (
        web.tasks[sick.id].stopped_reason
        == f"Task failed ELB health checks in (target-group {GROUPS}{GROUP})"
    )
    assert web.service.steady


def test_a_failed_container_check_counts_too() -> None:
    web = Imagined(1, checked=True)
    web.bring_up()
    sick = web.alive()[0]
    web.sicken(sick)
    web.look()
    assert web.said()[-2] == f"(task {sick.id}) failed container health checks."
    web.run()
    web.heal(web.alive()[-1])
    web.look()
    assert web.tasks[sick.id].stopped_reason == "Task failed container health checks"


def test_sickness_within_the_grace_period_is_overlooked() -> None:
    web = Imagined(1, balanced=True)
    web.change(health_check_grace_period_seconds=60)
    web.look()
    web.run()
    web.sicken(*web.alive())
    decision = web.look()
    assert (web.said()[1:], decision.again_at) == ([], web.now + timedelta(seconds=60))
    web.wait(60)
    web.look()
    assert "is unhealthy in" in web.said()[1]


@pytest.mark.parametrize(
    ("desired", "breaker", "failures"),
    [
        (1, CircuitBreaker(), 3),
        (25, CircuitBreaker(), 13),
        (400, CircuitBreaker(), 200),
        (800, CircuitBreaker(), 200),
        (800, CircuitBreaker(threshold_type="UNBOUNDED_PERCENT"), 400),
        (1, CircuitBreaker(threshold_type="UNBOUNDED_PERCENT"), 1),
        (100, CircuitBreaker(threshold_type="COUNT", threshold_value=5), 5),
        (100, CircuitBreaker(threshold_value=10), 10),
    ],
)
def test_thresholds(desired: int, breaker: CircuitBreaker, failures: int) -> None:
    assert threshold(breaker, desired) == failures


def fail_until_it_ends(web: Imagined, *, started: bool = True) -> int:
    for failures in range(1, 30):
        web.look_until_still()
        for task in web.pending():
            web.crash(task, started=started)
        web.look()
        if any(d.rollout_state == "FAILED" for d in web.service.deployments):
            return failures
        web.wait(1800)
    raise AssertionError("the circuit breaker never broke")


@pytest.mark.parametrize("started", [True, False])
def test_the_circuit_breaker_goes_back_to_what_completed_last(started: bool) -> None:
    web = Imagined(1, BREAKER)
    web.bring_up()
    web.deploy(2)
    assert fail_until_it_ends(web, started=started) == 3
    assert rollout(web) == [("ecs-svc/1", "IN_PROGRESS"), ("ecs-svc/2", "FAILED")]
    reasons = [d.rollout_state_reason for d in web.service.deployments]
    assert reasons == [
        "ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/1.",
        "ECS deployment circuit breaker: tasks failed to start.",
    ]
    assert [d.status for d in web.service.deployments] == ["PRIMARY", "ACTIVE"]
    assert web.said()[-2:] == [
        "(deployment ecs-svc/2) deployment failed: tasks failed to start.",
        "rolling back to deployment ecs-svc/1.",
    ]
    web.end_stopping()
    web.bring_up()
    assert rollout(web) == [("ecs-svc/1", "COMPLETED")]
    first = web.notices.index("SERVICE_DEPLOYMENT_FAILED")
    assert web.notices[first:] == [
        "SERVICE_DEPLOYMENT_FAILED",
        "SERVICE_DEPLOYMENT_IN_PROGRESS",
        "SERVICE_DEPLOYMENT_COMPLETED",
        "SERVICE_STEADY_STATE",
    ]
    assert len(web.alive(1)) == 1


def test_unhealthy_tasks_break_the_circuit_too() -> None:
    web = Imagined(1, BREAKER, balanced=True)
    web.bring_up()
    web.deploy(2)
    for _ in range(3):
        web.look_until_still()
        web.run()
        web.sicken(*web.alive(2))
        web.look()
        web.end_stopping()
        assert len(web.alive(1)) == 1
    assert rollout(web)[0] == ("ecs-svc/1", "IN_PROGRESS")
    web.look_until_still()
    assert web.alive(2) == []


def test_without_anything_completed_a_failed_deployment_stalls() -> None:
    web = Imagined(2, BREAKER)
    assert fail_until_it_ends(web) == 2
    assert rollout(web) == [("ecs-svc/1", "FAILED")]
    web.wait(3600)
    assert web.look().starts == []


def test_a_healthy_task_sets_the_failures_back() -> None:
    web = Imagined(2, BREAKER, balanced=True)
    web.look()
    bad, good = web.pending()
    web.crash(bad)
    web.look()
    assert web.service.primary.failed_tasks == 1
    web.run(good)
    web.heal(web.tasks[good.id])
    web.look()
    assert web.service.primary.failed_tasks == 0


def test_launches_that_never_run_are_put_off_longer_and_longer() -> None:
    waits = [back_off(failures) for failures in range(1, 40)]
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_BACK_OFF == timedelta(minutes=27)
    web = Imagined(1)
    for _ in range(3):
        web.look()
        web.wait(3)
        for task in web.pending():
            web.crash(task, started=False)
        web.look()
        web.wait(3)
    assert web.look().starts == []
    assert web.look().again_at is not None
    assert web.said()[-1] == "is unable to consistently start tasks successfully."
    assert "SERVICE_TASK_START_IMPAIRED" in web.notices
    assert web.said().count("was unable to place a task. Reason: CannotPullContainerError: x.") == 1
    web.deploy(2)
    assert [start.deployment for start in web.look().starts] == ["ecs-svc/2"]


def test_a_task_that_ran_and_ended_is_replaced_soon() -> None:
    web = Imagined(1)
    web.bring_up()
    web.crash(web.alive()[0])
    assert [start.number for start in web.look().starts] == [1]


def test_scale_in_takes_from_the_fullest_zone_and_spares_protected_tasks() -> None:
    web = Imagined(6)
    web.bring_up()
    kept = web.alive()[0]
    web.tasks[kept.id] = replace(kept, protected_until=web.now + timedelta(hours=1))
    web.scale(3)
    web.look_until_still()
    assert Counter(t.availability_zone for t in web.alive()) == dict.fromkeys(
        ("us-east-1a", "us-east-1b", "us-east-1c"), 1
    )
    assert kept.id in {t.id for t in web.alive()}
    web.scale(0)
    decision = web.look()
    assert [t.id for t in web.alive()] == [kept.id]
    assert "protected tasks are more than the desired count" in web.said()[-1]
    assert decision.again_at == web.tasks[kept.id].protected_until
    web.wait(3600)
    web.look()
    assert web.alive() == []


def test_scaling_starts_no_deployment() -> None:
    web = Imagined(1)
    web.bring_up()
    web.scale(3)
    web.bring_up()
    assert (rollout(web), len(web.alive())) == ([("ecs-svc/1", "COMPLETED")], 3)


def test_a_task_of_the_serving_version_is_replaced_by_its_like_during_an_update() -> None:
    web = Imagined(2, balanced=True)
    web.bring_up()
    web.deploy(2)
    web.look_until_still()
    web.crash(web.alive(1)[0])
    web.look_until_still()
    assert (len(web.alive(1)), len(web.alive(2))) == (2, 2)


def test_scaling_out_during_an_update_scales_both_versions() -> None:
    web = Imagined(2, balanced=True)
    web.bring_up()
    web.deploy(2)
    web.look_until_still()
    web.scale(4)
    web.look_until_still()
    assert (len(web.alive(1)), len(web.alive(2))) == (4, 4)


def test_a_version_that_never_served_goes_at_once_when_the_next_one_comes() -> None:
    web = Imagined(2, balanced=True)
    web.bring_up()
    web.deploy(2)
    web.look_until_still()
    web.deploy(3)
    web.look_until_still()
    assert (len(web.alive(1)), len(web.alive(2)), len(web.alive(3))) == (2, 0, 2)


def test_a_deleted_service_stops_all_and_is_inactive_when_they_are_gone() -> None:
    web = Imagined(2)
    web.bring_up()
    web.change(status="DRAINING", desired_count=0)
    web.look()
    assert (web.alive(), web.service.status) == ([], "DRAINING")
    web.end_stopping()
    web.look()
    assert web.service.status == "INACTIVE"


def test_zones_are_evened_out_one_task_at_a_time() -> None:
    web = Imagined(4, limits(100, 200))
    web.change(availability_zone_rebalancing="ENABLED")
    web.free = {"subnet-a": 200, "subnet-b": 0, "subnet-c": 0}
    web.bring_up()
    assert web.said()[-1] == (
        "is not AZ balanced with 4 tasks in us-east-1a, 0 tasks in us-east-1b, 0 tasks in us-east-1c."
        " AZ Rebalancing in progress."
    )
    web.free = dict.fromkeys(web.free, 200)
    web.look()
    assert web.said()[-1] == f"has started 1 tasks in us-east-1b to AZ Rebalance: (task {5:032x})."
    assert len(web.alive()) == 5
    for _ in range(8):
        web.run()
        web.wait(41)
        web.look_until_still()
        assert 4 <= len(web.alive()) <= 5
        web.end_stopping()
    assert sorted(Counter(t.availability_zone for t in web.alive()).values()) == [1, 1, 2]
    assert not web.service.rebalancing
    assert any("is AZ balanced with" in text for text in web.said())
    assert any(
        reason == "Availability-zone rebalancing initiated by (deployment ecs-svc/1)"
        for reason in web.stopped_because()
    )


def test_a_batch_and_a_rate_bound_what_one_look_starts() -> None:
    web = Imagined(10)
    web.pace = replace(web.pace, batch=4, launches_per_minute=6)
    web.look()
    assert len(web.alive()) == 4
    web.look()
    assert len(web.alive()) == 6
    web.look()
    assert len(web.alive()) == 6
    web.wait(60)
    web.look()
    assert len(web.alive()) == 10


def test_the_providers_of_a_steady_service_are_steady_too() -> None:
    web = Imagined(1)
    strategy = tuple(
        CapacityProviderStrategyItem(capacity_provider=name, weight=1) for name in ("FARGATE", "FARGATE_SPOT")
    )
    web.revisions = {id: replace(r, capacity_provider_strategy=strategy) for id, r in web.revisions.items()}
    web.look()
    web.run()
    web.wait(40)
    told = [notice for _ in range(5) for notice in web.look().notices]
    names = [notice.name for notice in told]
    assert names[-2:] == ["SERVICE_STEADY_STATE", "CAPACITY_PROVIDER_STEADY_STATE"]
    assert told[-1].providers == ("FARGATE", "FARGATE_SPOT")


def test_an_unhealthy_task_that_others_discover_is_told_of() -> None:
    web = Imagined(1, checked=True)
    registry = ServiceRegistry(registry_arn="arn:aws:servicediscovery:us-east-1:123456789012:service/srv-1")
    web.revisions = {id: replace(r, service_registries=(registry,)) for id, r in web.revisions.items()}
    web.bring_up()
    web.sicken(*web.alive())
    web.look()
    assert web.notices.count("SERVICE_DISCOVERY_INSTANCE_UNHEALTHY") == 1
    web.look()
    assert web.notices.count("SERVICE_DISCOVERY_INSTANCE_UNHEALTHY") == 1
