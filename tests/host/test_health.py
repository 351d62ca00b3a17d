"""From looks at a container to its health."""

import pytest

from seawall.host.health import MOST_OUTPUT, TIMED_OUT, Look, Streak, after_look
from seawall.program.task import HealthCheck

CHECK = HealthCheck(command=("CMD", "true"), retries=3)


def after(*exit_codes: int, check: HealthCheck = CHECK, step_s: float = 30.0) -> Streak:
    streak = Streak()
    for number, code in enumerate(exit_codes, 1):
        look = Look(exit_code=code)
        streak = after_look(check, streak, look, age_s=number * step_s, now=1000.0 + number)
    return streak


@pytest.mark.parametrize(
    ("codes", "status"),
    [
        ((), "UNKNOWN"),
        ((0,), "HEALTHY"),
        ((1,), "UNKNOWN"),
        ((1, 1), "UNKNOWN"),
        ((1, 1, 1), "UNHEALTHY"),
        ((1, 1, 0, 1, 1), "HEALTHY"),
        ((0, 1, 1, TIMED_OUT), "UNHEALTHY"),
        ((1, 1, 1, 0), "HEALTHY"),
    ],
)
def test_a_status_takes_failures_in_a_row_and_one_success(codes: tuple[int, ...], status: str) -> None:
    assert after(*codes).health.status == status


def test_failures_in_the_start_period_do_not_count_until_one_look_has_passed() -> None:
    check = HealthCheck(command=("CMD", "true"), retries=2, start_period_s=100)
    assert after(1, 1, 1, check=check).health.status == "UNKNOWN"
    assert after(1, 1, 1, 1, 1, check=check).health.status == "UNHEALTHY"  # the fourth came after 120 s
    assert after(0, 1, 1, check=check).health.status == "UNHEALTHY"


def test_since_is_when_the_status_came_to_be() -> None:
    assert after(0, 0, 1).health.since == 1001.0
    assert after(1, 1, 1, 1).health.since == 1003.0


def test_the_newest_output_is_kept_up_to_a_limit() -> None:
    look = Look(exit_code=1, output="x" * 5000)
    health = after_look(CHECK, Streak(), look, age_s=1.0, now=1.0).health
    assert (health.exit_code, len(health.output)) == (1, MOST_OUTPUT)
