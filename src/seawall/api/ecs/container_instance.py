"""Container instances belong to the EC2 launch type.  On Fargate there are none, and that is the answer."""

from collections.abc import Iterable
from typing import Any

from seawall.api.ecs.definition_names import runnable_definition
from seawall.api.ecs.names import active_cluster, check_count, client_exception, page_of
from seawall.api.params import Params
from seawall.api.registry import Call, operation

MOST_STARTED = 10
NOTE = "Clusters have Fargate capacity only, so there are no container instances."


@operation("ecs", "ListContainerInstances", note=NOTE)
def list_container_instances(call: Call, params: Params) -> dict[str, Any]:
    active_cluster(call, call.store, params.get("cluster"))
    _, _ = params.get("status"), params.get("filter")  # nothing to choose from
    none: list[str] = []
    page_of(none, params.get("maxResults"), params.get("nextToken"), str)
    return {"containerInstanceArns": none}


@operation("ecs", "DescribeContainerInstances", note=NOTE)
def describe_container_instances(call: Call, params: Params) -> dict[str, Any]:
    cluster = active_cluster(call, call.store, params.get("cluster"))
    asked, _ = params["containerInstances"], params.get("include")
    if not asked:
        raise client_exception("Container Instances cannot be empty.")
    check_count(asked, 100, "containerInstanceIds")
    return {"containerInstances": [], "failures": _missing(call, cluster.id, asked)}


@operation("ecs", "StartTask", note=f"{NOTE}  Each one named is MISSING; no other member matters then.")
def start_task(call: Call, params: Params) -> dict[str, Any]:
    cluster = active_cluster(call, call.store, params.get("cluster"))
    asked = params["containerInstances"]
    if not asked:
        raise client_exception("Container Instances cannot be empty.")
    check_count(asked, MOST_STARTED, "containerInstances")
    runnable_definition(call, call.store, params["taskDefinition"])
    params.plain()  # nothing is started that any of it could apply to
    return {"tasks": [], "failures": _missing(call, cluster.id, asked)}


def _missing(call: Call, cluster: str, asked: Iterable[str]) -> list[dict[str, str]]:
    arns = (
        text if text.startswith("arn:") else call.arn(f"container-instance/{cluster}/{text}")
        for text in asked
    )
    return [{"arn": arn, "reason": "MISSING"} for arn in arns]
