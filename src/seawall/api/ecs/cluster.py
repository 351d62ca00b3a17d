"""Clusters: made, described, listed, deleted."""

from collections.abc import Collection
from typing import Any

from msgspec.structs import replace

from seawall.api.ecs.capacity_provider import check_default, read_providers, read_strategy
from seawall.api.ecs.names import (
    NAME,
    active_cluster,
    check_count,
    cluster_name,
    find_cluster,
    invalid_parameter,
    page_of,
)
from seawall.api.ecs.tags import read_tags, show_tags
from seawall.api.iam.service_linked_role import make_linked_role
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.iam.trust import ECS_SERVICE
from seawall.model.cluster import Cluster
from seawall.model.service import Service, ServiceRevision
from seawall.model.task import Task
from seawall.store.store import Reader
from seawall.wire.errors import ApiError

INSIGHTS = ("enabled", "disabled", "enhanced")
STORED = {
    "settings": "Seawall has no Container Insights",
    "configuration": "sessions of ExecuteCommand are not logged; there is no managed storage",
    "serviceConnectDefaults": "services cannot use Service Connect here",
}


@operation("ecs", "CreateCluster", stored=STORED)
def create_cluster(call: Call, params: Params) -> dict[str, Any]:
    name = params.get("clusterName", "default")
    if not NAME.fullmatch(name):
        raise invalid_parameter(f"Cluster must match ^[a-zA-Z0-9\\-_]{{1,255}}$, but was {name}")
    providers = read_providers(params.get("capacityProviders") or ())
    cluster = _with_settings(
        Cluster(
            id=name,
            capacity_providers=providers,
            default_capacity_provider_strategy=check_default(
                read_strategy(params.get("defaultCapacityProviderStrategy") or (), providers)
            ),
            tags=read_tags(params.get("tags")),
        ),
        params,
    )
    with call.write() as txn:
        make_linked_role(call, txn, ECS_SERVICE)  # not for callers who may not: others need it later
        existing = txn.find(Cluster, name)
        if existing is not None and existing.status == "ACTIVE":
            if set(params) - {"clusterName"} and existing != cluster:
                raise invalid_parameter(
                    "Arguments on this idempotent request are inconsistent with arguments used in previous"
                    " request(s)."
                )
            cluster = existing
        txn.put(cluster)
    return {"cluster": show_cluster(call, call.store, cluster, ("SETTINGS", "TAGS", "CONFIGURATIONS"))}


@operation("ecs", "UpdateCluster", stored=STORED)
def update_cluster(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        cluster = _with_settings(active_cluster(call, txn, params["cluster"]), params)
        txn.put(cluster)
    return {"cluster": show_cluster(call, call.store, cluster, ("SETTINGS", "TAGS", "CONFIGURATIONS"))}


@operation("ecs", "UpdateClusterSettings", stored=STORED)
def update_cluster_settings(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        cluster = _with_settings(active_cluster(call, txn, params["cluster"]), params)
        txn.put(cluster)
    return {"cluster": show_cluster(call, call.store, cluster, ("SETTINGS", "TAGS", "CONFIGURATIONS"))}


@operation("ecs", "PutClusterCapacityProviders")
def put_cluster_capacity_providers(call: Call, params: Params) -> dict[str, Any]:
    providers = read_providers(params["capacityProviders"])
    strategy = check_default(read_strategy(params["defaultCapacityProviderStrategy"], providers))
    with call.write() as txn:
        cluster = active_cluster(call, txn, params["cluster"])
        used = {
            task.capacity_provider_name
            for task in txn.referrers(Task, cluster.ref)
            if task.last_status != "STOPPED"
        } | _used_by_services(txn, cluster)
        if used.intersection(cluster.capacity_providers).difference(providers):
            raise ApiError("ResourceInUseException", "The specified resource is in-use and can't be removed.")
        cluster = replace(cluster, capacity_providers=providers, default_capacity_provider_strategy=strategy)
        txn.put(cluster)
    return {"cluster": show_cluster(call, call.store, cluster, ("SETTINGS", "TAGS", "CONFIGURATIONS"))}


def _used_by_services(reader: Reader, cluster: Cluster) -> set[str | None]:
    """The capacity providers that services start their tasks on."""
    services = (s for s in reader.referrers(Service, cluster.ref) if s.status == "ACTIVE")
    revisions = (reader.get(ServiceRevision, service.primary.revision) for service in services)
    return {item.capacity_provider for one in revisions for item in one.capacity_provider_strategy}


@operation("ecs", "DeleteCluster", note="A deleted cluster stays describable as INACTIVE.")
def delete_cluster(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        cluster = find_cluster(call, txn, params["cluster"])
        if _services(txn, cluster, "ACTIVE"):
            raise ApiError(
                "ClusterContainsServicesException",
                "The Cluster cannot be deleted while Services are active.",
            )
        if any(task.last_status != "STOPPED" for task in txn.referrers(Task, cluster.ref)):
            raise ApiError(
                "ClusterContainsTasksException", "The Cluster cannot be deleted while Tasks are active."
            )
        cluster = replace(cluster, status="INACTIVE")
        txn.put(cluster)
    return {"cluster": show_cluster(call, call.store, cluster, ())}


@operation("ecs", "DescribeClusters")
def describe_clusters(call: Call, params: Params) -> dict[str, Any]:
    asked, include = params.get("clusters") or ["default"], params.get("include") or ()
    check_count(asked, 100, "Clusters")
    clusters, failures = [], []
    for text in dict.fromkeys(asked):
        name = cluster_name(call, text)
        cluster = call.store.find(Cluster, name)
        if cluster is None:
            failures.append({"arn": call.arn(f"cluster/{name}"), "reason": "MISSING"})
        else:
            clusters.append(show_cluster(call, call.store, cluster, include))
    return {"clusters": clusters, "failures": failures}


@operation("ecs", "ListClusters")
def list_clusters(call: Call, params: Params) -> dict[str, Any]:
    active = [cluster for cluster in call.store.all(Cluster) if cluster.status == "ACTIVE"]
    page, rest = page_of(active, params.get("maxResults"), params.get("nextToken"), lambda c: c.id)
    return {"clusterArns": [call.arn(f"cluster/{cluster.id}") for cluster in page], **rest}


def show_cluster(call: Call, reader: Reader, cluster: Cluster, include: Collection[str]) -> dict[str, Any]:
    """The cluster as the API shows it; lists that `include` does not ask for are empty."""
    tasks = reader.referrers(Task, cluster.ref)
    running = sum(1 for task in tasks if task.last_status == "RUNNING")
    pending = sum(1 for task in tasks if task.last_status in ("PROVISIONING", "PENDING", "ACTIVATING"))
    shown: dict[str, Any] = {
        "clusterArn": call.arn(f"cluster/{cluster.id}"),
        "clusterName": cluster.id,
        "status": cluster.status,
        "registeredContainerInstancesCount": 0,
        "runningTasksCount": running,
        "pendingTasksCount": pending,
        "activeServicesCount": _services(reader, cluster, "ACTIVE"),
        "statistics": _statistics(reader, cluster, running, pending) if "STATISTICS" in include else [],
        "tags": show_tags(cluster.tags) if "TAGS" in include else [],
        "settings": list(cluster.settings) if "SETTINGS" in include else [],
        "capacityProviders": list(cluster.capacity_providers),
        "defaultCapacityProviderStrategy": list(cluster.default_capacity_provider_strategy),
    }
    if cluster.configuration is not None and "CONFIGURATIONS" in include:
        shown["configuration"] = cluster.configuration
    if cluster.service_connect_defaults is not None:
        shown["serviceConnectDefaults"] = cluster.service_connect_defaults
    return shown


def _services(reader: Reader, cluster: Cluster, status: str) -> int:
    return sum(service.status == status for service in reader.referrers(Service, cluster.ref))


def _statistics(reader: Reader, cluster: Cluster, running: int, pending: int) -> list[dict[str, str]]:
    """All tasks and services here are Fargate's; the other counters exist on AWS and are zero."""
    counted = {
        "runningEC2TasksCount": 0,
        "runningFargateTasksCount": running,
        "pendingEC2TasksCount": 0,
        "pendingFargateTasksCount": pending,
        "activeEC2ServiceCount": 0,
        "activeFargateServiceCount": _services(reader, cluster, "ACTIVE"),
        "drainingEC2ServiceCount": 0,
        "drainingFargateServiceCount": _services(reader, cluster, "DRAINING"),
    }
    return [{"name": name, "value": str(value)} for name, value in counted.items()]


def _with_settings(cluster: Cluster, params: Params) -> Cluster:
    """The cluster with the members that CreateCluster and UpdateCluster share."""
    settings, configuration = params.get("settings"), params.get("configuration")
    defaults = params.get("serviceConnectDefaults")
    if settings is not None:
        given = [setting.plain() for setting in settings]
        if any(s.get("name") != "containerInsights" or s.get("value") not in INSIGHTS for s in given):
            raise invalid_parameter(
                "containerInsights must be one of [enabled, disabled, enhanced] in cluster settings."
            )
        cluster = replace(cluster, settings=tuple(given) or cluster.settings)
    if configuration is not None:
        plain = configuration.plain()
        _check_exec_logs(plain.get("executeCommandConfiguration") or {})
        cluster = replace(cluster, configuration=plain)
    if defaults is not None:
        cluster = replace(cluster, service_connect_defaults=defaults.plain())
    return cluster


def _check_exec_logs(configuration: dict[str, Any]) -> None:
    target = configuration.get("logConfiguration") or {}
    named = target.get("cloudWatchLogGroupName") or target.get("s3BucketName")
    if configuration.get("logging") == "OVERRIDE" and not named:
        raise invalid_parameter(
            "A CloudWatch log group name or S3 bucket name must be specified when overriding the default log"
            " configuration"
        )
