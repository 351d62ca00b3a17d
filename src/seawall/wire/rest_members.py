"""Members of REST requests and answers that travel in the path, the query string or headers."""

import base64
import binascii
import json
import re
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from seawall.wire.errors import WireError
from seawall.wire.scalars import text_reader, text_writer

_LIST_ITEM = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^,]*?))\s*(?:,|$)')


def read_located(
    shape: StructureShape, labels: dict[str, str], query: dict[str, list[str]], headers: dict[str, str]
) -> dict[str, Any]:
    """The members that the model places outside the body.  Raises WireError for text of the wrong type."""
    found: dict[str, Any] = {}
    claimed = {str(m.serialization.get("name", key)) for key, m in shape.members.items()}
    for key, member in shape.members.items():
        location = member.serialization.get("location")
        name = str(member.serialization.get("name", key))
        value: Any = None
        if location == "uri" and name in labels:
            value = _scalar(member, labels[name], key)
        elif location == "querystring":
            value = _from_query(member, name, query, claimed, key)
        elif location == "header" and name.lower() in headers:
            value = _from_header(member, headers[name.lower()], key)
        elif location == "headers":
            prefix = name.lower()
            value = {h[len(prefix) :]: text for h, text in headers.items() if h.startswith(prefix)} or None
        if value is not None:
            found[key] = value
    return found


def write_headers(shape: StructureShape, output: dict[str, Any]) -> dict[str, str]:
    """The headers of an answer."""
    headers: dict[str, str] = {}
    for key, member in shape.members.items():
        location = member.serialization.get("location")
        value = output.get(key)
        if value is None:
            continue
        name = str(member.serialization.get("name", key))
        if location == "header":
            headers[name] = _header_text(member, value)
        elif location == "headers":
            headers |= {f"{name}{suffix}": text for suffix, text in value.items()}
    return headers


def _from_query(
    shape: Shape, name: str, query: dict[str, list[str]], claimed: set[str], key: str
) -> Any | None:
    if isinstance(shape, MapShape):
        rest = {other: values for other, values in query.items() if other not in claimed}
        if isinstance(shape.value, ListShape):
            return rest or None
        return {other: values[-1] for other, values in rest.items()} or None
    if name not in query:
        return None
    if isinstance(shape, ListShape):
        return [_scalar(shape.member, text, key) for text in query[name]]
    return _scalar(shape, query[name][-1], key)


def _from_header(shape: Shape, text: str, key: str) -> Any:
    if isinstance(shape, ListShape):
        if shape.member.type_name == "timestamp" and "," in text:
            parts = re.findall(r"[^,]+,[^,]+", text)  # HTTP dates hold a comma themselves
            return [_scalar(shape.member, part, key) for part in parts]
        return [_scalar(shape.member, item, key) for item in _split(text)]
    if shape.serialization.get("jsonvalue"):
        try:
            return json.loads(base64.b64decode(text, validate=True))
        except (binascii.Error, ValueError, RecursionError) as error:
            raise WireError("SerializationException", f"{key} is not base64 of JSON") from error
    return _scalar(shape, text, key)


def _split(text: str) -> list[str]:
    """A comma-separated header; items with commas are quoted."""
    items = []
    for found in _LIST_ITEM.finditer(text):
        if found.start() == len(text):
            break
        items.append(found[2] if found[1] is None else re.sub(r"\\(.)", r"\1", found[1]))
    return items


def _scalar(shape: Shape, text: str, key: str) -> Any:
    try:
        return text_reader(shape)(text)
    except ValueError as error:
        raise WireError("SerializationException", f"{key}: {text!r} is no {shape.type_name}") from error


def _header_text(shape: Shape, value: Any) -> str:
    if isinstance(shape, ListShape):
        return ",".join(_header_text(shape.member, item) for item in value)
    if shape.serialization.get("jsonvalue"):
        return base64.b64encode(json.dumps(value).encode()).decode()
    return text_writer(shape, "rfc822")(value)
