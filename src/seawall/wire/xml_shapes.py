"""Parameters -> XML, compiled once per shape, for the query, ec2 and rest-xml protocols."""

import re
from collections.abc import Callable
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from seawall.wire.scalars import text_writer

Emit = Callable[[list[str], Any], None]
Attributes = Callable[[Any], str]

# Characters XML 1.0 cannot carry, not even escaped.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_SPECIAL = re.compile("[&<>\r]|" + _FORBIDDEN.pattern)
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}


def escape(text: str) -> str:
    """Text as XML character data; what XML cannot carry at all becomes U+FFFD."""
    if _SPECIAL.search(text) is None:
        return text
    return _SPECIAL.sub(lambda found: _ESCAPES.get(found[0], "\ufffd"), text)


def escape_attribute(text: str) -> str:
    return escape(text).replace('"', "&quot;").replace("\n", "&#10;").replace("\t", "&#9;")


class XmlShapes:
    """Writers of one service's shapes.  A writer appends text to a list; it raises KeyError for a member
    that the model does not have: a bug in the operation."""

    def __init__(self) -> None:
        self._contents: dict[str, Emit] = {}

    def element(self, shape: Shape, name: str) -> Emit:
        """Writes the value as one element, or as several of them where the model says `flattened`."""
        namespace = _namespace(shape)
        if isinstance(shape, StructureShape):
            return self._structure(shape, name, namespace)
        if isinstance(shape, ListShape):
            return self._list(shape, name, namespace)
        if isinstance(shape, MapShape):
            return self._map(shape, name, namespace)
        convert = text_writer(shape, "iso8601")
        opening, closing = f"<{name}{namespace}>", f"</{name}>"

        def write(out: list[str], value: Any) -> None:
            out.append(f"{opening}{escape(convert(value))}{closing}")

        return write

    def content(self, shape: StructureShape) -> Emit:
        """Writes the members of a structure, without an element around them."""
        known = self._contents.get(shape.name)
        if known is not None:
            return known
        members: dict[str, Emit] = {}

        def write(out: list[str], value: Any) -> None:
            for key, item in value.items():
                emit = members[key]
                if item is not None:
                    emit(out, item)

        self._contents[shape.name] = write  # before the members: shapes may contain themselves
        for key, member in shape.members.items():
            if member.serialization.get("xmlAttribute") or "location" in member.serialization:
                members[key] = _nothing  # written as an attribute, header or status
            else:
                members[key] = self.element(member, _element_name(key, member))
        return write

    def _structure(self, shape: StructureShape, name: str, namespace: str) -> Emit:
        content = self.content(shape)
        attributes = _attributes(shape)
        closing = f"</{name}>"

        def write(out: list[str], value: Any) -> None:
            extra = attributes(value) if attributes else ""
            out.append(f"<{name}{namespace}{extra}>")
            content(out, value)
            out.append(closing)

        return write

    def _list(self, shape: ListShape, name: str, namespace: str) -> Emit:
        if shape.serialization.get("flattened"):
            flat = self.element(shape.member, name)

            def write_flat(out: list[str], value: Any) -> None:
                for item in value:
                    flat(out, item)

            return write_flat
        each = self.element(shape.member, str(shape.member.serialization.get("name", "member")))

        def write(out: list[str], value: Any) -> None:
            if not value:
                out.append(f"<{name}{namespace}/>")
                return
            out.append(f"<{name}{namespace}>")
            for item in value:
                each(out, item)
            out.append(f"</{name}>")

        return write

    def _map(self, shape: MapShape, name: str, namespace: str) -> Emit:
        key_writer = self.element(shape.key, str(shape.key.serialization.get("name", "key")))
        value_writer = self.element(shape.value, str(shape.value.serialization.get("name", "value")))
        flat = bool(shape.serialization.get("flattened"))
        entry = name if flat else "entry"

        def write(out: list[str], value: Any) -> None:
            if not flat:
                out.append(f"<{name}{namespace}>")
            for key, item in value.items():
                out.append(f"<{entry}>")
                key_writer(out, key)
                value_writer(out, item)
                out.append(f"</{entry}>")
            if not flat:
                out.append(f"</{name}>")

        return write


def _nothing(out: list[str], value: Any) -> None:
    """The member is not part of the element's content."""


def _element_name(key: str, shape: Shape) -> str:
    """A flattened list is named by its items where those have a name."""
    if isinstance(shape, ListShape) and shape.serialization.get("flattened"):
        item_name = shape.member.serialization.get("name")
        if item_name is not None:
            return str(item_name)
    return str(shape.serialization.get("name", key))


def _namespace(shape: Shape) -> str:
    declared: Any = shape.serialization.get("xmlNamespace")
    if not declared:
        return ""
    if isinstance(declared, str):
        return f' xmlns="{declared}"'
    prefix = f":{declared['prefix']}" if declared.get("prefix") else ""
    return f' xmlns{prefix}="{declared["uri"]}"'


def _attributes(shape: StructureShape) -> Attributes | None:
    """A writer of those members that are attributes of the element, or None when there are none."""
    names = {
        key: str(member.serialization.get("name", key))
        for key, member in shape.members.items()
        if member.serialization.get("xmlAttribute")
    }
    if not names:
        return None

    def write(value: Any) -> str:
        return "".join(
            f' {name}="{escape_attribute(str(value[key]))}"'
            for key, name in names.items()
            if value.get(key) is not None
        )

    return write
