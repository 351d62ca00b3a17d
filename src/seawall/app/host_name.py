"""What a host name stands for, as a resolver of Seawall would answer: no packet is sent."""

import ipaddress

from dns.exception import DNSException

from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.compile.zones import compile_names
from seawall.host.dns.names import Names
from seawall.host.dns.record_set import wire_name
from seawall.host.dns.zone import Zone
from seawall.model.internet import EDGE_NAMESPACE

A, AAAA = 1, 28


def resolve(snapshot: NetworkSnapshot, vpc_id: str | None, name: str) -> tuple[str, ...]:
    """Addresses of a name asked for inside a VPC, or on the internet (None); IPv4 ones first."""
    zones, resolvers = compile_names(snapshot)
    known = {zone.id: Zone(zone) for zone in zones}
    place = vpc_id or EDGE_NAMESPACE
    resolver = next((resolver for resolver in resolvers if resolver.namespace == place), None)
    if resolver is None:
        return ()  # the VPC has no DNS support
    names = Names([[known[id] for id in group if id in known] for group in resolver.zones])
    try:
        asked = wire_name(name)
    except DNSException:
        return ()
    found = [record for type in (A, AAAA) for record in names.answer(asked, type).records]
    return tuple(str(ipaddress.ip_address(r.data)) for r in found if r.type in (A, AAAA))
