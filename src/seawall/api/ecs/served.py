"""Reading large request structures of which Seawall serves a part.

What is served is read; what is given without content ([], {}, false) asks for nothing and is let pass; all
else stays unread, so that `Call.refuse_unread` names it and refuses the call.
"""

from collections.abc import Collection, Mapping
from typing import Any

from seawall.api.params import Params


def read_served(
    params: Params, names: Collection[str], parts: Mapping[str, Collection[str]] | None = None
) -> dict[str, Any]:
    """The members `names` as plain data, as far as they were given.

    parts   members of which again only a part is served: structures or lists of them
    """
    parts = parts or {}
    found: dict[str, Any] = {}
    for name, peeked in params.copy_unread().items():
        if name in parts:
            value = params[name]
            if isinstance(value, Params):
                found[name] = read_served(value, parts[name])
            else:
                found[name] = [read_served(item, parts[name]) for item in value]
        elif name in names:
            found[name] = _plain(params[name])
        elif peeked in ([], {}, False):
            params.get(name)
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, Params):
        return value.plain()
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
