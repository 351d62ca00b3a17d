"""Pages of a list: how far an answer went, told to the client as an opaque token.

The token names the key of the last item shown, so that items made or removed in between neither repeat nor
hide others.
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


class InvalidToken(ValueError):
    """The token was not made by `take_page`.  Each service has its own words for that."""


def take_page(
    items: Sequence[T], limit: int, token: str | None, key: Callable[[T], str]
) -> tuple[list[T], str | None]:
    """The items after `token`, at most `limit`, and the token of the rest (None at the end).

    items    sorted by `key`, whose values are distinct
    Raises   InvalidToken
    """
    rest = list(items)
    if token is not None:
        last = _decode(token)
        rest = [item for item in rest if key(item) > last]
    page = rest[:limit]
    return page, _encode(key(page[-1])) if len(rest) > limit else None


def _encode(key: str) -> str:
    return base64.urlsafe_b64encode(b"1:" + key.encode()).decode()


def _decode(token: str) -> str:
    try:
        plain = base64.urlsafe_b64decode(token.encode("ascii")).decode()
    except (binascii.Error, ValueError) as error:
        raise InvalidToken(token) from error
    version, colon, key = plain.partition(":")
    if version != "1" or not colon:
        raise InvalidToken(token)
    return key
