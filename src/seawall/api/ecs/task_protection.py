"""Scale-in protection belongs to services.  Of a standalone task it says TASK_NOT_VALID, as on AWS.

Source: GetTaskProtection and UpdateTaskProtection of the service model; "Task scale-in protection".
"""

from collections.abc import Sequence
from typing import Any

from seawall.api.ecs.names import check_count, find_cluster, find_task, invalid_parameter
from seawall.api.ecs.task_shape import task_arn
from seawall.api.params import Params
from seawall.api.registry import Call, operation

MOST_TASKS = 10
MINUTES = range(1, 2880 + 1)
NOTE = "There are standalone tasks only, so every task is a failure: TASK_NOT_VALID, or MISSING."


@operation("ecs", "GetTaskProtection", note=NOTE)
def get_task_protection(call: Call, params: Params) -> dict[str, Any]:
    return _answer(call, params.get("cluster"), params.get("tasks") or [])


@operation("ecs", "UpdateTaskProtection", note=NOTE)
def update_task_protection(call: Call, params: Params) -> dict[str, Any]:
    tasks, _ = params["tasks"], params["protectionEnabled"]
    if not tasks:
        raise invalid_parameter("Tasks cannot be empty.")
    minutes = params.get("expiresInMinutes")
    if minutes is not None and minutes not in MINUTES:
        raise invalid_parameter(f"expiresInMinutes must be between {MINUTES[0]} and {MINUTES[-1]}.")
    return _answer(call, params.get("cluster"), tasks)


def _answer(call: Call, cluster_text: str | None, asked: Sequence[str]) -> dict[str, Any]:
    check_count(asked, MOST_TASKS, "tasks")
    cluster = find_cluster(call, call.store, cluster_text)
    failures = []
    for text in dict.fromkeys(asked):
        task = find_task(call, call.store, cluster.id, text)
        if task is not None:
            failures.append({"arn": task_arn(call, task), "reason": "TASK_NOT_VALID"})
        else:
            arn = text if text.startswith("arn:") else call.arn(f"task/{cluster.id}/{text}")
            failures.append({"arn": arn, "reason": "MISSING"})
    return {"protectedTasks": [], "failures": failures}
