"""What a new table takes the ground from, read from the tables it takes the place of."""

import struct
from collections.abc import Iterable

from msgspec.structs import replace

from seawall.host.network import nf_tables as nf
from seawall.host.network.elements import comment_text
from seawall.host.network.netlink import NetlinkSocket, attributes
from seawall.host.network.releases import Release, released
from seawall.host.network.rtnetlink import address_text
from seawall.program.network import Element, ElementSet, PacketPolicy

_WIDTHS = {"ipv4_addr": 4, "ipv6_addr": 16}


def lost_flows(netfilter: NetlinkSocket, tables: Iterable[str], policy: PacketPolicy) -> set[Release]:
    """`policy` is about to serve instead of these tables.  Raises NetlinkError."""
    releasing = [contents for contents in policy.sets if contents.releases]
    found: set[Release] = set()
    for table in tables if releasing else ():
        names = nf.sets(netfilter, table)
        for contents in releasing:
            if contents.name in names:
                held = tuple(_element(e, contents) for e in nf.elements(netfilter, table, contents.name))
                found |= released(replace(contents, elements=held), _as_shown(contents))
    return found


def _as_shown(contents: ElementSet) -> ElementSet:
    """The kernel knows no more of an origin than its comment."""
    shown = (Element(key=e.key, origin=comment_text(e.origin)) for e in contents.elements)
    return replace(contents, elements=tuple(shown))


def _element(entry: dict[int, bytes], contents: ElementSet) -> Element:
    first = attributes(entry[nf.KEY])[nf.VALUE]
    last = attributes(entry[nf.KEY_END])[nf.VALUE] if nf.KEY_END in entry else first
    width = _WIDTHS[contents.key[0]]
    key = address_text(first[:width])
    if len(contents.key) > 1:  # and then a protocol and ports, each in a word of its own
        for form, offset in ((">B", width), (">H", width + 4)):
            ends = (struct.unpack_from(form, data, offset)[0] for data in (first, last))
            key += " . " + "-".join(map(str, ends))
    return Element(key=key, origin=nf.comment(entry.get(nf.ELEMENT_USER_DATA, b"")))
