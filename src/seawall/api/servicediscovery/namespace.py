"""Namespaces: with a hosted zone of Route 53, or for the API alone."""

from typing import Any

from msgspec.structs import replace

from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.api.route53.change import note_change
from seawall.api.route53.hosted_zone import make_zone, remove_zone
from seawall.api.route53.names import BadName, canonical_name
from seawall.api.route53.names import new_id as new_route53_id
from seawall.api.route53.vpc_association import check_conflict
from seawall.api.servicediscovery.names import (
    find_namespace,
    invalid_input,
    namespace_arn,
    new_id,
    note_operation,
    page_of,
    passes,
)
from seawall.api.servicediscovery.tags import read_tags
from seawall.model.hosted_zone import HostedZone
from seawall.model.service_discovery import DiscoveryNamespace, DiscoveryService, NamespaceType
from seawall.model.vpc import Vpc
from seawall.store.ids import new_uuid
from seawall.store.store import Reader, Transaction
from seawall.wire.errors import ApiError

SOA_TTL = {"DNS_PRIVATE": 15, "DNS_PUBLIC": 15}  # seconds, where none is given


@operation("servicediscovery", "CreateHttpNamespace")
def create_http_namespace(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        namespace = _namespace(call, txn, params, "HTTP")
        txn.put(namespace)
        return note_operation(call, txn, "CREATE_NAMESPACE", NAMESPACE=namespace.id)


@operation(
    "servicediscovery",
    "CreatePrivateDnsNamespace",
    stored={"Properties": "the TTL of the SOA record is described; negative answers last as Route 53 has it"},
)
def create_private_dns_namespace(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        vpc = txn.find(Vpc, params["Vpc"])
        if vpc is None:
            raise invalid_input(f"The VPC {params['Vpc']} does not exist in {call.region}.")
        return _create_dns(call, txn, params, "DNS_PRIVATE", vpc.id)


@operation(
    "servicediscovery",
    "CreatePublicDnsNamespace",
    stored={"Properties": "the TTL of the SOA record is described; negative answers last as Route 53 has it"},
)
def create_public_dns_namespace(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        return _create_dns(call, txn, params, "DNS_PUBLIC", None)


def _create_dns(
    call: Call, txn: Transaction, params: Params, type: NamespaceType, vpc_id: str | None
) -> dict[str, Any]:
    namespace = _namespace(call, txn, params, type)
    try:
        name = canonical_name(namespace.name)
    except BadName as error:
        raise invalid_input(str(error)) from None
    if vpc_id is not None:
        check_conflict(call, txn, name, vpc_id)
    zone = make_zone(
        txn,
        HostedZone(
            id=new_route53_id("Z"),
            name=name,
            caller_reference=new_uuid(),
            comment=namespace.description or "",
            private=vpc_id is not None,
            vpc_ids=(vpc_id,) if vpc_id else (),
            create_time=call.now,
            managed_by=namespace_arn(call, namespace.id),
        ),
    )
    note_change(call, txn, zone.id)
    soa_ttl = _soa_ttl(params) or SOA_TTL[type]
    txn.put(replace(namespace, hosted_zone_id=zone.id, soa_ttl=soa_ttl))
    return note_operation(call, txn, "CREATE_NAMESPACE", NAMESPACE=namespace.id)


def _soa_ttl(params: Params) -> int | None:
    given: dict[str, Any] = params.copy_unread().get("Properties") or {}
    ttl: int | None = given.get("DnsProperties", {}).get("SOA", {}).get("TTL")
    return ttl


def _namespace(call: Call, txn: Transaction, params: Params, type: NamespaceType) -> DiscoveryNamespace:
    """Raises ApiError when one of that name is there (two DNS namespaces in different VPCs may share it)."""
    name = params["Name"]
    vpc: str | None = params.get("Vpc") if type == "DNS_PRIVATE" else None
    for known in txn.all(DiscoveryNamespace):
        if known.name.lower() == name.lower() and known.type == type and _same_place(txn, known, vpc):
            raise ApiError(
                "NamespaceAlreadyExists",
                f"The namespace that you're trying to create already exists: {name}",
                members={"NamespaceId": known.id, "CreatorRequestId": known.creator_request_id},
            )
    return DiscoveryNamespace(
        id=new_id("ns"),
        name=name,
        type=type,
        description=params.get("Description"),
        creator_request_id=params.get("CreatorRequestId") or new_uuid(),
        create_date=call.now,
        tags=read_tags(params.get("Tags")),
    )


def _same_place(reader: Reader, known: DiscoveryNamespace, vpc_id: str | None) -> bool:
    if vpc_id is None:
        return True
    zone = reader.find(HostedZone, known.hosted_zone_id or "")
    return zone is not None and vpc_id in zone.vpc_ids


@operation("servicediscovery", "GetNamespace")
def get_namespace(call: Call, params: Params) -> dict[str, Any]:
    namespace = find_namespace(call.store, params["Id"])
    shown = _shown(call, namespace) | {"CreatorRequestId": namespace.creator_request_id}
    return {"Namespace": shown}


@operation("servicediscovery", "ListNamespaces")
def list_namespaces(call: Call, params: Params) -> dict[str, Any]:
    filters = params.get("Filters")

    def facts(namespace: DiscoveryNamespace) -> dict[str, str]:
        common = {"TYPE": namespace.type, "NAME": namespace.name, "RESOURCE_OWNER": "SELF"}
        return common | {"HTTP_NAME": namespace.name}

    found = [one for one in call.store.all(DiscoveryNamespace) if passes(filters, facts(one))]
    return page_of(params, found, "Namespaces", lambda one: _shown(call, one))


def _shown(call: Call, namespace: DiscoveryNamespace) -> dict[str, Any]:
    properties: dict[str, Any] = {"HttpProperties": {"HttpName": namespace.name}}
    if namespace.hosted_zone_id:
        properties["DnsProperties"] = {
            "HostedZoneId": namespace.hosted_zone_id,
            "SOA": {"TTL": namespace.soa_ttl},
        }
    shown = {
        "Id": namespace.id,
        "Arn": namespace_arn(call, namespace.id),
        "ResourceOwner": call.account,
        "Name": namespace.name,
        "Type": namespace.type,
        "ServiceCount": len(call.store.referrers(DiscoveryService, namespace.ref)),
        "Properties": properties,
        "CreateDate": namespace.create_date,
    }
    return shown | ({"Description": namespace.description} if namespace.description is not None else {})


def _update(call: Call, params: Params, type: NamespaceType) -> dict[str, Any]:
    change = params["Namespace"]
    with call.write() as txn:
        namespace = find_namespace(txn, params["Id"])
        if namespace.type != type:
            raise invalid_input(f"The namespace {namespace.id} is of type {namespace.type}, not {type}.")
        if change.get("Description") is not None:
            namespace = replace(namespace, description=change["Description"])
        properties = change.get("Properties")
        if properties is not None:
            namespace = replace(namespace, soa_ttl=properties["DnsProperties"]["SOA"]["TTL"])
        txn.put(namespace)
        return note_operation(call, txn, "UPDATE_NAMESPACE", NAMESPACE=namespace.id)


_UPDATES = {"UpdaterRequestId": "every update is done once, when it is answered"}


@operation("servicediscovery", "UpdateHttpNamespace", stored=_UPDATES)
def update_http_namespace(call: Call, params: Params) -> dict[str, Any]:
    return _update(call, params, "HTTP")


@operation("servicediscovery", "UpdatePrivateDnsNamespace", stored=_UPDATES)
def update_private_dns_namespace(call: Call, params: Params) -> dict[str, Any]:
    return _update(call, params, "DNS_PRIVATE")


@operation("servicediscovery", "UpdatePublicDnsNamespace", stored=_UPDATES)
def update_public_dns_namespace(call: Call, params: Params) -> dict[str, Any]:
    return _update(call, params, "DNS_PUBLIC")


@operation("servicediscovery", "DeleteNamespace")
def delete_namespace(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        namespace = find_namespace(txn, params["Id"])
        if txn.referrers(DiscoveryService, namespace.ref):
            raise ApiError(
                "ResourceInUse",
                "The specified resource can't be deleted because it contains other resources: the namespace"
                f" {namespace.id} has services.",
            )
        zone = txn.find(HostedZone, namespace.hosted_zone_id or "")
        txn.delete(DiscoveryNamespace, namespace.id)
        if zone is not None:
            remove_zone(txn, zone)
            note_change(call, txn, zone.id)
        return note_operation(call, txn, "DELETE_NAMESPACE", NAMESPACE=namespace.id)
