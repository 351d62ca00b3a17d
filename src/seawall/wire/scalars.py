"""Scalar values as text: in forms, XML, headers, paths and query strings."""

import base64
import binascii
import math
from collections.abc import Callable
from typing import Any

from botocore.model import Shape

from seawall.wire.timestamps import format_timestamp, parse_timestamp

INTEGER_RANGE = {"integer": 2**31, "long": 2**63}


def text_reader(shape: Shape) -> Callable[[str], Any]:
    """Text -> Python value.  The reader raises ValueError when the text is no such value."""
    return _READERS.get(shape.type_name, str)


def text_writer(shape: Shape, timestamp_format: str) -> Callable[[Any], str]:
    """Python value -> text; `timestamp_format` is used where the model names none."""
    if shape.type_name == "timestamp":
        style = shape.serialization.get("timestampFormat", timestamp_format)
        return lambda moment: format_timestamp(moment, style)
    return _WRITERS.get(shape.type_name, str)


def read_base64(text: str) -> bytes:
    """Raises ValueError."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error as error:
        raise ValueError("invalid base64") from error


def write_base64(data: bytes | str) -> str:
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


def read_float(text: str) -> float:
    """A number as protocols spell it.  Raises ValueError."""
    special = SPECIAL_FLOATS.get(text)
    if special is not None:
        return special
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text!r} is no number")
    return value


def write_float(value: float) -> str:
    if math.isfinite(value):
        return repr(float(value))
    return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")


SPECIAL_FLOATS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def _integer_reader(limit: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        digits = text[1:] if text[:1] in ("-", "+") else text
        if not (digits.isascii() and digits.isdigit() and len(digits) < 40):
            raise ValueError(f"{text!r} is no integer")
        value = int(text)
        if not -limit <= value < limit:
            raise ValueError(f"{text!r} is out of range")
        return value

    return read


def _read_boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(f"{text!r} is no boolean")
    return text.lower() == "true"


_READERS: dict[str, Callable[[str], Any]] = {
    "boolean": _read_boolean,
    "integer": _integer_reader(INTEGER_RANGE["integer"]),
    "long": _integer_reader(INTEGER_RANGE["long"]),
    "float": read_float,
    "double": read_float,
    "blob": read_base64,
    "timestamp": parse_timestamp,
}
_WRITERS: dict[str, Callable[[Any], str]] = {
    "boolean": lambda value: "true" if value else "false",
    "integer": lambda value: str(int(value)),
    "long": lambda value: str(int(value)),
    "float": write_float,
    "double": write_float,
    "blob": write_base64,
}
