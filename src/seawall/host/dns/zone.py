"""One zone, compiled for look-ups: names and data in wire form.

Sources: RFC 1034 section 4.3.2, RFC 4592 (wildcards, and names that exist only because others stand below
them), RFC 2308 (how long a negative answer may be remembered).
"""

import random
from collections.abc import Iterable

import dns.rdatatype

from seawall.host.dns.address_names import ComputedNames
from seawall.host.dns.message import NS, SOA, Record
from seawall.host.dns.record_set import Node, RecordSet, read_data, wire_name
from seawall.program.network import NameRecord, NameZone

MOST_VALUES = 8  # of several record sets without weights
MOST_ALIASES = 8  # one leading to the next
_WILD = b"\x01*"

Choice = tuple[int, tuple[bytes, ...]]  # seconds to live, data
NOTHING: Choice = (0, ())


class Zone:
    """Raises dns.exception.DNSException for data that is none of its type."""

    def __init__(self, zone: NameZone) -> None:
        self.source = zone
        self.apex = wire_name(zone.name)
        self.complete = zone.complete
        self.nodes: dict[bytes, Node] = {self.apex: Node()}
        for record in zone.records:
            self._add(record)
        self.cuts = frozenset(self._cuts()) if zone.delegates else frozenset()
        self._computed = tuple(ComputedNames(names, self.apex) for names in zone.computed)
        soa = read_data("SOA", zone.soa)
        minimum = int.from_bytes(soa[-4:], "big")
        self.negative = Record(self.apex, SOA, min(zone.soa_ttl, minimum), soa)
        self.nodes[self.apex].sets[SOA] = [RecordSet(zone.soa_ttl, data=(soa,))]

    def find(self, name: bytes) -> Node | None:
        """What a name within the zone has; None: there is no such name."""
        node = self.nodes.get(name)
        if node is not None:
            return node
        for computed in self._computed:
            node = computed.find(name)
            if node is not None:
                return node
        above = name
        while above != self.apex:
            above = above[above[0] + 1 :]
            if above in self.nodes:  # the closest that exists; only a wildcard right below it counts
                return self.nodes.get(_WILD + above)
        return None

    def delegated(self, name: bytes) -> bool:
        """Whether other servers are to be asked for it."""
        if not self.cuts:
            return False
        while name != self.apex:
            if name in self.cuts:
                return True
            name = name[name[0] + 1 :]
        return False

    def choose(self, node: Node, type: int, depth: int = 0) -> Choice:
        """The data of a type that this answer shall hold; nothing where there is none."""
        sets = node.sets.get(type)
        if sets is None:
            return NOTHING
        if len(sets) == 1:
            return self._shuffled(self._follow(sets[0], type, depth), None)
        weights = [found.weight for found in sets if found.weight is not None]
        if weights:
            total = sum(weights)
            chosen = random.choices(sets, weights if total else None)[0]
            return self._shuffled(self._follow(chosen, type, depth), None)
        choices = [self._follow(found, type, depth) for found in sets]
        pooled = tuple(dict.fromkeys(data for _, all_data in choices for data in all_data))
        return self._shuffled((min(ttl for ttl, _ in choices), pooled), MOST_VALUES)

    def _follow(self, found: RecordSet, type: int, depth: int) -> Choice:
        if found.alias is None:
            return (found.ttl, found.data)
        target = self.find(found.alias)
        if target is None or depth == MOST_ALIASES:
            return NOTHING
        return self.choose(target, type, depth + 1)

    @staticmethod
    def _shuffled(choice: Choice, most: int | None) -> Choice:
        ttl, data = choice
        if len(data) < 2:
            return choice
        return ttl, tuple(random.sample(data, min(len(data), most or len(data))))

    def _add(self, record: NameRecord) -> None:
        name, type = wire_name(record.name), dns.rdatatype.from_text(record.type)
        node = self.nodes.setdefault(name, Node())
        node.sets.setdefault(type, []).append(_record_set(record))
        while name != self.apex and name != b"\0":  # every name above it exists
            name = name[name[0] + 1 :]
            self.nodes.setdefault(name, Node())

    def _cuts(self) -> Iterable[bytes]:
        return (name for name, node in self.nodes.items() if NS in node.sets and name != self.apex)


def _record_set(record: NameRecord) -> RecordSet:
    return RecordSet(
        ttl=record.ttl,
        data=tuple(read_data(record.type, value) for value in record.values),
        alias=None if record.alias is None else wire_name(record.alias),
        weight=record.weight,
    )
