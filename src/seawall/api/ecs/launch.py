"""What a task is launched on: Fargate or Fargate Spot, by launch type or by capacity provider.

Sources: "RunTask", "Fargate platform versions" of the API reference and developer guide.
"""

from itertools import islice
from typing import Any

import msgspec

from seawall.api.ecs.capacity_provider import check_placing, items_of, next_providers, read_strategy
from seawall.api.ecs.names import check_choice, invalid_parameter
from seawall.api.params import Params
from seawall.model.cluster import Cluster
from seawall.model.task_definition import TaskDefinition
from seawall.wire.errors import ApiError

PLATFORM_VERSION = "1.4.0"
FORMER_VERSIONS = ("1.3.0",)
MOST_TASKS = 10
LAUNCH_TYPES = ("EC2", "FARGATE", "EXTERNAL")


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """`providers` has one entry for each task: a capacity provider's name, or None for a launch type."""

    providers: tuple[str | None, ...]
    platform_version: str


def read_launch(params: Params, cluster: Cluster, definition: TaskDefinition) -> Launch:
    """Refuse what is not Fargate.  Raises ApiError."""
    check_launch_type(params.get("launchType"))
    launch_type, given = params.get("launchType"), params.get("capacityProviderStrategy")
    version = params.get("platformVersion")
    count = params.get("count", 1)
    if not 1 <= count <= MOST_TASKS:
        raise invalid_parameter(f"count should be between 1 and {MOST_TASKS}.")
    if launch_type and given:
        raise invalid_parameter("Specify either Launch Type or Capacity Provider Strategy, but not both.")
    strategy = read_strategy(given or (), cluster.capacity_providers)
    if not launch_type and not strategy:
        strategy = cluster.default_capacity_provider_strategy
    check_placing(strategy)
    if not strategy and launch_type != "FARGATE":
        raise instances_fault(params) or invalid_parameter(
            "No Container Instances were found in your cluster."
        )
    refuse_placement(params)
    if "FARGATE" not in definition.compatibilities:
        raise invalid_parameter("Task definition does not support launch_type FARGATE.")
    return Launch(
        providers=tuple(islice(next_providers(items_of(strategy), {}), count))
        if strategy
        else (None,) * count,
        platform_version=platform_version_of(version),
    )


def check_launch_type(value: str | None) -> None:
    if value != "MANAGED_INSTANCES":  # a valid one that AWS's text leaves out
        check_choice(value, LAUNCH_TYPES, "launch type")


def instances_fault(params: Params) -> ApiError | None:
    """What is wrong with a request for container instances, before there being none."""
    if params.get("platformVersion"):
        return invalid_parameter("The platform version must be null when specifying an EC2 launch type.")
    network: dict[str, Any] = params.copy_unread().get("networkConfiguration", {})
    if network.get("awsvpcConfiguration", {}).get("assignPublicIp") == "ENABLED":
        return invalid_parameter("Assign public IP is not supported for this launch type.")
    return None


def refuse_placement(params: Params) -> None:
    if params.get("placementConstraints"):
        raise invalid_parameter("Placement constraints are not supported with FARGATE launch type.")
    if params.get("placementStrategy"):
        raise invalid_parameter("Placement strategies are not supported with FARGATE launch type.")


def platform_version_of(asked: str | None) -> str:
    if asked in (None, "", "LATEST"):
        return PLATFORM_VERSION
    if asked not in (PLATFORM_VERSION, *FORMER_VERSIONS):
        raise ApiError("PlatformUnknownException", "The specified platform does not exist.")
    return asked
