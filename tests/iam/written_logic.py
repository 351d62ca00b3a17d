"""AWS's written evaluation logic once more, in the plainest way, to compare the engine with.

It shares nothing with the engine: it walks the raw JSON, matches wildcards character by character, and asks
each question of the documents anew, as the tables of the IAM user guide put it.
"""

import base64
import ipaddress
import re
from datetime import datetime, timezone
from typing import Any

Context = dict[str, list[str]]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def wild(pattern: list[str], text: str) -> bool:
    """`pattern` is a list of characters and of the marks "*" and "?" (as ("*",), ("?",))."""
    reach = {0}
    for token in pattern:
        if token == ("*",):
            reach = {j for i in reach for j in range(i, len(text) + 1)}
        else:
            reach = {i + 1 for i in reach if i < len(text) and token in (("?",), text[i])}
    return len(text) in reach


def tokens(text: str, context: Context | None) -> list[Any] | None:
    """Characters and wildcards of a policy's text, variables put in; None when one has no value."""
    out: list[Any] = []
    i = 0
    while i < len(text):
        if context is not None and text.startswith("${", i) and "}" in text[i:]:
            end = text.index("}", i)
            inside = text[i + 2 : end]
            i = end + 1
            if inside in ("*", "?", "$"):
                out.append(inside)
                continue
            key, _, default = inside.partition(",")
            values = {k.lower(): v for k, v in context.items()}.get(key.strip().lower(), [])
            if len(values) == 1:
                out += list(values[0])
            elif default:
                out += list(default.strip()[1:-1])
            else:
                return None
            continue
        out.append((text[i],) if text[i] in "*?" else text[i])
        i += 1
    return out


def action_fits(patterns: Any, action: str) -> bool:
    return any(wild(tokens(p.lower(), None) or [], action.lower()) for p in listed(patterns))


def resource_fits(patterns: Any, arn: str, context: Context | None) -> bool:
    return any(one_resource(pattern, arn, context) for pattern in listed(patterns))


def one_resource(pattern: str, arn: str, context: Context | None) -> bool:
    found = tokens(pattern, context)
    if found is None:
        return False
    # A star that is not the last character of one of the first five segments stays within it.
    colons = 0
    limited: list[Any] = []
    for position, token in enumerate(found):
        if token == ":" and colons < 5:
            colons += 1
        last = position + 1 == len(found) or found[position + 1] in (":", ("*",))
        tail_of_stars = last and all(t == ("*",) for t in found[position : next_colon(found, position)])
        if token == ("*",) and colons < 5 and not tail_of_stars:
            limited.append(("segment",))
        elif token == ("?",) and colons < 5:
            limited.append(("one",))
        else:
            limited.append(token)
    reach = {0}
    for token in limited:
        if token == ("*",):
            reach = {j for i in reach for j in range(i, len(arn) + 1)}
        elif token == ("segment",):
            reach = {j for i in reach for j in range(i, len(arn) + 1) if ":" not in arn[i:j]}
        elif token == ("one",):
            reach = {i + 1 for i in reach if i < len(arn) and arn[i] != ":"}
        else:
            reach = {i + 1 for i in reach if i < len(arn) and token in (("?",), arn[i])}
    return len(arn) in reach


def next_colon(found: list[Any], start: int) -> int:
    return next((i for i in range(start, len(found)) if found[i] == ":"), len(found))


def same(operator: str, wanted: str, given: str, context: Context | None) -> bool:
    if operator.startswith(("String", "Arn")):
        found = tokens(wanted, context)
        if found is None:
            return False
        if operator == "StringLike":
            return wild(found, given)
        if operator.startswith("Arn"):
            return arn_fits(found, given)
        literal = "".join(t if isinstance(t, str) else t[0] for t in found)
        return literal.lower() == given.lower() if "IgnoreCase" in operator else literal == given
    if operator == "Bool":
        return wanted.lower() == given.lower()
    if operator == "BinaryEquals":
        return base64.b64decode(wanted) == base64.b64decode(given)
    if operator == "IpAddress":
        return ipaddress.ip_address(given) in ipaddress.ip_network(wanted, strict=False)
    kind, relation = re.fullmatch(r"(Numeric|Date)(\w+)", operator).groups()  # type: ignore[union-attr]
    left, right = (moment(given), moment(wanted)) if kind == "Date" else (float(given), float(wanted))
    return {
        "Equals": left == right,
        "LessThan": left < right,
        "LessThanEquals": left <= right,
        "GreaterThan": left > right,
        "GreaterThanEquals": left >= right,
    }[relation]


def arn_fits(found: list[Any], arn: str) -> bool:
    parts: list[list[Any]] = [[]]
    for token in found:
        if token == ":" and len(parts) < 6:
            parts.append([])
        else:
            parts[-1].append(token)
    given = arn.split(":", 5)
    if len(given) != 6:
        return False
    return found == [("*",)] or (
        len(parts) == 6 and all(wild(p, g) for p, g in zip(parts, given, strict=True))
    )


def moment(text: str) -> float:
    if text.isdigit() and len(text) > 4:
        return float(text)
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(timezone.utc).timestamp()


NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
    "NotIpAddress": "IpAddress",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
}


def condition_holds(operator: str, key: str, wanted: Any, context: Context, variables: bool) -> bool:
    given = {k.lower(): v for k, v in context.items()}.get(key.lower(), [])
    values = [str(value) for value in listed(wanted)]
    if operator == "Null":
        return ("true" if not given else "false") in [value.lower() for value in values]
    quantifier, _, rest = operator.rpartition(":")
    base = rest.removesuffix("IfExists")
    positive = NEGATED.get(base, base)
    if not given:
        if rest != base or quantifier == "ForAllValues":
            return True
        return base in NEGATED and not quantifier
    hits = [
        any(same(positive, value, one, context if variables else None) for value in values) for one in given
    ]
    right = [hit != (base in NEGATED) for hit in hits]
    if quantifier == "ForAllValues":
        return all(fits for fits, one in zip(right, given, strict=True) if one != "")
    if quantifier == "ForAnyValue":
        return any(right)
    return not any(hits) if base in NEGATED else any(hits)


def statement_applies(
    statement: dict[str, Any], version: str, action: str, resource: str, context: Context
) -> bool:
    variables = version == "2012-10-17"
    names = context if variables else None
    if "Action" in statement and not action_fits(statement["Action"], action):
        return False
    if "NotAction" in statement and action_fits(statement["NotAction"], action):
        return False
    if "Resource" in statement and not resource_fits(statement["Resource"], resource, names):
        return False
    if "NotResource" in statement and resource_fits(statement["NotResource"], resource, names):
        return False
    return all(
        condition_holds(operator, key, wanted, context, variables)
        for operator, keys in statement.get("Condition", {}).items()
        for key, wanted in keys.items()
    )


def effects(documents: list[dict[str, Any]], action: str, resource: str, context: Context) -> set[str]:
    """ "Allow" and "Deny", as far as statements of these documents with that effect apply."""
    return {
        statement["Effect"]
        for document in documents
        for statement in listed(document["Statement"])
        if statement_applies(statement, document.get("Version", "2008-10-17"), action, resource, context)
    }
