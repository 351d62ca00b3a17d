"""Marker and PageSize, which every Describe of this service has."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from seawall.api.elbv2.names import invalid
from seawall.api.page import InvalidToken, take_page
from seawall.api.params import Params

LARGEST_PAGE = 400
T = TypeVar("T")


def paged(
    params: Params, member: str, items: Iterable[T], key: Callable[[T], str], shown: Callable[[T], Any]
) -> dict[str, Any]:
    """The answer {member: [...], "NextMarker": ...} with the page that was asked for.

    Raises ApiError ValidationError for a Marker that is none.
    """
    limit = params.get("PageSize") or LARGEST_PAGE
    marker = params.get("Marker")
    try:
        page, rest = take_page(sorted(items, key=key), limit, marker or None, key)
    except InvalidToken as error:
        raise invalid("The marker is not valid") from error
    answer: dict[str, Any] = {member: [shown(item) for item in page]}
    return answer | {"NextMarker": rest} if rest else answer
