"""What a record of each type may hold, in the form of zone files.

Texts as Route 53 writes them, seen in its clients' bug reports; for the types it is silent about there, the
same form with the type's name.
"""

import re
from ipaddress import IPv4Address, IPv6Address

import dns.exception
import dns.name
import dns.rdata

from seawall.api.route53.names import BadName, canonical_name
from seawall.model.hosted_zone import zone_file_text

LONGEST_STRING = 255
_STRINGS = re.compile(r'"((?:[^"\\]|\\.)*)"(?:\s+"((?:[^"\\]|\\.)*)")*')
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(?:[0-3][0-7]{2}|.)")
_FIELDS = {
    "MX": ("NotTwoFields", 2, "MX record doesn't have 2 fields"),
    "SRV": ("NotFourFields", 4, "SRV record doesn't have 4 fields"),
    "CAA": ("NotThreeFields", 3, "CAA record doesn't have 3 fields"),
}


def data_fault(type: str, value: str) -> str | None:
    """Why a value cannot be a record of this type, in Route 53's words; None: it can."""
    found = _fault(type, value) or _form_fault(type, value)
    if found is None:
        return None
    return f"Invalid Resource Record: FATAL problem: {found[0]} ({found[1]}) encountered with '{value}'"


def _fault(type: str, value: str) -> tuple[str, str] | None:
    if type == "A":
        return _address_fault(IPv4Address, "ARRDATAIllegalIPv4Address", "IPv4", value)
    if type == "AAAA":
        return _address_fault(IPv6Address, "AAAARRDATAIllegalIPv6Address", "IPv6", value)
    if type in ("TXT", "SPF"):
        return _strings_fault(value)
    if type in ("CNAME", "NS", "PTR"):
        return _name_fault(type, value)
    if type in _FIELDS:
        code, count, reason = _FIELDS[type]
        if len(value.split(None, count - 1)) != count or (type != "CAA" and len(value.split()) != count):
            return f"{type}RRDATA{code}", reason
    return None


def _form_fault(type: str, value: str) -> tuple[str, str] | None:
    """Whether it can be served: everything that gets by here must be readable."""
    try:
        dns.rdata.from_text("IN", type, zone_file_text(value), origin=dns.name.root, relativize=False)
    except (dns.exception.DNSException, ValueError):
        return f"{type}RRDATAInvalid", f"Value is not valid for a {type} record"
    return None


def _address_fault(
    kind: type[IPv4Address] | type[IPv6Address], code: str, family: str, value: str
) -> tuple[str, str] | None:
    try:
        kind(value)
    except ValueError:
        return code, f"Value is not a valid {family} address"
    return (code, f"Value is not a valid {family} address") if "%" in value else None


def _strings_fault(value: str) -> tuple[str, str] | None:
    if not _STRINGS.fullmatch(value.strip()):
        return "InvalidCharacterString", "Value should be enclosed in quotation marks"
    if not value.isascii():
        return "UnsupportedCharacter", "Value contains unsupported characters"
    if any(len(_ESCAPED.sub("x", text)) > LONGEST_STRING for text in _STRING.findall(value)):
        return "CharacterStringTooLong", "Value is too long"
    return None


def _name_fault(type: str, value: str) -> tuple[str, str] | None:
    if len(value.split()) != 1:
        return f"{type}RRDATANotSingleField", "Value contains spaces"
    try:
        canonical_name(value)
    except BadName as error:
        said = re.search(r"problem: (\w+) \(([^)]*)\)", str(error))
        assert said is not None
        return said[1], said[2]
    return None
