"""Readers and writers between parsed JSON and parameters, compiled once per shape of a service model.

A reader or writer is a closure; `None` stands for "the value is the same on both sides", so that whole
subtrees of plain strings and numbers are not walked.
"""

import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from seawall.wire.errors import WireError
from seawall.wire.scalars import (
    INTEGER_RANGE,
    SPECIAL_FLOATS,
    read_base64,
    write_base64,
    write_float,
)
from seawall.wire.timestamps import format_timestamp, from_epoch, parse_timestamp, to_epoch

MAX_FLOAT = sys.float_info.max
Reader = Callable[[Any], Any]
Writer = Callable[[Any], Any]


class JsonShapes:
    """The readers and writers of one service."""

    def __init__(self) -> None:
        self._structure_readers: dict[str, Reader] = {}
        self._structure_writers: dict[str, Writer] = {}

    def reader(self, shape: Shape) -> Reader:
        """Parsed JSON -> Python value.  Raises WireError (SerializationException) for a wrong JSON type.
        Nulls and unknown members of structures are dropped, as AWS does."""
        if isinstance(shape, StructureShape):
            return self._structure_reader(shape)
        if isinstance(shape, ListShape):
            return _list_reader(self.reader(shape.member))
        if isinstance(shape, MapShape):
            return _map_reader(self.reader(shape.value))
        return self.scalar_reader(shape)

    def writer(self, shape: Shape) -> Writer | None:
        """Python value -> what a JSON encoder takes.  The writer raises KeyError for a member that the
        model does not have: a bug in the operation."""
        if isinstance(shape, StructureShape):
            return None if shape.is_document_type else self._structure_writer(shape)
        if isinstance(shape, ListShape):
            item = self.writer(shape.member)
            return None if item is None else (lambda values: [None if v is None else item(v) for v in values])
        if isinstance(shape, MapShape):
            inner = self.writer(shape.value)
            if inner is None:
                return None
            return lambda values: {k: None if v is None else inner(v) for k, v in values.items()}
        return self.scalar_writer(shape)

    def scalar_reader(self, shape: Shape) -> Reader:
        return _integer_reader(shape.type_name) if shape.type_name in INTEGER_RANGE else _by_type(shape)

    def scalar_writer(self, shape: Shape) -> Writer | None:
        return _scalar_writer(shape)

    def _structure_reader(self, shape: StructureShape) -> Reader:
        if shape.is_document_type:
            return lambda value: value
        known = self._structure_readers.get(shape.name)
        if known is not None:
            return known
        members: dict[str, tuple[str, Reader]] = {}

        def read(value: Any) -> dict[str, Any]:
            if type(value) is not dict:
                raise unexpected(value, "a structure")
            found = {}
            for name, item in value.items():
                member = members.get(name)
                if member is not None and item is not None:
                    found[member[0]] = member[1](item)
            return found

        self._structure_readers[shape.name] = read  # before the members: shapes may contain themselves
        for key, member_shape in shape.members.items():
            members[member_shape.serialization.get("name", key)] = (key, self.reader(member_shape))
        return read

    def _structure_writer(self, shape: StructureShape) -> Writer:
        known = self._structure_writers.get(shape.name)
        if known is not None:
            return known
        members: dict[str, tuple[str, Writer | None]] = {}

        def write(value: Any) -> dict[str, Any]:
            out = {}
            for key, item in value.items():
                name, inner = members[key]
                if item is not None:
                    out[name] = item if inner is None else inner(item)
            return out

        self._structure_writers[shape.name] = write
        for key, member_shape in shape.members.items():
            members[key] = (member_shape.serialization.get("name", key), self.writer(member_shape))
        return write


def _list_reader(item: Reader) -> Reader:
    def read(value: Any) -> list[Any]:
        if type(value) is not list:
            raise unexpected(value, "a list")
        return [None if element is None else item(element) for element in value]

    return read


def _map_reader(inner: Reader) -> Reader:
    def read(value: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise unexpected(value, "a map")
        return {key: None if element is None else inner(element) for key, element in value.items()}

    return read


def _by_type(shape: Shape) -> Reader:
    return _SCALAR_READERS.get(shape.type_name, _read_string)


def _read_string(value: Any) -> str:
    if type(value) is not str:
        raise unexpected(value, "String")
    return value


def _read_boolean(value: Any) -> bool:
    if type(value) is not bool:
        raise unexpected(value, "Boolean")
    return value


def _integer_reader(type_name: str) -> Reader:
    limit = INTEGER_RANGE[type_name]

    def read(value: Any) -> int:
        if type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is not int or not -limit <= value < limit:
            raise unexpected(value, type_name.capitalize())
        return value

    return read


def _read_float(value: Any) -> float:
    if type(value) in (int, float) and abs(value) <= MAX_FLOAT:
        return float(value)
    if type(value) is str and value in SPECIAL_FLOATS:
        return SPECIAL_FLOATS[value]
    raise unexpected(value, "Double")


def _read_blob(value: Any) -> bytes:
    if type(value) is not str:
        raise unexpected(value, "Blob")
    try:
        return read_base64(value)
    except ValueError as error:
        raise WireError("SerializationException", "Invalid base64 data") from error


def _read_timestamp(value: Any) -> datetime:
    try:
        if type(value) in (int, float):
            return from_epoch(value)
        if type(value) is str:
            return parse_timestamp(value)
    except ValueError as error:
        raise WireError("SerializationException", f"{value!r} is not a valid timestamp") from error
    raise unexpected(value, "Timestamp")


_SCALAR_READERS: dict[str, Reader] = {
    "boolean": _read_boolean,
    "float": _read_float,
    "double": _read_float,
    "blob": _read_blob,
    "timestamp": _read_timestamp,
}


def _scalar_writer(shape: Shape) -> Writer | None:
    if shape.type_name == "timestamp":
        style = shape.serialization.get("timestampFormat", "unixTimestamp")
        return to_epoch if style == "unixTimestamp" else (lambda moment: format_timestamp(moment, style))
    if shape.type_name == "blob":
        return write_base64
    if shape.type_name in ("float", "double"):
        return lambda value: value if abs(value) < float("inf") else write_float(value)
    return None


_FOUND = {bool: "TRUE_VALUE", int: "NUMBER_VALUE", float: "NUMBER_VALUE", str: "STRING_VALUE"}


def unexpected(value: Any, wanted: str) -> WireError:
    """The texts of AWS's own JSON layer."""
    if wanted.startswith("a "):
        text = "Expected list or null" if wanted == "a list" else "Unexpected field type"
    elif isinstance(value, dict):
        text = "Start of structure or map found where not expected."
    elif isinstance(value, list):
        text = "Unrecognized collection type class java.util.ArrayList"
    elif value is False:
        text = f"FALSE_VALUE cannot be converted to {wanted}"
    else:
        text = f"{_FOUND.get(type(value), 'VALUE')} cannot be converted to {wanted}"
    return WireError("SerializationException", text)
