"""Slots of flows: even shares, weights, and few that move."""

from collections import Counter

import pytest

from seawall.compile.network.spreading import MOST_SLOTS, slots


def targets(count: int) -> list[str]:
    return [f"10.0.{n // 250}.{n % 250}:80" for n in range(count)]


@pytest.mark.parametrize("count", [1, 2, 3, 7, 66, 200, 500])
def test_every_target_has_its_share(count: int) -> None:
    table = slots([(1, targets(count))])
    shares = Counter(table)
    assert len(shares) == count
    assert len(table) <= MOST_SLOTS
    assert len(table) & (len(table) - 1) == 0
    assert max(shares.values()) - min(shares.values()) <= 1


def test_the_order_does_not_matter() -> None:
    assert slots([(1, targets(9))]) == slots([(1, targets(9)[::-1])])


def test_most_flows_stay_when_a_target_goes() -> None:
    before, after = slots([(1, targets(100))]), slots([(1, targets(99))])
    mine = sum(target == targets(100)[-1] for target in before)
    moved = sum(one != other for one, other in zip(before, after, strict=True))
    assert mine <= moved <= 5 * mine


def test_groups_share_by_weight() -> None:
    table = slots([(3, ["a"]), (1, ["b", "c"]), (0, ["d"])])
    shares = Counter(table)
    assert (shares["a"], shares["b"], shares["c"], shares["d"]) == (
        len(table) * 3 // 4,
        *[len(table) // 8] * 2,
        0,
    )


def test_a_group_without_targets_leaves_its_share_to_the_others() -> None:
    assert set(slots([(3, []), (1, ["b"])])) == {"b"}
    assert slots([(1, [])]) == slots([]) == []
