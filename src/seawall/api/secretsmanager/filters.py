"""Which secrets a list asks for.  Source: API reference, Filter: prefixes; a leading "!" means not."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from seawall.model.secret import Secret
from seawall.wire.errors import ApiError


def matches(secret: Secret, filters: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a secret passes every filter, that is, one of each filter's values.

    Raises ApiError where a filter has no key, which the model does not require.
    """
    return all(
        any(_passes(secret, _key(each), value) for value in each.get("Values") or ()) for each in filters
    )


def _key(wanted: Mapping[str, Any]) -> str:
    if "Key" not in wanted:
        raise ApiError("InvalidParameterException", "You must provide a key for each filter.")
    return str(wanted["Key"])


def _passes(secret: Secret, key: str, value: str) -> bool:
    if value.startswith("!"):
        return not _has(secret, key, value[1:])
    return _has(secret, key, value)


def _has(secret: Secret, key: str, value: str) -> bool:
    if key == "all":
        return all(
            any(_has(secret, each, word) or _has(secret, each, word.lower()) for each in _TEXTS)
            for word in re.split(r"[ /_+=.@!-]+", value)
            if word
        )
    texts = _TEXTS.get(key)
    return texts is not None and any(text.startswith(value) for text in texts(secret))


def _words(text: str) -> list[str]:
    return [text, *re.split(r"[ /_+=.@!-]+", text)]


_TEXTS: dict[str, Callable[[Secret], list[str]]] = {
    "name": lambda secret: _words(secret.id),
    "description": lambda secret: (
        _words((secret.description or "").lower()) + _words(secret.description or "")
    ),
    "tag-key": lambda secret: list(secret.tags),
    "tag-value": lambda secret: list(secret.tags.values()),
}
