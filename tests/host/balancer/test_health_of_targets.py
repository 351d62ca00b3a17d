"""What a node thinks of a target, check after check."""

from typing import Any

import pytest

from seawall.host.balancer.health import Outcome, Standing, after_check, used_targets, weight_of
from seawall.program.balancer import Check, Pool, PoolTarget

CHECK = Check(healthy_threshold=3, unhealthy_threshold=2)
OUTCOMES = {"+": Outcome(code=200), "-": Outcome(cause="mismatch", code=500), "t": Outcome(cause="timeout")}


def course(checks: str, standing: Standing | None = None) -> list[Standing]:
    standing = standing or Standing()
    found = []
    for number, check in enumerate(checks):
        standing = after_check(CHECK, standing, OUTCOMES[check], float(number + 1))
        found.append(standing)
    return found


@pytest.mark.parametrize(
    ("checks", "states"),
    [
        ("+", "h"),  # a new one serves after its first success
        ("-+", "ih"),
        ("--", "iu"),
        ("--+++", "iuuuh"),
        ("--++-+++", "iuuuuuuh"),  # in a row
        ("+-+-+", "hhhhh"),
        ("+--", "hhu"),
        ("+-t", "hhu"),
    ],
)
def test_thresholds(checks: str, states: str) -> None:
    assert "".join(standing.state[0] for standing in course(checks)) == states


def test_the_cause_is_that_of_the_newest_failure() -> None:
    standings = course("--t+")
    assert [s.last.cause for s in standings] == ["mismatch", "mismatch", "timeout", "timeout"]
    assert course("--+++")[-1].last == Outcome()


def test_times() -> None:
    standings = course("-+-+")
    assert [s.checked_at for s in standings] == [1, 2, 3, 4]
    assert [s.healthy_at for s in standings] == [0, 2, 2, 2]


def pool(*targets: str, **members: Any) -> Pool:
    """A "~" before an id: it is draining."""
    made = tuple(
        PoolTarget(id=id.lstrip("~"), address="10.0.0.1", port=80, serving=not id.startswith("~"))
        for id in targets
    )
    return Pool(name="tg", targets=made, check=CHECK, **members)


@pytest.mark.parametrize(
    ("targets", "healthy", "members", "used"),
    [
        ("a b", "a b", {}, "a b"),
        ("a b", "a", {}, "a"),
        ("a b", "", {}, "a b"),  # too few are healthy: all of them
        ("a ~b", "", {}, "a"),
        ("~a b", "a b", {}, "b"),
        ("~a b", "a", {}, "b"),
        ("a b c", "a", {"fail_open_below": 2}, "a b c"),
        ("", "", {}, ""),
    ],
)
def test_who_gets_requests(targets: str, healthy: str, members: dict[str, Any], used: str) -> None:
    standings = {id: Standing(state="healthy") for id in healthy.split()}
    assert used_targets(pool(*targets.split(), **members), standings) == frozenset(used.split())


def test_without_checks_all_are_healthy() -> None:
    unchecked = Pool(name="tg", targets=pool("a", "b").targets)
    assert used_targets(unchecked, {"a": Standing(state="unhealthy")}) == {"a", "b"}


@pytest.mark.parametrize(
    ("healthy_at", "now", "weight"),
    [(0, 5, 100), (100, 100, 1), (100, 115, 50), (100, 130, 100), (100, 999, 100)],
)
def test_a_slow_start(healthy_at: float, now: float, weight: int) -> None:
    slow = pool("a", slow_start_s=30)
    standing = Standing(state="healthy", healthy_at=healthy_at)
    assert weight_of(slow, slow.targets[0], standing, now, 100) == weight
