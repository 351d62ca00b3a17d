"""Conditions: does a request fulfil them?

Sources: "IAM JSON policy elements: Condition operators", "Conditions with multiple context keys or values",
"Set operators for multivalued context keys", IAM user guide.
"""

import base64
import ipaddress
import operator
from collections.abc import Callable
from datetime import datetime, timezone
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Literal, NamedTuple

from seawall.iam.policy.pattern import RequestContext, expand, is_arn, like, plain

Compare = Callable[[str, str], bool]  # (the policy's value, the request's) -> alike?


class _Operator(NamedTuple):
    compare: Compare
    negated: bool
    variables: bool  # only string and ARN operators know them


def _numbers(relation: Callable[[Decimal, Decimal], bool]) -> Compare:
    def compare(wanted: str, given: str) -> bool:
        try:
            left, right = Decimal(given), Decimal(wanted)
        except InvalidOperation:
            return False
        return not left.is_nan() and not right.is_nan() and relation(left, right)

    return compare


def _dates(relation: Callable[[datetime, datetime], bool]) -> Compare:
    def compare(wanted: str, given: str) -> bool:
        left, right = _date(given), _date(wanted)
        return left is not None and right is not None and relation(left, right)

    return compare


def _date(text: str) -> datetime | None:
    """ISO 8601 (2026, 2026-11, 2026-11-21, or with a time and a zone as well), or seconds since 1970."""
    try:
        if text.isdecimal() and len(text) > 4:
            return datetime.fromtimestamp(int(text), timezone.utc)
        whole = text + {4: "-01-01", 7: "-01"}.get(len(text), "")
        moment = datetime.fromisoformat(whole.replace("Z", "+00:00"))
    except (ValueError, OverflowError, OSError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def _in_network(wanted: str, given: str) -> bool:
    try:
        network, address = ipaddress.ip_network(wanted, strict=False), ipaddress.ip_address(given)
    except ValueError:
        return False
    return address in network


def _same_bytes(wanted: str, given: str) -> bool:
    try:
        return base64.b64decode(wanted, validate=True) == base64.b64decode(given, validate=True)
    except ValueError:
        return False


_STRINGS: dict[str, tuple[Compare, str]] = {
    "StringEquals": (lambda wanted, given: plain(wanted) == given, "StringNotEquals"),
    "StringEqualsIgnoreCase": (
        lambda wanted, given: plain(wanted).casefold() == given.casefold(),
        "StringNotEqualsIgnoreCase",
    ),
    "StringLike": (like, "StringNotLike"),
    "ArnEquals": (is_arn, "ArnNotEquals"),
    "ArnLike": (is_arn, "ArnNotLike"),
}
_VALUES: dict[str, tuple[Compare, str]] = {
    "NumericEquals": (_numbers(operator.eq), "NumericNotEquals"),
    "NumericLessThan": (_numbers(operator.lt), ""),
    "NumericLessThanEquals": (_numbers(operator.le), ""),
    "NumericGreaterThan": (_numbers(operator.gt), ""),
    "NumericGreaterThanEquals": (_numbers(operator.ge), ""),
    "DateEquals": (_dates(operator.eq), "DateNotEquals"),
    "DateLessThan": (_dates(operator.lt), ""),
    "DateLessThanEquals": (_dates(operator.le), ""),
    "DateGreaterThan": (_dates(operator.gt), ""),
    "DateGreaterThanEquals": (_dates(operator.ge), ""),
    "Bool": (lambda wanted, given: wanted.lower() == given.lower(), ""),
    "BinaryEquals": (_same_bytes, ""),
    "IpAddress": (_in_network, "NotIpAddress"),
}


def _operators() -> dict[str, _Operator]:
    found: dict[str, _Operator] = {}
    for table, variables in ((_STRINGS, True), (_VALUES, False)):
        for name, (compare, opposite) in table.items():
            found[name] = _Operator(compare, False, variables)
            if opposite:
                found[opposite] = _Operator(compare, True, variables)
    return found


OPERATORS = _operators()
Quantifier = Literal["ForAllValues", "ForAnyValue", ""]


@lru_cache(maxsize=256)
def read_operator(text: str) -> tuple[Quantifier, str, bool] | None:
    """(set prefix, operator, whether IfExists) of e.g. "ForAnyValue:StringLikeIfExists"; None for no such."""
    prefix, colon, rest = text.rpartition(":")
    quantifier: Quantifier = ""
    if prefix == "ForAllValues":
        quantifier = "ForAllValues"
    elif prefix == "ForAnyValue":
        quantifier = "ForAnyValue"
    elif colon:
        return None
    if rest == "Null" and not quantifier:
        return quantifier, rest, False
    name = rest.removesuffix("IfExists")
    return (quantifier, name, name != rest) if name in OPERATORS else None


def fulfils(
    operator_text: str, key: str, wanted: tuple[str, ...], context: RequestContext, variables: bool
) -> bool:
    """Does the request fulfil one key of one operator?

    Without a set prefix a key with many values is alike when one of them is; its negation, when none is.
    """
    read = read_operator(operator_text)
    if read is None:
        raise ValueError(f"{operator_text} is no condition operator")  # documents with such are not read
    quantifier, name, if_exists = read
    given = context.get(key.lower(), ())
    if name == "Null":
        return ("false" if given else "true") in {value.lower() for value in wanted}
    known = OPERATORS[name]
    if not given:
        return if_exists or quantifier == "ForAllValues" or (known.negated and not quantifier)
    values = [
        expanded
        for value in wanted
        if (expanded := expand(value, context) if variables and known.variables else value) is not None
    ]

    def alike(one: str) -> bool:
        return any(known.compare(value, one) for value in values)

    if quantifier == "ForAllValues":
        return all(alike(one) != known.negated for one in given if one)
    if quantifier == "ForAnyValue":
        return any(alike(one) != known.negated for one in given)
    return any(map(alike, given)) != known.negated
