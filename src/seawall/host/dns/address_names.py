"""Names made from addresses, both ways: ip-10-0-1-23.ec2.internal and 23.1.0.10.in-addr.arpa."""

import re
from ipaddress import IPv4Network

from seawall.host.dns.message import PTR, A
from seawall.host.dns.record_set import EMPTY, Node, RecordSet, wire_name
from seawall.program.network import AddressNames

REVERSE = b"\x07in-addr\x04arpa\0"
_QUAD = re.compile(rb"(\d{1,3})-(\d{1,3})-(\d{1,3})-(\d{1,3})")


class ComputedNames:
    """The names of all addresses of some networks, as far as they lie in one zone."""

    def __init__(self, names: AddressNames, apex: bytes) -> None:
        self._apex = apex
        self._ttl = names.ttl
        self._prefix = names.prefix.encode()
        self._domain = wire_name(names.domain)
        self._reverse = apex.endswith(REVERSE)
        networks = [IPv4Network(network) for network in names.networks]
        self._ranges = [(int(n.network_address), int(n.broadcast_address)) for n in networks]

    def find(self, name: bytes) -> Node | None:
        """What a name below the zone's apex has; None: it is no such name."""
        return self._find_address(name) if self._reverse else self._find_name(name)

    def _find_name(self, name: bytes) -> Node | None:
        length = name[0]
        label, domain = name[1 : length + 1], name[length + 1 :]
        if domain != self._domain or not label.startswith(self._prefix):
            return None
        quad = _QUAD.fullmatch(label, len(self._prefix))
        if quad is None:
            return None
        octets = [int(part) for part in quad.groups()]
        if max(octets) > 255 or not self._holds(bytes(octets), bytes(octets)):
            return None
        return Node({A: [RecordSet(self._ttl, data=(bytes(octets),))]})

    def _find_address(self, name: bytes) -> Node | None:
        """The name of an address; for a part of one, whether any address below it has a name."""
        octets: list[int] = []
        while name != REVERSE:
            label, name = name[1 : name[0] + 1], name[name[0] + 1 :]
            if not label.isdigit() or len(label) > 3 or int(label) > 255 or str(int(label)).encode() != label:
                return None
            octets.insert(0, int(label))
        known = bytes(octets)
        if len(known) > 4 or not self._holds(known.ljust(4, b"\0"), known.ljust(4, b"\xff")):
            return None
        if len(known) < 4:
            return EMPTY
        host = self._prefix + "-".join(map(str, octets)).encode()
        target = bytes([len(host)]) + host + self._domain
        return Node({PTR: [RecordSet(self._ttl, data=(target,))]})

    def _holds(self, first: bytes, last: bytes) -> bool:
        low, high = int.from_bytes(first, "big"), int.from_bytes(last, "big")
        return any(start <= high and low <= end for start, end in self._ranges)
