"""Which record sets answer when some endpoints are ill."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.model.health_check import HealthCheck, HealthCheckConfig, is_healthy
from seawall.model.hosted_zone import AliasTarget, RecordSet
from seawall.model.record_routing import answering


def check(id: str, *, answers: bool | None = True, type: Any = "TCP", **config: Any) -> HealthCheck:
    return HealthCheck(
        id=id, caller_reference=id, answers=answers, config=HealthCheckConfig(type=type, **config)
    )


CHECKS = {each.id: each for each in (check("well"), check("ill", answers=False), check("new", answers=None))}


def record(value: str, health: str | None = None, name: str = "a.", **members: Any) -> RecordSet:
    values = () if "alias" in members else (value,)
    return RecordSet(
        id=f"{name}{value}", hosted_zone_id="Z", name=name, type="A", values=values, ttl=60,
        set_identifier=value, health_check_id=health, **members,
    )  # fmt: skip


def chosen(*found: RecordSet, zone: Any = {}) -> list[str]:  # noqa: B006
    return [each.set_identifier or "" for each in answering(found, zone, CHECKS, {})]


@pytest.mark.parametrize(
    ("primary", "secondary", "answer"),
    [
        ("well", "well", "p"),
        ("new", "well", "p"),
        ("gone", "well", "p"),
        (None, "ill", "p"),
        ("ill", "well", "s"),
        ("ill", None, "s"),
        ("ill", "ill", "p"),
    ],
)
def test_of_a_pair_the_secondary_answers_for_an_ill_primary(
    primary: str | None, secondary: str | None, answer: str
) -> None:
    pair = record("s", secondary, failover="SECONDARY"), record("p", primary, failover="PRIMARY")
    assert chosen(*pair) == [answer]


def test_weights_count_among_the_healthy_and_nothing_weighs_only_when_all_else_is_ill() -> None:
    light = record("light", weight=0)
    assert chosen(record("a", "ill", weight=5), record("b", "well", weight=1), light) == ["b"]
    assert chosen(record("a", "ill", weight=5), record("b", "ill", weight=1), light) == ["light"]
    assert chosen(record("a", "ill", weight=5), record("b", "ill", weight=1)) == ["a", "b"]


def test_several_values_without_the_ill_ones() -> None:
    many = [record(str(n), health, multi_value_answer=True) for n, health in enumerate(("ill", "well", None))]
    assert chosen(*many) == ["1", "2"]
    assert chosen(many[0], record("x", "ill", multi_value_answer=True)) == ["0", "x"]


def test_one_record_alone_always_answers() -> None:
    assert chosen(record("a", "ill", weight=5)) == ["a"]


def test_an_alias_is_as_well_as_what_it_leads_to_if_that_is_asked() -> None:
    zone = {("t.", "A"): [record("x", "ill", "t.", weight=1), record("y", "ill", "t.", weight=1)]}

    def pair(evaluated: bool) -> list[str]:
        to = AliasTarget(hosted_zone_id="Z", dns_name="t.", evaluate_target_health=evaluated)
        return chosen(record("p", failover="PRIMARY", alias=to), record("s", failover="SECONDARY"), zone=zone)

    assert (pair(True), pair(False)) == (["s"], ["p"])
    zone["t.", "A"].append(record("z", "well", "t.", weight=1))
    assert pair(True) == ["p"]


def test_what_turns_a_verdict_round() -> None:
    checks = {
        each.id: each
        for each in (
            check("inverted", answers=False, inverted=True),
            check("new", answers=None, inverted=True),
            check("off", answers=False, disabled=True),
            check("off-inverted", disabled=True, inverted=True),
            check("ill", answers=False),
        )
    }
    verdicts = {id: is_healthy(id, checks) for id in checks}
    assert verdicts == {"inverted": True, "new": False, "off": True, "off-inverted": False, "ill": False}


@given(st.lists(st.sampled_from(["well", "ill", "new", "gone"]), max_size=6), st.integers(0, 7))
def test_a_calculated_check_counts_its_children(children: list[str], threshold: int) -> None:
    whole = check("sum", type="CALCULATED", child_health_checks=tuple(children), health_threshold=threshold)
    well = sum(child != "ill" for child in children)
    assert is_healthy("sum", {**CHECKS, "sum": whole}) == (well >= threshold)


def test_checks_that_count_each_other_come_to_an_end() -> None:
    loop = {
        id: check(id, type="CALCULATED", child_health_checks=(other,), health_threshold=1)
        for id, other in (("a", "b"), ("b", "a"))
    }
    assert not is_healthy("a", loop)
