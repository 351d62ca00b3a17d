"""Container instances belong to the EC2 launch type.  On Fargate there are none, and that is the answer."""

from typing import Any

from seawall.api.ecs.names import active_cluster, check_count, client_exception, page_of
from seawall.api.params import Params
from seawall.api.registry import Call, operation

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
    arns = (
        text if text.startswith("arn:") else call.arn(f"container-instance/{cluster.id}/{text}")
        for text in asked
    )
    return {"containerInstances": [], "failures": [{"arn": arn, "reason": "MISSING"} for arn in arns]}
