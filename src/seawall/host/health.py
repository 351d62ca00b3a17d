"""From the outcomes of a health check's command to a status.  Pure.

Source: Docker's HEALTHCHECK, which ECS's maps to: the first look comes an interval after the start; failures
count only in a row, and within the start period only after a success.
"""

import msgspec

from seawall.program.report import Health
from seawall.program.task import HealthCheck

MOST_OUTPUT = 4096  # bytes kept of what a look said
TIMED_OUT = -1  # the exit code of a look that took too long


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """One run of the command."""

    exit_code: int
    output: str = ""


class Streak(msgspec.Struct, frozen=True, kw_only=True):
    """What is known after some looks: the status, how many failed in a row, whether one ever passed."""

    health: Health = Health()
    failures: int = 0
    ever_passed: bool = False


def after_look(check: HealthCheck, streak: Streak, look: Look, *, age_s: float, now: float) -> Streak:
    """`age_s`: how long the container has run when the look ended; `now`: seconds since the epoch."""
    if look.exit_code == 0:
        return Streak(health=_health(streak, "HEALTHY", look, now), failures=0, ever_passed=True)
    excused = age_s < check.start_period_s and not streak.ever_passed
    failures = streak.failures + (0 if excused else 1)
    status = "UNHEALTHY" if failures >= check.retries else streak.health.status
    return Streak(
        health=_health(streak, status, look, now), failures=failures, ever_passed=streak.ever_passed
    )


def _health(streak: Streak, status: str, look: Look, now: float) -> Health:
    since = streak.health.since if streak.health.status == status and streak.health.since else now
    output = look.output[:MOST_OUTPUT]
    return msgspec.structs.replace(
        streak.health, status=status, since=since, exit_code=look.exit_code, output=output
    )
