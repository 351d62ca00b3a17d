"""What the tasks of a service are made of, read from a request and checked: the matter of a revision.

Sources: CreateService and UpdateService of the API reference, "Fargate" parts of the developer guide.
"""

from typing import Any

import msgspec
from msgspec.structs import replace

from seawall.api.ecs.capacity_provider import check_placing, items_of, read_strategy
from seawall.api.ecs.definition_names import runnable_definition
from seawall.api.ecs.launch import check_launch_type, instances_fault, platform_version_of
from seawall.api.ecs.names import invalid_parameter
from seawall.api.ecs.platform import check_platform
from seawall.api.ecs.service_balancing import check_containers, read_load_balancers, read_registries
from seawall.api.ecs.service_names import new_revision_number
from seawall.api.ecs.task_network import read_network
from seawall.api.ecs.task_overrides import read_overrides
from seawall.api.params import Params
from seawall.api.registry import Call
from seawall.model.cluster import Cluster
from seawall.model.service import (
    CapacityProviderStrategyItem,
    Service,
    ServiceLoadBalancer,
    ServiceNetwork,
    ServiceRegistry,
    ServiceRevision,
)
from seawall.model.task_definition import TaskDefinition
from seawall.store.store import Reader
from seawall.wire.errors import NotImplementedHere

FORCE_STRATEGY = (
    "When switching from launch type to capacity provider strategy on an existing service, or making a"
    " change to a capacity provider strategy on a service that is already using one, you must force a new"
    " deployment."
)


class Workload(msgspec.Struct, frozen=True, kw_only=True):
    """`platform_version` is as it was asked for: "LATEST" or a number."""

    definition: TaskDefinition
    launch_type: str | None
    strategy: tuple[CapacityProviderStrategyItem, ...]
    platform_version: str
    network: ServiceNetwork
    load_balancers: tuple[ServiceLoadBalancer, ...]
    registries: tuple[ServiceRegistry, ...]

    def revision(self, call: Call, cluster: str, service: str) -> ServiceRevision:
        """A new revision of a service, of this."""
        number = new_revision_number()
        return ServiceRevision(
            id=f"{cluster}/{service}/{number}",
            cluster=cluster,
            service=service,
            number=number,
            task_definition=self.definition.id,
            launch_type=self.launch_type,
            capacity_provider_strategy=self.strategy,
            platform_version=platform_version_of(self.platform_version),
            network=self.network,
            load_balancers=self.load_balancers,
            service_registries=self.registries,
            created_at=call.now,
        )


def read_workload(call: Call, reader: Reader, params: Params, cluster: Cluster) -> Workload:
    """The workload of a new service.  Raises ApiError."""
    text = params.get("taskDefinition")
    if not text:
        raise invalid_parameter("TaskDefinition can not be blank.")
    definition = runnable_definition(call, reader, text)
    launch_type, strategy = _read_launch(params, cluster)
    balancers = read_load_balancers(call, reader, params.get("loadBalancers") or ())
    workload = Workload(
        definition=definition,
        launch_type=launch_type,
        strategy=strategy,
        platform_version=params.get("platformVersion") or "LATEST",
        network=_read_network(reader, params.get("networkConfiguration")),
        load_balancers=balancers,
        registries=read_registries(call, reader, params.get("serviceRegistries") or (), definition),
    )
    _check(workload, executable=bool(params.get("enableExecuteCommand")), verb="created")
    return workload


def read_changed(call: Call, reader: Reader, params: Params, cluster: Cluster, service: Service) -> Workload:
    """The workload of a service with what an UpdateService changes of it.  Raises ApiError."""
    before = workload_of(reader, service)
    changes: dict[str, Any] = {}
    if params.get("taskDefinition"):
        changes["definition"] = runnable_definition(call, reader, params["taskDefinition"])
    definition = changes.get("definition", before.definition)
    if params.get("networkConfiguration"):
        changes["network"] = _read_network(reader, params["networkConfiguration"])
    if params.get("platformVersion"):
        changes["platform_version"] = params["platformVersion"]
    if params.get("loadBalancers") is not None:
        changes["load_balancers"] = read_load_balancers(call, reader, params["loadBalancers"])
    if params.get("serviceRegistries") is not None:
        changes["registries"] = read_registries(call, reader, params["serviceRegistries"], definition)
    if params.get("capacityProviderStrategy") is not None:
        given = read_strategy(params["capacityProviderStrategy"], cluster.capacity_providers)
        strategy = items_of(check_placing(given))
        changes |= {"strategy": strategy, "launch_type": None if strategy else "FARGATE"}
        if strategy != before.strategy and not params.get("forceNewDeployment"):
            raise invalid_parameter(FORCE_STRATEGY)
    after = replace(before, **changes)
    _check(after, executable=service.enable_execute_command, verb="updated")
    return after


def workload_of(reader: Reader, service: Service) -> Workload:
    """What the tasks of a service are made of now."""
    revision = reader.get(ServiceRevision, service.primary.revision)
    return Workload(
        definition=reader.get(TaskDefinition, revision.task_definition),
        launch_type=revision.launch_type,
        strategy=revision.capacity_provider_strategy,
        platform_version=service.platform_version,
        network=revision.network,
        load_balancers=revision.load_balancers,
        registries=revision.service_registries,
    )


def _read_launch(
    params: Params, cluster: Cluster
) -> tuple[str | None, tuple[CapacityProviderStrategyItem, ...]]:
    launch_type, given = params.get("launchType"), params.get("capacityProviderStrategy")
    check_launch_type(launch_type)
    if launch_type and given:
        raise invalid_parameter(
            "Specifying both a launch type and capacity provider strategy is not supported. Remove one and"
            " try again."
        )
    strategy = read_strategy(given or (), cluster.capacity_providers)
    if not launch_type and not strategy:
        strategy = cluster.default_capacity_provider_strategy
    if strategy:
        return None, items_of(check_placing(strategy))
    if launch_type != "FARGATE":
        raise instances_fault(params) or NotImplementedHere(
            f"{_words_of(launch_type)}: Seawall has no container instances, and no task of the service"
            " would ever start. Give the launch type FARGATE or a capacity provider strategy."
        )
    return "FARGATE", ()


def _words_of(launch_type: str | None) -> str:
    return f"The launch type {launch_type}" if launch_type else "No launch type, which means EC2"


def _read_network(reader: Reader, configuration: Params | None) -> ServiceNetwork:
    network = read_network(reader, configuration)
    given = configuration["awsvpcConfiguration"] if configuration else {}
    return ServiceNetwork(
        subnet_ids=tuple(subnet.id for subnet in network.subnets),
        security_group_ids=tuple(given.get("securityGroups") or ()),
        assign_public_ip=network.public,
    )


def _check(workload: Workload, *, executable: bool, verb: str) -> None:
    """What must fit together, whichever part of it is new."""
    definition = workload.definition
    if "FARGATE" not in definition.compatibilities:
        raise invalid_parameter("Task definition does not support launch_type FARGATE.")
    check_containers(workload.load_balancers, definition)
    if executable and definition.task_role_arn is None:
        raise invalid_parameter(
            f"The service couldn't be {verb} because a valid taskRoleArn is not being used. Specify a valid"
            " task role in your task definition and try again."
        )
    version = platform_version_of(workload.platform_version)
    check_platform(version, definition, read_overrides(None, definition), executable=executable)
