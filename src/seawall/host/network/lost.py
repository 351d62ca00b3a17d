"""What a new table takes the ground from, read from the tables it takes the place of."""

import struct
import sys
from collections.abc import Iterable

from msgspec.structs import replace

from seawall.host.network import nf_tables as nf
from seawall.host.network.elements import comment_text
from seawall.host.network.netlink import NetlinkSocket, attributes
from seawall.host.network.releases import Release, released_by
from seawall.host.network.rtnetlink import address_text
from seawall.program.network import Element, ElementSet, PacketPolicy

_WIDTHS = {"ipv4_addr": 4, "ipv6_addr": 16}


def lost_flows(netfilter: NetlinkSocket, tables: Iterable[str], policy: PacketPolicy) -> set[Release]:
    """`policy` is about to serve instead of these tables.  Raises NetlinkError."""
    wanted = {contents.name for contents in policy.sets if contents.releases}
    wanted |= {contents.owners for contents in policy.sets if contents.owners}
    concerned = [contents for contents in policy.sets if contents.name in wanted]
    shown = {contents.name: _as_shown(contents) for contents in concerned}
    found: set[Release] = set()
    for table in tables if concerned else ():
        names = nf.sets(netfilter, table)
        held = {
            contents.name: replace(
                contents,
                elements=tuple(_element(e, contents) for e in nf.elements(netfilter, table, contents.name)),
            )
            for contents in concerned
            if contents.name in names
        }
        found |= released_by(held, shown)
    return found


def _as_shown(contents: ElementSet) -> ElementSet:
    """As `_element` reads it back: no more of an origin than the comment, and of values only marks."""
    valued = contents.value == "mark"
    shown = (
        Element(key=e.key, value=e.value if valued else None, origin=comment_text(e.origin))
        for e in contents.elements
    )
    return replace(contents, elements=tuple(shown))


def _element(entry: dict[int, bytes], contents: ElementSet) -> Element:
    """Of a set that releases something, or of the owners that such a set has."""
    first = attributes(entry[nf.KEY])[nf.VALUE]
    last = attributes(entry[nf.KEY_END])[nf.VALUE] if nf.KEY_END in entry else first
    value = None
    if contents.key[0] == "mark":
        width = 4
        key = f"{int.from_bytes(first[:width], 'big'):#x}"  # in a set of intervals
    else:
        width = _WIDTHS[contents.key[0]]
        key = address_text(first[:width])
    if len(contents.key) > 1:  # and then a protocol and ports, each in a word of its own
        for form, offset in ((">B", width), (">H", width + 4)):
            ends = (struct.unpack_from(form, data, offset)[0] for data in (first, last))
            key += " . " + "-".join(map(str, ends))
    if contents.value == "mark":
        value = f"{int.from_bytes(attributes(entry[nf.DATA])[nf.VALUE], sys.byteorder):#x}"
    return Element(key=key, value=value, origin=nf.comment(entry.get(nf.ELEMENT_USER_DATA, b"")))
