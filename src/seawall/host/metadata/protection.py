"""Scale-in protection of a task, asked for and set from inside: the agent calls ECS with the task's role.

Source: the ECS agent's task protection handlers, whose texts these are; developer guide, "Task scale-in
protection endpoint".  The call leaves by the task's own interface, as all that the platform asks for a task.
"""

import asyncio
from typing import Any

import msgspec

from seawall.host.aws_call import AwsRefused, AwsService, call
from seawall.host.deadline import within
from seawall.host.metadata.answer import Answer
from seawall.host.metadata.description import moment
from seawall.host.namespace_http import NamespaceHttp, RequestFailed
from seawall.host.namespace_names import nameservers
from seawall.program.task import TaskProgram

PATH = "task-protection/v1/state"
TARGET = "AmazonEC2ContainerServiceV20141113"
LONGEST_CALL_S = 4.0  # as the agent's
GET, UPDATE = "GetTaskProtection", "UpdateTaskProtection"
MEMBERS = {"protectionenabled": bool, "expiresinminutes": int}


async def protection(http: NamespaceHttp, program: TaskProgram, id: str, method: str, body: bytes) -> Answer:
    """What a container that calls itself `id` hears; `method` is GET or PUT."""
    wanted: dict[str, Any] | None = None
    if method == "PUT":
        wanted = _read(body)
        if wanted is None:
            return _error(400, "", "InvalidParameterException", f"{UPDATE}: failed to decode request")
    if all(container.runtime_id != id for container in program.containers):
        return _error(404, "", "ResourceNotFoundException", "Failed to find a task for the request")
    known = msgspec.json.decode(program.metadata)["Task"]
    arn = known["TaskARN"]
    if wanted is not None and wanted.get("protectionEnabled") is None:
        text = "Invalid request: does not contain 'ProtectionEnabled' field"
        return _error(400, arn, "InvalidParameterException", text)
    if program.role is None:
        text = "Invalid Request: no task IAM role credentials available for task"
        return _error(403, arn, "AccessDeniedException", text)
    members = {"cluster": known["Cluster"], "tasks": [arn], **(wanted or {})}
    return await _called(http, program, arn, GET if wanted is None else UPDATE, members)


def _read(body: bytes) -> dict[str, Any] | None:
    """The members that are asked for, by ECS's names; None where they cannot be read.

    Names are taken in any case and unknown ones are not, as Go's decoder does.
    """
    try:
        given = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    read = {}
    for name, value in given.items():
        wanted = MEMBERS.get(name.lower())
        if wanted is None or not (value is None or type(value) is wanted):
            return None
        if value is not None:
            read["protectionEnabled" if wanted is bool else "expiresInMinutes"] = value
    return read


async def _called(
    http: NamespaceHttp, program: TaskProgram, arn: str, operation: str, members: dict[str, Any]
) -> Answer:
    assert program.role is not None
    region = arn.split(":")[3]
    service = AwsService(
        name="ecs",
        target=TARGET,
        endpoint=f"ecs.{region}.amazonaws.com",
        region=region,
        credentials=program.role.credentials,
    )
    servers = nameservers(program.resolv_conf)
    try:
        said = await within(
            LONGEST_CALL_S, call(http, program.namespace, servers, service, operation, members)
        )
    except AwsRefused as refused:
        return _error(refused.status, arn, refused.code, refused.message, refused.request_id)
    except asyncio.TimeoutError:
        return _timed_out(arn)
    except RequestFailed as failed:
        if failed.cause == "timeout":
            return _timed_out(arn)
        text = f'operation error ECS: {operation}, request send failed, Post "{service.url}": {failed.text}'
        return _error(500, arn, "ServerException", text)
    return _shown(arn, said)


def _shown(arn: str, said: dict[str, Any]) -> Answer:
    failures, tasks = said.get("failures") or [], said.get("protectedTasks") or []
    if failures:
        (failed,) = failures
        return _answer(200, {"failure": _capitals(failed, "arn", "detail", "reason")})
    if len(tasks) != 1:
        return _error(500, arn, "ServerException", "Unexpected error occurred")
    shown = _capitals(tasks[0], "expirationDate", "protectionEnabled", "taskArn")
    if shown["ExpirationDate"] is not None:
        shown["ExpirationDate"] = moment(shown["ExpirationDate"])
    return _answer(200, {"protection": shown})


def _capitals(members: dict[str, Any], *names: str) -> dict[str, Any]:
    """All of these members, with null where there is none, by the names of Go's fields."""
    return {name[0].upper() + name[1:]: members.get(name) for name in names}


def _timed_out(arn: str) -> Answer:
    return _error(504, arn, "RequestCanceled", "Timed out calling ECS Task Protection API")


def _error(status: int, arn: str, code: str, message: str, request_id: str | None = None) -> Answer:
    error = {**({"Arn": arn} if arn else {}), "Code": code, "Message": message}
    return _answer(status, {**({"requestID": request_id} if request_id else {}), "error": error})


def _answer(status: int, said: dict[str, Any]) -> Answer:
    return Answer(status, msgspec.json.encode(said))
