"""Words of HAProxy's configuration language: whatever a user wrote stands for itself.

Source: HAProxy 2.6 configuration manual, 2.2 "Quoting and escaping", 8.2.4 "Custom log format".
"""

import hashlib
import hmac
import re
from collections.abc import Iterable

_OUTSIDE = {"'": r"\'", "\n": r"\n", "\r": r"\r"}  # what single quotes cannot hold


def word(text: str) -> str:
    """One word of a line."""
    inside = "".join(f"'{_OUTSIDE[c]}'" if c in _OUTSIDE else c for c in text)
    return f"'{inside}'"


def literal(text: str) -> str:
    """Text within a log format, not yet quoted as a word."""
    return text.replace("%", "%%")


def argument(name: str) -> str:
    """An argument of a sample fetch, not yet quoted as a word; `name` is a token of HTTP."""
    return f'"{name}"'


def one_of(name: str, numbers: Iterable[int]) -> list[str]:
    """Conditions of which one holds if the variable is one of the numbers; a line has 64 words at most."""
    ordered = sorted(numbers)
    return [
        f"{{ var({name}) -m int {' '.join(map(str, ordered[first : first + 40]))} }}"
        for first in range(0, len(ordered), 40)
    ]


def has_wildcard(pattern: str) -> bool:
    return "*" in pattern or "?" in pattern


def expression(pattern: str, *, anything: str = ".", escapes: bool = False) -> str:
    """A pattern with * and ? as a regular expression without anchors.

    anything   what a wildcard stands for
    escapes    a backslash makes * and ? stand for themselves
    """
    token = re.compile(r"\\[*?]|." if escapes else r".", re.DOTALL)
    made = []
    for found in token.findall(pattern):
        if found == "*":
            made.append(f"{anything}*")
        elif found == "?":
            made.append(anything)
        else:
            made.append(_literally(found[-1]))
    return "".join(made)


def _literally(character: str) -> str:
    plain = character.isalnum() or ord(character) > 127 or character in "_-/=&%~ "
    return character if plain else f"\\{character}"


def opaque(secret: str, text: str) -> str:
    """A name that tells nobody what it stands for, the same wherever it is made."""
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()[:16]


def pool_name(target_group_id: str) -> str:
    """The backend, and the pool, of a target group."""
    return target_group_id.replace("/", ":")


def target_group_id(pool: str) -> str:
    return pool.replace(":", "/")


def frontend_name(listener_id: str) -> str:
    """The frontend of a listener."""
    return f"listener:{listener_id.rpartition('/')[2]}"
