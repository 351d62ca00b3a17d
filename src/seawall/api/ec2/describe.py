"""What every Describe call shares: ids, filters with wildcards, pages."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from seawall.api.ec2.lookup import look_up
from seawall.api.ec2.quotas import FILTER_VALUES
from seawall.api.page import InvalidToken, take_page
from seawall.api.params import Params
from seawall.model.resource import Resource, Tags
from seawall.store.store import Reader
from seawall.wire.errors import ApiError

T = TypeVar("T")
R = TypeVar("R", bound=Resource)
Value = str | int | bool | None
Filters = Mapping[str, Callable[[T], Value | Iterable[Value]]]
"""For each filter the values of an item; the item matches when one of them does.  None matches nothing."""

SMALLEST_PAGE = 5
PAGE = 1000


def chosen(reader: Reader, cls: type[R], ids: Sequence[str] | None) -> list[R]:
    """The documents named by `ids`, each once, ordered by id; all of them when no id is given.

    Raises ApiError for the first id that is malformed or not there.
    """
    if not ids:
        return reader.all(cls)
    return [look_up(reader, cls, id) for id in sorted(set(ids))]


def filtered(
    params: Params,
    items: Iterable[T],
    filters: Filters[T],
    *,
    tags: Callable[[T], Tags] | None = None,
    member: str = "Filters",
) -> list[T]:
    """The items that pass every filter of the request; inside one filter any value will do.

    tags     how to get at an item's tags; with it `tag:KEY` and `tag-key` are filters too
    member   what the operation calls its filters
    Raises   ApiError InvalidParameterValue for a filter that does not exist.
    """
    rest = list(items)
    for given in params.get(member) or ():
        name, wanted = given.get("Name") or "", given.get("Values") or ()
        if len(wanted) > FILTER_VALUES:
            raise ApiError(
                "FilterLimitExceeded",
                f"The maximum number of filter values specified on a single call is {FILTER_VALUES}",
            )
        values_of = _values_of(name, filters, tags)
        patterns = [_pattern(value) for value in wanted]
        rest = [item for item in rest if _matches(values_of(item), patterns)]
    return rest


def paged(
    params: Params,
    items: Sequence[T],
    key: Callable[[T], str],
    *,
    smallest: int = SMALLEST_PAGE,
    largest: int = PAGE,
) -> tuple[list[T], str | None]:
    """One page of `items` (sorted by `key`) and the token of the next.

    Raises ApiError InvalidParameterValue for MaxResults below `smallest`, InvalidNextToken for a strange one.
    """
    wanted = params.get("MaxResults")
    if wanted is not None and wanted < smallest:
        raise ApiError(
            "InvalidParameterValue",
            f"Value ( {wanted} ) for parameter maxResults is invalid."
            f" Expecting a value greater than {smallest}.",
        )
    try:
        # Without MaxResults EC2 answers with everything.
        limit = len(items) + 1 if wanted is None else min(wanted, largest)
        return take_page(items, limit, params.get("NextToken"), key)
    except InvalidToken as error:
        raise ApiError("InvalidNextToken", "The specified NextToken is not valid.") from error


def answer(member: str, page: Sequence[Any], token: str | None) -> dict[str, Any]:
    """The answer of a Describe call: the page, and the token where there is one."""
    return {member: list(page)} if token is None else {member: list(page), "NextToken": token}


def text_of(value: Value) -> str | None:
    """A value as filters spell it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def _values_of(
    name: str, filters: Filters[T], tags: Callable[[T], Tags] | None
) -> Callable[[T], Value | Iterable[Value]]:
    if name in filters:
        return filters[name]
    if tags is not None and name == "tag-key":
        return lambda item: tags(item).keys()
    if tags is not None and name.startswith("tag:"):
        return lambda item: tags(item).get(name[4:])
    raise ApiError("InvalidParameterValue", f"The filter '{name}' is invalid")


def _matches(values: Value | Iterable[Value], patterns: Sequence[re.Pattern[str]]) -> bool:
    many = (values,) if values is None or isinstance(values, str | int | bool) else values
    texts = [text for text in map(text_of, many) if text is not None]
    return any(pattern.fullmatch(text) for pattern in patterns for text in texts)


def _pattern(value: str) -> re.Pattern[str]:
    r"""`*` any characters, `?` any one, a backslash takes the meaning from the next character."""
    parts = re.findall(r"\\.|.", value, re.DOTALL)
    wild = {"*": ".*", "?": "."}
    return re.compile("".join(wild.get(p) or re.escape(p[-1]) for p in parts), re.DOTALL)
