"""Which record sets may stand side by side in a zone.

Texts as Route 53 writes them where it has been seen to; the rules are those of the API reference,
"ResourceRecordSet".
"""

from collections.abc import Iterable, Mapping

from seawall.api.route53.names import within
from seawall.model.hosted_zone import HostedZone, RecordSet

Records = Mapping[str, RecordSet]  # by id


def zone_faults(zone: HostedZone, records: Records, changed: Iterable[RecordSet]) -> list[str]:
    """What is wrong with the zone once the changed record sets are as they are now.

    changed   the sets that were created or replaced; those that went again are passed over
    """
    by_name: dict[str, list[RecordSet]] = {}
    for record in records.values():
        by_name.setdefault(record.name, []).append(record)
    faults: dict[str, None] = {}
    for record in changed:
        if records.get(record.id) == record:
            neighbours = [other for other in by_name[record.name] if other.id != record.id]
            fault = (
                _place_fault(zone, record)
                or _conflict(zone, record, neighbours)
                or _routing_fault(record, [other for other in neighbours if other.type == record.type])
                or _alias_fault(zone, record, records)
            )
            if fault is not None:
                faults[fault] = None
    for type, text in (
        ("NS", "A HostedZone must contain at least one NS record for the zone itself."),
        ("SOA", "A HostedZone must contain exactly one SOA record."),
    ):
        if not any(record.type == type for record in by_name.get(zone.name, [])):
            faults[text] = None
    return list(faults)


def _place_fault(zone: HostedZone, record: RecordSet) -> str | None:
    if not within(record.name, zone.name):
        return f"RRSet with DNS name {record.name} is not permitted in zone {zone.name}"
    apex = record.name == zone.name
    if record.type == "CNAME" and apex:
        return f"RRSet of type CNAME with DNS name {record.name} is not permitted at apex in zone {zone.name}"
    if record.type == "SOA" and not apex:
        return f"RRSet of type SOA with DNS name {record.name} is not permitted in zone {zone.name}"
    if record.type == "SOA" and len(record.values) != 1:
        return "A HostedZone must contain exactly one SOA record."
    return None


def _conflict(zone: HostedZone, record: RecordSet, neighbours: list[RecordSet]) -> str | None:
    """A name that is another's has nothing else (RFC 1034 section 3.6.2)."""
    for other in neighbours:
        if other.type != record.type and "CNAME" in (other.type, record.type):
            return (
                f"RRSet of type {record.type} with DNS name {record.name} is not permitted because a"
                f" conflicting RRSet of type {other.type} with the same DNS name already exists in zone"
                f" {zone.name}"
            )
    return None


def _routing_fault(record: RecordSet, others: list[RecordSet]) -> str | None:
    """Record sets of one name and type differ in their identifier only."""
    what = f"RRSet with DNS name {record.name}, type {record.type}"
    if record.set_identifier is None:
        taken = f"{what} cannot be created as other RRSets exist with the same name and type."
        return taken if others else None
    what += f", SetIdentifier {record.set_identifier}"
    policy = _policy(record)
    if record.type == "SOA" or (policy != "weighted" and record.type == "NS"):
        return f"{what} cannot be created as {policy} routing is not permitted for the type {record.type}."
    if policy == "multivalue answer" and (record.alias is not None or record.type == "CNAME"):
        return f"{what} cannot be created as multivalue answer sets must not be aliases or of type CNAME."
    if any(_policy(other) != policy for other in others):
        return f"{what} cannot be created as a non-{policy} set exists with the same name and type."
    if policy == "failover" and any(other.failover == record.failover for other in others):
        return f"{what} cannot be created as a {record.failover} set exists with the same name and type."
    ttls = {other.ttl for other in others if other.alias is None}
    if policy == "weighted" and record.alias is None and ttls - {record.ttl}:
        return f"{what} cannot be created as weighted sets must contain the same TTL."
    return None


def _policy(record: RecordSet) -> str:
    if record.weight is not None:
        return "weighted"
    if record.failover is not None:
        return "failover"
    return "simple" if record.set_identifier is None else "multivalue answer"


def _alias_fault(zone: HostedZone, record: RecordSet, records: Records) -> str | None:
    if record.alias is None or record.alias.hosted_zone_id != zone.id:
        return None
    target = record.alias.dns_name
    tried = f"Tried to create an alias that targets {target}, type {record.type} in zone {zone.id}, but"
    if not within(target, zone.name):
        return f"{tried} the alias target name does not lie within the target zone"
    if record.type in ("NS", "SOA"):
        return f"{tried} an alias of the type {record.type} is not permitted"
    if not any(other.name == target and other.type == record.type for other in records.values()):
        return f"{tried} that target was not found"
    return None
