"""ExecuteCommand: a session with a container, to be taken up by the Session Manager plugin.

Source: "Monitor Amazon ECS containers with ECS Exec" and its troubleshooting; service model.
"""

from typing import Any, Protocol

from seawall.api.ecs.names import find_cluster, find_task, invalid_parameter
from seawall.api.ecs.task_shape import task_arn
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.task import Task, TaskContainer
from seawall.wire.errors import ApiError

RESOURCE = "exec_sessions"
NOT_ENABLED = (
    "The execute command failed because execute command was not enabled when the task was run or the execute"
    " command agent isn’t running. Wait and try again or run a new task with execute command enabled and try"
    " again."
)
NOT_CONNECTED = "The execute command failed due to an internal error. Try again later."
NOTE = (
    "streamUrl is a plain WebSocket at the API's address, for the Session Manager plugin on this machine; the"
    " session does not travel through the task's network."
)


class OpenedSession(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def token(self) -> str: ...


class Sessions(Protocol):
    def open(self, task_id: str, container: str, command: str) -> OpenedSession: ...


@operation("ecs", "ExecuteCommand", note=NOTE)
def execute_command(call: Call, params: Params) -> dict[str, Any]:
    cluster = find_cluster(call, call.store, params.get("cluster"))
    command, interactive, text = params["command"], params["interactive"], params["task"]
    wanted = params.get("container")
    if not interactive:
        raise invalid_parameter("Interactive is the only mode supported currently.")
    task = find_task(call, call.store, cluster.id, text)
    if task is None:
        raise invalid_parameter("The referenced task was not found.")
    container = _container(task, wanted)
    if not task.enable_execute_command:
        raise invalid_parameter(NOT_ENABLED)
    if task.last_status != "RUNNING" or container.last_status != "RUNNING":
        raise ApiError("TargetNotConnectedException", NOT_CONNECTED)
    sessions: Sessions = call.resources[RESOURCE]
    try:
        session = sessions.open(task.id, container.name, command)
    except ValueError as error:
        raise invalid_parameter(f"Invalid command: {error}.") from None
    return {
        "clusterArn": call.arn(f"cluster/{cluster.id}"),
        "containerArn": call.arn(f"container/{task.cluster}/{task.id}/{container.id}"),
        "containerName": container.name,
        "interactive": True,
        "session": {"sessionId": session.id, "streamUrl": session.url, "tokenValue": session.token},
        "taskArn": task_arn(call, task),
    }


def _container(task: Task, wanted: str | None) -> TaskContainer:
    if wanted is None and len(task.containers) == 1:
        return task.containers[0]
    if wanted is None:
        raise invalid_parameter("The container name must be specified when the task has multiple containers.")
    found = next((c for c in task.containers if c.name == wanted), None)
    if found is None:
        raise invalid_parameter("The referenced container was not found.")
    return found
