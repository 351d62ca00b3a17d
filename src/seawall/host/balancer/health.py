"""From the outcomes of checks to what a node thinks of a target.  Pure.

Source: "Health checks for your target groups" of the Application and Network Load Balancer guides: a target
that is new serves after its first success; else the thresholds count outcomes in a row.
"""

from typing import Literal

import msgspec

from seawall.program.balancer import Check, Pool, PoolTarget

State = Literal["initial", "healthy", "unhealthy"]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """Of one check.

    cause   "" for a success, else as in a TargetReport
    code    what was answered, where something was
    """

    cause: str = ""
    code: int | None = None
    text: str = ""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a target.  `streak` counts successes, or failures, in a row.

    last         the failure that made it, or may make it, unhealthy
    healthy_at   when it became so (seconds since the epoch); 0: it was when it was first looked at
    """

    state: State = "initial"
    streak: int = 0
    passing: bool = False
    last: Outcome = Outcome()
    checked_at: float | None = None
    healthy_at: float = 0.0


UNCHECKED = Standing(state="healthy")


def after_check(check: Check, before: Standing, outcome: Outcome, now: float) -> Standing:
    """`now`: seconds since the epoch."""
    passed = not outcome.cause
    streak = before.streak + 1 if passed == before.passing else 1
    state: State = before.state
    if passed and (state == "initial" or (state == "unhealthy" and streak >= check.healthy_threshold)):
        state = "healthy"
    elif not passed and state != "unhealthy" and streak >= check.unhealthy_threshold:
        state = "unhealthy"
    return Standing(
        state=state,
        streak=streak,
        passing=passed,
        last=Outcome() if state == "healthy" and passed else before.last if passed else outcome,
        checked_at=now,
        healthy_at=now if state == "healthy" != before.state else before.healthy_at,
    )


def used_targets(pool: Pool, standings: dict[str, Standing]) -> frozenset[str]:
    """The targets that get new requests: the healthy ones, or all that serve when those are too few."""
    serving = [target.id for target in pool.targets if target.serving]
    healthy = [id for id in serving if standing_of(pool, standings, id).state == "healthy"]
    return frozenset(serving if len(healthy) < pool.fail_open_below else healthy)


def standing_of(pool: Pool, standings: dict[str, Standing], target: str) -> Standing:
    return UNCHECKED if pool.check is None else standings.get(target, Standing())


def weight_of(pool: Pool, target: PoolTarget, standing: Standing, now: float, full: int) -> int:
    """A target that came up gets its share little by little.

    Source: slow start mode: linear from its first request's share to the full one.
    """
    since = now - standing.healthy_at
    if not pool.slow_start_s or not standing.healthy_at or since >= pool.slow_start_s:
        return full
    return max(1, int(full * since / pool.slow_start_s))
