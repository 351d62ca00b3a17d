"""Every condition operator, with one value, many, none, and under the set prefixes."""

import pytest

from seawall.iam.policy.condition import OPERATORS, fulfils, read_operator

ARN = "arn:aws:ecs:eu-west-1:123456789012:cluster/prod"

# operator, the policy's value, a value of the request that is alike, one that is not
EXAMPLES = [
    ("StringEquals", "a", "a", "A"),
    ("StringEquals", "a*", "a*", "ab"),
    ("StringEqualsIgnoreCase", "aB", "Ab", "ac"),
    ("StringLike", "a*?", "abc", "a"),
    ("NumericEquals", "5", "5.0", "6"),
    ("NumericLessThan", "5", "4.9", "5"),
    ("NumericLessThanEquals", "5", "5", "5.1"),
    ("NumericGreaterThan", "5", "6", "5"),
    ("NumericGreaterThanEquals", "5", "5", "4"),
    ("DateEquals", "2026-01-01T00:00:00Z", "1767225600", "2026-01-01T00:00:01Z"),
    ("DateLessThan", "2026-01-01T00:00:00Z", "2025-12-31T23:59:59Z", "2026-01-01T00:00:00Z"),
    ("DateLessThanEquals", "2026-01-01", "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"),
    ("DateGreaterThan", "2026-01-01T01:00:00+01:00", "2026-01-01T00:00:01Z", "2026-01-01T00:00:00Z"),
    ("DateGreaterThanEquals", "1767225600", "2026-01-01T00:00:00Z", "2025-12-31T00:00:00Z"),
    ("Bool", "true", "True", "false"),
    ("BinaryEquals", "QmluYXJ5", "QmluYXJ5", "b3RoZXI="),
    ("IpAddress", "203.0.113.0/24", "203.0.113.9", "203.0.114.9"),
    ("IpAddress", "203.0.113.9", "203.0.113.9", "203.0.113.8"),
    ("IpAddress", "2001:db8::/32", "2001:db8::1", "203.0.113.9"),
    ("ArnEquals", "arn:aws:ecs:*:*:cluster/*", ARN, "arn:aws:ec2:eu-west-1:123456789012:cluster/prod"),
    ("ArnLike", "arn:aws:ecs:eu-*:*:cluster/p?od", ARN, f"{ARN}s"),
]
NEGATIONS = {
    "StringEquals": "StringNotEquals",
    "StringEqualsIgnoreCase": "StringNotEqualsIgnoreCase",
    "StringLike": "StringNotLike",
    "NumericEquals": "NumericNotEquals",
    "DateEquals": "DateNotEquals",
    "IpAddress": "NotIpAddress",
    "ArnEquals": "ArnNotEquals",
    "ArnLike": "ArnNotLike",
}


def holds(operator: str, wanted: str | tuple[str, ...], given: tuple[str, ...]) -> bool:
    values = (wanted,) if isinstance(wanted, str) else wanted
    return fulfils(operator, "Some:Key", values, {"some:key": given} if given else {}, True)


def test_every_operator_is_tried() -> None:
    tried = {operator for operator, *_ in EXAMPLES}
    assert tried | set(NEGATIONS.values()) == set(OPERATORS)


@pytest.mark.parametrize(("operator", "wanted", "alike", "other"), EXAMPLES)
def test_an_operator_and_its_opposite(operator: str, wanted: str, alike: str, other: str) -> None:
    assert holds(operator, wanted, (alike,)) and not holds(operator, wanted, (other,))
    assert holds(operator, (other, wanted), (alike,))  # one of the policy's values is enough
    assert not holds(operator, wanted, ())
    assert holds(f"{operator}IfExists", wanted, ()) and not holds(f"{operator}IfExists", wanted, (other,))
    assert holds(f"ForAllValues:{operator}", wanted, (alike, alike))
    assert not holds(f"ForAllValues:{operator}", wanted, (alike, other))
    assert holds(f"ForAllValues:{operator}", wanted, ())
    assert holds(f"ForAnyValue:{operator}", wanted, (other, alike))
    assert not holds(f"ForAnyValue:{operator}", wanted, (other, other))
    assert not holds(f"ForAnyValue:{operator}", wanted, ())
    assert holds(f"ForAnyValue:{operator}IfExists", wanted, ())
    if operator in NEGATIONS:
        negated = NEGATIONS[operator]
        assert not holds(negated, wanted, (alike,)) and holds(negated, wanted, (other,))
        assert not holds(negated, ("other-value-only", wanted), (alike,))  # NOR
        assert holds(negated, wanted, ())  # a key that is missing is not alike
        assert holds(f"ForAllValues:{negated}", wanted, (other, other))
        assert not holds(f"ForAllValues:{negated}", wanted, (other, alike))
        assert holds(f"ForAnyValue:{negated}", wanted, (other, alike))
        assert not holds(f"ForAnyValue:{negated}", wanted, (alike,))
        assert not holds(f"ForAnyValue:{negated}", wanted, ())


@pytest.mark.parametrize("garbage", ["", "x", "1e", "999.1.1.1", "not-a-date"])
def test_what_cannot_be_read_is_not_alike(garbage: str) -> None:
    for operator, wanted in (
        ("NumericLessThan", "5"),
        ("DateLessThan", "2026-01-01"),
        ("IpAddress", "0.0.0.0/0"),
        ("BinaryEquals", "QmluYXJ5"),
        ("ArnLike", "*"),
    ):
        assert not holds(operator, wanted, (garbage,))
        if operator != "ArnLike":
            assert not holds(operator, "§", (wanted,))


def test_null_asks_whether_a_key_is_there() -> None:
    assert holds("Null", "true", ()) and not holds("Null", "true", ("x",))
    assert holds("Null", "false", ("x",)) and not holds("Null", "false", ())
    assert holds("Null", ("true", "false"), ())


def test_all_values_are_right_when_there_is_nothing_to_look_at() -> None:
    assert holds("ForAllValues:StringEquals", "a", ("",))


def test_variables_work_in_strings_and_arns_only() -> None:
    context = {"aws:username": ("ann",), "some:key": ("ann",), "n": ("5",), "five": ("5",)}
    assert fulfils("StringEquals", "some:key", ("${aws:username}",), context, True)
    assert not fulfils("StringEquals", "some:key", ("${aws:username}",), context, False)
    assert not fulfils("StringEquals", "some:key", ("${aws:nothing}",), context, True)
    assert fulfils("StringNotEquals", "some:key", ("${aws:nothing}",), context, True)
    assert not fulfils("NumericEquals", "n", ("${five}",), context, True)


@pytest.mark.parametrize(
    "text", ["stringlike", "ForAllValues:Null", "ForAnyValue:", "IfExists", "a:b:StringLike"]
)
def test_other_operators_are_none(text: str) -> None:
    assert read_operator(text) is None
