"""Route 53's hosted zones as a resolver serves them."""

from collections.abc import Iterable, Iterator, Mapping

from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.model.balancer_names import TTL
from seawall.model.health_check import HealthCheck
from seawall.model.hosted_zone import HostedZone, RecordSet, zone_file_text
from seawall.model.record_routing import Balancers, answering
from seawall.model.service_discovery import DiscoveryInstance, instance_records
from seawall.program.network import NameRecord, NameZone


def hosted_zones(snapshot: NetworkSnapshot, balancers: Balancers) -> dict[str, NameZone]:
    """Every hosted zone by id.  `balancers` are all names of load balancers, which aliases may lead to."""
    by_zone: dict[str, list[RecordSet]] = {}
    for record in (*snapshot.record_sets, *_discovered(snapshot)):
        by_zone.setdefault(record.hosted_zone_id, []).append(record)
    checks = {check.id: check for check in snapshot.health_checks}
    return {
        zone.id: _name_zone(zone, by_zone.get(zone.id, []), checks, balancers)
        for zone in snapshot.hosted_zones
    }


def _discovered(snapshot: NetworkSnapshot) -> Iterator[RecordSet]:
    """What instances of Cloud Map make in the zones of their namespaces."""
    namespaces = {namespace.id: namespace for namespace in snapshot.discovery_namespaces}
    instances: dict[str, list[DiscoveryInstance]] = {}
    for instance in snapshot.discovery_instances:
        instances.setdefault(instance.service_id, []).append(instance)
    for service in snapshot.discovery_services:
        yield from instance_records(namespaces[service.namespace_id], service, instances.get(service.id, ()))


def public_hosted_zones(snapshot: NetworkSnapshot) -> tuple[HostedZone, ...]:
    """Those that the internet is led to.  Of several with one name it is the oldest."""
    oldest: dict[str, HostedZone] = {}
    for zone in sorted(snapshot.hosted_zones, key=lambda z: (z.create_time, z.id)):
        if not zone.private:
            oldest.setdefault(zone.name, zone)
    return tuple(oldest.values())


def _name_zone(
    zone: HostedZone,
    records: Iterable[RecordSet],
    checks: Mapping[str, HealthCheck],
    balancers: Balancers,
) -> NameZone:
    sets: dict[tuple[str, str], list[RecordSet]] = {}
    for record in records:
        sets.setdefault((record.name, record.type), []).append(record)
    (authority,) = sets.pop((zone.name, "SOA"))
    return NameZone(
        id=zone.id,
        name=zone_file_text(zone.name),
        soa=zone_file_text(authority.values[0]),
        soa_ttl=authority.ttl or 0,
        records=tuple(
            _name_record(record, balancers)
            for found in sets.values()
            for record in answering(found, sets, checks, balancers)
        ),
        delegates=not zone.private,
    )


def _name_record(record: RecordSet, balancers: Balancers) -> NameRecord:
    """What leads to a load balancer answers with its addresses, as if they were its own."""
    target = record.alias.dns_name if record.alias else None
    balancer = balancers.get(target or "")
    if balancer is not None:
        target, values, ttl = None, balancer.values(record.type), TTL
    else:
        values, ttl = record.values, record.ttl if record.ttl is not None else TTL
    return NameRecord(
        name=zone_file_text(record.name),
        type=record.type,
        ttl=ttl,
        values=tuple(map(zone_file_text, values)),
        alias=zone_file_text(target) if target else None,
        weight=record.weight,
    )
