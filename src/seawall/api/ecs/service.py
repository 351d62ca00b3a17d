"""Services: created, updated, deleted.  The controllers keep their tasks running."""

from typing import Any

from msgspec.structs import replace

from seawall.api.ecs.deployment_configuration import read_configuration
from seawall.api.ecs.launch import refuse_placement
from seawall.api.ecs.names import active_cluster, find_cluster, invalid_parameter
from seawall.api.ecs.service_deploying import begin_deployment
from seawall.api.ecs.service_members import REFUSED, REFUSED_AT_CREATION
from seawall.api.ecs.service_names import NAME, get_service
from seawall.api.ecs.service_request import (
    check_controller,
    check_new_service,
    pass_over_unused,
    read_desired_count,
    read_grace_period,
    read_propagation,
    read_rebalancing,
    read_token,
    refuse_role,
)
from seawall.api.ecs.service_shape import show_service
from seawall.api.ecs.service_workload import read_changed, read_workload, workload_of
from seawall.api.ecs.tags import read_tags
from seawall.api.iam.service_linked_role import make_linked_role
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.iam.trust import ECS_SERVICE
from seawall.model.resource import Ref
from seawall.model.service import DeploymentConfiguration, Service
from seawall.store.client_token import TokenMismatch, record, replay
from seawall.store.ids import new_uuid
from seawall.store.service_records import forget_service
from seawall.store.store import Transaction
from seawall.wire.errors import ApiError

SCOPE = "ecs:CreateService"
MOST_SERVICES = 5000  # of a cluster ("Amazon ECS endpoints and quotas")
SERVICE_LINKED_ROLE = "role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"


@operation(
    "ecs",
    "CreateService",
    refused=REFUSED_AT_CREATION,
    note="A deployment that alarms watch over bakes for as long as the slowest of them needs to notice"
    " (period times evaluation periods, and a minute); AWS does not tell its own measure.",
)
def create_service(call: Call, params: Params) -> dict[str, Any]:
    token = read_token(params.get("clientToken"))
    fingerprint = params.copy_unread()
    with call.write() as txn:
        service = _seen(txn, token, fingerprint)
        if service is not None:
            params.plain()  # the first call looked at every member
        else:
            service = _create(call, txn, params)
            record(txn, SCOPE, token, fingerprint, {"service": service.id})
    return {"service": show_service(call, call.store, service, with_tags=True)}


def _seen(txn: Transaction, token: str | None, params: dict[str, Any]) -> Service | None:
    """The service of the call that used this token before."""
    try:
        answer = replay(txn, SCOPE, token, params)
    except TokenMismatch:
        raise _clash() from None
    return txn.find(Service, answer["service"]) if answer else None


def _clash() -> ApiError:
    return invalid_parameter("Creation of service was not idempotent.")


def _create(call: Call, txn: Transaction, params: Params) -> Service:
    """Every check, then the service with its first revision and deployment."""
    cluster = active_cluster(call, txn, params.get("cluster"))
    name = _name(params["serviceName"])
    check_new_service(call.operation, params)
    workload = read_workload(call, txn, params, cluster)
    refuse_role(params.get("role"), has_balancers=bool(workload.load_balancers))
    refuse_placement(params)
    pass_over_unused(params)
    linked = workload.load_balancers or workload.registries
    service = Service(
        id=f"{cluster.id}/{name}",
        cluster=cluster.id,
        name=name,
        incarnation=new_uuid(),
        desired_count=read_desired_count(params, required=True) or 0,
        deployment_configuration=read_configuration(
            call.operation, params.get("deploymentConfiguration"), DeploymentConfiguration()
        ),
        health_check_grace_period_seconds=read_grace_period(
            params, has_balancers=bool(workload.load_balancers)
        ),
        availability_zone_rebalancing=read_rebalancing(params) or "ENABLED",
        enable_ecs_managed_tags=bool(params.get("enableECSManagedTags")),
        propagate_tags=read_propagation(params) or "NONE",
        enable_execute_command=bool(params.get("enableExecuteCommand")),
        platform_version=workload.platform_version,
        role_arn=_linked_role(call) if linked else None,
        created_by=call.principal.arn,
        created_at=call.now,
        tags=read_tags(params.get("tags")),
    )
    _make_room(txn, service)
    if not make_linked_role(call, txn, ECS_SERVICE):
        raise invalid_parameter(
            "Unable to assume the service linked role. Please verify that the ECS service linked role exists."
        )
    revision = workload.revision(call, cluster.id, name)
    txn.put(revision, expect=0)
    service = begin_deployment(call, txn, service, revision)
    txn.put(service)
    return service


def _name(text: str) -> str:
    if not NAME.fullmatch(text):
        raise invalid_parameter(
            "Invalid service name. Up to 255 letters (uppercase and lowercase), numbers, underscores, and"
            " hyphens are allowed."
        )
    return text


def _make_room(txn: Transaction, service: Service) -> None:
    """Refuse a name that is in use; forget a deleted service of it."""
    earlier = txn.find(Service, service.id)
    if earlier is None:
        others = sum(ref.kind == Service.KIND for ref in txn.referrer_refs(Ref("cluster", service.cluster)))
        if others >= MOST_SERVICES:
            raise invalid_parameter(f"A cluster can have at most {MOST_SERVICES} services.")
        return
    if earlier.status == "ACTIVE":
        raise _clash()
    if earlier.status == "DRAINING":
        raise invalid_parameter("Unable to Start a service that is still Draining.")
    forget_service(txn, earlier)


@operation("ecs", "UpdateService", refused=REFUSED)
def update_service(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        active_cluster(call, txn, params.get("cluster"))
        service = get_service(call, txn, params.get("cluster"), params["service"])
        if service.status != "ACTIVE":
            raise ApiError("ServiceNotActiveException", "Service was not ACTIVE.")
        check_controller(call.operation, params)
        refuse_placement(params)
        pass_over_unused(params)
        service = _deployed(call, txn, params, _with_settings(call, service, params))
        txn.put(service)
    return {"service": show_service(call, call.store, service, with_tags=False)}


def _with_settings(call: Call, service: Service, params: Params) -> Service:
    """What changes without a new deployment."""
    given = {
        "desired_count": read_desired_count(params, required=False),
        "availability_zone_rebalancing": read_rebalancing(params),
        "enable_ecs_managed_tags": params.get("enableECSManagedTags"),
        "propagate_tags": read_propagation(params),
        "enable_execute_command": params.get("enableExecuteCommand"),
    }
    service = replace(
        service,
        deployment_configuration=read_configuration(
            call.operation, params.get("deploymentConfiguration"), service.deployment_configuration
        ),
        **{name: value for name, value in given.items() if value is not None},
    )
    newest = replace(service.primary, desired_count=service.desired_count)
    return replace(service, deployments=(newest, *service.deployments[1:]), steady=False)


def _deployed(call: Call, txn: Transaction, params: Params, service: Service) -> Service:
    """The service with a new deployment, when what its tasks are made of changes or it is forced."""
    cluster = find_cluster(call, txn, params.get("cluster"))
    before = workload_of(txn, service)
    after = read_changed(call, txn, params, cluster, service)
    balanced = bool(after.load_balancers)
    grace = read_grace_period(params, has_balancers=balanced)
    if grace is not None:
        service = replace(service, health_check_grace_period_seconds=grace)
    if after == before and not params.get("forceNewDeployment"):
        return service
    linked = after.load_balancers or after.registries
    service = replace(
        service,
        platform_version=after.platform_version,
        role_arn=_linked_role(call) if linked else None,
    )
    revision = after.revision(call, service.cluster, service.name)
    txn.put(revision, expect=0)
    return begin_deployment(call, txn, service, revision)


@operation("ecs", "DeleteService", note="A deleted service stays describable as INACTIVE for an hour.")
def delete_service(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        service = get_service(call, txn, params.get("cluster"), params["service"])
        if service.status == "INACTIVE":
            raise ApiError("ServiceNotFoundException", "Service not found.")
        if service.desired_count > 0 and not params.get("force"):
            raise invalid_parameter("The service cannot be stopped while it is scaled above 0.")
        params.get("force")
        stopped = tuple(replace(d, desired_count=0) for d in service.deployments)
        service = replace(service, status="DRAINING", desired_count=0, deployments=stopped, steady=False)
        txn.put(service)
    return {"service": show_service(call, call.store, service, with_tags=False)}


def _linked_role(call: Call) -> str:
    return call.arn(SERVICE_LINKED_ROLE, service="iam", region="")
