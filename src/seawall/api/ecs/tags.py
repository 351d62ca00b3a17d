"""Tags of ECS resources: what they may be, and the operations on them.

Sources: "Tagging your Amazon ECS resources"; TagKey and TagValue of the service model.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from seawall.api.ecs.definition_names import find_definition
from seawall.api.ecs.names import DEFAULT_CLUSTER, find_cluster, find_task, invalid_parameter, own_arn
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.cluster import Cluster
from seawall.model.resource import Tags
from seawall.model.service import Service
from seawall.model.task import Task
from seawall.model.task_definition import TaskDefinition
from seawall.store.store import Reader
from seawall.wire.errors import ApiError, NotImplementedHere

TAGS_PER_RESOURCE = 50


def read_tags(given: Iterable[Mapping[str, str]] | None) -> Tags:
    """[{key, value}] as a dict.  Raises ApiError for what tags must not be."""
    tags: Tags = {}
    for tag in given or ():
        key = tag.get("key")
        if not key:
            raise invalid_parameter("Tag key must not be null or empty.")
        if key.lower().startswith("aws:"):
            raise invalid_parameter("Tag keys starting with 'aws:' are reserved for internal use")
        if key in tags:
            raise invalid_parameter(
                "Duplicate tag keys found. Please note that Tag keys are case insensitive."
            )
        tags[key] = tag.get("value", "")
    return _checked(tags)


def show_tags(tags: Tags) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in tags.items()]


def _checked(tags: Tags) -> Tags:
    if len(tags) > TAGS_PER_RESOURCE:
        raise invalid_parameter(
            f"The maximum number of tags for a resource is {TAGS_PER_RESOURCE}, but {len(tags)} were given."
        )
    return tags


@operation("ecs", "TagResource")
def tag_resource(call: Call, params: Params) -> dict[str, Any]:
    added = read_tags(params["tags"])
    with call.write() as txn:
        resource = _resource(call, txn, params["resourceArn"])
        txn.put(replace(resource, tags=_checked({**resource.tags, **added})))
    return {}


@operation("ecs", "UntagResource")
def untag_resource(call: Call, params: Params) -> dict[str, Any]:
    removed = set(params["tagKeys"])
    with call.write() as txn:
        resource = _resource(call, txn, params["resourceArn"])
        kept = {key: value for key, value in resource.tags.items() if key not in removed}
        txn.put(replace(resource, tags=kept))
    return {}


@operation("ecs", "ListTagsForResource")
def list_tags_for_resource(call: Call, params: Params) -> dict[str, Any]:
    return {"tags": show_tags(_resource(call, call.store, params["resourceArn"]).tags)}


def _resource(call: Call, reader: Reader, text: str) -> Cluster | Service | Task | TaskDefinition:
    arn = own_arn(call, text)
    kind, _, name = arn.resource.partition("/")
    if kind == "cluster":
        cluster = find_cluster(call, reader, name)
        if cluster.status != "ACTIVE":
            raise invalid_parameter(
                "The specified cluster is inactive. Specify an active cluster and try again."
            )
        return cluster
    if kind == "task":
        task = find_task(call, reader, name.split("/", 1)[0], text)
        if task is None:
            raise invalid_parameter("The specified task is not found. Specify a valid task and try again.")
        return task
    if kind == "service":
        service = _service(reader, name)
        if service is None or service.status != "ACTIVE":
            raise invalid_parameter(
                "The specified service is inactive. Specify an active service and try again."
                if service
                else "The specified service is not found. Specify a valid service and try again."
            )
        return service
    if kind == "task-definition":
        definition = find_definition(call, reader, text)
        if definition is None:
            raise ApiError("ResourceNotFoundException", "The specified task definition does not exist.")
        return definition
    raise NotImplementedHere(f"{call.operation}: Seawall has no ECS resources of the kind {kind!r}.")


def _service(reader: Reader, name: str) -> Service | None:
    """CLUSTER/NAME, or the older NAME of a service in the default cluster."""
    return reader.find(Service, name if "/" in name else f"{DEFAULT_CLUSTER}/{name}")
