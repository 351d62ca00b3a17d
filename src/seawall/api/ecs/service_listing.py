"""Services: described and listed."""

from typing import Any

from seawall.api.ecs.launch import check_launch_type
from seawall.api.ecs.names import check_choice, check_count, find_cluster, invalid_parameter, page_of
from seawall.api.ecs.service_names import find_service, service_arn
from seawall.api.ecs.service_shape import show_service
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.arn import parse_arn
from seawall.model.service import Service, ServiceRevision
from seawall.model.service_discovery import DiscoveryNamespace
from seawall.wire.errors import ApiError

MOST_DESCRIBED = 10


@operation("ecs", "DescribeServices")
def describe_services(call: Call, params: Params) -> dict[str, Any]:
    asked, include = params["services"], params.get("include") or ()
    for field in include:
        check_choice(field, ("TAGS",), "include")
    if not asked:
        raise invalid_parameter("Services cannot be empty.")
    check_count(asked, MOST_DESCRIBED, "Services")
    cluster = find_cluster(call, call.store, params.get("cluster"))
    services, failures = [], []
    for text in dict.fromkeys(asked):
        service = find_service(call, call.store, cluster.id, text)
        if service is not None:
            services.append(show_service(call, call.store, service, with_tags="TAGS" in include))
        else:
            arn = text if text.startswith("arn:") else service_arn(call, f"{cluster.id}/{text}")
            failures.append({"arn": arn, "reason": "MISSING"})
    return {"services": services, "failures": failures}


@operation("ecs", "ListServices")
def list_services(call: Call, params: Params) -> dict[str, Any]:
    cluster = find_cluster(call, call.store, params.get("cluster"))
    launch_type, scheduling = params.get("launchType"), params.get("schedulingStrategy")
    check_launch_type(launch_type)
    check_choice(scheduling, ("REPLICA", "DAEMON"), "scheduling strategy")
    managed_by = params.get("resourceManagementType")
    check_choice(managed_by, ("CUSTOMER", "ECS"), "resourceManagementType")

    def chosen(service: Service) -> bool:
        if service.status != "ACTIVE" or managed_by == "ECS":
            return False
        if scheduling not in (None, service.scheduling_strategy):
            return False
        return launch_type is None or _launch_type(call, service) == launch_type

    services = [service for service in call.store.referrers(Service, cluster.ref) if chosen(service)]
    size = params.get("maxResults")
    page, rest = page_of(services, 10 if size is None else size, params.get("nextToken"), lambda s: s.id)
    return {"serviceArns": [service_arn(call, service.id) for service in page], **rest}


@operation(
    "ecs",
    "ListServicesByNamespace",
    note="It lists what uses Service Connect in a namespace: nothing, as Service Connect is refused.",
)
def list_services_by_namespace(call: Call, params: Params) -> dict[str, Any]:
    text = params["namespace"]
    arn = parse_arn(text)
    wanted = arn.resource.removeprefix("namespace/") if arn else text
    namespaces = call.store.all(DiscoveryNamespace)
    if not any(wanted == (namespace.id if arn else namespace.name) for namespace in namespaces):
        raise ApiError("NamespaceNotFoundException", "The specified namespace was not found.")
    none: list[str] = []
    page_of(none, params.get("maxResults"), params.get("nextToken"), str)
    return {"serviceArns": none}


def _launch_type(call: Call, service: Service) -> str | None:
    return call.store.get(ServiceRevision, service.primary.revision).launch_type
