"""An ECS cluster: a name that tasks are grouped under."""

from typing import Any, Literal

from seawall.model.resource import Resource, Tags, kind


@kind("cluster")
class Cluster(Resource, frozen=True, kw_only=True):
    """`id` is the cluster's name."""

    status: Literal["ACTIVE", "INACTIVE"] = "ACTIVE"
    settings: tuple[dict[str, str], ...] = ({"name": "containerInsights", "value": "disabled"},)
    capacity_providers: tuple[str, ...] = ()
    default_capacity_provider_strategy: tuple[dict[str, Any], ...] = ()
    configuration: dict[str, Any] | None = None
    service_connect_defaults: dict[str, Any] | None = None
    tags: Tags = {}
