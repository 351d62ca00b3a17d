"""ChangeResourceRecordSets: a batch of changes, of which all happen or none."""

from typing import Any

from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.api.route53.balancer_alias import balancer_alias_fault, leads_to_balancers
from seawall.api.route53.change import note_change
from seawall.api.route53.names import find_health_check, find_zone, refuse_managed
from seawall.api.route53.record_request import read_record_set
from seawall.api.route53.record_rules import zone_faults
from seawall.model.hosted_zone import HostedZone, RecordSet
from seawall.store.store import Reader
from seawall.wire.errors import ApiError, NotImplementedHere

MOST_RECORDS = 1000  # in a batch; an UPSERT counts twice
MOST_CHARACTERS = 32000  # in the values of a batch; likewise


@operation(
    "route53",
    "ChangeResourceRecordSets",
    refused={
        "Region": "latency routing: everything is in one place",
        "GeoLocation": "everything is in one place",
        "GeoProximityLocation": "everything is in one place",
        "CidrRoutingConfig": "there are no CIDR collections",
        "TrafficPolicyInstanceId": "there are no traffic policies",
    },
    note=(
        "An alias leads to other records of the same zone or to a load balancer; those to other resources of"
        " AWS are refused."
    ),
)
def change_resource_record_sets(call: Call, params: Params) -> dict[str, Any]:
    batch = params["ChangeBatch"]
    with call.write() as txn:
        zone = find_zone(txn, params["HostedZoneId"])
        refuse_managed(zone)
        before = {record.id: record for record in txn.referrers(RecordSet, zone.ref)}
        after = _apply(call, txn, zone, before, batch["Changes"])
        for id in before.keys() - after.keys():
            txn.delete(RecordSet, id)
        for record in after.values():
            if before.get(record.id) != record:
                txn.put(record)
        change = note_change(call, txn, zone.id, batch.get("Comment"))
    return {"ChangeInfo": change}


def _apply(
    call: Call, reader: Reader, zone: HostedZone, before: dict[str, RecordSet], changes: list[Params]
) -> dict[str, RecordSet]:
    """The zone's record sets after the batch.  Raises ApiError with all that is wrong with it."""
    after, faults, made, records, characters = dict(before), [], [], 0, 0
    for change in changes:
        action = change["Action"]
        record, data_faults = read_record_set(zone, action, change["ResourceRecordSet"])
        weight = 2 if action == "UPSERT" else 1
        records += weight * max(len(record.values), 1)
        characters += weight * sum(map(len, record.values))
        fault = _step(after, action, record)
        faults += data_faults + ([fault] if fault else [])
        if action != "DELETE":
            made.append(record)
    if records > MOST_RECORDS:
        raise _invalid([f"Number of records limit of {MOST_RECORDS} exceeded."])
    if characters > MOST_CHARACTERS:
        raise _invalid([f"Number of characters limit of {MOST_CHARACTERS} exceeded."])
    for record in made:
        if leads_to_balancers(record, call.region):
            fault = balancer_alias_fault(reader, record, call.region)
            faults += [fault] if fault else []
        else:
            _refuse_other_zones(reader, zone, record)
        if record.health_check_id is not None:
            find_health_check(reader, record.health_check_id)
    faults = faults or zone_faults(zone, after, made)
    if faults:
        raise _invalid(faults)
    return after


def _step(records: dict[str, RecordSet], action: str, record: RecordSet) -> str | None:
    """Do one change; the fault where it cannot be done."""
    current = records.get(record.id)
    what = f"name='{record.name}', type='{record.type}'"
    if record.set_identifier is not None:
        what += f", set identifier='{record.set_identifier}'"
    if action == "CREATE" and current is not None:
        return f"Tried to create resource record set [{what}] but it already exists"
    if action != "DELETE":
        records[record.id] = record
        return None
    if current is None:
        return f"Tried to delete resource record set [{what}] but it was not found"
    if _comparable(current) != _comparable(record):
        return (
            f"Tried to delete resource record set [{what}] but the values provided do not match the"
            " current values"
        )
    del records[record.id]
    return None


def _comparable(record: RecordSet) -> tuple[Any, ...]:
    alias = record.alias and (record.alias.hosted_zone_id, record.alias.dns_name)
    routing = record.weight, record.failover, record.multi_value_answer, record.health_check_id
    return record.ttl, sorted(record.values), alias, *routing


def _refuse_other_zones(reader: Reader, zone: HostedZone, record: RecordSet) -> None:
    """An alias may lead to resources of AWS, which have zones of their own; of them only those of load
    balancers are served."""
    if record.alias is None or record.alias.hosted_zone_id == zone.id:
        return
    if reader.find(HostedZone, record.alias.hosted_zone_id) is not None:
        raise _invalid(
            [
                f"Tried to create an alias that targets {record.alias.dns_name}, type {record.type} in zone"
                f" {record.alias.hosted_zone_id}, but the alias target name does not lie within the target"
                " zone"
            ]
        )
    raise NotImplementedHere(
        "ChangeResourceRecordSets: an alias in Seawall leads to other records of its own zone"
        f" ({zone.id}) or to a load balancer; {record.alias.hosted_zone_id} is the zone of no resource that"
        " Seawall has."
    )


def _invalid(faults: list[str]) -> ApiError:
    return ApiError("InvalidChangeBatch", f"[{', '.join(faults)}]")
