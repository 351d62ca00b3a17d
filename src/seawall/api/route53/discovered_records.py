"""Record sets that instances of Cloud Map make in the zones of their namespaces: they are nowhere stored."""

from seawall.model.hosted_zone import HostedZone, RecordSet
from seawall.model.service_discovery import (
    DiscoveryInstance,
    DiscoveryNamespace,
    DiscoveryService,
    instance_records,
)
from seawall.store.store import Reader


def zone_records(reader: Reader, zone: HostedZone) -> list[RecordSet]:
    """Every record set of a zone."""
    found = reader.referrers(RecordSet, zone.ref)
    if zone.managed_by is None:
        return found
    for namespace in reader.referrers(DiscoveryNamespace, zone.ref):
        for service in reader.referrers(DiscoveryService, namespace.ref):
            instances = reader.referrers(DiscoveryInstance, service.ref)
            found = [*found, *instance_records(namespace, service, instances)]
    return found
