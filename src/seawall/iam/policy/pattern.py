"""Wildcards and policy variables.

In a policy's text * and ? are wildcards, ${aws:username} stands for a value of the request, ${*}, ${?} and
${$} for these very characters.  `expand` puts the values in; what came out of a variable is never a wildcard,
so literal * and ? are carried as two code points that JSON text cannot hold.

Sources: "IAM JSON policy elements: Variables and tags", "... Resource", "... Action", IAM user guide.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

# Condition key in lower case -> its values.
RequestContext = Mapping[str, tuple[str, ...]]

_STAR, _MARK = "\udc2a", "\udc3f"  # lone surrogates
_LITERAL = str.maketrans({"*": _STAR, "?": _MARK})
_PLAIN = str.maketrans({_STAR: "*", _MARK: "?"})
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_DEFAULTED = re.compile(r"\s*([^,\s]+)\s*,\s*'([^']*)'\s*")


class _NoValue(Exception):
    """A variable stands for nothing in this request."""


def expand(text: str, context: RequestContext) -> str | None:
    """`text` with its variables replaced; None when one has no value, or more than one, and no default."""
    if "${" not in text:
        return text

    def value(match: re.Match[str]) -> str:
        inside = match[1]
        if inside in ("*", "?", "$"):
            return inside.translate(_LITERAL)
        defaulted = _DEFAULTED.fullmatch(inside)
        key, default = (defaulted[1], defaulted[2]) if defaulted else (inside.strip(), None)
        values = context.get(key.lower(), ())
        if len(values) != 1:
            if default is None:
                raise _NoValue
            return default.translate(_LITERAL)
        return values[0].translate(_LITERAL)

    try:
        return _VARIABLE.sub(value, text)
    except _NoValue:
        return None


def plain(expanded: str) -> str:
    """The expanded text where it holds no wildcards (StringEquals): every character is itself."""
    return expanded.translate(_PLAIN)


def like(expanded: str, text: str) -> bool:
    """* is any characters, ? any one."""
    return _glob(expanded).fullmatch(text) is not None


def is_action(pattern: str, action: str) -> bool:
    """The same, without regard to case."""
    return pattern == "*" or _action(pattern).fullmatch(action) is not None


def is_resource(expanded: str, arn: str) -> bool:
    """A Resource element against an ARN.

    In the first five segments * stays within its segment unless it is the segment's last character.
    """
    return expanded == "*" or _resource(expanded).fullmatch(arn) is not None


def is_arn(expanded: str, arn: str) -> bool:
    """ArnLike: each of the six parts by itself.  "*" alone is every ARN."""
    parts = arn.split(":", 5)
    if len(parts) != 6:
        return False
    if expanded == "*":
        return True
    patterns = expanded.split(":", 5)
    return len(patterns) == 6 and all(map(like, patterns, parts))


@lru_cache(maxsize=8192)
def _glob(expanded: str) -> re.Pattern[str]:
    return re.compile(_regex(expanded, ".*", "."), re.DOTALL)


@lru_cache(maxsize=8192)
def _action(pattern: str) -> re.Pattern[str]:
    return re.compile(_regex(pattern, ".*", "."), re.IGNORECASE)


@lru_cache(maxsize=8192)
def _resource(expanded: str) -> re.Pattern[str]:
    *head, last = expanded.split(":", 5)
    segments = [_segment(segment) for segment in head]
    segments.append(_regex(last, ".*", ".") if len(head) == 5 else _segment(last))
    return re.compile(":".join(segments), re.DOTALL)


def _segment(segment: str) -> str:
    inner = segment.rstrip("*")
    return _regex(inner, "[^:]*", "[^:]") + (".*" if inner != segment else "")


def _regex(text: str, star: str, mark: str) -> str:
    """Neighbouring stars count as one: a pattern of many must not take long to fail."""
    shown = {"*": star, "?": mark}
    squeezed = re.sub(r"\*+", "*", text)
    return "".join(shown.get(character) or re.escape(plain(character)) for character in squeezed)
