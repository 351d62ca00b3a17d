"""Services: what instances of one kind have in common, and which records they make."""

from typing import Any

from msgspec.structs import replace

from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.api.servicediscovery.names import (
    find_namespace,
    find_service,
    invalid_input,
    new_id,
    note_operation,
    page_of,
    passes,
    service_arn,
)
from seawall.api.servicediscovery.tags import read_tags
from seawall.model.service_discovery import (
    DiscoveryInstance,
    DiscoveryNamespace,
    DiscoveryService,
    DnsRecord,
    with_change,
)
from seawall.store.ids import new_uuid
from seawall.wire.errors import ApiError, NotImplementedHere

COMBINATIONS = ({"A"}, {"AAAA"}, {"A", "AAAA"}, {"SRV"}, {"CNAME"})
MOST_ATTRIBUTES = 30
CHECKS = "Cloud Map's own health checks (HealthCheckConfig): use HealthCheckCustomConfig"


@operation(
    "servicediscovery",
    "CreateService",
    stored={"HealthCheckCustomConfig.FailureThreshold": "AWS takes 1 for any"},
    refused={"HealthCheckConfig": CHECKS},
)
def create_service(call: Call, params: Params) -> dict[str, Any]:
    if params.get("HealthCheckConfig") is not None:
        raise NotImplementedHere(f"CreateService: Seawall does not serve {CHECKS}.")
    config = params.get("DnsConfig")
    with call.write() as txn:
        wanted = params.get("NamespaceId") or (config and config.get("NamespaceId"))
        if not wanted:
            raise invalid_input("A service needs a NamespaceId.")
        namespace = find_namespace(txn, wanted)
        name = params["Name"]
        for known in txn.referrers(DiscoveryService, namespace.ref):
            if known.name.lower() == name.lower():
                raise ApiError(
                    "ServiceAlreadyExists",
                    "The service can't be created because a service with the same name already exists.",
                    members={
                        "ServiceId": known.id,
                        "ServiceArn": service_arn(call, known.id),
                        "CreatorRequestId": known.creator_request_id,
                    },
                )
        custom = params.get("HealthCheckCustomConfig")
        if custom is not None:
            custom.get("FailureThreshold")
        service = DiscoveryService(
            id=new_id("srv"),
            namespace_id=namespace.id,
            name=name,
            type=_type(namespace, config, params.get("Type")),
            description=params.get("Description"),
            records=_records(config),
            routing_policy=_policy(config),
            custom_health=custom is not None,
            creator_request_id=params.get("CreatorRequestId") or new_uuid(),
            create_date=call.now,
            tags=read_tags(params.get("Tags")),
        )
        txn.put(service)
    return {"Service": shown_service(call, service, count=0)}


def _type(namespace: DiscoveryNamespace, config: Params | None, given: str | None) -> Any:
    if config is None:
        return "HTTP"
    if namespace.type == "HTTP":
        raise invalid_input("DnsConfig can't be specified for services of an HTTP namespace.")
    if given == "HTTP":
        raise invalid_input("DnsConfig can't be specified for a service of type HTTP.")
    return "DNS_HTTP"


def _records(config: Params | None) -> tuple[DnsRecord, ...]:
    if config is None:
        return ()
    records = tuple(DnsRecord(type=record["Type"], ttl=record["TTL"]) for record in config["DnsRecords"])
    types = [record.type for record in records]
    if set(types) not in COMBINATIONS or len(set(types)) != len(types):
        raise invalid_input(
            "The DNS records of a service are of one of these types: A; AAAA; A and AAAA; SRV; CNAME."
        )
    if "CNAME" in types and config.get("RoutingPolicy") != "WEIGHTED":
        raise invalid_input("The routing policy of a service with CNAME records must be WEIGHTED.")
    return records


def _policy(config: Params | None) -> Any:
    return (config.get("RoutingPolicy") if config is not None else None) or "MULTIVALUE"


@operation("servicediscovery", "GetService")
def get_service(call: Call, params: Params) -> dict[str, Any]:
    service = find_service(call.store, params["Id"])
    return {"Service": shown_service(call, service)}


@operation("servicediscovery", "ListServices")
def list_services(call: Call, params: Params) -> dict[str, Any]:
    filters = params.get("Filters")
    for wanted in filters or ():
        if wanted["Name"] == "NAMESPACE_ID":  # its values may be ARNs
            wanted["Values"] = [value.rpartition("/")[2] for value in wanted["Values"]]

    def facts(service: DiscoveryService) -> dict[str, str]:
        return {"NAMESPACE_ID": service.namespace_id, "RESOURCE_OWNER": "SELF"}

    found = [service for service in call.store.all(DiscoveryService) if passes(filters, facts(service))]
    return page_of(params, found, "Services", lambda one: shown_service(call, one, summary=True))


def shown_service(
    call: Call, service: DiscoveryService, *, count: int | None = None, summary: bool = False
) -> dict[str, Any]:
    """count   of its instances; None: they are counted"""
    shown: dict[str, Any] = {
        "Id": service.id,
        "Arn": service_arn(call, service.id),
        "ResourceOwner": call.account,
        "Name": service.name,
        "Type": service.type,
        "InstanceCount": (
            len(call.store.referrers(DiscoveryInstance, service.ref)) if count is None else count
        ),
        "CreateDate": service.create_date,
        "CreatedByAccount": call.account,
    }
    if service.description is not None:
        shown["Description"] = service.description
    if service.records:
        shown["DnsConfig"] = {
            "NamespaceId": service.namespace_id,
            "RoutingPolicy": service.routing_policy,
            "DnsRecords": [{"Type": record.type, "TTL": record.ttl} for record in service.records],
        }
    if service.custom_health:
        shown["HealthCheckCustomConfig"] = {"FailureThreshold": 1}
    if not summary:
        shown |= {"NamespaceId": service.namespace_id, "CreatorRequestId": service.creator_request_id}
    return shown


@operation("servicediscovery", "UpdateService", refused={"Service.HealthCheckConfig": CHECKS})
def update_service(call: Call, params: Params) -> dict[str, Any]:
    change = params["Service"]
    if change.get("HealthCheckConfig") is not None:
        raise NotImplementedHere(f"UpdateService: Seawall does not serve {CHECKS}.")
    with call.write() as txn:
        service = find_service(txn, params["Id"])
        if find_namespace(txn, service.namespace_id).type == "HTTP":
            raise invalid_input("Services of an HTTP namespace can't be updated.")
        if change.get("Description") is not None:
            service = replace(service, description=change["Description"])
        config = change.get("DnsConfig")
        given = {record["Type"]: record["TTL"] for record in (config["DnsRecords"] if config else ())}
        if config is not None and given.keys() != {record.type for record in service.records}:
            raise invalid_input("The types of a service's DNS records can't be changed.")
        if config is not None:
            records = tuple(replace(record, ttl=given[record.type]) for record in service.records)
            service = replace(service, records=records)
        txn.put(with_change(service))
        return note_operation(call, txn, "UPDATE_SERVICE", SERVICE=service.id)


@operation("servicediscovery", "DeleteService")
def delete_service(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        service = find_service(txn, params["Id"])
        if txn.referrers(DiscoveryInstance, service.ref):
            raise ApiError(
                "ResourceInUse",
                "The specified resource can't be deleted because it contains other resources: the service"
                f" {service.id} has registered instances.",
            )
        txn.delete(DiscoveryService, service.id)
    return {}


@operation("servicediscovery", "GetServiceAttributes")
def get_service_attributes(call: Call, params: Params) -> dict[str, Any]:
    service = find_service(call.store, params["ServiceId"])
    return {
        "ServiceAttributes": {
            "ServiceArn": service_arn(call, service.id),
            "ResourceOwner": call.account,
            "Attributes": service.attributes,
        }
    }


@operation("servicediscovery", "UpdateServiceAttributes")
def update_service_attributes(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        service = find_service(txn, params["ServiceId"])
        attributes = service.attributes | dict(params["Attributes"].items())
        if len(attributes) > MOST_ATTRIBUTES:
            raise ApiError(
                "ServiceAttributesLimitExceededException",
                f"A service can have no more than {MOST_ATTRIBUTES} attributes.",
            )
        txn.put(replace(service, attributes=attributes))
    return {}


@operation("servicediscovery", "DeleteServiceAttributes")
def delete_service_attributes(call: Call, params: Params) -> dict[str, Any]:
    gone = set(params["Attributes"])
    with call.write() as txn:
        service = find_service(txn, params["ServiceId"])
        txn.put(replace(service, attributes={k: v for k, v in service.attributes.items() if k not in gone}))
    return {}
