"""Tasks: described, listed, stopped.  They are made by `run_task` and moved by the controllers."""

from typing import Any

from msgspec.structs import replace

from seawall.api.ecs.launch import check_launch_type
from seawall.api.ecs.names import (
    check_choice,
    check_count,
    find_cluster,
    find_task,
    invalid_parameter,
    page_of,
)
from seawall.api.ecs.service_names import get_service
from seawall.api.ecs.task_shape import show_task, task_arn
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.task import Task

STOPPED_BY_USER = "Task stopped by user"
LONGEST_REASON = 1024


@operation("ecs", "StopTask")
def stop_task(call: Call, params: Params) -> dict[str, Any]:
    reason = params.get("reason") or STOPPED_BY_USER
    if len(reason) > LONGEST_REASON:
        raise invalid_parameter(f"reason can be at most {LONGEST_REASON} characters.")
    with call.write() as txn:
        cluster = find_cluster(call, txn, params.get("cluster"))
        task = find_task(call, txn, cluster.id, params["task"])
        if task is None:
            raise invalid_parameter("The referenced task was not found.")
        if task.desired_status != "STOPPED":
            task = replace(
                task,
                desired_status="STOPPED",
                stop_code="UserInitiated",
                stopped_reason=reason,
                version=task.version + 1,
            )
            txn.put(task)
    return {"task": show_task(call, task)}


@operation("ecs", "DescribeTasks")
def describe_tasks(call: Call, params: Params) -> dict[str, Any]:
    asked, include = params["tasks"], params.get("include") or ()
    for field in include:
        check_choice(field, ("TAGS",), "include")
    with_tags = "TAGS" in include
    if not asked:
        raise invalid_parameter("Tasks cannot be empty.")
    check_count(asked, 100, "taskIds")
    cluster = find_cluster(call, call.store, params.get("cluster"))
    tasks, failures = [], []
    for text in dict.fromkeys(asked):
        task = find_task(call, call.store, cluster.id, text)
        if task is not None:
            tasks.append(show_task(call, task, with_tags=with_tags))
        else:
            arn = text if text.startswith("arn:") else call.arn(f"task/{cluster.id}/{text}")
            failures.append({"arn": arn, "reason": "MISSING"})
    return {"tasks": tasks, "failures": failures}


@operation("ecs", "ListTasks")
def list_tasks(call: Call, params: Params) -> dict[str, Any]:
    cluster = find_cluster(call, call.store, params.get("cluster"))
    check_launch_type(params.get("launchType"))
    check_choice(params.get("desiredStatus"), ("RUNNING", "PENDING", "STOPPED"), "desired status")
    wanted = {
        "desired_status": params.get("desiredStatus", "RUNNING"),
        "launch_type": params.get("launchType"),
        "started_by": params.get("startedBy"),
    }
    family = params.get("family")
    if params.get("serviceName"):
        wanted["service"] = get_service(call, call.store, cluster.id, params["serviceName"]).id
    if params.get("containerInstance"):
        raise invalid_parameter("The referenced container instance was not found.")

    def chosen(task: Task) -> bool:
        if family is not None and task.task_definition.rsplit(":", 1)[0] != family:
            return False
        return all(value is None or getattr(task, name) == value for name, value in wanted.items())

    tasks = [task for task in call.store.referrers(Task, cluster.ref) if chosen(task)]
    page, rest = page_of(tasks, params.get("maxResults"), params.get("nextToken"), lambda task: task.id)
    return {"taskArns": [task_arn(call, task) for task in page], **rest}
