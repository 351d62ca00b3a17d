"""TestDNSAnswer: what a zone would answer, by the record sets as they are recorded now."""

import random
from ipaddress import ip_address
from typing import Any, NamedTuple

from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.api.route53.balancer_alias import known_balancers
from seawall.api.route53.discovered_records import zone_records
from seawall.api.route53.hosted_zone import PRIVATE_SERVERS
from seawall.api.route53.names import BadName, canonical_name, find_zone, within
from seawall.model.balancer_names import BalancerName
from seawall.model.health_check import HealthCheck
from seawall.model.hosted_zone import HostedZone, RecordSet
from seawall.model.record_routing import answering
from seawall.wire.errors import ApiError

WILDCARD = "\\052."
MOST_VALUES = 8
MOST_HOPS = 8


class _World(NamedTuple):
    """What an answer is made from: a zone's record sets, and what decides among them."""

    by_name: dict[str, list[RecordSet]]
    checks: dict[str, HealthCheck]
    balancers: dict[str, BalancerName]


@operation(
    "route53",
    "TestDNSAnswer",
    stored={
        "ResolverIP": "no record depends on where the resolver is",
        "EDNS0ClientSubnetIP": "no record depends on where the client is",
        "EDNS0ClientSubnetMask": "no record depends on where the client is",
    },
)
def test_dns_answer(call: Call, params: Params) -> dict[str, Any]:
    zone = find_zone(call.store, params["HostedZoneId"])
    for member in ("ResolverIP", "EDNS0ClientSubnetIP"):
        _check_address(params.get(member))
    type = params["RecordType"]
    try:
        name = canonical_name(params["RecordName"])
    except BadName as error:
        raise ApiError("InvalidInput", str(error)) from error
    by_name: dict[str, list[RecordSet]] = {}
    for record in zone_records(call.store, zone):
        by_name.setdefault(record.name, []).append(record)
    found = _closest(zone, by_name, name)
    checks = {check.id: check for check in call.store.all(HealthCheck)}
    world = _World(by_name, checks, known_balancers(call.store))
    data = [] if found is None else _data(world, found, type)
    return {
        "Nameserver": (zone.name_servers or PRIVATE_SERVERS)[0],
        "RecordName": name,
        "RecordType": type,
        "RecordData": data,
        "ResponseCode": "NXDOMAIN" if found is None else "NOERROR",
        "Protocol": "UDP",
    }


def _check_address(text: str | None) -> None:
    try:
        ip_address(text or "192.0.2.1")
    except ValueError as error:
        raise ApiError("InvalidInput", f"Invalid IP address: {text}") from error


def _closest(zone: HostedZone, by_name: dict[str, list[RecordSet]], name: str) -> str | None:
    """The name that answers: itself, or the wildcard right below the nearest name that exists."""
    if not within(name, zone.name):
        raise ApiError("InvalidInput", f"The record name {name} is not in the zone {zone.name}")
    existing = {
        ".".join(labels[depth:])
        for labels in (each.split(".") for each in by_name)
        for depth in range(len(labels) - 1)
    }
    if name in existing:
        return name
    above = name
    while above not in existing:
        above = above.partition(".")[2]
    return WILDCARD + above if WILDCARD + above in by_name else None


def _data(world: _World, name: str, type: str, hops: int = 0) -> list[str]:
    records = world.by_name.get(name, [])
    found = [r for r in records if r.type == type] or [r for r in records if r.type == "CNAME"]
    sets = {(each, type): [r for r in there if r.type == type] for each, there in world.by_name.items()}
    found = answering(found, sets, world.checks, world.balancers)
    if found and found[0].weight is not None:
        weights = [record.weight or 0 for record in found]
        found = random.choices(found, weights if sum(weights) else None)
    values: list[str] = []
    for record in found:
        if record.alias is None:
            values += record.values
        elif record.alias.dns_name in world.balancers:
            values += world.balancers[record.alias.dns_name].values(record.type)
        elif hops < MOST_HOPS:
            values += _data(world, record.alias.dns_name, record.type, hops + 1)
    return values if len(found) < 2 else values[:MOST_VALUES]
