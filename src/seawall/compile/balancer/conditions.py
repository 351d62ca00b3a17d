"""Conditions of listener rules as access control lists of the engine.

Values of one condition are alternatives, all conditions of a rule must hold.  Sources: Application Load
Balancers user guide, "Rule condition types"; API reference of the condition configs for what ignores case,
and for the backslash that query strings alone have.
"""

from collections.abc import Iterable, Sequence

from seawall.compile.balancer.text import argument, expression, has_wildcard, word
from seawall.model.listener import QueryString, RuleCondition

HOST = "var(txn.host)"  # without a port, in lower case
_BETWEEN = "[^&]"  # what a wildcard of a query string stands for


def rule_conditions(priority: int, conditions: Sequence[RuleCondition]) -> tuple[list[str], list[str]]:
    """The lines that name a rule's conditions, and the names, all of which must hold."""
    lines, names = [], []
    for index, condition in enumerate(conditions):
        name = f"rule:{priority}:{index}"
        lines += [f"acl {name} {test}" for test in _tests(condition)]
        names.append(name)
    return lines, names


def _tests(condition: RuleCondition) -> Iterable[str]:
    """Each alternative of a condition: what is looked at, and how it is compared."""
    if condition.field == "path-pattern":
        return [_pattern("path", value) for value in condition.values]
    if condition.field == "host-header":
        return [_pattern(HOST, value.lower()) for value in condition.values]
    if condition.field == "http-header":
        header = word(f"req.fhdr({argument(condition.http_header_name or '')})")
        return [_pattern(header, value, fold=True) for value in condition.values]
    if condition.field == "http-request-method":
        return [f"method -m str -- {word(value)}" for value in condition.values]
    if condition.field == "source-ip":
        return [f"src {value}" for value in condition.values]
    return [_query(query) for query in condition.queries]


def _pattern(fetched: str, pattern: str, *, fold: bool = False) -> str:
    """The cheapest comparison that says what the pattern does."""
    flags = " -i" if fold else ""
    inner = pattern.strip("*")
    if not has_wildcard(inner):
        before, after = pattern.startswith("*"), pattern.endswith("*")
        if not inner and pattern:
            return f"{fetched} -m found"
        match = {(False, False): "str", (False, True): "beg", (True, False): "end", (True, True): "sub"}
        return f"{fetched} -m {match[before, after]}{flags} -- {word(inner)}"
    return f"{fetched} -m reg{flags} -- {word(f'^{expression(pattern)}$')}"


def _query(query: QueryString) -> str:
    """A key and its value, or a value of any key, anywhere in the query string."""
    value = expression(query.value, anything=_BETWEEN, escapes=True)
    key = "[^&=]*" if query.key is None else expression(query.key, anything="[^&=]", escapes=True)
    return f"query -m reg -i -- {word(f'(?:^|&){key}={value}(?:&|$)')}"
