"""XML request bodies -> parameters, for rest-xml services."""

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

from botocore.model import ListShape, MapShape, Shape, StructureShape

from seawall.wire.errors import WireError
from seawall.wire.scalars import text_reader

Element = ElementTree.Element
Reader = Callable[[list[Element]], Any]


def read_xml(body: bytes) -> Element:
    """The root element.  Raises WireError (MalformedXML); document types, and with them entities, are
    refused before anything is expanded."""
    try:
        text = body.decode()
        if "<!DOCTYPE" in text:
            raise _malformed()
        return ElementTree.fromstring(text)
    except (UnicodeDecodeError, ElementTree.ParseError, ValueError) as error:
        raise _malformed() from error


def _malformed() -> WireError:
    return WireError(
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
    )


class XmlReaders:
    """Readers of one service's shapes, compiled once.  A reader takes all elements of one name."""

    def __init__(self) -> None:
        self._structures: dict[str, Reader] = {}

    def reader(self, shape: Shape) -> Reader:
        if isinstance(shape, StructureShape):
            return self._structure(shape)
        if isinstance(shape, ListShape):
            return self._list(shape)
        if isinstance(shape, MapShape):
            return self._map(shape)
        return _scalar(shape)

    def _structure(self, shape: StructureShape) -> Reader:
        known = self._structures.get(shape.name)
        if known is not None:
            return known
        elements: dict[str, tuple[str, Reader]] = {}
        attributes: dict[str, str] = {}

        def read(nodes: list[Element]) -> dict[str, Any]:
            node = nodes[-1]
            found: dict[str, Any] = {}
            for name, below in _by_name(node).items():
                member = elements.get(name)
                if member is not None:
                    found[member[0]] = member[1](below)
            for name, value in node.attrib.items():
                key = attributes.get(_local(name))
                if key is not None:
                    found[key] = value
            return found

        self._structures[shape.name] = read
        for key, member in shape.members.items():
            name = str(member.serialization.get("name", key))
            if member.serialization.get("xmlAttribute"):
                attributes[name.rpartition(":")[2]] = key
            elif "location" not in member.serialization:
                elements[name] = (key, self.reader(member))
        return read

    def _list(self, shape: ListShape) -> Reader:
        item = self.reader(shape.member)
        if shape.serialization.get("flattened"):
            return lambda nodes: [item([node]) for node in nodes]
        return lambda nodes: [item([node]) for node in nodes[-1]]

    def _map(self, shape: MapShape) -> Reader:
        key_name = str(shape.key.serialization.get("name", "key"))
        value_name = str(shape.value.serialization.get("name", "value"))
        read_key, read_value = self.reader(shape.key), self.reader(shape.value)
        flat = bool(shape.serialization.get("flattened"))

        def read(nodes: list[Element]) -> dict[str, Any]:
            found = {}
            for entry in nodes if flat else nodes[-1]:
                parts = _by_name(entry)
                if key_name not in parts or value_name not in parts:
                    raise _malformed()
                found[read_key(parts[key_name])] = read_value(parts[value_name])
            return found

        return read


def _scalar(shape: Shape) -> Reader:
    convert = text_reader(shape)

    def read(nodes: list[Element]) -> Any:
        if len(nodes[-1]):
            raise _malformed()
        try:
            return convert(nodes[-1].text or "")
        except ValueError as error:
            raise _malformed() from error

    return read


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _by_name(node: Element) -> dict[str, list[Element]]:
    found: dict[str, list[Element]] = {}
    for child in node:
        found.setdefault(_local(child.tag), []).append(child)
    return found
