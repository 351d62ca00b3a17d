"""ListResourceRecordSets: by name from right to left, then by type, then by identifier."""

from typing import Any

from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.api.route53.discovered_records import zone_records
from seawall.api.route53.names import BadName, canonical_name, find_zone, page_size, reversed_labels
from seawall.api.route53.record_request import describe_record_set
from seawall.model.hosted_zone import RecordSet
from seawall.wire.errors import ApiError

MOST_ON_A_PAGE = 300


@operation("route53", "ListResourceRecordSets")
def list_resource_record_sets(call: Call, params: Params) -> dict[str, Any]:
    zone = find_zone(call.store, params["HostedZoneId"])
    limit, start = page_size(params.get("MaxItems"), MOST_ON_A_PAGE), _start(params)
    records = sorted(
        (record for record in zone_records(call.store, zone) if _place(record) >= start),
        key=_place,
    )
    answer: dict[str, Any] = {
        "ResourceRecordSets": [describe_record_set(record) for record in records[:limit]],
        "IsTruncated": len(records) > limit,
        "MaxItems": str(limit),
    }
    if len(records) > limit:
        rest = records[limit]
        answer |= {"NextRecordName": rest.name, "NextRecordType": rest.type}
        if rest.set_identifier is not None:
            answer["NextRecordIdentifier"] = rest.set_identifier
    return answer


def _start(params: Params) -> tuple[list[str], str, str]:
    name, type = params.get("StartRecordName"), params.get("StartRecordType")
    identifier = params.get("StartRecordIdentifier")
    if (type is not None and name is None) or (identifier is not None and type is None):
        missing, given = ("name", "type") if name is None else ("type", "identifier")
        raise ApiError(
            "InvalidInput", f"A start record {given} cannot be specified without a start record {missing}."
        )
    try:
        labels = reversed_labels(canonical_name(name)) if name else []
    except BadName as error:
        raise ApiError("InvalidInput", str(error)) from error
    return labels, type or "", identifier or ""


def _place(record: RecordSet) -> tuple[list[str], str, str]:
    return reversed_labels(record.name), record.type, record.set_identifier or ""
