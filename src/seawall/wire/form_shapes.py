"""Form parameters (`Filter.1.Value.2=x`) -> parameters, for the query and ec2 protocols."""

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_to_bytes

from botocore.model import ListShape, MapShape, Shape, StructureShape

from seawall.wire.errors import WireError
from seawall.wire.scalars import text_reader

MAX_FIELDS = 20_000  # a bound on work per request, far above any request AWS accepts
MAX_DEPTH = 32


class Node(dict[str, "Node"]):
    """One dotted name of the form: its own text, if any, and the names below it."""

    text: str | None = None


Reader = Callable[[Node, str], Any]
BadValue = Callable[[str, str, Shape], Exception]


def read_form(encoded: str) -> Node:
    """The form as a tree of its dotted names.  Raises WireError (MalformedQueryString)."""
    root = Node()
    if not encoded:
        return root
    pairs = encoded.split("&")
    if len(pairs) > MAX_FIELDS:
        raise _malformed("too many parameters")
    for pair in pairs:
        if not pair:
            continue
        name, _, value = pair.partition("=")
        node = root
        parts = _decode(name).split(".")
        if len(parts) > MAX_DEPTH:
            raise _malformed("parameter name is nested too deeply")
        for part in parts:
            below = node.get(part)
            if below is None:
                below = node[part] = Node()
            node = below
        node.text = _decode(value)
    return root


def _decode(text: str) -> str:
    try:
        return unquote_to_bytes(text.replace("+", " ")).decode()
    except UnicodeDecodeError as error:
        raise _malformed("parameters are not UTF-8") from error


def _malformed(why: str) -> WireError:
    return WireError("MalformedQueryString", f"The query string is malformed: {why}")


class FormShapes:
    """Readers of one service's shapes, compiled once.

    ec2         the ec2 dialect: names are capitalised, lists are always flat
    bad_value   makes the error for text that is no value of its shape: (dotted name, text, shape)
    """

    def __init__(self, *, ec2: bool, bad_value: BadValue) -> None:
        self._ec2 = ec2
        self._bad_value = bad_value
        self._structures: dict[str, Reader] = {}

    def reader(self, shape: Shape) -> Reader:
        if isinstance(shape, StructureShape):
            return self._structure_reader(shape)
        if isinstance(shape, ListShape):
            return self._list_reader(shape)
        if isinstance(shape, MapShape):
            return self._map_reader(shape)
        return self._scalar_reader(shape)

    def member_name(self, key: str, shape: Shape) -> str:
        """How a structure's member is named in the form."""
        traits = shape.serialization
        if self._ec2:
            if "queryName" in traits:
                return str(traits["queryName"])
            name = str(traits.get("name", key))
            return name[:1].upper() + name[1:] if "name" in traits else key
        if isinstance(shape, ListShape) and traits.get("flattened"):
            return str(shape.member.serialization.get("name") or traits.get("name", key))
        return str(traits.get("name", key))

    def _structure_reader(self, shape: StructureShape) -> Reader:
        known = self._structures.get(shape.name)
        if known is not None:
            return known
        members: dict[str, tuple[str, Reader]] = {}
        strict = self._ec2

        def read(node: Node, path: str) -> dict[str, Any]:
            found = {}
            for name, below in node.items():
                member = members.get(name)
                inner = f"{path}.{name}" if path else name
                if member is not None:
                    found[member[0]] = member[1](below, inner)
                elif strict:
                    raise WireError("UnknownParameter", f"The parameter {inner} is not recognized")
            return found

        self._structures[shape.name] = read
        for key, member_shape in shape.members.items():
            members[self.member_name(key, member_shape)] = (key, self.reader(member_shape))
        return read

    def _list_reader(self, shape: ListShape) -> Reader:
        item = self.reader(shape.member)
        flat = self._ec2 or bool(shape.serialization.get("flattened"))
        wrapper = "" if flat else str(shape.member.serialization.get("name", "member"))

        def read(node: Node, path: str) -> list[Any]:
            if wrapper:
                node, path = _below(node, wrapper), f"{path}.{wrapper}"
            return [item(below, f"{path}.{number}") for number, below in _numbered(node, path)]

        return read

    def _map_reader(self, shape: MapShape) -> Reader:
        key_reader, value_reader = self.reader(shape.key), self.reader(shape.value)
        key_name = str(shape.key.serialization.get("name", "key"))
        value_name = str(shape.value.serialization.get("name", "value"))
        flat = bool(shape.serialization.get("flattened"))

        def read(node: Node, path: str) -> dict[str, Any]:
            entries = node if flat else _below(node, "entry")
            found = {}
            for number, pair in _numbered(entries, path):
                inner = f"{path}.{number}"
                key = key_reader(_below(pair, key_name), f"{inner}.{key_name}")
                found[key] = value_reader(_below(pair, value_name), f"{inner}.{value_name}")
            return found

        return read

    def _scalar_reader(self, shape: Shape) -> Reader:
        convert = text_reader(shape)

        def read(node: Node, path: str) -> Any:
            text = node.text if node.text is not None and not node else ""
            if node:
                raise self._bad_value(path, next(iter(node)), shape)
            try:
                return convert(text)
            except ValueError as error:
                raise self._bad_value(path, text, shape) from error

        return read


_EMPTY = Node()


def _below(node: Node, name: str) -> Node:
    return node.get(name, _EMPTY)


def _numbered(node: Node, path: str) -> list[tuple[str, Node]]:
    """The entries of a list in the order of their numbers."""
    try:
        return sorted(node.items(), key=lambda entry: _number(entry[0]))
    except ValueError as error:
        raise _malformed(f"{path} takes numbered entries") from error


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ValueError(text)
    return int(text)
