"""Scale-in protection: tasks of services that neither scaling in nor a deployment may stop.

Source: GetTaskProtection and UpdateTaskProtection of the service model; "Task scale-in protection".
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from seawall.api.ecs.names import check_count, find_cluster, find_task, invalid_parameter
from seawall.api.ecs.task_shape import task_arn
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.service import Service
from seawall.model.task import Task
from seawall.store.store import Reader

MOST_CHANGED = 10
MOST_SHOWN = 100
MINUTES = range(1, 2880 + 1)
DEFAULT_MINUTES = 120


@operation("ecs", "GetTaskProtection")
def get_task_protection(call: Call, params: Params) -> dict[str, Any]:
    cluster = find_cluster(call, call.store, params.get("cluster")).id
    asked = params.get("tasks") or []
    check_count(asked, MOST_SHOWN, "tasks")
    tasks, failures = [], []
    for text, task in _found(call, call.store, cluster, asked):
        reason = _unfit(task)
        if task is None or reason is not None:
            failures.append({"arn": _arn(call, cluster, text, task), "reason": reason})
        else:
            tasks.append(_show(call, task))
    return {"protectedTasks": tasks, "failures": failures}


@operation("ecs", "UpdateTaskProtection")
def update_task_protection(call: Call, params: Params) -> dict[str, Any]:
    asked, protect = params["tasks"], params["protectionEnabled"]
    if not asked:
        raise invalid_parameter("Tasks cannot be empty.")
    check_count(asked, MOST_CHANGED, "tasks")
    minutes = params.get("expiresInMinutes")
    if minutes is not None and minutes not in MINUTES:
        raise invalid_parameter(f"expiresInMinutes must be between {MINUTES[0]} and {MINUTES[-1]}.")
    until = call.now + timedelta(minutes=minutes or DEFAULT_MINUTES) if protect else None
    cluster = find_cluster(call, call.store, params.get("cluster")).id
    tasks, failures = [], []
    with call.write() as txn:
        for text, task in _found(call, txn, cluster, asked):
            reason = _unfit(task) or (_blocked(txn, task) if task is not None and protect else None)
            if task is None or reason is not None:
                failures.append({"arn": _arn(call, cluster, text, task), "reason": reason})
                continue
            task = replace(task, protected_until=until)
            txn.put(task)
            tasks.append(_show(call, task))
    return {"protectedTasks": tasks, "failures": failures}


def _found(
    call: Call, reader: Reader, cluster: str, asked: Sequence[str]
) -> Iterator[tuple[str, Task | None]]:
    for text in dict.fromkeys(asked):
        yield text, find_task(call, reader, cluster, text)


def _unfit(task: Task | None) -> str | None:
    """Why a task can have no protection."""
    if task is None:
        return "MISSING"
    return "TASK_NOT_VALID" if task.service is None or task.desired_status == "STOPPED" else None


def _blocked(reader: Reader, task: Task) -> str | None:
    """A deployment that replaces the task may not be held up by protecting it now."""
    service = reader.find(Service, task.service or "")
    if service is None or service.status != "ACTIVE":
        return "TASK_NOT_VALID"
    current = any(d.id == task.deployment_id and d.status == "PRIMARY" for d in service.deployments)
    return None if current else "DEPLOYMENT_BLOCKED"


def _arn(call: Call, cluster: str, text: str, task: Task | None) -> str:
    if task is not None:
        return task_arn(call, task)
    return text if text.startswith("arn:") else call.arn(f"task/{cluster}/{text}")


def _show(call: Call, task: Task) -> dict[str, Any]:
    protected = task.protected_until is not None and task.protected_until > call.now
    shown: dict[str, Any] = {"taskArn": task_arn(call, task), "protectionEnabled": protected}
    if protected:
        shown["expirationDate"] = task.protected_until
    return shown
