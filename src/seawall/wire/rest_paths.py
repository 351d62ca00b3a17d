"""Which REST operation a method, path and query ask for, and what the path's labels hold."""

import re
from typing import NamedTuple
from urllib.parse import unquote

from botocore.model import OperationModel

from seawall.wire.http import Request
from seawall.wire.service import Service

_LABEL = re.compile(r"\{([^}+]+)(\+?)\}")


class RestPath(NamedTuple):
    """One operation's requestUri, e.g. /2015-03-31/functions/{FunctionName}?find=a."""

    name: str
    method: str
    pattern: re.Pattern[str]
    labels: tuple[str, ...]
    literals: tuple[tuple[str, str | None], ...]  # query parameters that are part of the address
    required: tuple[str, ...]  # query parameters the operation cannot do without
    rank: tuple[int, int, bool]  # more literal path segments first, greedy labels and deprecated ones last


def compile_paths(service: Service) -> list[RestPath]:
    """All operations of a REST service, the most specific first."""
    paths = [_compile(service.operation(name)) for name in sorted(service.operation_names)]
    return sorted(paths, key=lambda p: (-len(p.literals), -len(p.required), p.rank, p.name))


def match_path(paths: list[RestPath], request: Request) -> RestPath | None:
    """The most specific operation that the request fits, or None."""
    query = _query(request.query)
    for path in paths:
        if path.method == request.method and path.pattern.fullmatch(request.path):
            literal = all(
                name in query and (value is None or value in query[name]) for name, value in path.literals
            )
            if literal and all(name in query for name in path.required):
                return path
    return None


def path_labels(path: RestPath, request: Request) -> dict[str, str]:
    """The decoded labels of a path that matches."""
    found = path.pattern.fullmatch(request.path)
    if found is None:
        return {}
    return {name: unquote(text) for name, text in zip(path.labels, found.groups(), strict=True)}


def _compile(operation: OperationModel) -> RestPath:
    uri = str(operation.http["requestUri"])
    template, _, query = uri.partition("?")
    template = template.rstrip("/")  # the SDK for Go leaves out a last slash that the model has
    labels = []
    pattern, position = "", 0
    for found in _LABEL.finditer(template):
        labels.append(found[1])
        pattern += re.escape(template[position : found.start()]) + ("(.+)" if found[2] else "([^/]+)")
        position = found.end()
    pattern += re.escape(template[position:]) + "/?"
    literals = tuple(
        (name, value if equals else None)
        for name, equals, value in (part.partition("=") for part in query.split("&") if part)
    )
    segments = [part for part in template.split("/") if part]
    plain = sum("{" not in part for part in segments)
    return RestPath(
        operation.name,
        str(operation.http["method"]),
        re.compile(pattern),
        tuple(labels),
        literals,
        _required_query(operation),
        (-plain, sum("+}" in part for part in segments), bool(operation.deprecated)),
    )


def _required_query(operation: OperationModel) -> tuple[str, ...]:
    shape = operation.input_shape
    if shape is None:
        return ()
    members = ((key, shape.members[key].serialization) for key in shape.required_members)
    return tuple(str(t.get("name", key)) for key, t in members if t.get("location") == "querystring")


def _query(query: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if name:
            found.setdefault(unquote(name), []).append(unquote(value))
    return found


def query_values(request: Request) -> dict[str, list[str]]:
    """The decoded query parameters in the order they were given."""
    return _query(request.query)
