"""Deployments that alarms watch over: failed, rolled back, left to bake."""

from datetime import timedelta

import pytest
from tests.compile.service.imagined import Imagined

from seawall.model.service import CircuitBreaker, DeploymentConfiguration

BAKED = 2 * 60 + 60  # seconds: two periods, and the look after them


def watched(*, rollback: bool = True, enable: bool = True, **more: object) -> DeploymentConfiguration:
    alarms = {"alarmNames": ["errors", "latency"], "enable": enable, "rollback": rollback}
    return DeploymentConfiguration(alarms=alarms, **more)


def rollout(web: Imagined) -> list[tuple[str, str]]:
    return [(d.id, d.rollout_state) for d in web.service.deployments]


def serving(configuration: DeploymentConfiguration) -> Imagined:
    """Two tasks of the first deployment, which is complete, and its alarm is quiet."""
    web = Imagined(2, balanced=True, configuration=configuration)
    web.alarm("errors", "OK")
    stand(web)
    web.wait(BAKED)
    web.look_until_still()
    assert rollout(web) == [("ecs-svc/1", "COMPLETED")]
    return web


def stand(web: Imagined) -> None:
    """All that are wanted run and are healthy; none of those before is left."""
    web.look_until_still()
    web.run()
    web.heal()
    web.look_until_still()
    web.end_stopping()
    web.look_until_still()


def test_a_deployment_bakes_before_it_is_complete() -> None:
    web = serving(watched())
    web.deploy(2)
    stand(web)
    # The one before stays listed, without tasks, so that nobody takes the service for stable.
    assert rollout(web) == [("ecs-svc/2", "IN_PROGRESS"), ("ecs-svc/1", "COMPLETED")]
    assert [len(web.alive(number)) for number in (1, 2)] == [0, 2]
    assert web.look().again_at == web.now + timedelta(seconds=BAKED)
    web.wait(BAKED - 1)
    web.look_until_still()
    assert len(rollout(web)) == 2
    web.wait(1)
    web.look_until_still()
    assert rollout(web) == [("ecs-svc/2", "COMPLETED")]
    assert web.said()[-2:] == ["(deployment ecs-svc/2) deployment completed.", "has reached a steady state."]


def test_the_slowest_alarm_says_how_long() -> None:
    web = serving(watched())
    web.alarm("latency", "INSUFFICIENT_DATA", period=300, evaluations=3)
    web.deploy(2)
    stand(web)
    assert web.look().again_at == web.now + timedelta(seconds=960)


@pytest.mark.parametrize("baking", [False, True])
def test_an_alarm_that_goes_off_rolls_it_back(baking: bool) -> None:
    web = serving(watched())
    web.deploy(2)
    web.look_until_still()
    if baking:
        stand(web)
    else:
        web.run(web.alive(2)[0])
    web.alarm("errors", "ALARM")
    web.look_until_still()
    failed = next(d for d in web.service.deployments if d.id == "ecs-svc/2")
    assert rollout(web)[0] == ("ecs-svc/1", "IN_PROGRESS")
    assert (failed.rollout_state, failed.triggered_alarms) == ("FAILED", ("errors",))
    assert failed.rollout_state_reason == "ECS deployment alarms: alarm detected."
    assert web.service.primary.rollout_state_reason == (
        "ECS deployment alarms: rolling back to deploymentId ecs-svc/1."
    )
    told = [
        "(deployment ecs-svc/2) deployment failed: alarm detected.",
        "rolling back to deployment ecs-svc/1.",
    ]
    assert [text for text in web.said() if text in told] == told
    assert "SERVICE_DEPLOYMENT_FAILED" in web.notices
    stand(web)  # the alarm is still on: it was on when the way back began
    assert rollout(web) == [("ecs-svc/1", "COMPLETED")]
    assert [len(web.alive(number)) for number in (1, 2)] == [2, 0]


def test_without_rollback_it_fails_and_starts_nothing_more() -> None:
    web = serving(watched(rollback=False))
    web.deploy(2)
    web.look_until_still()
    web.run(web.alive(2)[0])
    web.alarm("errors", "ALARM")
    web.look_until_still()
    assert rollout(web) == [("ecs-svc/2", "FAILED"), ("ecs-svc/1", "COMPLETED")]
    web.crash(web.alive(2)[0])
    assert web.look().starts == []


@pytest.mark.parametrize("enable", [True, False])
def test_an_alarm_that_was_on_before_or_is_not_asked_changes_nothing(enable: bool) -> None:
    web = serving(watched(enable=enable))
    if enable:
        web.alarm("errors", "ALARM")
    web.deploy(2)
    web.look_until_still()
    web.alarm("errors", "OK")
    web.look_until_still()
    web.alarm("errors", "ALARM")  # again, and still it does not count
    stand(web)
    assert rollout(web) == [("ecs-svc/2", "COMPLETED")]


def test_before_a_task_runs_nothing_is_watched() -> None:
    web = serving(watched())
    web.deploy(2)
    web.look_until_still()
    web.alarm("errors", "ALARM")
    web.look_until_still()
    assert rollout(web)[0] == ("ecs-svc/2", "IN_PROGRESS")
    web.run(web.alive(2)[0])
    web.look_until_still()
    assert rollout(web)[0] == ("ecs-svc/1", "IN_PROGRESS")


def test_whoever_finds_the_failure_says_whether_to_go_back() -> None:
    breaker = CircuitBreaker(enable=True, rollback=False, threshold_type="COUNT", threshold_value=1)
    web = serving(watched(circuit_breaker=breaker))
    web.deploy(2)
    web.look_until_still()
    web.crash(web.alive(2)[0])
    web.look_until_still()
    assert rollout(web)[0] == ("ecs-svc/2", "FAILED")
    assert web.service.primary.rollout_state_reason == (
        "ECS deployment circuit breaker: tasks failed to start."
    )
    web.alarm("errors", "ALARM")
    web.look_until_still()
    assert rollout(web)[0] == ("ecs-svc/2", "FAILED")
