"""Instances: registered, looked up, discovered, healthy or not."""

import random
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Any

from msgspec.structs import replace

from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.api.servicediscovery.names import (
    find_instance,
    find_service,
    invalid_input,
    note_operation,
    page_of,
)
from seawall.model.service_discovery import (
    ALIAS,
    CNAME,
    IPV4,
    IPV6,
    PORT,
    DiscoveryInstance,
    DiscoveryNamespace,
    DiscoveryService,
    discovered,
    with_change,
)
from seawall.wire.errors import ApiError, NotImplementedHere

INITIAL_HEALTH, EC2_INSTANCE = "AWS_INIT_HEALTH_STATUS", "AWS_EC2_INSTANCE_ID"
AWS_ATTRIBUTES = (ALIAS, CNAME, IPV4, IPV6, PORT, INITIAL_HEALTH, EC2_INSTANCE)
MOST_CUSTOM_ATTRIBUTES, MOST_CHARACTERS = 30, 5000
MOST_DISCOVERED = 100
DEFAULT_STATUS = "HEALTHY_OR_ELSE_ALL"


@operation("servicediscovery", "RegisterInstance")
def register_instance(call: Call, params: Params) -> dict[str, Any]:
    given = dict(params["Attributes"].items())
    with call.write() as txn:
        service = find_service(txn, params["ServiceId"])
        check_attributes(service, given)
        healthy = given.pop(INITIAL_HEALTH, "HEALTHY") == "HEALTHY"
        id = params["InstanceId"]
        txn.put(
            DiscoveryInstance(
                id=f"{service.id}/{id}",
                service_id=service.id,
                instance_id=id,
                attributes=given,
                healthy=healthy or not service.custom_health,
                creator_request_id=params.get("CreatorRequestId"),
                registered_at=call.now,
            )
        )
        txn.put(with_change(service))
        return note_operation(call, txn, "REGISTER_INSTANCE", INSTANCE=id, SERVICE=service.id)


def check_attributes(service: DiscoveryService, given: dict[str, str]) -> None:
    """Raises ApiError for attributes that do not go with the service's records."""
    if EC2_INSTANCE in given:
        raise NotImplementedHere(f"RegisterInstance: {EC2_INSTANCE}: Seawall has no EC2 instances.")
    types = {record.type for record in service.records}
    for name in given:
        if name.upper().startswith("AWS_") and name.upper() not in AWS_ATTRIBUTES:
            raise invalid_input(f"Invalid attribute: [{name}]. [aws_] prefix is reserved for AWS attributes.")
    if ALIAS in given:
        if service.routing_policy != "WEIGHTED":
            raise invalid_input(
                "ALIAS instance can be registered only in services with WEIGHTED routing policy"
            )
        if not types & {"A", "AAAA"}:
            raise invalid_input(f"{ALIAS} needs a service with A or AAAA records.")
        if any(name.startswith("AWS_INSTANCE_") for name in given):
            raise invalid_input(f"{ALIAS} can't be given together with AWS_INSTANCE attributes.")
    else:
        _check_needed(types, given)
    for name, family in ((IPV4, IPv4Address), (IPV6, IPv6Address)):
        try:
            family(given.get(name, "0.0.0.0" if family is IPv4Address else "::"))
        except AddressValueError:
            raise invalid_input(f"The value {given[name]} of {name} is no address.") from None
    if PORT in given and not (given[PORT].isdecimal() and 0 < int(given[PORT]) < 65536):
        raise invalid_input(f"The value {given[PORT]} of {PORT} is no port.")
    health = given.get(INITIAL_HEALTH, "HEALTHY")
    if health not in ("HEALTHY", "UNHEALTHY"):
        raise invalid_input(f"No enum constant com.amazon.route53.autonaming.model.InitHealthStatus.{health}")
    _check_amount(given)


def _check_amount(given: dict[str, str]) -> None:
    custom = [name for name in given if not name.upper().startswith("AWS_")]
    if len(custom) > MOST_CUSTOM_ATTRIBUTES:
        raise invalid_input(
            f"Too many attributes provided: [{', '.join(custom)}]. The current limit is"
            f" {MOST_CUSTOM_ATTRIBUTES}"
        )
    if sum(len(name) + len(value) for name, value in given.items()) > MOST_CHARACTERS:
        raise invalid_input(
            "Instance attributes too large. Maximum allowed size of all attributes is"
            f" {MOST_CHARACTERS} characters."
        )


def _check_needed(types: set[Any], given: dict[str, str]) -> None:
    needed = {"A": IPV4, "AAAA": IPV6, "CNAME": CNAME, "SRV": PORT}
    missing = [attribute for type, attribute in needed.items() if type in types and attribute not in given]
    if missing:
        raise invalid_input(f"Required attribute(s) {', '.join(missing)} are missing.")
    if "SRV" in types and not {IPV4, IPV6} & given.keys():
        raise invalid_input(f"At least one of {IPV4} {IPV6} is required.")


@operation("servicediscovery", "DeregisterInstance")
def deregister_instance(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        service = find_service(txn, params["ServiceId"])
        instance = find_instance(txn, service, params["InstanceId"])
        txn.delete(DiscoveryInstance, instance.id)
        txn.put(with_change(service))
        return note_operation(
            call, txn, "DEREGISTER_INSTANCE", INSTANCE=instance.instance_id, SERVICE=service.id
        )


@operation("servicediscovery", "GetInstance")
def get_instance(call: Call, params: Params) -> dict[str, Any]:
    service = find_service(call.store, params["ServiceId"])
    instance = find_instance(call.store, service, params["InstanceId"])
    shown = _shown(call, instance)
    if instance.creator_request_id:
        shown["CreatorRequestId"] = instance.creator_request_id
    return {"ResourceOwner": call.account, "Instance": shown}


@operation("servicediscovery", "ListInstances")
def list_instances(call: Call, params: Params) -> dict[str, Any]:
    service = find_service(call.store, params["ServiceId"])
    found = call.store.referrers(DiscoveryInstance, service.ref)
    page = page_of(params, found, "Instances", lambda one: _shown(call, one))
    return page | {"ResourceOwner": call.account}


def _shown(call: Call, instance: DiscoveryInstance) -> dict[str, Any]:
    return {
        "Id": instance.instance_id,
        "Attributes": instance.attributes,
        "CreatedByAccount": call.account,
    }


@operation("servicediscovery", "GetInstancesHealthStatus")
def get_instances_health_status(call: Call, params: Params) -> dict[str, Any]:
    service = find_service(call.store, params["ServiceId"])
    wanted = params.get("Instances")
    found = call.store.referrers(DiscoveryInstance, service.ref)
    if wanted is not None:
        found = [find_instance(call.store, service, id) for id in wanted]
    page = page_of(params, found, "Status", lambda one: (one.instance_id, _status(service, one)))
    return page | {"Status": dict(page["Status"])}


def _status(service: DiscoveryService, instance: DiscoveryInstance) -> str:
    if not service.custom_health:
        return "UNKNOWN"
    return "HEALTHY" if instance.healthy else "UNHEALTHY"


@operation(
    "servicediscovery",
    "UpdateInstanceCustomHealthStatus",
    note="The status changes at once; AWS waits about 30 seconds.",
)
def update_instance_custom_health_status(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        service = find_service(txn, params["ServiceId"])
        instance = find_instance(txn, service, params["InstanceId"])
        if not service.custom_health:
            raise ApiError(
                "CustomHealthNotFound",
                f"The service {service.id} was created without HealthCheckCustomConfig.",
            )
        txn.put(replace(instance, healthy=params["Status"] == "HEALTHY"))
        txn.put(with_change(service))
    return {}


@operation(
    "servicediscovery",
    "DiscoverInstances",
    note="SDKs put data- before the endpoint's host name; where the endpoint is an address, switch that off"
    " (botocore: inject_host_prefix=False).",
)
def discover_instances(call: Call, params: Params) -> dict[str, Any]:
    namespace, service = _named(call, params)
    found = call.store.referrers(DiscoveryInstance, service.ref)
    status = params.get("HealthStatus") or DEFAULT_STATUS
    if service.custom_health and status == DEFAULT_STATUS:
        found = discovered(found)
    elif service.custom_health and status != "ALL":
        found = [one for one in found if one.healthy == (status == "HEALTHY")]
    found = [one for one in found if _has(one, params.get("QueryParameters"))]
    wished = params.get("OptionalParameters")
    found = [one for one in found if _has(one, wished)] or found
    random.shuffle(found)
    limit = params.get("MaxResults") or MOST_DISCOVERED
    return {
        "Instances": [_summary(namespace, service, one) for one in found[:limit]],
        "InstancesRevision": service.instances_revision,
    }


@operation("servicediscovery", "DiscoverInstancesRevision")
def discover_instances_revision(call: Call, params: Params) -> dict[str, Any]:
    _, service = _named(call, params)
    return {"InstancesRevision": service.instances_revision}


def _named(call: Call, params: Params) -> tuple[DiscoveryNamespace, DiscoveryService]:
    name, wanted, owner = params["NamespaceName"], params["ServiceName"], params.get("OwnerAccount")
    spaces = [n for n in call.store.all(DiscoveryNamespace) if n.name.lower() == name.lower()]
    if not spaces or owner not in (None, call.account):
        raise ApiError("NamespaceNotFound", "Namespace not found")
    for namespace in spaces:
        for service in call.store.referrers(DiscoveryService, namespace.ref):
            if service.name.lower() == wanted.lower():
                return namespace, service
    raise ApiError("ServiceNotFound", "Service not found")


def _has(instance: DiscoveryInstance, wanted: Params | None) -> bool:
    return all(instance.attributes.get(name) == value for name, value in (wanted or {}).items())


def _summary(
    namespace: DiscoveryNamespace, service: DiscoveryService, instance: DiscoveryInstance
) -> dict[str, Any]:
    return {
        "InstanceId": instance.instance_id,
        "NamespaceName": namespace.name,
        "ServiceName": service.name,
        "HealthStatus": _status(service, instance),
        "Attributes": instance.attributes,
    }
