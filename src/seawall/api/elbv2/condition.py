"""Conditions of rules: from a request to what is stored, and back.

Source: API reference, RuleCondition; the texts are those that clients of AWS have reported.
"""

import re
from collections.abc import Sequence
from ipaddress import AddressValueError, IPv4Network, IPv6Network, NetmaskValueError
from typing import Any, cast

from seawall.api.elbv2.names import invalid
from seawall.api.elbv2.quotas import CONDITION_VALUES_PER_RULE, WILDCARDS_PER_RULE
from seawall.api.params import Params
from seawall.model.listener import ConditionField, QueryString, RuleCondition
from seawall.wire.errors import NotImplementedHere

_CONFIGS: dict[ConditionField, str] = {
    "http-header": "HttpHeaderConfig",
    "http-request-method": "HttpRequestMethodConfig",
    "host-header": "HostHeaderConfig",
    "query-string": "QueryStringConfig",
    "source-ip": "SourceIpConfig",
    "path-pattern": "PathPatternConfig",
}
_PLAIN = ("host-header", "path-pattern")  # these may have their values without a config
_SEVERAL = ("http-header", "query-string")  # of these a rule may have more than one
_LONGEST = {"http-request-method": 40}
_HOST = re.compile(r"[A-Za-z0-9.*?-]+")
_PATH = re.compile(r"[A-Za-z0-9_\-.$/~\"'@:+&*?]+")
_METHOD = re.compile(r"[A-Z_-]+")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TEXT = re.compile(r"[\x20-\x7e]+")
REFUSED_CONDITIONS = {"Conditions.RegexValues": "regular expressions are not served"}


def read_conditions(given: Sequence[Params]) -> tuple[RuleCondition, ...]:
    """Raises ApiError ValidationError; NotImplementedHere for regular expressions."""
    if not given:
        raise invalid("A condition must be specified")
    conditions = tuple(_condition(one) for one in given)
    for field in _CONFIGS:
        if field not in _SEVERAL and sum(one.field == field for one in conditions) > 1:
            raise invalid(f"A rule can only have one '{field}' condition")
    count = sum(len(one.values) + len(one.queries) for one in conditions)
    if count > CONDITION_VALUES_PER_RULE:
        raise invalid(f"A rule can only have '{CONDITION_VALUES_PER_RULE}' condition values and regex values")
    wildcards = sum(_wildcards(one) for one in conditions)
    if wildcards > WILDCARDS_PER_RULE:
        raise invalid(f"A rule can only have '{WILDCARDS_PER_RULE}' condition wildcards")
    return conditions


def _condition(given: Params) -> RuleCondition:
    field = given.get("Field")
    if field is None:
        raise invalid("A condition field must be specified")
    if field not in _CONFIGS:
        raise invalid(f"Condition field '{field}' must be one of '{','.join(_CONFIGS)}'")
    name = _CONFIGS[field]
    for other in _CONFIGS.values():
        if other != name and given.get(other) is not None:
            raise invalid(f"The '{other}' field is not compatible with '{field}'")
    values, config = given.get("Values"), given.get(name)
    regular = given.get("RegexValues") or (config is not None and config.get("RegexValues"))
    if regular:
        if field not in (*_PLAIN, "http-header"):
            raise invalid(f"'RegexValues' is not supported for a condition of type '{field}'")
        raise NotImplementedHere("Conditions.RegexValues: Seawall's rules have no regular expressions.")
    if values and field not in _PLAIN:
        raise invalid(f"The 'Values' field is not compatible with '{field}'")
    if values and config is not None:
        raise invalid(f"You cannot provide both Values and '{name}' for a condition of type '{field}'")
    if values is None and config is None:
        fields = f"Values or RegexValues or {name}" if field in _PLAIN else name
        raise invalid(f"For conditions of type '{field}', you must specify the following fields: '{fields}'")
    if config is not None:
        values = config.get("Values")
    if not values:
        if config is None:
            raise invalid("A condition value must be specified")
        raise invalid(
            "You must provide exactly one of the following: ['Values' 'RegexValues'] for config of type"
            f" '{name}'"
        )
    return _checked(field, values, config)


def _checked(field: ConditionField, values: Sequence[Any], config: Params | None) -> RuleCondition:
    if field == "query-string":
        return RuleCondition(field=field, queries=tuple(_query(pair) for pair in values))
    for value in values:
        _check_value(field, value)
    if field != "http-header":
        if field == "source-ip" and config is not None and config.get("IpAddressType"):
            raise invalid("'IpAddressType' is only supported for load balancers with type 'network'")
        return RuleCondition(field=field, values=tuple(values))
    header = cast(Params, config).get("HttpHeaderName")
    if not header:
        raise invalid("An HTTP header name must be specified for a condition of type 'http-header'")
    if len(header) > 40:
        raise invalid("Condition value for 'http-header' cannot contain more than 40 characters")
    if not _HEADER_NAME.fullmatch(header):
        raise invalid(f"Condition value '{header}' contains a character that is not valid")
    if header.lower() == "host":
        raise invalid("The 'Host' header cannot be used in an 'http-header' condition; use 'host-header'")
    return RuleCondition(field=field, values=tuple(values), http_header_name=header)


def _check_value(field: ConditionField, value: str) -> None:
    if not value:
        raise invalid("A condition value must be specified")
    longest = _LONGEST.get(field, 128)
    if len(value) > longest:
        raise invalid(f"Condition value for '{field}' cannot contain more than {longest} characters")
    if field == "source-ip":
        return _check_block(value)
    allowed = {"host-header": _HOST, "path-pattern": _PATH, "http-request-method": _METHOD}.get(field, _TEXT)
    if not allowed.fullmatch(value):
        raise invalid(f"Condition value '{value}' contains a character that is not valid")
    if field == "host-header":
        _check_host(value)
    return None


def _check_host(value: str) -> None:
    before, dot, last = value.rpartition(".")
    if not dot or not before or not re.fullmatch(r"[A-Za-z*?]+[A-Za-z0-9*?-]*", last):
        raise invalid(f"Condition value '{value}' contains a character that is not valid")


def _check_block(value: str) -> None:
    try:
        if "/" not in value:
            raise AddressValueError(value)
        IPv6Network(value) if ":" in value else IPv4Network(value)
    except (AddressValueError, NetmaskValueError, ValueError) as error:
        raise invalid(f"The specified value '{value}' is not a valid CIDR block") from error


def _query(pair: Params) -> QueryString:
    key, value = pair.get("Key"), pair.get("Value")
    if not value:
        raise invalid("A 'Value' must be specified in 'QueryStringKeyValuePair'")
    for text in (key, value):
        if text and len(text) > 128:
            raise invalid("Condition value for 'query-string' cannot contain more than 128 characters")
        if text and not _TEXT.fullmatch(text):
            raise invalid(f"Condition value '{text}' contains a character that is not valid")
    return QueryString(key=key or None, value=value)


def _wildcards(condition: RuleCondition) -> int:
    """How many * and ? stand for other characters; in query strings a backslash takes that away."""
    if condition.field in ("http-request-method", "source-ip"):
        return 0
    texts = [*condition.values, *(part for q in condition.queries for part in (q.key or "", q.value))]
    return sum(len(re.findall(r"(?<!\\)[*?]", text)) for text in texts)


def shown_condition(condition: RuleCondition) -> dict[str, Any]:
    found: dict[str, Any] = {"Field": condition.field}
    if condition.field in _PLAIN:
        found["Values"] = list(condition.values)
    config: dict[str, Any] = {"Values": list(condition.values)}
    if condition.field == "query-string":
        config["Values"] = [
            {"Key": query.key, "Value": query.value} if query.key else {"Value": query.value}
            for query in condition.queries
        ]
    if condition.http_header_name:
        config["HttpHeaderName"] = condition.http_header_name
    return found | {_CONFIGS[condition.field]: config}
