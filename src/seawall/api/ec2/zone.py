"""Availability zones and regions: one region, three zones."""

from collections.abc import Iterable
from typing import Any

from seawall.api.ec2.describe import Filters, filtered
from seawall.api.ec2.zone_names import zones
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.wire.errors import ApiError


@operation("ec2", "DescribeAvailabilityZones", note="Every region has three zones: a, b and c.")
def describe_availability_zones(call: Call, params: Params) -> dict[str, Any]:
    params.get("AllAvailabilityZones")  # all are opted in already
    known = zones(call.region)
    names, ids = params.get("ZoneNames") or (), params.get("ZoneIds") or ()
    _refuse_strangers(names, known.keys())
    _refuse_strangers(ids, known.values())
    items = [
        (name, id) for name, id in known.items() if (not names or name in names) and (not ids or id in ids)
    ]
    filters: Filters[tuple[str, str]] = {
        "group-name": lambda zone: f"{call.region}-zg-1",
        "group-long-name": lambda zone: None,
        "message": lambda zone: None,
        "opt-in-status": lambda zone: "opt-in-not-required",
        "parent-zone-id": lambda zone: None,
        "parent-zone-name": lambda zone: None,
        "region-name": lambda zone: call.region,
        "state": lambda zone: "available",
        "zone-id": lambda zone: zone[1],
        "zone-name": lambda zone: zone[0],
        "zone-type": lambda zone: "availability-zone",
    }
    return {
        "AvailabilityZones": [
            {
                "ZoneName": name,
                "ZoneId": id,
                "RegionName": call.region,
                "GroupName": f"{call.region}-zg-1",
                "NetworkBorderGroup": call.region,
                "State": "available",
                "OptInStatus": "opt-in-not-required",
                "ZoneType": "availability-zone",
                "Messages": [],
            }
            for name, id in filtered(params, items, filters)
        ]
    }


@operation("ec2", "DescribeRegions", note="There is one region, the one Seawall was started for.")
def describe_regions(call: Call, params: Params) -> dict[str, Any]:
    params.get("AllRegions")  # there is no other, opted in or not
    for name in params.get("RegionNames") or ():
        if name != call.region:
            raise ApiError("InvalidParameterValue", f"Invalid region provided: {name}")
    endpoint = f"ec2.{call.region}.amazonaws.com"
    filters: Filters[str] = {
        "endpoint": lambda region: endpoint,
        "opt-in-status": lambda region: "opt-in-not-required",
        "region-name": lambda region: region,
    }
    return {
        "Regions": [
            {"RegionName": region, "Endpoint": endpoint, "OptInStatus": "opt-in-not-required"}
            for region in filtered(params, [call.region], filters)
        ]
    }


def _refuse_strangers(given: Iterable[str], known: Iterable[str]) -> None:
    strangers = [name for name in given if name not in known]
    if strangers:
        raise ApiError("InvalidParameterValue", f"Invalid availability zone: [{', '.join(strangers)}]")
