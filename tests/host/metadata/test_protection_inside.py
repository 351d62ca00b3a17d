"""Scale-in protection from inside of a task: what is asked of ECS, and what the task hears of the answer."""

import asyncio
import json
from typing import Any

import pytest
from msgspec.structs import replace

from seawall.host.metadata.protection import protection
from seawall.host.namespace_http import HttpAnswer, RequestFailed
from seawall.program.task import ContainerProgram, Credentials, ImageSource, RoleCredentials, TaskProgram

ARN = "arn:aws:ecs:eu-west-1:123456789012:task/blue/0123"
CLUSTER = "arn:aws:ecs:eu-west-1:123456789012:cluster/blue"
KEYS = Credentials(access_key_id="ASIA1", secret_access_key="s", session_token="t")
PROGRAM = TaskProgram(
    id="0123",
    namespace="task-0123",
    hostname="h",
    hosts="",
    resolv_conf="nameserver 10.0.0.2\n",
    cpu_quota=1,
    memory_bytes=1,
    role=RoleCredentials(id="r", role_arn="role", credentials=KEYS, expiration="2026-01-01T00:00:00Z"),
    metadata=json.dumps({"Task": {"TaskARN": ARN, "Cluster": CLUSTER}}).encode(),
    containers=(ContainerProgram(name="c", runtime_id="me", image=ImageSource(reference="i")),),
)


class Ecs:
    """Stands where ECS does, says what it was given to say, and keeps what it heard."""

    def __init__(self, said: Any, status: int = 200) -> None:
        self.said, self.status = said, status
        self.heard: list[tuple[str | None, list[str], str, dict[str, str], Any]] = []

    async def request(
        self,
        namespace: str | None,
        servers: Any,
        method: str,
        url: str,
        fields: dict[str, str],
        body: bytes,
        **_: Any,
    ) -> HttpAnswer:
        self.heard.append((namespace, list(servers), url, fields, json.loads(body)))
        if isinstance(self.said, Exception):
            raise self.said
        return HttpAnswer(self.status, {"x-amzn-requestid": "7"}, json.dumps(self.said).encode())


def ask(ecs: Any, method: str = "GET", body: Any = b"", id: str = "me", **changed: Any) -> tuple[int, Any]:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = asyncio.run(protection(ecs, replace(PROGRAM, **changed), id, method, text))
    assert answer.content_type == "application/json"
    return answer.status, json.loads(answer.body)


def test_a_task_asks_as_itself_over_its_own_interface() -> None:
    ecs = Ecs({"protectedTasks": [{"taskArn": ARN, "protectionEnabled": False}], "failures": []})
    told = {"protection": {"ExpirationDate": None, "ProtectionEnabled": False, "TaskArn": ARN}}
    assert ask(ecs) == (200, told)
    ((namespace, servers, url, fields, asked),) = ecs.heard
    assert (namespace, servers, url) == ("task-0123", ["10.0.0.2"], "https://ecs.eu-west-1.amazonaws.com/")
    assert fields["X-Amz-Target"] == "AmazonEC2ContainerServiceV20141113.GetTaskProtection"
    assert "Credential=ASIA1/" in fields["Authorization"]
    assert asked == {"cluster": CLUSTER, "tasks": [ARN]}


@pytest.mark.parametrize(
    ("body", "members"),
    [
        ({"ProtectionEnabled": True}, {"protectionEnabled": True}),
        ({"ProtectionEnabled": False, "ExpiresInMinutes": None}, {"protectionEnabled": False}),
        (
            {"protectionEnabled": True, "expiresInMinutes": 60},
            {"protectionEnabled": True, "expiresInMinutes": 60},
        ),
    ],
)
def test_a_task_protects_itself(body: Any, members: Any) -> None:
    shown = {"taskArn": ARN, "protectionEnabled": True, "expirationDate": 1665023356.0}
    ecs = Ecs({"protectedTasks": [shown], "failures": []})
    status, said = ask(ecs, "PUT", body)
    assert (status, said["protection"]["ExpirationDate"]) == (200, "2022-10-06T02:29:16Z")
    assert ecs.heard[0][3]["X-Amz-Target"].endswith(".UpdateTaskProtection")
    assert ecs.heard[0][4] == {"cluster": CLUSTER, "tasks": [ARN], **members}


@pytest.mark.parametrize(
    "body", [b"", b"no", b"[]", {"ProtectionEnabled": "yes"}, {"ProtectionEnabled": True, "Other": 1}]
)
def test_what_cannot_be_read_is_not_asked(body: Any) -> None:
    ecs = Ecs({})
    text = "UpdateTaskProtection: failed to decode request"
    assert ask(ecs, "PUT", body) == (400, {"error": {"Code": "InvalidParameterException", "Message": text}})
    assert ecs.heard == []


def test_what_is_missing_is_not_asked() -> None:
    ecs = Ecs({})
    status, said = ask(ecs, "PUT", {"ExpiresInMinutes": 5})
    text = "Invalid request: does not contain 'ProtectionEnabled' field"
    code = "InvalidParameterException"
    assert (status, said) == (400, {"error": {"Arn": ARN, "Code": code, "Message": text}})
    assert ask(ecs, id="other")[0] == 404
    status, said = ask(ecs, role=None)
    assert (status, said["error"]["Code"]) == (403, "AccessDeniedException")
    assert ecs.heard == []


def test_a_failure_and_a_refusal_are_passed_on() -> None:
    failures = [{"arn": ARN, "reason": "TASK_NOT_VALID"}]
    told = {"failure": {"Arn": ARN, "Detail": None, "Reason": "TASK_NOT_VALID"}}
    assert ask(Ecs({"protectedTasks": [], "failures": failures})) == (200, told)
    refused = Ecs({"__type": "AccessDeniedException", "message": "User: x is not authorized"}, 400)
    error = {"Arn": ARN, "Code": "AccessDeniedException", "Message": "User: x is not authorized"}
    assert ask(refused) == (400, {"requestID": "7", "error": error})


def test_an_ecs_out_of_reach_is_told() -> None:
    status, said = ask(Ecs(RequestFailed("timeout", "u", "i/o timeout")))
    assert (status, said["error"]["Code"]) == (504, "RequestCanceled")
    assert said["error"]["Message"] == "Timed out calling ECS Task Protection API"
    status, said = ask(Ecs(RequestFailed("refused", "u", "connection refused")))
    assert (status, said["error"]["Code"]) == (500, "ServerException")
    assert said["error"]["Message"].endswith("connection refused")
