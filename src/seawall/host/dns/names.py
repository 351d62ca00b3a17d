"""All that one resolver knows: its zones, and how a question is answered from them."""

from collections.abc import Iterable
from typing import NamedTuple

from seawall.host.dns.message import ANY, CNAME, NOERROR, NXDOMAIN, SERVFAIL, SOA, Record
from seawall.host.dns.record_set import read_data
from seawall.host.dns.zone import Zone

MOST_HOPS = 16  # from one CNAME to the next
_ROOT_SOA = "a.root-servers.net. nstld.verisign-grs.com. 1 1800 900 604800 86400"
_OUTSIDE = Record(b"\0", SOA, 60, read_data("SOA", _ROOT_SOA))


class Answer(NamedTuple):
    """`elsewhere` is the name that only an upstream can know; without one, `rcode` stands."""

    rcode: int
    records: list[Record]
    authority: Record | None
    elsewhere: bytes | None = None


class Names:
    """`groups` as in program.network.Resolver; where two zones of a group have one name, the first counts."""

    def __init__(self, groups: Iterable[Iterable[Zone]]) -> None:
        self._groups = [{zone.apex: zone for zone in reversed(list(group))} for group in groups]

    def answer(self, name: bytes, type: int) -> Answer:
        """The answer to a question; `name` is lower case in wire form."""
        records: list[Record] = []
        for _ in range(MOST_HOPS):
            zone = self._zone_of(name)
            if zone is None:
                return Answer(NXDOMAIN, records, _OUTSIDE, name)
            if zone.delegated(name):
                return Answer(SERVFAIL, records, None, name)
            node = zone.find(name)
            if node is None:
                return Answer(NXDOMAIN, records, zone.negative, None if zone.complete else name)
            if type in (CNAME, ANY) or CNAME not in node.sets:
                for found in node.sets if type == ANY else (type,):
                    ttl, data = zone.choose(node, found)
                    records += [Record(name, found, ttl, each) for each in data]
                return Answer(NOERROR, records, None if _ends_well(records, name) else zone.negative)
            ttl, data = zone.choose(node, CNAME)
            if not data:
                return Answer(NOERROR, records, zone.negative)
            records.append(Record(name, CNAME, ttl, data[0]))
            name = data[0].lower()
        return Answer(SERVFAIL, [], None)

    def _zone_of(self, name: bytes) -> Zone | None:
        for zones in self._groups:
            rest = name
            while True:
                zone = zones.get(rest)
                if zone is not None:
                    return zone
                if not rest[0]:
                    break
                rest = rest[rest[0] + 1 :]
        return None


def _ends_well(records: list[Record], name: bytes) -> bool:
    """Whether the last name of the chain has data."""
    return bool(records) and records[-1].owner == name
