"""Policy documents: JSON text to statements.

Source: "IAM JSON policy elements reference" and "Grammar of the IAM JSON policy language", IAM user guide.
"""

from functools import lru_cache
from typing import Any, Literal, NamedTuple

import msgspec

from seawall.iam.policy.condition import read_operator
from seawall.iam.policy.pattern import is_action

VERSIONS = ("2012-10-17", "2008-10-17")
VARIABLES_SINCE = "2012-10-17"  # in older documents ${...} is plain text
MOST_REMEMBERED = 1000  # actions per statement
PRINCIPAL_KINDS = ("AWS", "Service", "Federated", "CanonicalUser")

_TOP = {"Version", "Id", "Statement"}
_MEMBERS = {
    *("Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource"),
    "Condition",
}


class PolicyError(Exception):
    """The text is no policy document.  The message says what is wrong."""


class Condition(NamedTuple):
    """One key under one operator: {"StringLike": {"aws:userid": ["a", "b"]}}."""

    operator: str  # with its set prefix and IfExists, as written
    key: str
    values: tuple[str, ...]


class Actions:
    """Patterns of actions, which remember what they have been asked: some documents name thousands."""

    __slots__ = ("_known", "patterns")

    def __init__(self, patterns: tuple[str, ...]) -> None:
        self.patterns = patterns
        self._known: dict[str, bool] = {}

    def name(self, action: str) -> bool:
        """Does one of them fit?"""
        known = self._known.get(action)
        if known is None:
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            known = self._known[action] = any(is_action(pattern, action) for pattern in self.patterns)
        return known


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """One statement.  Of each pair (actions, not_actions) one is None; both are for resources and principals
    where the kind of policy has no such element.

    principals   (kind, name) pairs; Principal "*" is ("*", "*")
    """

    sid: str
    effect: Literal["Allow", "Deny"]
    actions: Actions | None = None
    not_actions: Actions | None = None
    resources: tuple[str, ...] | None = None
    not_resources: tuple[str, ...] | None = None
    principals: tuple[tuple[str, str], ...] | None = None
    not_principals: tuple[tuple[str, str], ...] | None = None
    conditions: tuple[Condition, ...] = ()
    variables: bool = True  # whether ${...} means something here


class Document(msgspec.Struct, frozen=True, kw_only=True):
    version: str
    id: str
    statements: tuple[Statement, ...]


class Policy(NamedTuple):
    """A document and what it is called where a decision is explained: an ARN, or an inline policy's name."""

    name: str
    document: Document


def named_policy(name: str, text: str) -> Policy:
    """Raises PolicyError."""
    return Policy(name, parse_document(text))


@lru_cache(maxsize=4096)
def parse_document(text: str) -> Document:
    """The document that `text` is; remembered by its text.  Raises PolicyError."""
    try:
        raw = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        raise PolicyError("This policy contains invalid Json") from None
    if not isinstance(raw, dict) or not set(raw) <= _TOP:
        raise PolicyError("Syntax errors in policy.")
    version = raw.get("Version", VERSIONS[1])
    if version not in VERSIONS:
        raise PolicyError("Syntax errors in policy.")
    given = raw.get("Statement")
    listed = [given] if isinstance(given, dict) else given
    if not isinstance(listed, list):
        raise PolicyError("Syntax errors in policy.")
    variables = version == VARIABLES_SINCE
    statements = tuple(_statement(statement, variables) for statement in listed)
    return Document(version=version, id=str(raw.get("Id", "")), statements=statements)


def _statement(raw: Any, variables: bool) -> Statement:
    if not isinstance(raw, dict) or not set(raw) <= _MEMBERS:
        raise PolicyError("Syntax errors in policy.")
    for name in ("Action", "Resource", "Principal"):
        if name in raw and f"Not{name}" in raw:
            raise PolicyError("Syntax errors in policy.")
    effect = raw.get("Effect")
    if effect not in ("Allow", "Deny") or not isinstance(raw.get("Sid", ""), str):
        raise PolicyError("Syntax errors in policy.")
    return Statement(
        sid=raw.get("Sid", ""),
        effect=effect,
        actions=_actions(raw.get("Action")),
        not_actions=_actions(raw.get("NotAction")),
        resources=_texts(raw.get("Resource")),
        not_resources=_texts(raw.get("NotResource")),
        principals=_principals(raw.get("Principal")),
        not_principals=_principals(raw.get("NotPrincipal")),
        conditions=_conditions(raw.get("Condition")),
        variables=variables,
    )


def _actions(raw: Any) -> Actions | None:
    patterns = _texts(raw)
    return None if patterns is None else Actions(patterns)


def _texts(raw: Any) -> tuple[str, ...] | None:
    if raw is None:
        return None
    texts = [raw] if isinstance(raw, str) else raw
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise PolicyError("Syntax errors in policy.")
    return tuple(texts)


def _principals(raw: Any) -> tuple[tuple[str, str], ...] | None:
    if raw is None:
        return None
    if raw == "*":
        return (("*", "*"),)
    if not isinstance(raw, dict) or not raw or not set(raw) <= set(PRINCIPAL_KINDS):
        raise PolicyError(f"Invalid principal in policy: {msgspec.json.encode(raw).decode()}")
    return tuple((kind, name) for kind, names in raw.items() for name in _texts(names) or ())


def _conditions(raw: Any) -> tuple[Condition, ...]:
    if raw is None:
        return ()
    if not isinstance(raw, dict) or not all(isinstance(keys, dict) for keys in raw.values()):
        raise PolicyError("Syntax errors in policy.")
    for operator in raw:
        if read_operator(operator) is None:
            raise PolicyError(f"Invalid Condition type : {operator}.")
    return tuple(
        Condition(operator, key, _values(values))
        for operator, keys in raw.items()
        for key, values in keys.items()
    )


def _values(raw: Any) -> tuple[str, ...]:
    """What a key is compared with.  JSON's true and 5 are taken for "true" and "5", as AWS does."""
    listed = raw if isinstance(raw, list) else [raw]
    if not all(isinstance(value, (str, bool, int, float)) for value in listed):
        raise PolicyError("Syntax errors in policy.")
    return tuple(_text(value) for value in listed)


def _text(value: str | bool | int | float) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
