"""ExecuteCommand: a session with a container, to be taken up by the Session Manager plugin.

Source: "Monitor Amazon ECS containers with ECS Exec" and its troubleshooting; service model.
"""

from typing import Any, Protocol

from seawall.api.ecs.names import find_cluster, find_task, invalid_parameter
from seawall.api.ecs.task_shape import task_arn
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.iam.access import CallFacts, Target
from seawall.iam.authorize import Asker
from seawall.iam.context import Origin
from seawall.iam.principal import Principal
from seawall.model.access_key import RoleSession
from seawall.model.role import Role
from seawall.model.task import Task, TaskContainer
from seawall.wire.errors import ApiError

RESOURCE = "exec_sessions"
NOT_ENABLED = (
    "The execute command failed because execute command was not enabled when the task was run or the execute"
    " command agent isn’t running. Wait and try again or run a new task with execute command enabled and try"
    " again."
)
NOT_CONNECTED = "The execute command failed due to an internal error. Try again later."
CHANNEL_ACTIONS = ("CreateControlChannel", "CreateDataChannel", "OpenControlChannel", "OpenDataChannel")
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
    running = task.last_status == container.last_status == "RUNNING"
    if not running or not _may_open_channels(call, task):
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


def _may_open_channels(call: Call, task: Task) -> bool:
    """Whether the agent in the container would be connected: it opens its channels as the task's role."""
    session = call.store.find(RoleSession, task.role_session_id or "")
    role = call.store.find(Role, session.role) if session is not None else None
    if session is None or role is None:
        return False
    agent = Principal(
        kind="assumed-role",
        account=call.account,
        arn=f"arn:aws:sts::{call.account}:assumed-role/{role.id}/{session.session_name}",
        user_id=f"{role.role_id}:{session.session_name}",
        access_key_id=session.id,
    )
    facts = CallFacts(
        store=call.store,
        account=call.account,
        region=call.region,
        now=call.now,
        principal=agent,
        partition=call.partition,
    )
    asker = Asker(facts, Origin())
    return all(asker.decide(f"ssmmessages:{action}", Target("*"))[1].allowed for action in CHANNEL_ACTIONS)


def _container(task: Task, wanted: str | None) -> TaskContainer:
    if wanted is None and len(task.containers) == 1:
        return task.containers[0]
    if wanted is None:
        raise invalid_parameter("The container name must be specified when the task has multiple containers.")
    found = next((c for c in task.containers if c.name == wanted), None)
    if found is None:
        raise invalid_parameter("The referenced container was not found.")
    return found
