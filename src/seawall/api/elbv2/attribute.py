"""Attributes: settings by name, all of them text, of load balancers, target groups and listeners.

A resource's document holds every attribute its type has, with the defaults of those never changed.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seawall.api.elbv2.names import invalid
from seawall.api.params import Params
from seawall.wire.errors import ApiError, NotImplementedHere


@dataclass(frozen=True)
class Attribute:
    """What one attribute may be.

    choices       if there are any, and no range: one of these.  With a range: these, or a number in it
    least, most   the range of a number
    pattern       of other text
    served        the choices that do here what they do on AWS; None: all
    reason        why others are not served
    """

    default: str
    choices: tuple[str, ...] = ()
    least: int | None = None
    most: int | None = None
    pattern: str = ".*"
    served: tuple[str, ...] | None = None
    reason: str = ""

    def check(self, key: str, value: str) -> None:
        """Raises ApiError ValidationError; NotImplementedHere for a value that is not served."""
        if self.least is not None and value not in self.choices:
            inside = re.fullmatch(r"\d{1,9}", value) and self.least <= int(value) <= (self.most or 0)
            if not inside:
                raise invalid(f"'{key}' value '{value}' must be between '{self.least}-{self.most}' inclusive")
        elif self.choices and value not in self.choices:
            raise invalid(f"'{key}' value '{value}' must be one of [{', '.join(self.choices)}]")
        if not re.fullmatch(self.pattern, value):
            raise invalid(f"'{key}' value '{value}' is not valid")
        if self.served is not None and value not in self.served:
            raise NotImplementedHere(f"Seawall does not support {key}={value}: {self.reason}.")


Attributes = Mapping[str, Attribute]


def switch(default: str = "false", *, only: str | None = None, reason: str = "") -> Attribute:
    """True or false.  `only`: the one value that is served."""
    return Attribute(default, ("true", "false"), served=None if only is None else (only,), reason=reason)


def number(default: str, least: int, most: int, *words: str) -> Attribute:
    """A number in a range, or one of the words."""
    return Attribute(default, words, least, most)


def choice(default: str, *others: str) -> Attribute:
    return Attribute(default, (default, *others))


def defaults(known: Attributes) -> dict[str, str]:
    return {key: attribute.default for key, attribute in known.items()}


def changed(
    known: Attributes,
    elsewhere: Mapping[str, str],
    current: Mapping[str, str],
    given: Sequence[Params],
    words: str,
) -> dict[str, str]:
    """`current` with the attributes of a request.

    elsewhere  keys that other types of this resource have, with the words for "does not have it here"
    words      of the resource, e.g. "Load balancer"
    Raises     ApiError ValidationError, InvalidConfigurationRequest; NotImplementedHere.
    """
    found = dict(current)
    seen = set()
    for pair in given:
        key, value = pair.get("Key") or "", pair.get("Value")
        if key in seen:
            raise invalid(f"Attribute key '{key}' has been specified more than once")
        seen.add(key)
        if key not in known:
            if key in elsewhere:
                raise ApiError("InvalidConfigurationRequest", elsewhere[key])
            raise invalid(f"{words} attribute key '{key}' is not recognized")
        value = "" if value is None else value
        known[key].check(key, value)
        found[key] = value
    return found


def shown(attributes: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"Key": key, "Value": value} for key, value in attributes.items()]
