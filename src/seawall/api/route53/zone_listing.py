"""Hosted zones page by page, by id and by name."""

from typing import Any

from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.api.route53.hosted_zone import describe_zone
from seawall.api.route53.names import BadName, bare_id, canonical_name, page_size, reversed_labels
from seawall.model.hosted_zone import HostedZone
from seawall.wire.errors import ApiError, NotImplementedHere

MOST_ON_A_PAGE = 100


@operation("route53", "ListHostedZones", refused={"DelegationSetId": "there are no reusable delegation sets"})
def list_hosted_zones(call: Call, params: Params) -> dict[str, Any]:
    if params.get("DelegationSetId") is not None:
        raise NotImplementedHere("ListHostedZones: Seawall has no reusable delegation sets.")
    limit, marker = page_size(params.get("MaxItems"), MOST_ON_A_PAGE), params.get("Marker")
    private_only = params.get("HostedZoneType") == "PrivateHostedZone"
    zones = [
        zone
        for zone in call.store.all(HostedZone)
        if zone.id >= bare_id(marker or "") and (zone.private or not private_only)
    ]
    answer: dict[str, Any] = {
        "HostedZones": [describe_zone(call.store, zone) for zone in zones[:limit]],
        "IsTruncated": len(zones) > limit,
        "MaxItems": str(limit),
    }
    if marker is not None:
        answer["Marker"] = marker
    return answer | ({"NextMarker": zones[limit].id} if len(zones) > limit else {})


@operation("route53", "ListHostedZonesByName")
def list_hosted_zones_by_name(call: Call, params: Params) -> dict[str, Any]:
    limit, first, first_id = (
        page_size(params.get("MaxItems"), MOST_ON_A_PAGE),
        params.get("DNSName"),
        params.get("HostedZoneId"),
    )
    if first_id is not None and first is None:
        raise ApiError("InvalidInput", "The DNS name must be specified when the hosted zone ID is specified.")
    try:
        start = (reversed_labels(canonical_name(first)), bare_id(first_id or "")) if first else ([], "")
    except BadName as error:
        raise ApiError("InvalidDomainName", str(error)) from error
    zones = sorted((z for z in call.store.all(HostedZone) if _place(z) >= start), key=_place)
    answer: dict[str, Any] = {
        "HostedZones": [describe_zone(call.store, zone) for zone in zones[:limit]],
        "IsTruncated": len(zones) > limit,
        "MaxItems": str(limit),
    }
    if first is not None:
        answer["DNSName"] = canonical_name(first) if first else ""
    if first_id is not None:
        answer["HostedZoneId"] = first_id
    if len(zones) > limit:
        answer |= {"NextDNSName": zones[limit].name, "NextHostedZoneId": zones[limit].id}
    return answer


def _place(zone: HostedZone) -> tuple[list[str], str]:
    return reversed_labels(zone.name), zone.id
