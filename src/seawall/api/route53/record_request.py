"""One change of a batch, read: which record set it means, and whether it can be one at all."""

from typing import Any

from seawall.api.params import Params
from seawall.api.route53.hosted_zone import record_id
from seawall.api.route53.names import BadName, bare_id, canonical_name
from seawall.api.route53.record_data import data_fault
from seawall.model.hosted_zone import AliasTarget, HostedZone, RecordSet
from seawall.wire.errors import ApiError, NotImplementedHere

OTHER_ROUTING = ("Region", "GeoLocation", "CidrRoutingConfig", "GeoProximityLocation")
ROUTING = ("Weight", "Region", "Failover", "GeoLocation", "MultiValueAnswer")


def read_record_set(zone: HostedZone, action: str, wanted: Params) -> tuple[RecordSet, list[str]]:
    """The record set of a change, and what is wrong with its data.

    Raises ApiError for a request that is none, NotImplementedHere for what Seawall cannot do.
    """
    _refuse_unserved(wanted)
    type, identifier, alias = wanted["Type"], wanted.get("SetIdentifier"), wanted.get("AliasTarget")
    ttl, records = wanted.get("TTL"), wanted.get("ResourceRecords") or []
    where = f"[Action={action}, Name={wanted['Name']}, Type={type}, SetIdentifier={identifier or 'null'}]"
    _check_kind(where, alias is not None, ttl is not None, bool(records))
    _check_routing(where, wanted, identifier)
    try:
        name = canonical_name(wanted["Name"])
        target = None if alias is None else _alias_target(alias)
    except BadName as error:
        raise ApiError("InvalidChangeBatch", f"[{error}]") from error
    values = tuple(record["Value"] for record in records)
    record = RecordSet(
        id=record_id(zone.id, name, type, identifier),
        hosted_zone_id=zone.id,
        name=name,
        type=type,
        ttl=ttl,
        values=values,
        alias=target,
        set_identifier=identifier,
        weight=wanted.get("Weight"),
        failover=wanted.get("Failover"),
        multi_value_answer=wanted.get("MultiValueAnswer"),
        health_check_id=wanted.get("HealthCheckId"),
    )
    faults = [fault for value in values if (fault := data_fault(type, value))]
    doubles = dict.fromkeys(value for value in values if values.count(value) > 1)
    return record, faults + [f"Duplicate Resource Record: '{value}'" for value in doubles]


def _refuse_unserved(wanted: Params) -> None:
    for member in OTHER_ROUTING:
        if wanted.get(member) is not None:
            raise NotImplementedHere(
                f"ChangeResourceRecordSets: Seawall does not route by {member}: everything is in one place."
            )
    if wanted.get("TrafficPolicyInstanceId") is not None:
        raise NotImplementedHere("ChangeResourceRecordSets: Seawall has no traffic policies.")


def _check_kind(where: str, alias: bool, ttl: bool, records: bool) -> None:
    expected = "Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or"
    expected += " TrafficPolicyInstanceId], but found"
    if alias and (ttl or records):
        raise _invalid(f"{expected} more than one in Change with {where}")
    if not alias and not ttl and not records:
        raise _invalid(f"{expected} none in Change with {where}")
    if not alias and not (ttl and records):
        missing = "ResourceRecords" if ttl else "TTL"
        raise _invalid(f"Missing field '{missing}' in Change with {where}")


def _check_routing(where: str, wanted: Params, identifier: str | None) -> None:
    given = [member for member in ROUTING if wanted.get(member) is not None]
    expected = "Expected exactly one of [Weight, Region, Failover, GeoLocation, or MultiValueAnswer],"
    if len(given) > 1:
        raise _invalid(f"{expected} but found more than one in Change with {where}")
    if given and identifier is None:
        raise _invalid(f"Missing field 'SetIdentifier' in Change with {where}")
    if identifier is not None and not given:
        raise _invalid(f"{expected} but found none in Change with {where}")


def _alias_target(alias: Params) -> AliasTarget:
    return AliasTarget(
        hosted_zone_id=bare_id(alias["HostedZoneId"]),
        dns_name=canonical_name(alias["DNSName"]),
        evaluate_target_health=alias["EvaluateTargetHealth"],
    )


def _invalid(text: str) -> ApiError:
    return ApiError("InvalidInput", f"Invalid request: {text}")


def describe_record_set(record: RecordSet) -> dict[str, Any]:
    """A record set as ListResourceRecordSets shows it."""
    told: dict[str, Any] = {"Name": record.name, "Type": record.type}
    optional = {
        "SetIdentifier": record.set_identifier,
        "Weight": record.weight,
        "Failover": record.failover,
        "MultiValueAnswer": record.multi_value_answer,
        "TTL": record.ttl,
        "HealthCheckId": record.health_check_id,
    }
    told |= {key: value for key, value in optional.items() if value is not None}
    if record.alias is not None:
        told["AliasTarget"] = {
            "HostedZoneId": record.alias.hosted_zone_id,
            "DNSName": record.alias.dns_name,
            "EvaluateTargetHealth": record.alias.evaluate_target_health,
        }
    else:
        told["ResourceRecords"] = [{"Value": value} for value in record.values]
    return told
