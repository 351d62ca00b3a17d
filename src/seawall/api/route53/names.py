"""Names and ids as Route 53 writes them.

Source: Route 53 developer guide, "DNS domain name format": letters are lower case, everything but a-z, 0-9,
hyphen and underscore is an octal escape, and the last dot is always there.
"""

import re
import secrets
import string

from seawall.model.health_check import HealthCheck
from seawall.model.hosted_zone import HostedZone
from seawall.store.store import Reader
from seawall.wire.errors import ApiError

LONGEST_LABEL, LONGEST_NAME = 63, 255
_ID_CHARACTERS = string.ascii_uppercase + string.digits
_PIECE = re.compile(r"\\([0-3][0-7]{2})|([!-~])")
_PLAIN = frozenset(string.ascii_lowercase + string.digits + "-_")


class BadName(ValueError):
    """No domain name; says why in Route 53's words."""


def new_id(prefix: str) -> str:
    """An id nobody has: 20 random characters behind the prefix."""
    return prefix + "".join(secrets.choice(_ID_CHARACTERS) for _ in range(20))


def bare_id(text: str) -> str:
    """An id without the "/hostedzone/" or "/change/" that answers put before it."""
    return text.rsplit("/", 1)[-1]


def canonical_name(text: str) -> str:
    """A domain name in the one form it is stored in.  Raises BadName."""
    labels = text[:-1].split(".") if text.endswith(".") and not text.endswith("\\.") else text.split(".")
    if "" in labels:
        raise BadName(_fatal("DomainLabelEmpty", "Domain label is empty", text))
    written = [_label(label, text) for label in labels]
    if sum(length + 1 for _, length in written) + 1 > LONGEST_NAME:
        raise BadName(_fatal("DomainNameTooLong", "Domain name is too long", text))
    return "".join(f"{label}." for label, _ in written)


def _label(label: str, text: str) -> tuple[str, int]:
    written, at, length = "", 0, 0
    while at < len(label):
        piece = _PIECE.match(label, at)
        if piece is None or piece[2] == "\\":
            raise BadName(_fatal("UnsupportedCharacter", "Value contains unsupported characters", text))
        character = chr(int(piece[1], 8)).lower() if piece[1] else piece[2].lower()
        written += character if character in _PLAIN else f"\\{ord(character):03o}"
        at, length = piece.end(), length + 1
    if length > LONGEST_LABEL:
        raise BadName(_fatal("DomainLabelTooLong", "Domain label is too long", text))
    return written, length


def _fatal(code: str, reason: str, text: str) -> str:
    return f"FATAL problem: {code} ({reason}) encountered with '{text}'"


def reversed_labels(name: str) -> list[str]:
    """What Route 53 sorts names by: com, example, www."""
    return name.rstrip(".").split(".")[::-1]


def within(name: str, zone_name: str) -> bool:
    return name == zone_name or name.endswith(f".{zone_name}")


def refuse_managed(zone: HostedZone) -> None:
    """Raises ApiError for a zone that belongs to a Cloud Map namespace."""
    if zone.managed_by is not None:
        raise ApiError(
            "AccessDenied",
            f"The resource hostedzone/{zone.id} can only be managed through AWS Cloud Map"
            f" ({zone.managed_by})",
            status=403,
        )


def find_zone(reader: Reader, id: str) -> HostedZone:
    """Raises ApiError NoSuchHostedZone."""
    zone = reader.find(HostedZone, bare_id(id))
    if zone is None:
        raise ApiError("NoSuchHostedZone", f"No hosted zone found with ID: {bare_id(id)}", status=404)
    return zone


def find_health_check(reader: Reader, id: str) -> HealthCheck:
    """Raises ApiError NoSuchHealthCheck."""
    check = reader.find(HealthCheck, id)
    if check is None:
        raise ApiError("NoSuchHealthCheck", f"No health check exists with the specified ID {id}", status=404)
    return check


def page_size(text: str | None, most: int) -> int:
    """MaxItems as a number.  Raises ApiError for what is none."""
    if text is None:
        return most
    if not text.isdecimal() or not int(text):
        raise ApiError("InvalidInput", f"Invalid value for maxitems: '{text}'")
    return min(int(text), most)
