"""What one name of a zone has."""

from dataclasses import dataclass, field

import dns.name
import dns.rdata


def wire_name(name: str) -> bytes:
    """A name as text, with or without the last dot, in wire form and lower case.

    Raises dns.exception.DNSException for what is none.
    """
    return dns.name.from_text(name).to_digestable()


def wire_data(data: dns.rdata.Rdata) -> bytes:
    """Without compressed names, their case kept."""
    plain = data.to_wire()
    assert plain is not None  # it is for a file only that there is nothing to return
    return plain


def read_data(type: str, text: str) -> bytes:
    """Data in the form of zone files, in wire form.  Raises dns.exception.DNSException or ValueError."""
    return wire_data(dns.rdata.from_text("IN", type, text, origin=dns.name.root, relativize=False))


@dataclass(frozen=True)
class RecordSet:
    """Data of one name and type in wire form, or the name of another that stands in for it."""

    ttl: int
    data: tuple[bytes, ...] = ()
    alias: bytes | None = None
    weight: int | None = None


@dataclass(frozen=True)
class Node:
    """The record sets by type.  A node without any is a name that exists and has no data."""

    sets: dict[int, list[RecordSet]] = field(default_factory=dict)


EMPTY = Node()
