"""ExecuteCommand, taken up by a client written from Session Manager's protocol as its plugin speaks it."""

import base64
import hashlib
import json
import os
import socket
import struct
import time
import urllib.parse
import uuid
from collections.abc import Iterator
from typing import Any

import botocore.exceptions
import pytest
from tests.e2e.harness import TRUST, Network, Seawall, wait_for

NOT_ENABLED = (
    "The execute command failed because execute command was not enabled when the task was run or the execute"
    " command agent isn’t running. Wait and try again or run a new task with execute command enabled and try"
    " again."
)


def start(seawall: Seawall, network: Network, role: str, *, enabled: bool) -> str:
    where = {"subnets": [network.private], "securityGroups": [network.group]}
    answer = seawall.client("ecs").run_task(
        taskDefinition="myapp",
        launchType="FARGATE",
        enableExecuteCommand=enabled,
        overrides={"taskRoleArn": role},
        networkConfiguration={"awsvpcConfiguration": where},
    )
    return str(answer["tasks"][0]["taskArn"])


@pytest.fixture(scope="module")
def tasks(seawall: Seawall, account: None, network: Network) -> Iterator[tuple[str, str]]:
    """One with, one without."""
    made = seawall.client("iam").create_role(RoleName="shellRole", AssumeRolePolicyDocument=json.dumps(TRUST))
    allow_channels(seawall)
    arns = [start(seawall, network, made["Role"]["Arn"], enabled=enabled) for enabled in (True, False)]
    wait_for(seawall, "tasks_running", *arns)
    yield arns[0], arns[1]
    for arn in arns:
        seawall.client("ecs").stop_task(task=arn)
    wait_for(seawall, "tasks_stopped", *arns)


def allow_channels(seawall: Seawall) -> None:
    """What the developer guide gives to a task role for ECS Exec."""
    actions = [
        f"ssmmessages:{verb}{which}Channel" for verb in ("Create", "Open") for which in ("Control", "Data")
    ]
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    seawall.client("iam").put_role_policy(RoleName="shellRole", PolicyName="exec", PolicyDocument=document)


def execute(seawall: Seawall, task: str, command: str = "/bin/sh", **more: Any) -> Any:
    asked = {"container": "web", "interactive": True, **more}
    return seawall.client("ecs").execute_command(task=task, command=command, **asked)


class Plugin:
    """`deaf` drops that many messages before it acknowledges any, as the plugin does until it is ready."""

    def __init__(self, session: dict[str, str], *, deaf: int = 0, token: str | None = None) -> None:
        url = urllib.parse.urlsplit(session["streamUrl"])
        assert (url.scheme, url.path) == ("ws", f"/v1/data-channel/{session['sessionId']}")
        assert url.hostname is not None
        self.socket = socket.create_connection((url.hostname, url.port or 80), timeout=20)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET {url.path}?{url.query} HTTP/1.1\r\nHost: {url.netloc}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        self.file = self.socket.makefile("rb")
        head = b"".join(iter(self.file.readline, b"\r\n")).decode()
        assert head.startswith("HTTP/1.1 101")
        magic = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
        assert base64.b64encode(magic).decode() in head
        opening = {
            "MessageSchemaVersion": "1.0",
            "RequestId": str(uuid.uuid4()),
            "TokenValue": token or session["tokenValue"],
            "ClientId": str(uuid.uuid4()),
            "ClientVersion": "1.2.0.0",
        }
        self.send_frame(1, json.dumps(opening).encode())
        self.deaf = deaf
        self.sequence = 0
        self.expected = 0
        self.acknowledged: set[int] = set()
        self.said = b""
        self.closed: dict[str, Any] | None = None

    def close(self) -> None:
        self.file.close()
        self.socket.close()

    def send_frame(self, opcode: int, data: bytes) -> None:
        mask = os.urandom(4)
        length = bytes([0x80 | len(data)]) if len(data) < 126 else struct.pack(">BH", 0xFE, len(data))
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))
        self.socket.sendall(bytes([0x80 | opcode]) + length + mask + masked)

    def send(self, kind: str, payload: bytes, payload_type: int = 0, sequence: int = 0) -> None:
        id = uuid.uuid4().bytes
        head = struct.pack(
            ">I32sIQqQ16s32sII",
            *(116, kind.encode().ljust(32), 1, time.time_ns() // 10**6, sequence, 0, id[8:] + id[:8]),
            *(hashlib.sha256(payload).digest(), payload_type, len(payload)),
        )
        self.send_frame(2, head + payload)

    def type(self, data: bytes, payload_type: int = 1) -> None:
        self.send("input_stream_data", data, payload_type, self.sequence)
        self.sequence += 1

    def step(self) -> None:
        """One message from the service."""
        first, length = self.file.read(2)
        if length >= 126:
            length = int.from_bytes(self.file.read(2 if length == 126 else 8), "big")
        data = self.file.read(length)
        if first & 0xF != 2:
            return
        values = struct.unpack_from(">I32sIQqQ16s32sII", data)
        kind, sequence, id, digest, payload_type = (values[n] for n in (1, 4, 6, 7, 8))
        payload = data[values[0] + 4 :]
        assert hashlib.sha256(payload).digest() == digest
        if kind.strip() == b"acknowledge":
            self.acknowledged.add(json.loads(payload)["AcknowledgedMessageSequenceNumber"])
        elif kind.strip() == b"channel_closed":
            self.closed = json.loads(payload)
        elif payload_type == 1 and self.deaf > 0:
            self.deaf -= 1
        else:
            content = {
                "AcknowledgedMessageType": "output_stream_data",
                "AcknowledgedMessageId": str(uuid.UUID(bytes=id[8:] + id[:8])),
                "AcknowledgedMessageSequenceNumber": sequence,
                "IsSequentialMessage": True,
            }
            self.send("acknowledge", json.dumps(content).encode())
            if sequence == self.expected:
                self.expected += 1
                self.take(payload_type, payload)

    def take(self, payload_type: int, payload: bytes) -> None:
        if payload_type == 5:
            actions = json.loads(payload)["RequestedClientActions"]
            assert [a["ActionType"] for a in actions] == ["SessionType"]
            done = [{"ActionType": "SessionType", "ActionStatus": 1, "ActionResult": None, "Error": ""}]
            self.type(json.dumps({"ClientVersion": "1.2", "ProcessedClientActions": done}).encode(), 6)
        elif payload_type == 7:
            assert "HandshakeTimeToComplete" in json.loads(payload)
        elif payload_type == 1:
            self.said += payload

    def until(self, text: bytes) -> None:
        while text not in self.said:
            self.step()


def test_a_shell_with_its_terminal(seawall: Seawall, tasks: tuple[str, str]) -> None:
    answer = execute(seawall, tasks[0])
    described = seawall.client("ecs").describe_tasks(tasks=[tasks[0]])["tasks"][0]
    web = next(c for c in described["containers"] if c["name"] == "web")
    assert [(a["name"], a["lastStatus"]) for a in web["managedAgents"]] == [
        ("ExecuteCommandAgent", "RUNNING")
    ]
    assert (answer["taskArn"], answer["containerArn"]) == (tasks[0], web["containerArn"])
    assert (answer["containerName"], answer["interactive"]) == ("web", True)
    assert answer["session"]["sessionId"].startswith("ecs-execute-command-")
    plugin = Plugin(answer["session"], deaf=2)
    plugin.until(b"# ")
    plugin.type(b'{"cols":133,"rows":44}', 3)
    plugin.type(b"stty size; id -u\r")
    plugin.until(b"44 133\r\n0\r\n")
    plugin.type(b"exit\r")
    while plugin.closed is None:
        plugin.step()
    assert plugin.closed["Output"] == ""
    assert plugin.acknowledged == set(range(plugin.sequence))
    plugin.close()


def test_a_token_opens_one_session_once(seawall: Seawall, tasks: tuple[str, str]) -> None:
    session = execute(seawall, tasks[0])["session"]
    for token, heard in (("wrong", False), (None, True), (None, False)):
        plugin = Plugin(session, token=token)
        assert bool(plugin.file.read(1)) == heard
        plugin.close()


@pytest.mark.parametrize(
    ("more", "code", "text"),
    [
        (
            {"interactive": False},
            "InvalidParameterException",
            "Interactive is the only mode supported currently.",
        ),
        ({"task": "0" * 32}, "InvalidParameterException", "The referenced task was not found."),
        ({"cluster": "other"}, "ClusterNotFoundException", "Cluster not found."),
    ],
)
def test_refusals(
    seawall: Seawall, tasks: tuple[str, str], more: dict[str, Any], code: str, text: str
) -> None:
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        execute(seawall, more.pop("task", tasks[0]), **more)
    error = refused.value.response["Error"]
    assert (error["Code"], error["Message"]) == (code, text)


def test_a_task_without_it(seawall: Seawall, tasks: tuple[str, str]) -> None:
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        execute(seawall, tasks[1])
    assert refused.value.response["Error"]["Message"] == NOT_ENABLED


def test_a_role_that_may_not_open_channels(seawall: Seawall, tasks: tuple[str, str]) -> None:
    seawall.client("iam").delete_role_policy(RoleName="shellRole", PolicyName="exec")
    try:
        with pytest.raises(botocore.exceptions.ClientError) as refused:
            execute(seawall, tasks[0])
    finally:
        allow_channels(seawall)
    error = refused.value.response["Error"]
    assert error["Code"] == "TargetNotConnectedException"
    assert error["Message"] == "The execute command failed due to an internal error. Try again later."
