"""Hosted zones: create, describe, comment, delete."""

import secrets
from typing import Any

from msgspec.structs import replace

from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.api.route53.change import note_change
from seawall.api.route53.discovered_records import zone_records
from seawall.api.route53.names import BadName, canonical_name, find_zone, new_id, refuse_managed
from seawall.api.route53.vpc_association import check_conflict, find_vpc
from seawall.model.hosted_zone import HostedZone, RecordSet
from seawall.store.store import Reader, Transaction
from seawall.wire.errors import ApiError, NotImplementedHere

PRIVATE_SERVERS = (
    "ns-1536.awsdns-00.co.uk",
    "ns-0.awsdns-00.com",
    "ns-1024.awsdns-00.org",
    "ns-512.awsdns-00.net",
)
NS_TTL, SOA_TTL = 172800, 900


def record_id(zone_id: str, name: str, type: str, set_identifier: str | None) -> str:
    """What a record set is stored under."""
    return f"{zone_id}/{name}/{type}/{set_identifier or ''}"


@operation(
    "route53",
    "CreateHostedZone",
    refused={"DelegationSetId": "there are no reusable delegation sets"},
    note="Seawall's internet knows every public hosted zone at once; of two with one name, the older.",
)
def create_hosted_zone(call: Call, params: Params) -> dict[str, Any]:
    if params.get("DelegationSetId") is not None:
        raise NotImplementedHere("CreateHostedZone: Seawall has no reusable delegation sets.")
    config, wanted_vpc = params.get("HostedZoneConfig") or Params({}), params.get("VPC")
    try:
        name = canonical_name(params["Name"])
    except BadName as error:
        raise ApiError("InvalidDomainName", str(error)) from error
    if config.get("PrivateZone") and wanted_vpc is None:
        raise ApiError(
            "InvalidInput",
            "When you're creating a private hosted zone (when you specify true for PrivateZone), you must"
            " also specify values for VPCId and VPCRegion.",
        )
    reference = params["CallerReference"]
    with call.write() as txn:
        if any(zone.caller_reference == reference for zone in txn.all(HostedZone)):
            raise ApiError(
                "HostedZoneAlreadyExists",
                "A hosted zone has already been created with the specified caller reference.",
                status=409,
            )
        vpc_id = None if wanted_vpc is None else find_vpc(call, txn, wanted_vpc)
        if vpc_id is not None:
            check_conflict(call, txn, name, vpc_id)
        zone = make_zone(
            txn,
            HostedZone(
                id=new_id("Z"),
                name=name,
                caller_reference=reference,
                comment=config.get("Comment") or "",
                private=vpc_id is not None,
                vpc_ids=() if vpc_id is None else (vpc_id,),
                create_time=call.now,
            ),
        )
        change = note_change(call, txn, zone.id)
        described = describe_zone(txn, zone)
    answer = {
        "HostedZone": described,
        "ChangeInfo": change,
        "Location": f"https://route53.amazonaws.com/2013-04-01/hostedzone/{zone.id}",
    }
    if vpc_id is not None:
        return answer | {"VPC": {"VPCRegion": call.region, "VPCId": vpc_id}}
    return answer | {"DelegationSet": {"NameServers": list(zone.name_servers)}}


def make_zone(txn: Transaction, zone: HostedZone) -> HostedZone:
    """Write a zone and the records every zone has; a public one gets name servers."""
    zone = zone if zone.private else replace(zone, name_servers=_public_servers())
    txn.put(zone)
    _put_authority(txn, zone)
    return zone


def remove_zone(txn: Transaction, zone: HostedZone) -> None:
    for record in txn.referrers(RecordSet, zone.ref):
        txn.delete(RecordSet, record.id)
    txn.delete(HostedZone, zone.id)


@operation("route53", "GetHostedZone")
def get_hosted_zone(call: Call, params: Params) -> dict[str, Any]:
    zone = find_zone(call.store, params["Id"])
    answer: dict[str, Any] = {"HostedZone": describe_zone(call.store, zone)}
    if zone.private:
        return answer | {"VPCs": [{"VPCRegion": call.region, "VPCId": vpc} for vpc in zone.vpc_ids]}
    return answer | {"DelegationSet": {"NameServers": list(zone.name_servers)}}


@operation("route53", "GetHostedZoneCount")
def get_hosted_zone_count(call: Call, params: Params) -> dict[str, Any]:
    return {"HostedZoneCount": len(call.store.all(HostedZone))}


@operation("route53", "UpdateHostedZoneComment")
def update_hosted_zone_comment(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        zone = replace(find_zone(txn, params["Id"]), comment=params.get("Comment") or "")
        txn.put(zone)
        described = describe_zone(txn, zone)
    return {"HostedZone": described}


@operation("route53", "DeleteHostedZone")
def delete_hosted_zone(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        zone = find_zone(txn, params["Id"])
        refuse_managed(zone)
        records = txn.referrers(RecordSet, zone.ref)
        if any(r.name != zone.name or r.type not in ("SOA", "NS") for r in records):
            raise ApiError(
                "HostedZoneNotEmpty",
                "The specified hosted zone contains non-required resource record sets and so cannot be"
                " deleted.",
            )
        remove_zone(txn, zone)
        change = note_change(call, txn, zone.id)
    return {"ChangeInfo": change}


@operation("route53", "GetDNSSEC")
def get_dnssec(call: Call, params: Params) -> dict[str, Any]:
    if find_zone(call.store, params["HostedZoneId"]).private:
        raise ApiError("InvalidArgument", "Operation is unsupported for private")
    return {"Status": {"ServeSignature": "NOT_SIGNING"}, "KeySigningKeys": []}


def describe_zone(reader: Reader, zone: HostedZone) -> dict[str, Any]:
    config: dict[str, Any] = {"PrivateZone": zone.private}
    if zone.comment:
        config["Comment"] = zone.comment
    return {
        "Id": f"/hostedzone/{zone.id}",
        "Name": zone.name,
        "CallerReference": zone.caller_reference,
        "Config": config,
        "ResourceRecordSetCount": len(zone_records(reader, zone)),
    } | _linked(zone)


def _linked(zone: HostedZone) -> dict[str, Any]:
    if zone.managed_by is None:
        return {}
    principal = "servicediscovery.amazonaws.com"
    return {"LinkedService": {"ServicePrincipal": principal, "Description": zone.managed_by}}


def _put_authority(txn: Transaction, zone: HostedZone) -> None:
    """The SOA and NS records every zone is born with."""
    servers = zone.name_servers or PRIVATE_SERVERS
    soa = f"{servers[0]}. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"
    born = (("NS", NS_TTL, tuple(f"{server}." for server in servers)), ("SOA", SOA_TTL, (soa,)))
    for type, ttl, values in born:
        id = record_id(zone.id, zone.name, type, None)
        txn.put(RecordSet(id=id, hosted_zone_id=zone.id, name=zone.name, type=type, ttl=ttl, values=values))


def _public_servers() -> tuple[str, ...]:
    """Four servers under four top-level domains, numbered as AWS numbers them."""
    found = []
    for first, domain in ((0, "com"), (512, "net"), (1024, "org"), (1536, "co.uk")):
        number = secrets.randbelow(512)
        found.append(f"ns-{first + number}.awsdns-{number // 8:02d}.{domain}")
    return tuple(found)
